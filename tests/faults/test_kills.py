"""Cases 1 and 2: an ingestor that is killed, at random or at the worst places, loses nothing."""

from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import LONG
from faults.lakes import StandinLake
from faults.plays import kill_at_points, kill_at_random, oracle
from faults.world import faulty

POISON = 25  # one post in so many: without dead letters there is no burial to be killed in


@pytest.mark.skipif(LONG, reason="the long form plays each case alone")
@pytest.mark.timeout(600)
async def test_an_ingestor_killed_anywhere_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(poison=POISON), seed=12) as world:
        await kill_at_random(world, times=3)
        await kill_at_points(world, times=1)
        verdict = await world.settle()
        assert verdict.good, world.trouble(str(verdict))


@pytest.mark.skipif(not LONG, reason="the short form plays both cases in one world")
@pytest.mark.timeout(1800)
async def test_an_ingestor_killed_at_random_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(poison=POISON), seed=11) as world:
        await kill_at_random(world, times=40)
        verdict = await world.settle()
        record(1, "kill -9 at random", kills=world.kills, **oracle(verdict),
               refetch_ratio=round(verdict.refetched, 3))  # fmt: skip
        assert verdict.good, world.trouble(str(verdict))


@pytest.mark.skipif(not LONG, reason="the short form plays both cases in one world")
@pytest.mark.timeout(3600)
async def test_an_ingestor_killed_at_the_worst_places_loses_nothing(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(poison=POISON), seed=22) as world:
        deaths = await kill_at_points(world, times=20)
        verdict = await world.settle()
        found = verdict.findings
        places = ", ".join(f"{point.replace('_', ' ')} {count}" for point, count in deaths.items())
        letters = found.dead_extra + found.dead_missing + found.dead_twice
        record(2, places, kills=sum(deaths.values()), **oracle(verdict),
               dead_letters_wrong=letters)  # fmt: skip
        assert verdict.good, world.trouble(str(verdict))
