import asyncio
import contextlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from fakes.village import START
from ingestor.clock import SteppedClock
from ingestor.revisit_file import Visit
from ingestor.spool import Spool
from ingestor.spool_file import LINES, Append, DeadLetter, Full, InUse, SpoolFile
from ingestor.spool_rescue import open_spool
from lake.contract import STORED, Line, Verdict

CAP = 1 << 20
POISON = Verdict(outcome="poison", reason="document_parsing_exception: field counts.likes")
PARKED = Verdict(outcome="parked", reason="index: index_closed_exception")
RETRY = Verdict(outcome="retry", reason="429")


def line(number: int, *, size: int = 200) -> Line:
    body = random.Random(number).randbytes(size // 2).hex().encode()
    return Line(table="posts", id=f"mastodon:{number}", version=number, month="2026.01", body=body)


def page(*numbers: int, size: int = 200, **more: object) -> Append:
    return Append(lines=tuple(line(n, size=size) for n in numbers), **more)  # type: ignore[arg-type] # fields


@pytest.fixture
async def spool(tmp_path: Path, clock: SteppedClock) -> AsyncIterator[Spool]:
    spool = Spool(tmp_path / "spool.db", clock=clock, cap_bytes=CAP)
    await spool.open()
    yield spool
    await spool.close()


async def take(spool: Spool, lines: int = 1000) -> list[tuple[int, Line]]:
    return await spool.take(max_bytes=CAP, max_lines=lines)


async def fill_up(spool: Spool) -> int:
    """Append pages until one is refused; return how many were not."""
    for number in range(10_000):
        try:
            await spool.append(page(number, size=4000, target="t", position=b"%d" % number))
        except Full:
            return number
    raise AssertionError("the spool has no cap")


async def ids(spool: Spool) -> list[str]:
    return [one.id for _, one in await take(spool)]


async def test_lines_come_out_in_the_order_in_which_their_pages_went_in(spool: Spool) -> None:
    await spool.append(page(1, 2))
    await spool.append(page(3))
    assert await ids(spool) == ["mastodon:1", "mastodon:2", "mastodon:3"]
    assert await ids(spool) == []


async def test_take_keeps_to_both_limits_but_gives_one_line_at_least(spool: Spool) -> None:
    await spool.append(page(1, 2, 3))
    assert len(await spool.take(max_bytes=400, max_lines=10)) == 2
    assert len(await spool.take(max_bytes=1, max_lines=10)) == 1


async def test_a_page_stays_until_its_last_line_has_a_verdict(spool: Spool) -> None:
    await spool.append(page(1, 2))
    (first, _), (second, _) = await take(spool)
    await spool.settle([(first, STORED)])
    assert await spool.waiting() == (1, 2)
    await spool.settle([(second, Verdict(outcome="stale"))])
    assert await spool.waiting() == (0, 0)


async def test_what_was_not_settled_comes_again_after_a_restart(
    tmp_path: Path, clock: SteppedClock
) -> None:
    for start in range(2):
        spool = Spool(tmp_path / "s.db", clock=clock)
        await spool.open()
        if start == 0:
            await spool.append(page(1, 2))
        taken = await take(spool)
        assert [one.id for _, one in taken] == ["mastodon:1", "mastodon:2"]
        await spool.settle([(taken[0][0], STORED)])
        await spool.close()


async def test_retries_wait_longer_each_time(spool: Spool, clock: SteppedClock) -> None:
    await spool.append(page(1))
    waits = []
    for _ in range(4):
        ((number, _),) = await take(spool)
        await spool.settle([(number, RETRY)])
        assert await take(spool) == []
        due = spool._later[0][0]
        waits.append(due - clock.monotonic())
        clock.advance_to(START + timedelta(seconds=due))
    assert waits == [1.0, 2.0, 4.0, 8.0]


async def test_released_lines_are_due_after_their_delay(spool: Spool, clock: SteppedClock) -> None:
    await spool.append(page(1))
    ((number, _),) = await take(spool)
    await spool.release([number], delay=5.0)
    assert await take(spool) == []
    clock.advance_to(START + timedelta(seconds=5))
    assert await ids(spool) == ["mastodon:1"]


async def test_wait_returns_when_a_page_arrives(spool: Spool) -> None:
    waiting = asyncio.create_task(spool.wait())
    await asyncio.sleep(0.02)
    assert not waiting.done()
    await spool.append(page(1))
    await asyncio.wait_for(waiting, 5)


async def test_poison_becomes_a_dead_letter_once_without_its_text(spool: Spool) -> None:
    await spool.append(page(1, 2))
    (first, _), (second, poisoned) = await take(spool)
    await spool.settle([(first, STORED), (second, POISON)])
    (letter,) = await spool.dead_letters()
    assert letter == DeadLetter(
        number=second,
        code="document_parsing_exception",
        reason="document_parsing_exception: field counts.likes",
        first_seen="2026-01-01T00:00:00+00:00",
        table="posts",
        id=poisoned.id,
    )
    assert await spool.waiting() == (0, 0)


async def test_replayed_dead_letters_are_sent_again_and_leave(spool: Spool) -> None:
    await spool.append(page(1, 2))
    await spool.settle([(number, POISON) for number, _ in await take(spool)])
    first = (await spool.dead_letters())[0].number
    assert await spool.replay([first]) == 1
    assert await ids(spool) == ["mastodon:1"]
    assert await spool.replay() == 1
    assert await spool.dead_letters() == []


async def test_one_closed_month_does_not_hold_up_the_others(
    tmp_path: Path, clock: SteppedClock
) -> None:
    spool = Spool(tmp_path / "s.db", clock=clock, cap_bytes=256 << 20)
    await spool.open()
    one = page(*range(60), size=2000)  # of each page one line is parked
    await asyncio.gather(*(spool.append(one) for _ in range(400)))
    stored = 0
    while taken := await take(spool, lines=5000):
        verdicts = [PARKED if number % LINES == 7 else STORED for number, _ in taken]
        stored += verdicts.count(STORED)
        await spool.settle(list(zip([number for number, _ in taken], verdicts, strict=True)))
    assert stored == 400 * 59
    clock.advance_to(START + timedelta(seconds=30))
    again = await spool.take(max_bytes=64 << 20, max_lines=1000)
    assert [(number % LINES, line.id) for number, line in again] == [(7, "mastodon:7")] * 400
    await spool.settle([(number, STORED) for number, _ in again])
    assert await spool.waiting() == (0, 0)
    await spool.close()


async def test_what_another_process_wants_replayed_comes_with_the_next_commit(
    spool: Spool, clock: SteppedClock
) -> None:
    await spool.append(page(1))
    await spool.settle([(number, POISON) for number, _ in await take(spool)])
    other = Spool(spool.path, clock=clock, cap_bytes=CAP)
    await other.open()
    assert (spool.in_use, other.in_use) == (False, True)
    assert await other.replay() == 1
    with pytest.raises(InUse):
        await other.append(page(2))
    await other.close()
    await spool.append(page(3))
    assert sorted(await ids(spool)) == ["mastodon:1", "mastodon:3"]
    assert await spool.dead_letters() == []


async def test_a_spool_that_falls_behind_reads_its_pages_back_from_the_disk(
    tmp_path: Path, clock: SteppedClock
) -> None:
    spool = Spool(tmp_path / "s.db", clock=clock, cap_bytes=256 << 20)
    await spool.open()
    for number in range(30):
        await spool.append(page(number, size=1 << 20))  # more than is held in memory
    found = []
    while lines := await spool.take(max_bytes=2 << 20, max_lines=10):
        assert all(one == line(int(one.id[9:]), size=1 << 20) for _, one in lines)
        found += [one.id for _, one in lines]
        await spool.settle([(number, STORED) for number, _ in lines])
    assert found == [f"mastodon:{number}" for number in range(30)]
    assert await spool.waiting() == (0, 0)
    await spool.close()


async def test_new_subjects_cost_no_look_at_the_disk(spool: Spool) -> None:
    await spool.append(page(1, seen=(("a", b"s"),)))
    asked: list[object] = []
    spool._file.seen = lambda ids: asked.append(ids) or {}  # type: ignore[assignment,func-returns-value] # counts
    assert await spool.seen(["b", "c"]) == {}
    assert asked == []
    await spool.seen(["b", "a"])
    assert asked == [["a"]]


async def test_cursor_and_state_move_with_their_page(spool: Spool) -> None:
    await spool.append(page(1, target="t", position=b"one", fence=3, seen=(("a", b"s"),)))
    assert await spool.position("t") == b"one"
    assert await spool.seen(["a", "b"]) == {"a": b"s"}


async def test_a_holder_with_an_old_fence_does_not_move_the_cursor(spool: Spool) -> None:
    await spool.append(page(1, target="t", position=b"new", fence=3))
    await spool.append(page(2, target="t", position=b"old", fence=2))
    assert await spool.position("t") == b"new"


async def test_concurrent_pages_share_commits(spool: Spool) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(200):
            group.create_task(spool.append(page(number)))
    assert await spool.waiting() == (200, 200)


async def test_a_full_spool_refuses_keeps_what_it_took_and_drains(spool: Spool) -> None:
    taken = await fill_up(spool)
    assert spool.level == "stop"
    assert await spool.waiting() == (taken, taken)
    assert await spool.position("t") == b"%d" % (taken - 1)
    while lines := await take(spool):
        await spool.settle([(number, STORED) for number, _ in lines])
    assert spool.level == "open"
    await spool.append(page(1))


async def test_a_full_spool_still_moves_poison_to_the_dead_letters(spool: Spool) -> None:
    await fill_up(spool)
    lines = await take(spool, 20)
    await spool.settle([(number, POISON) for number, _ in lines])
    assert len(await spool.dead_letters()) == 20


async def test_a_spool_full_of_dead_letters_is_emptied_by_a_replay(
    tmp_path: Path, clock: SteppedClock
) -> None:
    spool = Spool(tmp_path / "s.db", clock=clock, cap_bytes=CAP)
    await spool.open()
    pages = await fill_up(spool)
    await settle_all(spool, POISON)
    assert spool.level == "stop"
    assert await spool.replay() == pages
    await settle_all(spool, STORED)
    assert await spool.dead_letters() == []
    assert await spool.waiting() == (0, 0)
    assert spool.level == "open"
    await spool.append(page(1, size=4000))
    await spool.close()


async def settle_all(spool: Spool, verdict: Verdict) -> None:
    while taken := await take(spool):
        await spool.settle([(number, verdict) for number, _ in taken])


async def test_what_is_put_back_while_pages_wait_comes_behind_them(spool: Spool) -> None:
    await spool.append(page(1))
    await settle_all(spool, POISON)
    await spool.append(page(2))
    assert await spool.replay() == 1
    await spool.append(page(3))
    assert await ids(spool) == ["mastodon:2", "mastodon:1", "mastodon:3"]


async def test_a_crash_after_a_replay_uses_no_number_twice(
    tmp_path: Path, clock: SteppedClock
) -> None:
    path = tmp_path / "s.db"
    file = SpoolFile(path, cap_bytes=CAP)
    (first,) = file.append([page(1)])
    letter = DeadLetter(number=7, code="x", reason="x", first_seen="", table="posts", id="1")
    file.finish([first], [(letter, msgspec.msgpack.encode(line(1)))])
    file.append([page(2)])
    file.replay()
    shutil.copytree(tmp_path, tmp_path / "crashed")  # as it is on the disk, not closed
    file.close()
    again = SpoolFile(tmp_path / "crashed" / "s.db", cap_bytes=CAP)
    again.append([page(3)])
    found = [one.id for _, lines in again.pages_after(0, 100) for one in lines]
    assert found == ["mastodon:2", "mastodon:1", "mastodon:3"]
    again.close()


async def test_what_was_queued_behind_a_refused_page_is_refused_too(spool: Spool) -> None:
    refused: list[bool] = []
    spool.on_refusal = lambda: refused.append(True)
    big, small = page(*range(300), size=9000), page(1)
    results = await asyncio.gather(spool.append(big), spool.append(small), return_exceptions=True)
    assert [type(result) for result in results] == [Full, Full]
    assert refused == [True]
    assert await spool.waiting() == (0, 0)


async def test_water_marks_slow_and_then_stop(spool: Spool) -> None:
    levels = []
    for fill in (0.1, 0.7, 0.89, 0.9):
        spool._fill = fill
        levels.append(spool.level)
    assert levels == ["open", "slow", "slow", "stop"]
    spool._fill, spool._free_disk = 0.0, 200 << 20
    assert spool.level == "stop"


async def test_only_the_subjects_seen_last_are_remembered(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "s.db", cap_bytes=CAP, seen_limit=100)
    for moment in range(12):
        seen = tuple((f"{moment}/{number}", b"s") for number in range(10))
        file.append([Append(seen=seen, touched=moment)])
    file.close()
    file = SpoolFile(tmp_path / "s.db", cap_bytes=CAP, seen_limit=100)
    assert set(file.seen([f"{moment}/0" for moment in range(12)])) == {
        f"{moment}/0" for moment in range(2, 12)
    }
    file.close()


# --- damage


async def test_what_is_remembered_never_stops_a_small_spool(
    tmp_path: Path, clock: SteppedClock
) -> None:
    spool = Spool(tmp_path / "s.db", clock=clock, cap_bytes=4 << 20)
    await spool.open()
    for start in range(0, 15_000, 100):
        numbers = range(start, start + 100)
        seen = tuple((f"mastodon:{n}", b"s" * 60) for n in numbers)
        visits = tuple(Visit(id=f"mastodon:{n}", due=n * 3_600, rung=0, lane="l") for n in numbers)
        await spool.append(page(*numbers, size=600, seen=seen, visits=visits, touched=start))
        await settle_all(spool, STORED)
    assert spool.level == "open"
    assert spool.fill < 0.4
    await spool.close()


async def test_a_flipped_payload_is_counted_and_never_sent(
    tmp_path: Path, clock: SteppedClock
) -> None:
    file = SpoolFile(tmp_path / "s.db", cap_bytes=CAP)
    file.append([page(1), page(2), page(3)])
    file.close()
    spool = Spool(tmp_path / "s.db", clock=clock, cap_bytes=CAP)
    await spool.open()
    with contextlib.closing(sqlite3.connect(spool.path)) as other:
        other.execute("UPDATE spool SET payload = zeroblob(50) WHERE seq = 2")
        other.commit()
    assert await ids(spool) == ["mastodon:1", "mastodon:3"]
    report = await spool.check()
    assert (report.sound, report.damaged, report.pages) == (True, 1, 2)
    await spool.close()


def test_repair_drops_damaged_pages(tmp_path: Path) -> None:
    file = SpoolFile(tmp_path / "s.db", cap_bytes=CAP)
    file.append([page(1), page(2)])
    file.check()  # takes over the log
    file._db.execute("UPDATE spool SET crc = 1 WHERE seq = 1")
    assert file.repair() == 1
    assert file.check().damaged == 0
    file.close()


def test_a_torn_or_flipped_log_leaves_a_clean_prefix(tmp_path: Path) -> None:
    rng = random.Random(18)
    whole = _spool_with_log(tmp_path / "whole")
    for trial in range(12):
        folder = tmp_path / str(trial)
        shutil.copytree(whole, folder)
        log = folder / "s.db-wal"
        body = bytearray(log.read_bytes())
        at = rng.randrange(len(body))
        if trial % 2:
            body[at] ^= 0xFF
        else:
            del body[at:]
        log.write_bytes(body)
        file = open_spool(folder / "s.db", cap_bytes=CAP)
        numbers = [int(one.id[9:]) for _, lines in file.pages_after(0, 1000) for one in lines]
        assert numbers == list(range(len(numbers)))
        assert file.check().damaged == 0
        file.close()


def test_a_damaged_file_is_set_aside_and_what_is_readable_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    file = SpoolFile(path, cap_bytes=CAP)
    for number in range(40):
        file.append([page(number, size=3000, target=f"t{number}", position=b"p")])
    file.close()
    body = bytearray(path.read_bytes())
    middle = len(body) // 2 // 4096 * 4096
    body[middle : middle + 4096] = b"\xff" * 4096
    path.write_bytes(body)
    file = open_spool(path, cap_bytes=CAP)
    rows = [number for number, _ in file.pages_after(0, 1000)]
    assert 30 <= len(rows) < 40
    assert path.with_name("s.db.damaged-1").exists()
    file.append([page(99)])
    assert file.pages_after(0, 1000)[-1][0] == 41  # numbers are never used twice
    file.close()


def _spool_with_log(folder: Path) -> Path:
    """Return a folder with a spool as a kill -9 leaves it: much of it in the write-ahead log."""
    folder.mkdir()
    live = folder.with_name("live")
    live.mkdir()
    file = SpoolFile(live / "s.db", cap_bytes=CAP)
    for number in range(60):
        file.append([page(number, size=2000)])
    for name in ("s.db", "s.db-wal"):
        shutil.copy(live / name, folder / name)
    file.close()
    return folder


KILLED = """
import sys
from pathlib import Path
from ingestor.spool_file import Append, SpoolFile
from lake.contract import Line
file = SpoolFile(Path(sys.argv[1]), cap_bytes=1 << 26)
for number in range(1_000_000):
    name = f"mastodon:{number}"
    line = Line(table="posts", id=name, version=number, month="2026.01", body=b"x" * 500)
    file.append([Append(lines=(line,), target="t", position=b"%d" % number)])
    print(number, flush=True)
"""


def test_kill_minus_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    root = Path(__file__).parents[2]
    rng = random.Random(1)
    for trial in range(3):
        spool = tmp_path / f"{trial}.db"
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(spool)],
            stdout=subprocess.PIPE,
            cwd=root,
        )  # fmt: skip
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.02, 0.15))
        child.send_signal(signal.SIGKILL)
        acknowledged = int((child.stdout.read().split() or [b"0"])[-1])
        child.stdout.close()
        child.wait()
        file = open_spool(spool, cap_bytes=64 * CAP)
        kept = [int(one.id[9:]) for _, lines in file.pages_after(0, 10**6) for one in lines]
        assert kept == list(range(len(kept)))
        assert len(kept) > acknowledged
        assert file.positions("t") == b"%d" % (len(kept) - 1)
        file.close()


async def test_whatever_stops_a_commit_makes_memory_forget_and_the_spool_goes_on(
    spool: Spool,
) -> None:
    forgotten: list[bool] = []
    spool.on_refusal = lambda: forgotten.append(True)
    with pytest.raises(ValueError, match="65536"):
        await spool.append(Append(lines=(line(1),) * (LINES + 1)))
    assert forgotten == [True]
    await spool.append(page(2))
    assert [one.id for _, one in await take(spool)] == ["mastodon:2"]
