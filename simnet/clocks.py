"""Clocks a simulated world runs by; each is called and answers an aware datetime in UTC."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class FastClock:
    """Time that runs `speed` times as fast as the machine's, from `start` on."""

    def __init__(
        self, speed: float, start: datetime, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if speed <= 0:
            raise ValueError(f"speed: {speed} must be above 0")
        self._speed, self._start, self._monotonic = speed, start.astimezone(UTC), monotonic
        self._begin = monotonic()

    def __call__(self) -> datetime:
        """Return what time it is in the world."""
        return self._start + timedelta(seconds=(self._monotonic() - self._begin) * self._speed)


class SteppedClock:
    """Time that stands still until it is moved: what makes a run the same every time."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def __call__(self) -> datetime:
        """Return what time it is in the world."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.move(self._now + timedelta(seconds=seconds))

    def move(self, now: datetime) -> None:
        """Move on to `now`. Raises ValueError for a step back: budgets know no yesterday."""
        if now < self._now:
            raise ValueError(f"now: {now} is before {self._now}")
        self._now = now
