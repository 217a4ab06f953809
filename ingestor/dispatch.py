"""Starting polls when they are due and a lane can pay for them, and drawing the consequences of
each.
"""

import asyncio
import math
import operator
import random
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import msgspec
import structlog

from ingestor.accounting import Accounts, gap
from ingestor.breaker import Breaker
from ingestor.clock import Activity, Bell, Clock
from ingestor.contract import Credential, Source, Target, TargetKind
from ingestor.errors import (
    BadAnswer,
    BadRequest,
    Down,
    Gone,
    IngestError,
    NoBudget,
    RateLimited,
    Refused,
)
from ingestor.lanes import HeldLane, Lanes
from ingestor.metrics import Metrics
from ingestor.pipeline import Pipeline
from ingestor.schedule import Due, Schedule
from ingestor.spool import Spool
from ingestor.spool_file import Append, Full
from ingestor.walk import Outcome, Poll
from lake.contract import Line
from lake.records import GapReason
from registry.models import Lane

log = structlog.get_logger()

DAY = 86_400.0
LATE = 60.0  # seconds; a poll later than this, and than its interval, was missed
STOPPED = 1.0  # seconds between looks at a spool that is full
RESTED = 5.0  # seconds until a page that the spool refused is fetched again


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a dispatcher works with; the ingestor makes them and tends them."""

    schedule: Schedule
    lanes: Lanes
    spool: Spool
    accounts: Accounts
    pipeline: Pipeline
    clock: Clock
    activity: Activity
    metrics: Metrics
    sources: Mapping[str, Source]
    credentials: Callable[[Lane], Credential]
    rng: random.Random
    polled: Callable[[Due, Outcome], None]  # told of each answered poll
    refused: Callable[[], None]  # told that a lane is out of use and its targets move


class Delay(msgspec.Struct, frozen=True, kw_only=True):
    """How late a poll starts: since when, the instants it was planned for, why it had to wait."""

    stretch: tuple[datetime, datetime]
    planned: list[datetime]  # the last one is this poll's, the others were missed
    reason: GapReason

    @property
    def missed(self) -> int:
        """Return how many polls were due before this one and were not made."""
        return len(self.planned) - 1


class Dispatcher:
    """Starts polls. Life: `run` in a task until it is cancelled; the polls go on in the group it
    was given.
    """

    def __init__(self, parts: Parts, *, concurrency: int) -> None:
        self._parts = parts
        self._concurrency = concurrency
        self._breakers: dict[tuple[str, str], Breaker] = {}
        self._asking: Counter[Breaker] = Counter()  # polls in flight, by network
        self._turn = 0
        self.running: set[asyncio.Task[None]] = set()
        self.bell = Bell()  # ring it when lanes, targets or budgets have changed

    async def run(self, group: asyncio.TaskGroup) -> None:
        """Start whatever can start, then sleep until something may have changed."""
        while True:
            now = self._parts.clock.monotonic()
            self._parts.schedule.ripen(now)
            self._start_ready(group, now)
            await self._parts.clock.sleep(self._pause(now), self.bell)

    def _room(self) -> int:
        """Return how many more polls may start: few when the spool is filling, none when it is
        full.
        """
        level = self._parts.spool.level
        self._parts.metrics.spool_fill = self._parts.spool.fill
        if level == "stop":
            return 0
        most = self._concurrency if level == "open" else max(1, self._concurrency // 8)
        return max(0, most - len(self.running))

    def _start_ready(self, group: asyncio.TaskGroup, now: float) -> None:
        """Start polls lane by lane in turn: one lane's backlog must not take all the room."""
        lanes = list(self._parts.lanes.held.values())
        self._turn += 1
        lanes = lanes[self._turn % max(1, len(lanes)) :] + lanes[: self._turn % max(1, len(lanes))]
        while lanes and self._room():
            lanes = [held for held in lanes if self._room() and self._start_one(group, held, now)]

    def _start_one(self, group: asyncio.TaskGroup, held: HeldLane, now: float) -> bool:
        schedule = self._parts.schedule
        if not schedule.waiting(held.id) or self._wait(held, now) > 0.0:
            return False
        due = schedule.pop(held.id)
        if due is None:
            return False
        self._parts.activity.__enter__()  # not in the task, which starts a turn of the loop later
        held.in_flight += 1
        self._asking[self._breaker(held)] += 1
        task = group.create_task(self._poll(due, held))
        self.running.add(task)
        task.add_done_callback(lambda task: self._ended(task, held))
        return True

    def _ended(self, task: asyncio.Task[None], held: HeldLane) -> None:
        held.in_flight -= 1
        self._asking[self._breaker(held)] -= 1
        self.running.discard(task)
        self.bell.ring()
        self._parts.activity.__exit__()

    def _wait(self, held: HeldLane, now: float) -> float:
        breaker = self._breaker(held)
        seconds = breaker.peek(now)
        if seconds > 0.0 or (breaker.open and self._asking[breaker]):  # one probe, of all lanes
            held.blocked = "down"
            return max(seconds, 1.0)
        return held.wait(now)

    def _pause(self, now: float) -> float:
        """Return how long nothing can change by itself."""
        parts = self._parts
        if parts.spool.level == "stop":
            return STOPPED
        next_at = parts.schedule.next_at()
        waits = [3600.0 if next_at is None else next_at - now]
        if self._room():  # without room the end of a poll rings the bell
            waits += [
                self._wait(held, now)
                for held in parts.lanes.held.values()
                if parts.schedule.waiting(held.id)
            ]
        return max(0.001, min(waits))

    def _breaker(self, held: HeldLane) -> Breaker:
        key = (held.lane.network, held.lane.base_url)
        return self._breakers.setdefault(key, Breaker())

    # --- one poll

    def poll_of(self, held: HeldLane, target: Target) -> Poll:
        """Return the poll of a target through a lane."""
        return Poll(
            target=target,
            source=self._parts.sources[held.lane.source],
            lane=held,
            credential=self._parts.credentials(held.lane),
            breaker=self._breaker(held),
        )

    def spare(
        self,
        held: HeldLane,
        requests: int = 1,
        *,
        share: Callable[[float, float], float] = operator.sub,
    ) -> bool:
        """Return whether a lane has budget for some requests that no target needs, neither now nor
        as planned for a whole window.

        share: how much of a budget of so many requests is to spare where so many are planned.
        """
        parts, now = self._parts, self._parts.clock.monotonic()
        idle = not parts.schedule.waiting(held.id) and parts.spool.level == "open"
        idle = idle and not self._breaker(held).open
        planned = parts.schedule.load(held.id) / 3600.0 * (held.budget.window + held.budget.pad)
        room = share(held.budget.ceiling, planned) - held.visits_made(now) >= requests
        return idle and room and self._wait(held, now) == 0.0

    async def _poll(self, due: Due, held: HeldLane) -> None:
        poll = self.poll_of(held, target_of(due.key, self._parts.schedule.host(due.slot)))
        delay = self._delay(due, held)
        self._parts.accounts.plan(due.key, delay.planned)
        try:
            outcome = await self._parts.pipeline.poll(poll)
        except (NoBudget, Full) as exc:
            self._postpone(due, held, exc, delay)
            return
        except IngestError as exc:
            await self._failed(due, held, exc)
        except (
            Exception
        ) as exc:  # a source, perhaps a third party's, met an answer it did not expect
            log.error("source raised", source=poll.source.name, error=type(exc).__name__)
            await self._failed(due, held, BadAnswer(f"the source raised {type(exc).__name__}"))
        else:
            self._answered(due, outcome)
        if delay.missed:
            await self._tell_gap(due, delay.reason, delay.stretch, missed=delay.missed)

    def _delay(self, due: Due, held: HeldLane) -> Delay:
        """Return how late a poll is that starts now."""
        now, at = self._parts.clock.now(), self._parts.clock.monotonic()
        late = max(0.0, at - due.since)
        self._parts.metrics.started += 1
        self._parts.metrics.late_seconds += late
        since = _ago(now, late)
        missed = due.missed(at) if late > LATE else 0
        planned = [*_every(since, due.interval, missed), now]
        return Delay(stretch=(since, now), planned=planned, reason=held.blocked)

    async def tell_late(self) -> None:
        """Tell the gaps of targets that have waited for an hour, and are waiting still."""
        parts = self._parts
        now, at = parts.clock.now(), parts.clock.monotonic()
        for due in parts.schedule.late(now=at, seconds=3600.0):
            held = parts.lanes.held.get(due.lane)
            missed = due.missed(at)
            since, until = (_ago(now, at - end) for end in (due.since, due.missed_until(at)))
            parts.accounts.plan(due.key, _every(since, due.interval, missed))
            stretch = (since, until)
            reason = "failed" if held is None else held.blocked
            await self._tell_gap(due, reason, stretch, missed=missed)

    def _answered(self, due: Due, outcome: Outcome) -> None:
        parts = self._parts
        if outcome.same:
            account = parts.accounts.hour(due.key, parts.clock.now())
            account.made += 1
            account.unchanged += 1
        parts.schedule.done(
            due,
            now=parts.clock.monotonic(),
            new=outcome.new,
            seconds=outcome.seconds,
            requests=outcome.requests,
            overflow=outcome.overflow,
        )
        _count(parts.metrics, outcome)
        parts.polled(due, outcome)

    def _postpone(self, due: Due, held: HeldLane, exc: NoBudget | Full, delay: Delay) -> None:
        """Hand back a poll that was not made; it counts as late from when it was due, once it is
        made.
        """
        parts = self._parts
        full = isinstance(exc, Full)
        held.blocked = "failed" if full else "no_budget"
        parts.metrics.ended["spool_full" if full else "no_budget"] += 1
        seconds = RESTED if isinstance(exc, Full) else exc.seconds
        parts.accounts.plan(due.key, delay.planned, count=-1)
        parts.schedule.postpone(due, seconds=seconds, now=parts.clock.monotonic())

    async def _failed(self, due: Due, held: HeldLane, exc: IngestError) -> None:
        """Draw the consequences of a failed poll: for its lane, its target, and the account."""
        parts = self._parts
        account = parts.accounts.hour(due.key, parts.clock.now())
        account.made += 1
        account.failed += 1
        kind = "bad_answer" if isinstance(exc, BadAnswer) else exc.kind
        parts.metrics.ended[kind] += 1
        rest = await self.consequence(held, exc)
        now = parts.clock.monotonic()
        again = parts.schedule.failed(due, now=now, seconds=rest)
        log.info("poll failed", target=due.key, lane=held.id, kind=kind, code=exc.code)
        detail = f"{exc.code}: {exc}" if exc.code else str(exc)
        # A target that is gone is asked for once a day: no poll is planned in between.
        missed = 0 if rest == DAY else max(0, math.ceil((again - now) / due.interval) - 1)
        since = parts.clock.now()
        parts.accounts.plan(due.key, _every(since, due.interval, missed + 1)[1:])
        stretch = (since, since + timedelta(seconds=again - now))
        await self._tell_gap(due, _reason(exc), stretch, missed=1 + missed, detail=detail[:200])

    async def consequence(self, held: HeldLane, exc: IngestError) -> float | None:
        """Do to the lane what the error asks for; return the target's pause, if it is fixed."""
        match exc:
            case RateLimited():
                return await self._parts.lanes.rest(held, exc)
            case Refused():
                await self._parts.lanes.quarantine(held, f"{exc.kind}: {exc}"[:200])
                self._parts.refused()
                return None
            case Gone() | BadRequest():
                return DAY
        return None

    async def _tell_gap(
        self,
        due: Due,
        reason: GapReason,
        stretch: tuple[datetime, datetime],
        *,
        missed: int,
        detail: str = "",
    ) -> None:
        """Write that a target was not watched, or will not be, in a stretch of time."""
        parts = self._parts
        now = parts.clock.now()
        if reason == "rate_limited":
            parts.accounts.limited(due.key, *stretch)
        parts.metrics.gaps += 1
        line = gap(due.key, reason, stretch=stretch, now=now, missed=missed, detail=detail)
        await self.write([line])

    async def write(self, lines: list[Line]) -> None:
        """Spool lines that belong to no page; a full spool loses them, which is logged."""
        try:
            if lines:
                await self._parts.spool.append(Append(lines=tuple(lines)))
        except Full:
            log.error("accounts lost: the spool is full", lines=len(lines))


def target_of(key: str, host: str | None = None) -> Target:
    """Return the target a key names."""
    network, kind, name = key.split("/", 2)
    return Target(network=network, kind=msgspec.convert(kind, TargetKind), name=name, host=host)


def _ago(now: datetime, seconds: float) -> datetime:
    """Return the instant so many seconds ago, to the millisecond: gaps must meet, not overlap."""
    return now - timedelta(milliseconds=round(seconds * 1000))


def _every(since: datetime, seconds: float, count: int) -> list[datetime]:
    """Return `count` instants, `seconds` apart."""
    return [since + timedelta(seconds=number * seconds) for number in range(count)]


def _reason(exc: IngestError) -> GapReason:
    match exc:
        case RateLimited():
            return "rate_limited"
        case Refused():
            return "quarantined"
        case BadAnswer():
            return "bad_answer"
        case Down():
            return "down"
    return "failed"


def _count(metrics: Metrics, outcome: Outcome) -> None:
    metrics.ended["unchanged" if outcome.same else "answered"] += 1
    metrics.bytes += outcome.bytes
    metrics.pages += outcome.pages
    metrics.posts += outcome.posts
    metrics.posts_new += outcome.new
    metrics.posts_unchanged += outcome.unchanged
    metrics.lines += outcome.lines
    metrics.set_aside += outcome.aside
