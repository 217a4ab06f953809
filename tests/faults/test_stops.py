"""Cases 21 and 23: an ingestor that is told to stop under load, and one that runs for long."""

import asyncio
import statistics
import time
from pathlib import Path

import pytest

from faults.figures import record
from faults.forms import LONG, form
from faults.lakes import StandinLake
from faults.plays import GRACE, oracle, stop_without_lake
from faults.proxy import CLEAN, Fault
from faults.world import World, faulty

SOAK_SECONDS = form(20.0, 1800.0)
WARM_SECONDS = form(3.0, 300.0)
WEATHER = (
    CLEAN,
    Fault(reset=0.3),
    Fault(latency=0.1, jitter=0.1),
    Fault(slice_bytes=500),
    Fault(answer_bytes=60, cut_share=0.3),
    Fault(bytes_per_second=128_000),
    Fault(black_hole=True),
)


@pytest.mark.skipif(not LONG, reason="the short form is part of another world's end")
@pytest.mark.timeout(600)
async def test_an_ingestor_told_to_stop_under_load_ends_in_time_and_keeps_what_is_unsent(
    tmp_path: Path,
) -> None:
    async with faulty(tmp_path, StandinLake(), seed=21, grace=GRACE) as world:
        await world.start()
        await world.working()
        await asyncio.sleep(10.0)
        code, seconds = await world.stop()
        left = world.backlog()
        await world.start()
        await world.working()
        figures = await stop_without_lake(world)
        verdict = await world.settle()
        record(21, "SIGTERM under load", exit_code=code, seconds=round(seconds, 1),
               pages_left=left, **figures, **oracle(verdict))  # fmt: skip
        assert (code, left) == (0, 0)
        assert seconds < 2 * GRACE + 4
        assert verdict.good, world.trouble(str(verdict))


@pytest.mark.timeout(WARM_SECONDS + SOAK_SECONDS + 600)
async def test_mixed_faults_for_long_leave_memory_files_and_spool_as_they_were(
    tmp_path: Path,
) -> None:
    async with faulty(tmp_path, StandinLake(), seed=23, per_second=form(6.0, 0.5)) as world:
        await world.start()
        await world.working()
        await asyncio.sleep(WARM_SECONDS)
        files, threads, memory = world.open_files(), world.threads(), world.memory()
        samples = await _weather(world)
        world.net.fault = world.way.fault = CLEAN
        await world.drained(world.mark())
        await asyncio.sleep(form(2.0, 20.0))  # kept-alive connections are as many as before
        more = world.open_files() - files
        slope = _slope(samples[len(samples) // 3 :])
        figures = {
            "minutes": round(SOAK_SECONDS / 60, 1), "rss_mb": memory >> 20,
            "rss_mb_per_hour": round(slope / 2**20, 2), "files_more": more,
            "threads_more": world.threads() - threads,
        }  # fmt: skip
        await world.stop()  # the next process waits for no breaker
        verdict = await world.settle()
        record(23, "soak under mixed faults", **figures, records=verdict.findings.obligations,
               lost=verdict.findings.lost, wrong=verdict.findings.wrong)  # fmt: skip
        assert verdict.good, world.trouble(str(verdict))
        assert more <= 3, figures  # fewer is no leak
        assert not LONG or slope < 2**20, figures


async def _weather(world: World) -> list[tuple[float, int]]:
    """Change what is wrong every now and then; return the memory held, by time."""
    samples: list[tuple[float, int]] = []
    until = time.monotonic() + SOAK_SECONDS
    while time.monotonic() < until:
        world.net.fault, world.way.fault = world.rng.choice(WEATHER), world.rng.choice(WEATHER)
        for _ in range(4):
            await asyncio.sleep(0.5)
            samples.append((time.monotonic(), world.memory()))
    return samples


def _slope(samples: list[tuple[float, int]]) -> float:
    """Return bytes an hour by the line that fits best."""
    line = statistics.linear_regression(*zip(*samples, strict=True))
    return line.slope * 3600
