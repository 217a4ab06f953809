"""What is done to a running world, case by case; each returns the figures it measured.

The short form plays cases one after the other in one world, the long form gives each its own.
"""

import asyncio
from collections.abc import Awaitable, Callable

from faults.forms import form
from faults.lakes import StandinLake
from faults.proxy import CLEAN, Fault
from faults.world import Verdict, World
from lake.killpoint import EXIT, POINTS

GRACE = 3.0
SECONDS = form(2.0, 60.0)
TORN = Fault(bytes_per_second=200_000, slice_bytes=500)
WARM = form(1.0, 3.0)  # most is fetched in the first quarter of a minute

Figures = dict[str, object]
Play = Callable[[World], Awaitable[Figures]]


async def lost_answers(world: World) -> Figures:
    """Half of the lake's answers are lost after the lake has applied the request."""
    before = await _told(world)
    world.way.fault = Fault(answer_bytes=60, cut_share=0.5)
    await asyncio.sleep(SECONDS)
    await world.until(lambda: world.way.counts.cut or None, "an answer is lost", 90)
    world.way.fault = CLEAN
    after = await _told(world)
    return {
        "answers_lost": world.way.counts.cut,
        "lines_applied_again": after["applied"] - before["applied"] - _new(before, after),
    }


async def resets(world: World) -> Figures:
    """Half of all connections, and of the requests on them, are reset: the lake's, then both.

    Goodput is the share of the pages made durable meanwhile that the lake had by the end of it.
    """
    begun = await asyncio.to_thread(world.mark)
    world.way.fault = Fault(reset=0.5)
    await asyncio.sleep(SECONDS / 2)
    made = await asyncio.to_thread(world.mark) - begun
    goodput = 1 - await asyncio.to_thread(world.backlog) / max(1, made)
    world.net.fault = Fault(reset=0.5)
    await asyncio.sleep(SECONDS / 2)
    await world.until(lambda: world.way.counts.resets or None, "a connection is reset", 90)
    found = {"resets": world.way.counts.resets + world.net.counts.resets, "pages": made}
    return found | {"goodput": round(goodput, 2)}


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


async def kill_at_random(world: World, *, times: int) -> None:
    """Kill the ingestor after 0.25 to 1.2 s of work, every fifth time while it starts."""
    for number in range(times):
        await world.start()
        if number % 5 < 4:
            await world.working()
        await asyncio.sleep(world.rng.uniform(0.25, 1.2))
        await world.kill()


async def kill_at_points(world: World, *, times: int) -> dict[str, int]:
    """Let the ingestor die so many times at each place, after a few passes; count its deaths."""
    deaths = dict.fromkeys(POINTS, 0)
    for point in POINTS * times:
        passes = 1 if point == "in_burial" else world.rng.randint(1, form(2, 6))
        await world.start(kill_at=f"{point}:{passes}")
        world.kills += 1
        # On a slow wire the process dies with a part of its request on the way.
        world.way.fault = TORN if point == "in_send" else CLEAN
        deaths[point] += await world.ended(seconds=form(60, 60)) == EXIT
    assert deaths == dict.fromkeys(POINTS, times), world.trouble(str(deaths))
    return deaths


async def stop_without_lake(world: World) -> Figures:
    """Ask the ingestor to stop while nothing can be sent and no answer comes, then start it."""
    world.way.fault = Fault(black_hole=True)
    await asyncio.sleep(form(2.0, 20.0))
    code, seconds = await world.stop(seconds=60)
    kept = world.backlog()
    assert (code, kept > 0) == (0, True), (code, kept)
    assert seconds < 2 * GRACE + 4, seconds  # not the half minute a request may take
    world.way.fault = CLEAN
    return {"seconds_without_lake": round(seconds, 1), "pages_kept": kept}


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


WIRES: dict[int, tuple[str, Play]] = {
    5: ("answers lost after apply", lost_answers),
    6: ("connections reset, half of them", resets),
    7: ("slow lake", slow),
    8: ("black hole on both wires", black_hole),
    9: ("torn requests", torn),
}
