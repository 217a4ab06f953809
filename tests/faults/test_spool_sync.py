"""Case 19: the disk refuses to sync. Nothing is acknowledged until it is durable elsewhere, and no
second sync of the same bytes is believed.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import form
from ingestor.spool_rescue import open_spool

ROOT = Path(__file__).parents[2]
CAP = 64 << 20
CHILD = """
import sys
from pathlib import Path
from ingestor.spool_file import Append, Full, SpoolFile
from lake.contract import Line
file = SpoolFile(Path(sys.argv[1]), cap_bytes=64 << 20)
for number in range(100_000):
    name = f"mastodon:{number}"
    line = Line(table="posts", id=name, version=number, month="2026.01", body=b"x" * 3000)
    try:
        file.append([Append(lines=(line,), target="t", position=b"%d" % number)])
        print("acknowledged", number, flush=True)
    except Full:
        print("refused", number, flush=True)
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the library that lets syncs fail."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        pytest.skip("needs a C compiler on Linux")
    out = tmp_path_factory.mktemp("shim") / "failing_sync.so"
    source = Path(__file__).with_name("failing_sync.c")
    words = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(out), str(source)]
    subprocess.run([*words, "-ldl"], check=True, timeout=60)
    return out


@pytest.fixture
def child(shim: Path, tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """A process that appends and says what was acknowledged."""
    environment = os.environ | {"LD_PRELOAD": str(shim), "FAIL_SYNC": str(tmp_path / "fail")}
    words = [sys.executable, "-c", CHILD, str(tmp_path / "s.db")]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        yield process
        process.kill()


def read_until(process: "subprocess.Popen[str]", word: str, times: int) -> list[tuple[str, int]]:
    """Read what the child says until it has said a word so many times more."""
    said: list[tuple[str, int]] = []
    assert process.stdout is not None
    while sum(what == word for what, _ in said) < times:
        what, number = process.stdout.readline().split()
        said.append((what, int(number)))
    return said


def test_what_was_acknowledged_survives_a_disk_that_refuses_to_sync(
    child: "subprocess.Popen[str]", tmp_path: Path
) -> None:
    said, fails = read_until(child, "acknowledged", 50), tmp_path / "fail"
    rounds = form(3, 20)
    for _ in range(rounds):
        fails.touch()
        said += read_until(child, "refused", 30)
        while_failing = read_until(child, "refused", 20)
        assert {what for what, _ in while_failing} == {"refused"}
        said += while_failing
        fails.unlink()
        since = time.monotonic()
        said += read_until(child, "acknowledged", 40)
        resumed = time.monotonic() - since
    child.kill()
    assert child.stdout is not None
    said += [(line.split()[0], int(line.split()[1])) for line in child.stdout if line.count(" ")]
    child.wait()
    acknowledged = {number for what, number in said if what == "acknowledged"}
    file = open_spool(tmp_path / "s.db", cap_bytes=CAP)
    kept = {int(line.id[9:]) for _, lines in file.pages_after(0, 10**6) for line in lines}
    report = file.check()
    file.close()
    assert acknowledged <= kept
    assert (report.lost, report.damaged) == (0, 0)
    record(19, "disk refuses to sync", rounds=rounds, acknowledged=len(acknowledged),
           refused=sum(what == "refused" for what, _ in said),
           lost=len(acknowledged - kept), resumed_s=round(resumed, 2))  # fmt: skip
