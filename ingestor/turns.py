"""Whose turn it is: due targets of one lane, fair among the tenants that want them. Pure."""

import heapq
from collections import deque
from collections.abc import Mapping


class Turns:
    """A queue in which each tenant advances at the pace of its weight, however many targets it has.

    Stride scheduling: a tenant's pass grows by 1 / weight with every turn and the lowest pass goes
    next, so a tenant with a million due targets delays one with ten by one turn, not by a million.
    First in, first out within a tenant. O(log tenants).
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        self._weights = weights or {}
        self._waiting: dict[str, deque[int]] = {}
        self._passes: dict[str, float] = {}
        self._order: list[tuple[float, str]] = []
        self._present = (
            0.0  # the pass of the last turn: who comes back starts here, not in the past
        )
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, tenant: str, slot: int) -> None:
        """Queue a target of `tenant`."""
        queue = self._waiting.setdefault(tenant, deque())
        if not queue:
            start = max(self._present, self._passes.get(tenant, 0.0))
            self._passes[tenant] = start
            heapq.heappush(self._order, (start, tenant))
        queue.append(slot)
        self._count += 1

    def pop(self) -> int | None:
        """Return the next target, None if none is due."""
        if not self._order:
            return None
        self._present, tenant = heapq.heappop(self._order)
        queue = self._waiting[tenant]
        slot = queue.popleft()
        self._count -= 1
        self._passes[tenant] = self._present + 1.0 / self._weights.get(tenant, 1.0)
        if queue:
            heapq.heappush(self._order, (self._passes[tenant], tenant))
        else:
            del self._waiting[tenant]
        return slot
