"""Case 22: the spool of every release is opened, as it was closed and as a kill left it."""

import shutil
from pathlib import Path

import pytest

from faults.figures import record
from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append, SpoolFile
from ingestor.spool_rescue import open_spool
from lake.contract import STORED, Line

SPOOLS = Path(__file__).parents[1] / "data" / "spools"
CAP = 1 << 20
NAMES = sorted(path.stem for path in SPOOLS.glob("*.db"))
# Five pages of four posts: of 0-3 one was poison and the rest left, 8-11 were damaged.
WAITING = [f"mastodon:{number}" for number in (4, 5, 6, 7, *range(12, 20))]


def line(number: int) -> Line:
    body = f'{{"id": "mastodon:{number}", "text": "post {number}"}}'.encode()
    key = f"mastodon:{number}"
    return Line(table="posts", id=key, version=number, month="2026.01", body=body)


@pytest.fixture(params=NAMES)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    for path in SPOOLS.glob(f"{request.param}.db*"):
        shutil.copy(path, tmp_path / f"s.db{path.name.partition('.db')[2]}")
    return tmp_path / "s.db"


def test_there_is_a_spool_of_each_release() -> None:
    assert {name.partition("-")[0] for name in NAMES} >= {"0.1.0"}


async def test_the_spool_of_a_release_goes_on_where_it_stopped(
    old: Path, request: pytest.FixtureRequest
) -> None:
    spool = Spool(old, clock=SystemClock(), cap_bytes=CAP)
    await spool.open()
    assert spool.starts == 2
    taken = await spool.take(max_bytes=CAP, max_lines=100)
    assert [one.id for _, one in taken] == WAITING
    assert [one for _, one in taken][-1] == line(19)
    assert await spool.position("mastodon/tag/t4") == b'{"polled":4}'
    assert await spool.seen(["mastodon:9", "mastodon:99"]) == {"mastodon:9": b"state9"}
    due = await spool.visits(1_767_225_600_000 + 9000, 10, ["a"])
    assert [(visit.id, visit.body) for visit in due] == [
        (f"mastodon:{number}", line(number).body) for number in range(0, 20, 4)
    ]
    assert [letter.id for letter in await spool.dead_letters()] == ["mastodon:2"]
    assert await spool.replay() == 1
    report = await spool.check()
    assert (report.sound, report.damaged, report.lost, report.cuts) == (True, 1, 0, 0)
    await spool.settle([(number, STORED) for number, _ in taken])
    ((number, replayed),) = await spool.take(max_bytes=CAP, max_lines=100)
    assert (number > taken[-1][0], replayed) == (True, line(2))
    await spool.append(Append(lines=(line(20),), target="mastodon/tag/t4", position=b"on", fence=4))
    assert await spool.position("mastodon/tag/t4") == b"on"
    await spool.close()
    record(22, "old spool opened", spool=old_name(request), lines=len(taken))


def old_name(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["old"])


def test_the_spool_of_a_release_is_rescued_when_its_file_is_damaged(old: Path) -> None:
    SpoolFile(old, cap_bytes=CAP).close()
    body = bytearray(old.read_bytes())
    at = len(body) // 2 // 4096 * 4096
    body[at : at + 4096] = b"\xff" * 4096
    old.write_bytes(body)
    file = open_spool(old, cap_bytes=CAP)
    assert file.check().sound
    assert old.with_name("s.db.damaged-1").exists()
    file.close()
