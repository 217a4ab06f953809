"""Time as an argument: the machine's clock, and one that only moves when everybody is idle."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

FLOOR = 0.001  # seconds; uvloop rounds shorter delays to 0 and spins


class Bell:
    """Wakes one sleeper before its time. `ring` may come before, during or after the sleep: it is
    not lost.
    """

    def __init__(self) -> None:
        self._rung = False
        self._sleeper: asyncio.Future[bool] | None = None

    def ring(self) -> None:
        """End the present sleep, or the next one at once."""
        self._rung = True
        if self._sleeper is not None and not self._sleeper.done():
            self._sleeper.set_result(False)

    def watch(self, sleeper: "asyncio.Future[bool]") -> None:
        """Ring this sleeper from now on; at once if the bell has rung since the last sleep."""
        self._sleeper = sleeper
        if self._rung:
            self.ring()

    def leave(self) -> None:
        """Forget the sleeper and that the bell rang."""
        self._sleeper = None
        self._rung = False


class Clock(Protocol):
    """What the ingestor knows of time."""

    def now(self) -> datetime:
        """Return the instant in UTC; never earlier than an instant returned before."""
        ...

    def monotonic(self) -> float:
        """Return seconds that only grow, from an arbitrary start."""
        ...

    async def sleep(self, seconds: float, bell: Bell | None = None) -> None:
        """Return after `seconds`, one millisecond at least, or when `bell` rings."""
        ...


class SystemClock:
    """The machine's clock, made hybrid: wall time that never goes back.

    Versions of records are observation times. When the wall clock is set back, `now` goes on from
    the last instant at the pace of the monotonic clock until the wall has caught up, so a later
    observation always has the higher version. When it is set forward, `now` follows: nothing tells
    a wrong jump from a right one.
    """

    def __init__(
        self,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._last = wall()
        self._last_at = monotonic()

    def now(self) -> datetime:
        """Return the wall's instant, or the last one plus the seconds since, whichever is later."""
        at = self._monotonic()
        wall = self._wall()
        # Backwards only: a wall clock that is slewed runs slower than the monotonic one, and must
        # be followed.
        self._last = (
            wall if wall >= self._last else self._last + timedelta(seconds=at - self._last_at)
        )
        self._last_at = at
        return self._last

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return self._monotonic()

    async def sleep(self, seconds: float, bell: Bell | None = None) -> None:
        """Sleep in real time."""
        if bell is None:
            return await asyncio.sleep(max(FLOOR, seconds))
        loop = asyncio.get_running_loop()
        rest: asyncio.Future[bool] = loop.create_future()
        alarm = loop.call_later(max(FLOOR, seconds), _end, rest)
        try:
            bell.watch(rest)
            await rest
        finally:
            bell.leave()
            alarm.cancel()


def _end(rest: "asyncio.Future[bool]") -> None:
    if not rest.done():
        rest.set_result(True)


class SteppedClock:
    """Virtual time that stands still until a driver moves it, so that weeks pass as fast as work is
    done.

    The driver awaits `play`; everyone else sleeps on this clock. Same sleepers, same order:
    sleepers of one instant wake in the order in which they lay down.
    """

    def __init__(self, start: datetime) -> None:
        self._start = start
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[bool]]] = []
        self._waking = 0

    def now(self) -> datetime:
        """Return the virtual instant, whole milliseconds after the start."""
        return self._now

    def monotonic(self) -> float:
        """Return virtual seconds since the start."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds: float, bell: Bell | None = None) -> None:
        """Return when a driver has moved the clock `seconds` on, in whole milliseconds."""
        whole = max(1, -int(-seconds * 1000 // 1))
        rest: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        wake = self._now + timedelta(milliseconds=whole)
        heapq.heappush(self._sleepers, (wake, next(self._order), rest))
        try:
            if bell is not None:
                bell.watch(rest)
            await rest
        finally:
            if bell is not None:
                bell.leave()
            if rest.done() and not rest.cancelled() and rest.result():
                self._waking -= 1  # it was the clock that woke us, not the bell

    def next_wake(self) -> datetime | None:
        """Return when the next sleeper wakes; None if nobody sleeps."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)  # cancelled or rung in its sleep
        return self._sleepers[0][0] if self._sleepers else None

    def advance_to(self, instant: datetime) -> None:
        """Move on to `instant` and wake whoever is due by then. Raises ValueError for the past."""
        if instant < self._now:
            raise ValueError(f"the clock cannot go back from {self._now} to {instant}")
        self._now = instant
        while (wake := self.next_wake()) is not None and wake <= instant:
            _, _, rest = heapq.heappop(self._sleepers)
            rest.set_result(True)
            self._waking += 1

    async def settle(self) -> None:
        """Return when every sleeper that was woken has gone on to its next await."""
        while self._waking:  # noqa: ASYNC110 - one turn of the loop per step, no time passes
            await asyncio.sleep(0)

    async def play(
        self,
        until: datetime,
        idle: Callable[[], Awaitable[None]],
        *,
        moved: Callable[[datetime], Awaitable[None]] | None = None,
    ) -> None:
        """Move to `until`, stopping at every instant somebody waits for.

        `idle` returns when nobody has work left at the present instant (`Ingestor.idle`); `moved`
        is told each new instant before anyone wakes, so that a simulated network can follow.
        """
        await self._rest(idle)
        while (wake := self.next_wake()) is not None and wake <= until:
            await self._move(wake, moved)
            await self._rest(idle)
        await self._move(until, moved)
        await self._rest(idle)

    async def _move(
        self, instant: datetime, moved: Callable[[datetime], Awaitable[None]] | None
    ) -> None:
        if moved is not None:
            await moved(instant)
        self.advance_to(instant)

    async def _rest(self, idle: Callable[[], Awaitable[None]]) -> None:
        await self.settle()
        await idle()
        while self._waking:  # idling may have woken somebody by a cancelled sleep
            await self.settle()
            await idle()


class Activity:
    """Who is at work now; `quiet` returns when nobody is. One per ingestor, entered around each
    piece of work.
    """

    def __init__(self) -> None:
        self._busy = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    def __enter__(self) -> None:
        self._busy += 1
        self._quiet.clear()

    def __exit__(self, *_: object) -> None:
        self._busy -= 1
        if self._busy == 0:
            self._quiet.set()

    async def quiet(self) -> None:
        """Return when nobody has been at work for one turn of the event loop."""
        while self._busy or await self._stirs():
            await self._quiet.wait()

    async def _stirs(self) -> bool:
        # A finished piece of work may have set an event whose waiter has not run yet: give it two
        # turns.
        for _ in range(3):
            await asyncio.sleep(0)
        return self._busy > 0
