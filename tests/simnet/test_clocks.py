from datetime import UTC, datetime, timedelta

import pytest

from simnet.clocks import FastClock, SteppedClock

START = datetime(2026, 3, 2, tzinfo=UTC)


def test_fast_clock_runs_at_its_speed() -> None:
    ticks = iter([100.0, 100.0, 102.5])
    clock = FastClock(3600, START, monotonic=lambda: next(ticks))
    assert clock() == START
    assert clock() == START + timedelta(hours=2, minutes=30)


def test_fast_clock_refuses_to_stand_still() -> None:
    with pytest.raises(ValueError, match="speed: 0 must be above 0"):
        FastClock(0, START)


def test_stepped_clock_moves_only_when_told() -> None:
    clock = SteppedClock(START)
    assert clock() == clock() == START
    clock.advance(90)
    assert clock() == START + timedelta(seconds=90)


def test_stepped_clock_refuses_to_go_back() -> None:
    clock = SteppedClock(START)
    with pytest.raises(ValueError, match="is before"):
        clock.move(START - timedelta(seconds=1))
