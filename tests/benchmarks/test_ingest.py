"""The benchmark of polls: it runs, and the clients it compares deliver the same documents.

Skipped where Go is missing or the Go programs were never built: that takes minutes.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
# What differs by its nature: when a page was seen, and which process saw it.
MOMENT = {"observed_at", "previous_at", "observer", "hour", "planned"}


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCHMARKS)
    rig = importlib.import_module("_rig")
    if not rig.built("server", "idiomatic", "fast"):
        pytest.skip("the Go programs are not built; benchmarks/ingest.py does it")
    return rig


@pytest.fixture
def ingest(rig: ModuleType) -> ModuleType:
    return importlib.import_module("ingest")


@pytest.fixture
def delivered(rig: ModuleType, ingest: ModuleType) -> Iterator[Callable[[str], dict[str, Any]]]:
    """Return what a client delivers of two polls of one tag."""
    binaries = rig.programs("server", "idiomatic", "fast")
    with ingest.serving(binaries["server"]) as server:

        def of(*command: str) -> dict[str, Any]:
            server.ask("/_start?tags=1&windows=2&keep=1000")
            where = ["-network", server.https, "-lake", server.http]
            polls = ["-tags=1", "-warm=1", "-polls=1"]
            rig.run([*command, *where, *polls], env={"SSL_CERT_FILE": server.certificate})
            return comparable(server.ask("/_kept").splitlines())

        yield lambda name: of(
            *(
                [str(binaries[name])]
                if name in binaries
                else [sys.executable, f"{BENCHMARKS}/{name}"]
            )
        )


def comparable(lines: list[bytes]) -> dict[str, Any]:
    """Return documents by what does not depend on the moment or the process."""
    found: dict[str, Any] = {}
    for action, body in zip(lines[::2], lines[1::2], strict=True):
        index = json.loads(action)["index"]["_index"]
        document = {key: value for key, value in json.loads(body).items() if key not in MOMENT}
        if "target" in document or "subject_id" in document:
            del document["id"]  # holds the moment
        about = document.get("subject_id") or document.get("id") or document["target"]
        found.setdefault(f"{index} {about}", []).append(document)
    return found


def test_runs_and_counts_what_was_delivered(rig: ModuleType) -> None:
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "ingest.py", "--quick", "--json"],
        capture_output=True, text=True, check=False, timeout=150,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    # 12 polls: 4 first ones of 60 new posts, 8 with 20 new and 20 grown ones; a snapshot of each
    # and of the tag, the tag, the account of the poll.
    assert told["figures"]["documents"] == {"closed": 1156, "scheduled": 8225}


def test_go_delivers_the_documents_that_we_deliver(
    delivered: Callable[[str], dict[str, Any]],
) -> None:
    ours = delivered("_ingest_client.py")
    assert len(ours) == 163  # 80 posts and the snapshots of each, the tag and its, the polls
    assert delivered("idiomatic") == ours
    assert delivered("fast") == ours
