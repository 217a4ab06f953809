"""Cases 5 to 9: lost answers, resets, a slow lake, a black hole, torn requests.

The short form plays all of them in one world, one after the other; the long form gives each its own
world and time to measure.
"""

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import LONG, form
from faults.lakes import StandinLake
from faults.proxy import CLEAN, Fault, Proxy
from faults.world import Verdict, World, faulty
from ingestor.contract import Request
from ingestor.errors import Down
from ingestor.http import Http
from lake.contract import Line
from lake.elastic import ElasticLake
from lake.errors import Unavailable

SECONDS = form(3.0, 60.0)
WARM = form(1.0, 20.0)  # until the first polls of all targets are made

Figures = dict[str, object]
Play = Callable[[World], Awaitable[Figures]]


async def lost_answers(world: World) -> Figures:
    """Half of the lake's answers are lost after the lake has applied the request."""
    before = await _told(world)
    world.way.fault = Fault(answer_bytes=60, cut_share=0.5)
    await asyncio.sleep(SECONDS)
    world.way.fault = CLEAN
    after = await _told(world)
    assert world.way.counts.cut > 0
    return {
        "answers_lost": world.way.counts.cut,
        "lines_applied_again": after["applied"] - before["applied"] - _new(before, after),
    }


async def resets(world: World) -> Figures:
    """Half of all connections, and of the requests on them, are reset: the lake's, then both."""
    before = await _told(world)
    await asyncio.sleep(SECONDS / 2)
    clean = _new(before, before := await _told(world))
    world.way.fault = Fault(reset=0.5)
    await asyncio.sleep(SECONDS / 2)
    lake = _new(before, before := await _told(world))
    world.net.fault = Fault(reset=0.5)
    await asyncio.sleep(SECONDS / 2)
    both = _new(before, await _told(world))
    found = {"resets": world.way.counts.resets + world.net.counts.resets}
    assert found["resets"] > 0
    share = {
        "goodput_lake": round(lake / max(1, clean), 2),
        "goodput_both": round(both / max(1, clean), 2),
    }
    return {**found, **form({}, share)}


async def slow(world: World) -> Figures:
    """The lake is slow: 300 +- 200 ms before each piece and 64 KB/s."""
    world.way.fault = Fault(latency=0.3, jitter=0.2, bytes_per_second=64_000)
    most = 0
    for _ in range(int(SECONDS * 2)):
        await asyncio.sleep(0.5)
        most = max(most, await asyncio.to_thread(world.backlog))
    world.way.fault = CLEAN
    mark = await asyncio.to_thread(world.mark)
    seconds = await world.drained(mark, seconds=60)
    return {"peak_backlog_pages": most, "back_to_clean_s": round(seconds, 1)}


async def black_hole(world: World) -> Figures:
    """All bytes vanish on both wires, then all connections of that time break."""
    files, threads = world.open_files(), world.threads()
    world.net.fault = world.way.fault = Fault(black_hole=True)
    await asyncio.sleep(SECONDS)
    world.net.fault = world.way.fault = CLEAN
    await world.drained(await asyncio.to_thread(world.mark))
    await asyncio.sleep(form(1.0, 20.0))
    return {"files_more": world.open_files() - files, "threads_more": world.threads() - threads}


async def torn(world: World) -> Figures:
    """All bytes come in slices of 500."""
    world.net.fault = world.way.fault = Fault(slice_bytes=500)
    before = world.way.counts.up
    await asyncio.sleep(SECONDS)
    world.net.fault = world.way.fault = CLEAN
    return {"bytes_in_slices": world.way.counts.up - before}


PLAYS: dict[int, tuple[str, Play]] = {
    5: ("answers lost after apply", lost_answers),
    6: ("connections reset, half of them", resets),
    7: ("slow lake", slow),
    8: ("black hole on both wires", black_hole),
    9: ("torn requests", torn),
}


@pytest.mark.skipif(LONG, reason="the long form plays each case alone")
@pytest.mark.timeout(150)
async def test_what_wires_do_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(), seed=55) as world:
        await world.start()
        await world.working()
        for _, play in PLAYS.values():
            await play(world)
        verdict = await world.settle()
        assert verdict.good, world.trouble(str(verdict))


@pytest.mark.skipif(not LONG, reason="the short form plays all cases in one world")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", list(PLAYS))
async def test_what_a_wire_does_loses_nothing(case: int, tmp_path: Path) -> None:
    name, play = PLAYS[case]
    async with faulty(tmp_path, StandinLake(), seed=50 + case) as world:
        await world.start()
        await world.working()
        await asyncio.sleep(WARM)
        figures = await play(world)
        verdict = await world.settle()
        record(case, name, **figures, **oracle(verdict))
        assert verdict.good, world.trouble(str(verdict))
        _judge(case, figures)


def _judge(case: int, figures: Figures) -> None:
    """Hold the figures of a long form to what the case promises beside the oracle."""
    if case == 7:
        assert float(str(figures["back_to_clean_s"])) < 60
    if case == 8:
        assert abs(int(str(figures["files_more"]))) <= 2, figures


def oracle(verdict: Verdict) -> Figures:
    """Return what the oracle found, for the table."""
    found = verdict.findings
    return {
        "records": found.obligations, "lost": found.lost, "stale": found.stale,
        "wrong": found.wrong, "never_issued": found.never_issued,
        "fresh_s": round(verdict.fresh_seconds, 1),
    }  # fmt: skip


async def _told(world: World) -> dict[str, int]:
    assert isinstance(world.lake, StandinLake)
    return await world.lake.told()


def _new(before: dict[str, int], after: dict[str, int]) -> int:
    return after["documents"] - before["documents"]


async def test_requests_into_a_black_hole_end_and_leave_no_task_behind() -> None:
    with socket.create_server(("127.0.0.1", 0)) as upstream:
        async with Proxy(upstream.getsockname(), random.Random(8)) as proxy:
            proxy.fault = Fault(black_hole=True)
            tasks = len(asyncio.all_tasks())
            line = Line(table="posts", id="mastodon:1", version=1, month="2026.01", body=POST)
            lake = ElasticLake(proxy.url, prefix="hole", seconds=0.3)
            async with Http(total_seconds=0.3) as http:
                for _ in range(5):
                    with pytest.raises(Down):
                        await http.ask(proxy.url, Request(path="/"))
                    with pytest.raises(Unavailable):
                        await lake.write([line])
            await lake.close()
            await proxy.reset_all()
            await asyncio.sleep(0.1)
            assert len(asyncio.all_tasks()) == tasks


POST = (
    b'{"id":"mastodon:1","network":"mastodon","observed_at":"2026-01-01T00:00:00Z",'
    b'"native_id":"1","kind":"text","source":"mastodon","parser_version":1}'
)
