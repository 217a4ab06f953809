"""Answers shared for seconds: a hundred readers of one report are one question to the lake."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class SingleFlight(Generic[V]):
    """Keeps values for `seconds` and lets callers of one key wait for one making of it.

    `clock` is monotonic seconds. An error is given to all who wait, never kept. The work is a task
    of its own, so a caller may be cancelled (its client left) without harm to the others.
    """

    def __init__(self, *, seconds: float, entries: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._entries = entries
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, V]] = OrderedDict()
        self._flying: dict[Hashable, asyncio.Task[V]] = {}
        self.hits = 0
        self.misses = 0

    async def get(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> V:
        """Return the value of `key`, made now unless a fresh one is kept or on its way."""
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[0] < self._seconds:
            self.hits += 1
            return kept[1]
        flight = self._flying.get(key)
        if flight is None:
            self.misses += 1
            flight = self._take_off(key, make)
        else:
            self.hits += 1
        return await asyncio.shield(flight)

    def forget(self, key: Hashable) -> None:
        """Drop what is kept under `key`."""
        self._kept.pop(key, None)

    def _take_off(self, key: Hashable, make: Callable[[], Awaitable[V]]) -> asyncio.Task[V]:
        async def fly() -> V:
            try:
                value = await make()
                self._keep(key, value)
                return value
            finally:
                del self._flying[key]

        flight = self._flying[key] = asyncio.create_task(fly())
        # A failure nobody waits for any more (all clients left) is not a warning of the event loop.
        flight.add_done_callback(lambda done: done.cancelled() or done.exception())
        return flight

    def _keep(self, key: Hashable, value: V) -> None:
        if self._seconds <= 0:
            return
        self._kept[key] = (self._clock(), value)
        self._kept.move_to_end(key)
        while len(self._kept) > self._entries:
            self._kept.popitem(last=False)
