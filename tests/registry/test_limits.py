import asyncio

import pytest

from fakes.registered import Clock
from registry import Registry
from registry.errors import BadField
from registry.models import Quota


async def test_requests_count_down_to_refusal(registry: Registry) -> None:
    quotas = [await registry.limits.hit("k", limit=2, seconds=10) for _ in range(3)]
    assert quotas == [
        Quota(allowed=True, limit=2, remaining=1, reset=10.0),
        Quota(allowed=True, limit=2, remaining=0, reset=10.0),
        Quota(allowed=False, limit=2, remaining=0, reset=10.0),
    ]


async def test_a_new_window_starts_anew(registry: Registry, clock: Clock) -> None:
    await registry.limits.hit("k", limit=1, seconds=10)
    clock.move(7)
    assert await registry.limits.hit("k", limit=1, seconds=10) == Quota(
        allowed=False, limit=1, remaining=0, reset=3.0
    )
    clock.move(3)
    assert (await registry.limits.hit("k", limit=1, seconds=10)).allowed


async def test_keys_count_apart(registry: Registry) -> None:
    await registry.limits.hit("a", limit=1)
    assert (await registry.limits.hit("b", limit=1)).allowed


async def test_a_dear_request_counts_more(registry: Registry) -> None:
    assert (await registry.limits.hit("k", limit=10, cost=7)).remaining == 3


async def test_requests_at_once_are_all_counted(registry: Registry) -> None:
    quotas = await asyncio.gather(*(registry.limits.hit("k", limit=15) for _ in range(20)))
    assert sum(quota.allowed for quota in quotas) == 15


async def test_a_limit_allows_something(registry: Registry) -> None:
    with pytest.raises(BadField, match="limit is 0"):
        await registry.limits.hit("k", limit=0)
