"""What the ingestor tests share: a clock, a fake network, a registry, an ingestor."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fakes.followed import Followed, FollowedBench
from fakes.village import START, Bench, Village
from ingestor.clock import SteppedClock
from registry import Registry, open_registry


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(START)


@pytest.fixture
async def village() -> AsyncIterator[Village]:
    village = Village()
    async with village.serving():
        yield village


@pytest.fixture
async def registry(clock: SteppedClock, tmp_path: Path) -> AsyncIterator[Registry]:
    url = f"sqlite:///{tmp_path}/registry.db"
    async with await open_registry(url, pepper="pepper" * 4, now=clock.now) as registry:
        yield registry


@pytest.fixture
def bench(village: Village, registry: Registry, clock: SteppedClock, tmp_path: Path) -> Bench:
    return Bench(village, registry, clock, tmp_path)


@pytest.fixture
async def followed() -> AsyncIterator[Followed]:
    village = Followed()
    async with village.serving():
        yield village


@pytest.fixture
def follower_bench(
    followed: Followed, registry: Registry, clock: SteppedClock, tmp_path: Path
) -> FollowedBench:
    return FollowedBench(followed, registry, clock, tmp_path)
