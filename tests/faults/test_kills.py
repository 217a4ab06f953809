"""Cases 1 and 2: an ingestor that is killed, at random or at the worst places, loses nothing."""

import asyncio
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import form
from faults.lakes import StandinLake
from faults.world import World, faulty
from lake.killpoint import EXIT, POINTS

KILLS = form(4, 40)
TIMES = form(1, 20)
POISON = 25  # one post in so many: without dead letters there is no burial to be killed in


@pytest.mark.timeout(form(120, 1800))
async def test_an_ingestor_killed_at_random_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(poison=POISON), seed=11) as world:
        for number in range(KILLS):
            await world.start()
            if number % 5 < 4:  # every fifth is killed while it starts
                await world.working()
            await asyncio.sleep(world.rng.uniform(0.25, 1.2))
            await world.kill()
        verdict = await world.settle()
        assert verdict.good, world.trouble(str(verdict))
        found = verdict.findings
        record(
            1, "kill -9 at random", kills=world.kills, records=found.obligations, lost=found.lost,
            stale=found.stale, wrong=found.wrong, never_issued=found.never_issued,
            refetch_ratio=round(verdict.refetched, 3), fresh_s=round(verdict.fresh_seconds, 1),
        )  # fmt: skip


@pytest.mark.timeout(form(120, 3600))
async def test_an_ingestor_killed_at_the_worst_places_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(poison=POISON), seed=22) as world:
        deaths = dict.fromkeys(POINTS, 0)
        for point in POINTS * TIMES:
            if await _died_at(world, point):
                deaths[point] += 1
        verdict = await world.settle()
        assert deaths == dict.fromkeys(POINTS, TIMES), world.trouble(str(deaths))
        assert verdict.good, world.trouble(str(verdict))
        found = verdict.findings
        for point, count in deaths.items():
            record(2, f"killed {point.replace('_', ' ')}", kills=count, lost=0)
        record(
            2, "all points", kills=sum(deaths.values()), records=found.obligations,
            lost=found.lost, stale=found.stale, wrong=found.wrong,
            never_issued=found.never_issued, dead_letters_wrong=found.dead_extra
            + found.dead_missing + found.dead_twice, fresh_s=round(verdict.fresh_seconds, 1),
        )  # fmt: skip


async def _died_at(world: World, point: str) -> bool:
    """Let the ingestor die at a place, after a few passes; return whether it was there."""
    passes = world.rng.randint(1, form(2, 6)) if point != "in_burial" else 1
    await world.start(kill_at=f"{point}:{passes}")
    world.kills += 1
    return await world.ended(seconds=form(30, 60)) == EXIT
