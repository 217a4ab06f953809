"""Case 17: the spool reaches its cap, or somebody else fills its disk."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from faults.figures import record
from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append, Full
from ingestor.spool_log import Segment
from lake.contract import STORED, Line
from servers.requirement import require

DISK, CAP = 8 << 20, 4 << 20


def page(number: int) -> Append:
    body = b"%07d" % number * 600
    line = Line(table="posts", id=f"mastodon:{number}", version=1, month="2026.01", body=body)
    return Append(lines=(line,), target="t", position=b"%d" % number)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True, check=False).returncode:
        require("a small disk: mount needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
async def spool(disk: Path) -> AsyncIterator[Spool]:
    spool = Spool(disk / "s.db", clock=SystemClock(), cap_bytes=CAP)
    await spool.open()
    yield spool
    await spool.close()


async def fill_up(spool: Spool, first: int) -> int:
    """Append until a page is refused; return its number."""
    for number in range(first, first + 100_000):
        try:
            await spool.append(page(number))
        except Full:
            return number
    raise AssertionError("nothing was refused")


async def drained(spool: Spool) -> list[int]:
    """Let a lake take everything; return the numbers of what it got."""
    numbers: list[int] = []
    while lines := await spool.take(max_bytes=1 << 20, max_lines=100):
        for _, line in lines:
            assert line == page(int(line.id[9:])).lines[0]
            numbers.append(int(line.id[9:]))
        await spool.settle([(number, STORED) for number, _ in lines])
    return numbers


async def resumed(spool: Spool, number: int) -> float:
    """Return how many seconds it takes until a page is accepted again."""
    since = time.monotonic()
    while time.monotonic() < since + 10:
        try:
            await spool.append(page(number))
            return time.monotonic() - since
        except Full:
            await asyncio.sleep(0.01)
    raise AssertionError("the spool does not accept pages again")


async def test_a_spool_at_its_cap_refuses_keeps_its_word_and_drains(spool: Spool) -> None:
    refused = await fill_up(spool, 0)
    assert spool.level == "stop"
    assert await spool.waiting() == (refused, refused)
    assert await spool.position("t") == b"%d" % (refused - 1)
    assert await drained(spool) == list(range(refused))
    seconds = await resumed(spool, refused)
    assert await drained(spool) == [refused]
    record(17, "spool at its cap", accepted=refused, readable=refused, resumed_s=round(seconds, 3))


async def test_a_disk_that_others_fill_costs_nothing_that_was_accepted(
    spool: Spool, disk: Path
) -> None:
    for number in range(100):
        await spool.append(page(number))
    foreign = disk / "foreign"
    fill_disk(foreign)
    refused = await fill_up(spool, 100)
    assert spool.level == "stop"
    # The lake takes all, also while the disk is full; forgetting it may have to wait.
    assert await drained(spool) == list(range(refused))
    again = await fill_up(spool, refused)
    foreign.unlink()
    seconds = await resumed(spool, again)
    got = await drained(spool)
    assert set(got) == set(range(refused, again + 1))
    assert await spool.waiting() == (0, 0)
    record(17, "disk filled by others", accepted=again + 1, readable=refused + len(set(got)),
           resumed_s=round(seconds, 3))  # fmt: skip


async def test_a_kill_on_a_full_disk_loses_nothing_that_was_accepted(disk: Path) -> None:
    spool = Spool(disk / "s.db", clock=SystemClock(), cap_bytes=CAP)
    await spool.open()
    refused = await fill_up(spool, 0)
    fill_disk(disk / "foreign")
    await spool.close()  # cannot take its log over, and leaves it
    (disk / "foreign").unlink()
    spool = Spool(disk / "s.db", clock=SystemClock(), cap_bytes=CAP)
    await spool.open()
    assert await drained(spool) == list(range(refused))
    await spool.close()
    record(17, "closed on a full disk", accepted=refused, readable=refused)


def test_a_short_write_is_noticed_and_leaves_no_trace(disk: Path) -> None:
    path = disk / "segment"
    path.touch()
    os.truncate(path, 64 << 10)  # the disk has promised it nothing
    segment = Segment(path, 1)
    segment.write([b"first"])
    fill_disk(disk / "foreign")
    with pytest.raises(OSError, match="No space left"):
        segment.write([b"second" * 1000, b"third" * 2000])
    assert segment.end == 5
    (disk / "foreign").unlink()
    segment.write([b"second" * 1000, b"third" * 2000])
    segment.close()
    assert path.read_bytes().startswith(b"first" + b"second" * 1000 + b"third" * 2000)


def fill_disk(path: Path) -> None:
    """Take what room a disk has left."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return
