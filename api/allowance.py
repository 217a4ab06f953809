"""Request limits shared by all replicas, without a database write for every request.

The registry counts; each process takes a twentieth of the limit at a time and spends it here. A
share that is taken and not used is lost with its window, so a caller may see its last twentieth
withheld, never more than its limit.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import msgspec

from registry.models import Quota

SHARES = 20
NAMES = 10_000  # keys and addresses remembered; the least recently seen goes first
Hit = Callable[..., Awaitable[Quota]]


class Share(msgspec.Struct):
    """What one name may still spend here until `ends` (monotonic seconds)."""

    left: int
    behind: int  # that the registry has left beyond it
    ends: float


class Allowance:
    """Answers whether a name may make one more request in its minute. `hit` is the registry's."""

    def __init__(self, hit: Hit, *, clock: Callable[[], float], seconds: float = 60.0) -> None:
        self._hit = hit
        self._clock = clock
        self._seconds = seconds
        self._shares: OrderedDict[str, Share] = OrderedDict()

    async def take(self, name: str, *, limit: int) -> Quota:
        """Return the state after one more request; `allowed`: it is within the limit."""
        share = self._shares.get(name)
        if share is None or share.ends <= self._clock() or (share.left < 1 and share.behind > 0):
            share = await self._fetch(name, limit)
        self._shares.move_to_end(name)
        allowed = share.left > 0
        share.left = max(0, share.left - 1)
        return Quota(
            allowed=allowed,
            limit=limit,
            remaining=share.left + share.behind,
            reset=max(0.0, share.ends - self._clock()),
        )

    async def _fetch(self, name: str, limit: int) -> Share:
        size = share_of(limit)
        quota = await self._hit(name, limit=limit, seconds=self._seconds, cost=size)
        share = Share(
            left=size if quota.allowed else 0,
            behind=quota.remaining,
            ends=self._clock() + quota.reset,
        )
        self._shares[name] = share
        while len(self._shares) > NAMES:
            self._shares.popitem(last=False)
        return share


def share_of(limit: int) -> int:
    """Return the largest divisor of the limit that is at most a twentieth: shares come out even.

    >>> share_of(600), share_of(7), share_of(61)
    (30, 1, 1)
    """
    most = max(1, limit // SHARES)
    return next(size for size in range(most, 0, -1) if limit % size == 0)
