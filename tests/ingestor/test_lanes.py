import random
from datetime import datetime, timedelta

import msgspec
import pytest

from fakes.village import Bench
from ingestor.clock import SteppedClock
from ingestor.contract import Request
from ingestor.errors import NoBudget, RateLimited
from ingestor.lanes import HeldLane, Lanes
from registry import Registry

ASK = Request(path="/")


@pytest.fixture
async def book(bench: Bench) -> Registry:
    await bench.registry.lanes.upsert([bench.lane("a", limit=10, window=600.0), bench.lane("b")])
    return bench.registry


def lanes_of(book: Registry, clock: SteppedClock, owner: str = "one", **more: int) -> Lanes:
    return Lanes(book.lanes, owner=owner, clock=clock, rng=random.Random(1), **more)


class Wrong:
    """A clock whose wall time is wrong and whose seconds are right."""

    def __init__(self, clock: SteppedClock, offset: timedelta) -> None:
        self._clock = clock
        self._offset = offset
        self.monotonic = clock.monotonic
        self.sleep = clock.sleep

    def now(self) -> datetime:
        return self._clock.now() + self._offset


def later(clock: SteppedClock, seconds: float) -> None:
    clock.advance_to(clock.now() + timedelta(seconds=seconds))


async def held(book: Registry, clock: SteppedClock, owner: str = "one") -> tuple[Lanes, HeldLane]:
    lanes = lanes_of(book, clock, owner)
    await lanes.renew()
    return lanes, lanes.held["village/a"]


async def test_free_lanes_are_claimed_once(book: Registry, clock: SteppedClock) -> None:
    one, two = lanes_of(book, clock, most=1), lanes_of(book, clock, "two")
    assert await one.renew()
    assert await two.renew()
    assert (set(one.held), set(two.held)) == ({"village/a"}, {"village/b"})
    assert not await one.renew()


async def test_our_own_lanes_are_not_claimed_from_ourselves_when_renewing_took_long(
    book: Registry, clock: SteppedClock
) -> None:
    class Slow:
        def __getattr__(self, name: str) -> object:
            if name == "claim":
                later(clock, 61)
            return getattr(book.lanes, name)

    lanes = Lanes(Slow(), owner="one", clock=clock, rng=random.Random(1))  # type: ignore[arg-type] # stands before the real one
    both = {"village/a", "village/b"}
    await lanes.renew(both)
    before = dict(lanes.held)
    await lanes.renew(both)
    assert lanes.held == before


async def test_only_lanes_with_a_source_are_claimed(book: Registry, clock: SteppedClock) -> None:
    lanes = lanes_of(book, clock)
    await lanes.renew({"village/b"})
    assert set(lanes.held) == {"village/b"}


async def test_spending_stops_before_a_lease_that_was_not_renewed_ends(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    later(clock, 58)
    await lanes.reserve(lane, ASK)
    later(clock, 1)
    with pytest.raises(NoBudget):
        await lanes.reserve(lane, ASK)
    assert lane.wait(clock.monotonic()) > 0


async def test_a_paused_holder_is_refused_by_the_fence(book: Registry, clock: SteppedClock) -> None:
    zombie, lane = await held(book, clock)
    later(clock, 90)
    await held(book, clock, "two")
    lane.held_until = 1e9  # it believes that it still holds the lane
    with pytest.raises(NoBudget, match="another holder"):
        await zombie.reserve(lane, ASK)
    await zombie.renew()
    assert zombie.held == {}


async def test_a_successor_counts_what_was_spent_before(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    for _ in range(7):
        await lanes.reserve(lane, ASK)
    later(clock, 61)  # killed: the lease ends by itself
    second, taken = await held(book, clock, "two")
    granted = [await _granted(second, taken) for _ in range(10)]
    assert granted.count(True) <= 3


async def test_a_released_lane_is_free_at_once(book: Registry, clock: SteppedClock) -> None:
    lanes, _ = await held(book, clock)
    await lanes.release()
    _, again = await held(book, clock, "two")
    assert again.lane.fence == 2


async def test_a_rest_is_as_long_as_asked_and_a_successor_keeps_it(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    seconds = await lanes.rest(lane, RateLimited("wait", seconds=500.0))
    assert 500 <= seconds <= 550
    assert lane.wait(clock.monotonic()) == seconds
    assert lane.blocked == "rate_limited"
    assert lane.budget.ceiling == 5
    later(clock, 61)
    _, taken = await held(book, clock, "two")
    assert 430 <= taken.wait(clock.monotonic()) <= 490


async def test_rests_without_a_length_double(book: Registry, clock: SteppedClock) -> None:
    lanes, lane = await held(book, clock)
    waits = []
    for _ in range(3):
        waits.append(await lanes.rest(lane, RateLimited("wait", seconds=None)))
        later(clock, waits[-1])
    assert [seconds // 120 for seconds in waits] == [1, 2, 4]


async def test_a_throttled_app_rests_all_lanes_of_its_source(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    await lanes.rest(lane, RateLimited("app", seconds=300.0, whole_app=True))
    assert lanes.held["village/b"].wait(clock.monotonic()) >= 300
    assert all(one.cool_until is not None for one in await book.lanes.list())


async def test_a_rest_is_obeyed_by_who_has_a_wrong_clock(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    await lanes.rest(lane, RateLimited("wait", seconds=500.0))
    later(clock, 61)
    for offset in (timedelta(hours=-1), timedelta(hours=1), timedelta(days=3650)):
        second = Lanes(
            book.lanes, owner="two", clock=Wrong(clock, offset), rng=random.Random(1)
        )  # fmt: skip
        await second.renew()
        wait = second.held["village/a"].wait(clock.monotonic())
        assert 430 <= wait <= 490
        await second.renew()
        assert second.held["village/a"].wait(clock.monotonic()) == wait
        await second.release()


async def test_refusals_of_requests_that_were_in_flight_together_count_once(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    for _ in range(4):
        await lanes.rest(lane, RateLimited("wait", seconds=None))
    assert lane.budget.ceiling == 5  # of 10
    assert lane.wait(clock.monotonic()) < 140  # 120 and its jitter, not 120 * 2 ** 3


async def test_a_second_process_gets_half_of_the_lanes(book: Registry, clock: SteppedClock) -> None:
    one, two = lanes_of(book, clock), lanes_of(book, clock, "two")
    await one.renew()
    await two.renew()
    assert (set(one.held), set(two.held)) == ({"village/a", "village/b"}, set())
    await one.renew()
    (leaving,) = one.leaving()
    assert leaving.wait(clock.monotonic()) > 0.0  # no new poll starts
    await one.release([leaving])
    with pytest.raises(NoBudget):
        await one.reserve(leaving, ASK)
    await one.renew()
    await two.renew()
    assert (set(one.held), set(two.held)) == ({"village/a"}, {"village/b"})


async def test_a_dead_holders_lanes_are_looked_for_when_its_lease_ends(
    book: Registry, clock: SteppedClock
) -> None:
    await lanes_of(book, clock).renew()
    later(clock, 50)
    second = lanes_of(book, clock, "two")
    await second.renew()
    assert second.held == {}
    assert 10.0 < second.next_look <= 11.0
    later(clock, second.next_look)
    await second.renew()
    assert len(second.held) == 2
    assert second.next_look == 20.0


async def test_a_quarantined_lane_is_not_claimed_again(book: Registry, clock: SteppedClock) -> None:
    lanes, lane = await held(book, clock)
    await lanes.quarantine(lane, "checkpoint")
    later(clock, 3600)
    await lanes.renew()
    assert "village/a" not in lanes.held
    with pytest.raises(NoBudget):
        await lanes.reserve(lane, ASK)


async def test_a_tag_without_a_free_slot_is_not_asked(bench: Bench, clock: SteppedClock) -> None:
    lane = msgspec.structs.replace(bench.lane("a"), slots=2, slot_window=7 * 86_400.0)
    await bench.registry.lanes.upsert([lane])
    lanes, mine = await held(bench.registry, clock)
    for tag in ("nike", "puma", "nike"):
        await lanes.reserve(mine, Request(path="/", slot=tag))
    with pytest.raises(NoBudget, match="slot") as refused:
        await lanes.reserve(mine, Request(path="/", slot="adidas"))
    assert refused.value.seconds > 6 * 86_400


async def test_the_registry_is_asked_once_for_a_slot_as_long_as_it_serves(
    bench: Bench, clock: SteppedClock
) -> None:
    lane = msgspec.structs.replace(bench.lane("a"), slots=2, slot_window=86_400.0)
    await bench.registry.lanes.upsert([lane])
    book, asked = bench.registry.lanes, []

    class Counting:
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            return getattr(book, name)

    lanes = Lanes(Counting(), owner="one", clock=clock, rng=random.Random(1), lease_seconds=2e5)  # type: ignore[arg-type] # stands before the real one
    await lanes.renew()
    for _ in range(20):
        await lanes.reserve(lanes.held["village/a"], Request(path="/", slot="nike"))
    assert asked.count("use_slot") == 1
    later(clock, 86_400)  # a minute before and after its end a slot serves nobody
    with pytest.raises(NoBudget, match="slot"):
        await lanes.reserve(lanes.held["village/a"], Request(path="/", slot="nike"))
    assert asked.count("use_slot") == 2


async def _granted(lanes: Lanes, lane: HeldLane) -> bool:
    try:
        await lanes.reserve(lane, ASK)
    except NoBudget:
        return False
    return True


async def test_one_request_sent_twice_at_once_leaves_the_window_twice(
    book: Registry, clock: SteppedClock
) -> None:
    lanes, lane = await held(book, clock)
    for _ in range(2):
        await lanes.reserve(lane, ASK)  # a source may keep one request for ever
    for _ in range(2):
        lanes.ended(lane)
    later(clock, 700.0)
    assert lane.budget.wait(clock.monotonic(), 10) == 0.0
