"""Case 1: an ingestor that is killed at random loses nothing."""

from pathlib import Path

from faults.figures import record
from faults.forms import form
from faults.lakes import StandinLake
from faults.world import faulty


async def test_smoke(tmp_path: Path) -> None:
    async with faulty(tmp_path, StandinLake(), seed=1) as world:
        await world.start()
        await world.working()
        verdict = await world.settle()
        print(verdict)
        assert verdict.good, world.trouble(str(verdict))
