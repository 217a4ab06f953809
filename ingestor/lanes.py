"""The lanes this process leases: whole, for a minute at a time, each with its budget in memory.

A lane may be used only while its lease is surely ours by our own monotonic clock. When the registry
cannot be reached in time, spending stops (fail closed); when another holder has the lane, the fence
refuses our writes.
"""

import asyncio
import math
import random
from collections import deque
from collections.abc import Sequence
from typing import Literal

import structlog

from ingestor.budget import Budget
from ingestor.clock import Clock
from ingestor.contract import Allowance, Answer, Request
from ingestor.errors import NoBudget, RateLimited
from ingestor.http import Wire
from ingestor.metrics import Metrics
from lake.killpoint import reached
from lake.records import GapReason
from registry.errors import Fenced, NoSlot, RegistryError, Unknown
from registry.lanes import Lanes as LaneBook
from registry.models import Lane

LEASE_SECONDS = 60.0
REST_FIRST, REST_CAP = 60.0, 6 * 3600.0  # seconds; when a network asks for a pause and names none
MARGIN = 1.0  # seconds before the lease's end at which we stop
AT_ONCE = 3  # polls in flight: what a network may refuse before we know, or hold up when it is slow

log = structlog.get_logger()
Blocked = Literal["rate_limited", "no_budget"]


class HeldLane:
    """One leased lane: what the registry says of it, its budget, and whether it rests."""

    def __init__(self, lane: Lane, *, held_until: float) -> None:
        self.lane = lane
        self.id = lane.id
        self.budget = Budget(limit=lane.limit, window=lane.window)
        self.held_until = held_until
        self.rest_until = 0.0
        self.rests = 0  # refusals in a row without a good answer between
        self.in_flight = 0
        self.paying = asyncio.Lock()
        self.leaving = False  # another process asked for it: it goes once nothing is in flight
        self.blocked: GapReason = "no_budget"  # why it last could not be used
        self.slots: dict[str, float] = {}  # until when a hashtag's slot surely serves it
        self._visits: deque[float] = deque()

    @property
    def at_once(self) -> int:
        """Return how many polls may be in flight: as many as may be asked in a second."""
        return max(AT_ONCE, math.ceil(self.lane.limit / self.lane.window))

    def visited(self, now: float) -> None:
        """Note that budget goes to what no plan needs: a single post, a page of followers."""
        self._visits.append(now)

    def visits_made(self, now: float) -> int:
        """Return how many requests of the present window went to what no plan needs."""
        while self._visits and now - self._visits[0] >= self.budget.window + self.budget.pad:
            self._visits.popleft()
        return len(self._visits)

    def wait(self, now: float) -> float:
        """Return the seconds until one more poll may start, 0.0 for now; notes why not."""
        rest = self.rest_until - now
        if rest > 0.0:
            self.blocked = "rate_limited"
            return rest
        if self.leaving or now >= self.held_until - MARGIN:
            self.blocked = "failed"
            return 1.0
        if self.in_flight >= self.at_once:  # the end of one rings the bell
            return 1.0
        budget = self.budget.wait(now, 1 + self.in_flight)
        if budget > 0.0:
            self.blocked = "no_budget"
        return budget


class Lanes:
    """All lanes of one process.

    Calls: `renew` three times a lease; `reserve` before every wire attempt and `heard` after it;
    `rest` and `quarantine` when the network says so; `release` at the end.
    """

    def __init__(
        self,
        book: LaneBook,
        *,
        owner: str,
        clock: Clock,
        rng: random.Random,
        lease_seconds: float = LEASE_SECONDS,
        most: int = 1000,
    ) -> None:  # fmt: skip
        self._book = book
        self._owner = owner
        self._clock = clock
        self._rng = rng
        self._seconds = lease_seconds
        self._most = most
        self.next_look = lease_seconds / 3  # seconds until `renew` is to be called again
        self.held: dict[str, HeldLane] = {}

    async def renew(self, usable: set[str] | None = None) -> bool:
        """Renew what we hold and claim what is free; return whether the set of lanes changed.

        usable: ids of the lanes we have sources and credentials for; None: all.
        """
        before = set(self.held)
        self.next_look = self._seconds / 3
        for lane in list(self.held.values()):
            await self._renew_one(lane)
        if len(self.held) < self._most:
            for held in await self.claim(usable):
                log.info("lane claimed", lane=held.id, fence=held.lane.fence)
            await self._look_around(usable)
        return set(self.held) != before

    async def _look_around(self, usable: set[str] | None) -> None:
        """Ask for a share of others' lanes, and look again just when a dead one's lease ends."""
        ends = await self._book.ask(self._owner, only=usable)
        if ends is not None:
            self.next_look = min(self.next_look, ends + self._rng.uniform(0.1, 1.0))

    async def _renew_one(self, held: HeldLane) -> None:
        asked_at = self._clock.monotonic()
        try:
            lane = await self._book.renew(held.id, held.lane.fence, seconds=self._seconds)
        except (Fenced, Unknown):
            log.warning("lane lost", lane=held.id)
            self.held.pop(held.id, None)
            return
        held.lane = lane
        held.leaving = lane.wanted_by not in (None, self._owner)
        # From before the question: the registry's own end is later, never earlier.
        held.held_until = asked_at + self._seconds
        self._take_rest(held)

    async def claim(self, usable: set[str] | None = None) -> list[HeldLane]:
        """Claim lanes that nobody holds and return them; nobody is asked to give one up."""
        asked_at = self._clock.monotonic()
        room = self._most - len(self.held)
        if usable is not None:  # ours too look free when renewing them all took a whole lease
            usable = usable - set(self.held)
        claimed = await self._book.claim(self._owner, most=room, seconds=self._seconds, only=usable)
        return [await self._take(lane, held_until=asked_at + self._seconds) for lane in claimed]

    async def _take(self, lane: Lane, *, held_until: float) -> HeldLane:
        """Hold a lane that was claimed, with what earlier holders may have spent."""
        held = HeldLane(lane, held_until=held_until)
        window = held.budget.window + held.budget.pad
        spent = await self._book.spent(lane.id, window)
        now = self._clock.monotonic()  # not before the question: no request may seem older
        held.budget.spent_before([one.age for one in spent for _ in range(one.grants)], now=now)
        self._take_rest(held)
        self.held[lane.id] = held
        return held

    def _take_rest(self, held: HeldLane) -> None:
        """Obey a rest that the registry knows of, perhaps asked for by another process of the same
        app.
        """
        if held.lane.rest:
            held.rest_until = max(held.rest_until, self._clock.monotonic() + held.lane.rest)

    async def reserve(self, held: HeldLane, request: Request) -> None:
        """Spend one request of the lane's budget, written ahead. Raises NoBudget: then nothing may
        be sent.
        """
        try:
            if request.slot is not None:
                await self._take_slot(held, request.slot)
            await self._pay(held)
        except NoSlot as exc:
            raise NoBudget("no hashtag slot is free", seconds=exc.seconds) from exc
        except Fenced as exc:
            self.held.pop(held.id, None)
            raise NoBudget("the lane has another holder", seconds=self._seconds) from exc
        except RegistryError as exc:  # unreachable: what is not written ahead is not spent
            raise NoBudget("the registry does not answer", seconds=10.0) from exc
        now = self._clock.monotonic()
        if now >= held.held_until - MARGIN or held.rest_until > now:
            raise NoBudget("the lane rests", seconds=max(1.0, held.rest_until - now))
        seconds = held.budget.reserve(now)
        if seconds > 0.0:
            raise NoBudget("the budget is spent", seconds=seconds)
        reached("after_reserve")

    def ended(self, held: HeldLane) -> None:
        """Note that one reserved request of a lane has been answered, or never will be."""
        held.budget.ended(self._clock.monotonic())

    async def _take_slot(self, held: HeldLane, tag: str) -> None:
        """Ask the registry for a hashtag's slot, once for as long as it serves."""
        now = self._clock.monotonic()
        if held.slots.get(tag, 0.0) <= now:
            seconds = await self._book.use_slot(held.id, held.lane.fence, tag)
            held.slots[tag] = now + seconds

    async def _pay(self, held: HeldLane) -> None:
        async with held.paying:  # one chunk at a time, or two polls would both write one
            now = self._clock.monotonic()
            held.budget.recover(now)
            seconds = held.budget.wait(now)
            if seconds > 0.0:
                raise NoBudget("the budget is spent", seconds=seconds)
            chunk = held.budget.unpaid(now)
            if chunk:
                seconds = held.budget.chunk_seconds
                await self._book.reserve(held.id, held.lane.fence, chunk, seconds=seconds)
                held.budget.prepay(now, chunk)

    def heard(self, held: HeldLane, allowance: Allowance) -> None:
        """Take what an answer's headers say of the budget."""
        reached("after_response")
        held.budget.heard(allowance, now=self._clock.monotonic())

    async def rest(self, held: HeldLane, limited: RateLimited) -> float:
        """Let the lane rest as long as the network wants, and all lanes of the app if it says so.

        Returns the seconds. Jittered upwards: a fleet must not come back in one instant.
        """
        now = self._clock.monotonic()
        if held.rest_until <= now:  # else it was in flight with the one that was refused first
            held.budget.throttled(now)
            held.rests = min(20, held.rests + 1)
        seconds = limited.seconds
        if seconds is None:
            first = max(REST_FIRST, held.lane.window / 5)
            seconds = min(REST_CAP, first * 2.0 ** max(0, held.rests - 1))
        seconds = max(1.0, seconds) * self._rng.uniform(1.0, 1.1)
        same_app = [
            one
            for one in self.held.values()
            if one is held or (limited.whole_app and one.lane.source == held.lane.source)
        ]
        for one in same_app:
            one.rest_until = max(one.rest_until, now + seconds)
            one.blocked = "rate_limited"
        log.warning("lane rests", lane=held.id, seconds=round(seconds), lanes=len(same_app))
        await self._tell_rest(held, seconds, whole_app=limited.whole_app)
        return seconds

    async def _tell_rest(self, held: HeldLane, seconds: float, *, whole_app: bool) -> None:
        try:
            if whole_app:
                await self._book.cool_source(held.lane.source, seconds=seconds)
            else:
                await self._book.cool(held.id, held.lane.fence, seconds=seconds)
        except (
            RegistryError
        ) as exc:  # we rest all the same; a successor would learn it from the network
            log.warning("registry was not told of a rest", lane=held.id, reason=type(exc).__name__)

    async def quarantine(self, held: HeldLane, reason: str) -> None:
        """Take a refused credential out of use until a person or a day frees it."""
        self.held.pop(held.id, None)
        held.held_until = 0.0
        held.blocked = "quarantined"
        log.error("lane quarantined: a person is needed", lane=held.id, reason=reason)
        try:
            await self._book.quarantine(held.id, reason, fence=held.lane.fence)
        except RegistryError as exc:
            log.error("quarantine was not stored", lane=held.id, reason=type(exc).__name__)

    def leaving(self) -> list[HeldLane]:
        """Return the lanes that others asked for and that nobody uses any more."""
        return [held for held in self.held.values() if held.leaving and not held.in_flight]

    async def release(self, leaving: Sequence[HeldLane] | None = None) -> None:
        """Give lanes back, or all, so that others need not wait for the leases to end."""
        for held in list(self.held.values()) if leaving is None else leaving:
            self.held.pop(held.id, None)
            held.held_until = 0.0  # whoever still has it in his hands spends no more
            try:
                await self._book.release(held.id, held.lane.fence)
            except RegistryError as exc:
                log.warning("lane was not released", lane=held.id, reason=type(exc).__name__)


class Metered:
    """The wire with a meter: it counts what goes out."""

    def __init__(self, wire: Wire, metrics: Metrics) -> None:
        self._wire = wire
        self._metrics = metrics

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Send one request once and return its answer of any status. Raises Down, BadAnswer."""
        self._metrics.requests += 1
        return await self._wire.ask(base_url, request)
