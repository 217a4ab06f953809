import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ingestor.clock import Activity, SteppedClock, SystemClock

START = datetime(2026, 1, 1, tzinfo=UTC)


class Wall:
    """A wall clock and a monotonic one that a test sets."""

    def __init__(self) -> None:
        self.at = START
        self.seconds = 100.0

    def pass_(self, seconds: float, *, jump: timedelta = timedelta()) -> None:
        self.seconds += seconds
        self.at += timedelta(seconds=seconds) + jump


def test_system_clock_never_goes_back_when_the_wall_is_set_back() -> None:
    wall = Wall()
    clock = SystemClock(lambda: wall.at, lambda: wall.seconds)
    before = clock.now()
    wall.pass_(2.0, jump=timedelta(hours=-1))
    assert clock.now() == before + timedelta(seconds=2)
    wall.pass_(3.0)
    assert clock.now() == before + timedelta(seconds=5)


def test_system_clock_follows_the_wall_again_once_it_has_caught_up() -> None:
    wall = Wall()
    clock = SystemClock(lambda: wall.at, lambda: wall.seconds)
    wall.pass_(1.0, jump=timedelta(seconds=-30))
    clock.now()
    wall.pass_(1.0, jump=timedelta(hours=1))
    assert clock.now() == wall.at


async def test_sleepers_wake_in_order_at_their_own_instants() -> None:
    clock = SteppedClock(START)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic()))

    async def idle() -> None:
        await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        for name, seconds in [("late", 7.5), ("early", 0.25), ("also late", 7.5)]:
            group.create_task(sleeper(name, seconds))
        await asyncio.sleep(0)
        await clock.play(START + timedelta(seconds=60), idle)
    assert woken == [("early", 0.25), ("late", 7.5), ("also late", 7.5)]
    assert clock.now() == START + timedelta(seconds=60)


async def test_time_waits_for_work_that_takes_real_time() -> None:
    clock = SteppedClock(START)
    activity = Activity()
    finished: list[datetime] = []

    async def worker() -> None:
        for _ in range(3):
            await clock.sleep(10)
            with activity:
                await asyncio.to_thread(lambda: None)
            finished.append(clock.now())

    async with asyncio.TaskGroup() as group:
        group.create_task(worker())
        await asyncio.sleep(0)
        await clock.play(START + timedelta(seconds=100), activity.quiet)
    assert finished == [START + timedelta(seconds=s) for s in (10, 20, 30)]


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = SteppedClock(START)
    task = asyncio.create_task(clock.sleep(5))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert clock.next_wake() is None
    await clock.settle()


def test_virtual_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="cannot go back"):
        SteppedClock(START).advance_to(START - timedelta(seconds=1))
