"""The ingestor: leases lanes, polls their targets in time, and never loses what it saw."""

import asyncio
import contextlib
import math
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial

import msgspec
import structlog

from ingestor.accounting import HOUR, Accounts, gap
from ingestor.audiences import Audiences, for_followers
from ingestor.clock import Activity, Bell, Clock
from ingestor.contract import Credential, Source
from ingestor.dispatch import Dispatcher, Parts
from ingestor.http import AGENT, Http, Wire
from ingestor.lanes import LEASE_SECONDS, Lanes, Metered
from ingestor.metrics import Metrics
from ingestor.observe import SNAPSHOT_EVERY
from ingestor.pipeline import PAGE_CAP, Pipeline, Rules
from ingestor.progress import ProgressBook
from ingestor.revisit import Revisits
from ingestor.schedule import Due, Schedule, replan
from ingestor.spool import Spool
from ingestor.walk import Outcome
from registry import Registry, RegistryError
from registry.allocation import CEILING, HEADROOM
from registry.models import Lane, Progress, WatchedTarget

log = structlog.get_logger()

# Hours that nobody told of are told later up to here; a clock set ten years ahead tells no more.
MISSED = timedelta(days=2)


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How one ingestor process behaves. Seconds, unless a name says otherwise."""

    owner: str = "ingestor-1"  # the name of this process, unique in the fleet
    seed: int | None = None  # of jitter; None: different at every start
    concurrency: int = 64  # polls in flight
    page_cap: int = PAGE_CAP  # pages a poll may take
    snapshot_every: float = SNAPSHOT_EVERY
    lease: float = LEASE_SECONDS  # renewed three times as often
    refresh: float = 15.0  # how often the list of targets is read again
    replan: float = 600.0  # how often rates are shared out anew
    revisit: float = 60.0  # how often due visits of single posts are looked for
    report: float = 300.0  # how often accounts and progress are written
    grace: float = 10.0  # how long a stop waits for polls in flight
    max_lanes: int = 1000
    headroom: float = HEADROOM  # share of a budget that is planned
    agent: str = AGENT  # User-Agent


class Ingestor:
    """One process that polls.

    Life: made with an open registry and an open spool, `run(stop)` once. It ends after `stop` is
    set, when polls in flight have finished or the grace is over, and all that was fetched is in the
    spool. A driver of a `SteppedClock` awaits `idle` before it moves the clock.
    """

    def __init__(
        self,
        registry: Registry,
        spool: Spool,
        *,
        sources: Mapping[str, Source],
        credentials: Callable[[Lane], Credential],  # raises LookupError: the lane is not ours
        clock: Clock,
        options: Options,
    ) -> None:  # fmt: skip
        self._registry = registry
        self._spool = spool
        self._sources = sources
        self._credentials = credentials
        self._clock = clock
        self._options = options
        self._rng = random.Random(options.seed)  # noqa: S311 - jitter, not secrets
        self._schedule = Schedule(rng=self._rng)
        self._lanes = Lanes(
            registry.lanes,
            owner=options.owner,
            clock=clock,
            rng=self._rng,
            lease_seconds=options.lease,
            most=options.max_lanes,
        )
        self._activity = Activity()
        self._news = Bell()
        self._crowded = Bell()  # pages fill faster than the plan asks for them
        self._followed = Bell()  # other lists of followers are wanted
        self._planned_at = -math.inf
        self._progress = ProgressBook(registry.targets, self._lanes)
        self._told_hour = clock.now()
        self._accounts: Accounts
        self._pipeline: Pipeline
        self._dispatcher: Dispatcher
        self._revisits: Revisits
        self._audiences: Audiences
        self.metrics = Metrics()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until `stop` is set, then drain and return."""
        options = self._options
        self._accounts = Accounts(observer=f"{options.owner}.{self._spool.starts}")
        async with self.wire() as http:
            self._pipeline = Pipeline(
                http=Metered(http, self.metrics),
                lanes=self._lanes,
                spool=self._spool,
                accounts=self._accounts,
                clock=self._clock,
                rules=Rules(page_cap=options.page_cap, snapshot_every=options.snapshot_every),
            )
            self._staff(self._parts())
            try:
                await self._tend(stop)
            finally:
                await self._end()

    def _staff(self, parts: Parts) -> None:
        """Make those who work with the parts."""
        self._dispatcher = Dispatcher(parts, concurrency=self._options.concurrency)
        poll_of, spare = self._dispatcher.poll_of, self._dispatcher.spare
        failed = self._dispatcher.consequence
        self._revisits = Revisits(parts, poll_of=poll_of, spare=spare, failed=failed)
        self._audiences = Audiences(
            parts,
            poll_of=poll_of,
            spare=partial(spare, share=for_followers),
            failed=failed,
            told=self._progress.note,
            at_once=self._options.concurrency,
        )

    def wire(self) -> contextlib.AbstractAsyncContextManager[Wire]:
        """Return what carries the requests; a benchmark's subclass answers without a socket."""
        return Http(connections=self._options.concurrency, agent=self._options.agent)

    def _parts(self) -> Parts:
        return Parts(
            schedule=self._schedule,
            lanes=self._lanes,
            spool=self._spool,
            accounts=self._accounts,
            pipeline=self._pipeline,
            clock=self._clock,
            activity=self._activity,
            metrics=self.metrics,
            sources=self._sources,
            credentials=self._credentials,
            rng=self._rng,
            polled=self._polled,
            refused=self.refresh,
        )

    async def _tend(self, stop: asyncio.Event) -> None:
        options = self._options
        with self._activity:
            await self._safely(self._renew)
        async with asyncio.TaskGroup() as polls, asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self._hold()),
                group.create_task(self._every(options.refresh, self._refresh, bell=self._news)),
                group.create_task(
                    self._every(options.replan, self._replan, first=False, bell=self._crowded)
                ),
                group.create_task(self._every(options.report, self._report, first=False)),
                group.create_task(self._every(options.revisit, self._revisit, first=False)),
                group.create_task(self._follow()),
                group.create_task(self._dispatcher.run(polls)),
            ]
            await stop.wait()
            for loop in loops:
                loop.cancel()
            await self._drain()

    async def _every(
        self,
        seconds: float,
        step: Callable[[], Awaitable[None]],
        *,
        first: bool = True,
        bell: Bell | None = None,
    ) -> None:
        """Run `step` every so many seconds of our clock until cancelled; a bell calls it."""
        if not first:
            await self._clock.sleep(seconds, bell)
        while True:
            with self._activity:
                started = self._clock.monotonic()
                await self._safely(step)
                took = self._clock.monotonic() - started
            # A step that takes long must not eat the process: a list of 100,000 targets, say.
            await self._clock.sleep(max(seconds, 20 * took), bell)

    async def _hold(self) -> None:
        """Renew our leases in time, and take over the lanes of who died, until cancelled."""
        while True:
            await self._clock.sleep(self._lanes.next_look)
            with self._activity:
                await self._safely(self._renew)

    async def _follow(self) -> None:
        """Read followers for as long as some list is due, until cancelled."""
        while True:
            await self._clock.sleep(self._audiences.pause(), self._followed)
            with self._activity:
                await self._safely(self._audiences.step)

    async def _safely(self, step: Callable[[], Awaitable[object]]) -> None:
        """Run a step; without the registry polling goes on until the leases end (fail closed)."""
        try:
            await step()
        except RegistryError as exc:
            log.warning("registry failed", step=step.__name__, error=type(exc).__name__)

    async def _drain(self) -> None:
        """Let polls in flight finish within the grace, in real time."""
        running = set(self._dispatcher.running)
        if running:
            _, late = await asyncio.wait(running, timeout=self._options.grace)
            for task in late:
                task.cancel()

    async def _end(self) -> None:
        await self._safely(self._report)
        await self._spool.committed()
        await self._lanes.release()
        done = self.metrics
        log.info(
            "ingestor stopped", polls=done.started, requests=done.requests, posts=done.posts_new
        )

    async def idle(self) -> None:
        """Return when no poll is in flight, nothing is being tended, and the spool is on disk."""
        await self._activity.quiet()
        await self._spool.committed()
        await self._activity.quiet()

    def refresh(self) -> None:
        """Read the list of targets again now: a campaign has changed."""
        self._news.ring()

    # --- what is done every now and then

    async def _renew(self) -> None:
        lanes = await self._registry.lanes.list()
        changed = await self._lanes.renew({lane.id for lane in lanes if self._can_use(lane)})
        if leaving := self._lanes.leaving():
            await self._progress.report()  # their next holders go on from there
            await self._lanes.release(leaving)
        if changed or leaving:
            self.metrics.lanes = len(self._lanes.held)
            self.refresh()
        self._ring()

    def _can_use(self, lane: Lane) -> bool:
        """Return whether we have a source and a credential for a lane: it may be another process's,
        or of an account that the settings name no more.
        """
        if lane.id in self._lanes.held:
            return True
        try:
            self._credentials(lane)
        except LookupError:
            return False
        return lane.source in self._sources

    async def _refresh(self) -> None:
        held = self._lanes.held
        # By the registry's clock: by ours, set ten years ahead, every campaign would be over.
        now = await self._registry.now()
        watched = await self._registry.targets.watched(now, lanes=list(held))
        able = [one for one in watched if self._can_poll(one)]
        new = {one.lane or "" for one in able if not self._knows(one.key)}
        if new:
            self._take_over(await self._registry.targets.progress_of(new), able)
        changed = self._audiences.put(one for one in able if one.kind == "followers")
        mine = {one.key: one for one in able if one.kind != "followers"}
        for key in [key for key in self._schedule if key not in mine]:
            self._schedule.drop(key)
        for number, one in enumerate(mine.values()):
            self._put(one)
            if number % 1000 == 999:
                await asyncio.sleep(0)
        self.metrics.targets = len(self._schedule)
        if new:
            await self._replan()
        if changed:
            self._followed.ring()
        self._ring()

    def _knows(self, key: str) -> bool:
        return key in self._schedule or key in self._audiences

    def _can_poll(self, one: WatchedTarget) -> bool:
        held = self._lanes.held.get(one.lane or "")
        return held is not None and one.kind in self._sources[held.lane.source].kinds

    def _take_over(self, progress: Mapping[str, Progress], able: Iterable[WatchedTarget]) -> None:
        """Go on where the last holder of a lane stopped."""
        for one in able:
            found = progress.get(one.key)
            if found is not None and found.cursor is not None and not self._knows(one.key):
                of = self._audiences if one.kind == "followers" else self._pipeline
                of.handed[one.key] = found.cursor

    def _put(self, one: WatchedTarget) -> None:
        self._schedule.put(
            one.key,
            one.lane or "",
            now=self._clock.monotonic(),
            priority=one.priority,
            tenant=one.tenant or "",
            host=one.host,
        )

    async def _replan(self) -> None:
        now = self._clock.monotonic()
        for held in list(self._lanes.held.values()):
            await replan(
                self._schedule,
                held.id,
                hourly=held.budget.hourly * self._options.headroom,
                page_size=float(self._sources[held.lane.source].page_size),
                now=now,
            )
            await asyncio.sleep(0)
        self._ring()

    async def _revisit(self) -> None:
        self.metrics.visits += await self._revisits.step()

    def _polled(self, due: Due, outcome: Outcome) -> None:
        # Asked as often as the plan allows at most, and yet more than a page each time.
        crowded = outcome.pages > 1 and due.interval <= 3600.0 / CEILING
        if crowded and self._clock.monotonic() - self._planned_at > self._options.refresh:
            self._planned_at = self._clock.monotonic()
            self._crowded.ring()
        if outcome.cursor is None:
            return
        rate = self._schedule.rate(due.key) if due.key in self._schedule else math.nan
        progress = Progress(
            target=due.key,
            cursor=outcome.cursor,
            polled_at=self._clock.now(),
            rate=None if math.isnan(rate) else rate,
        )
        self._progress.note(due.lane, progress)

    async def _report(self) -> None:
        now = self._clock.now()
        await self._dispatcher.tell_late()
        if now.replace(minute=0, second=0, microsecond=0) > self._told_hour:
            await self._report_unwatched()
            await (
                self._registry.lanes.parole()
            )  # a refused credential may be tried again after a day
            self._told_hour = now
        await self._dispatcher.write(self._accounts.report(now))
        await self._progress.report()

    async def _report_unwatched(self) -> None:
        """Tell the gaps of targets for which no lane has room, hour by hour since the last report:
        every ingestor tells the same.
        """
        end = self._told_hour.replace(minute=0, second=0, microsecond=0) + HOUR
        end = max(end, self._clock.now() - MISSED)
        while end <= self._clock.now():
            await self._report_hour(end)
            end += HOUR

    async def _report_hour(self, end: datetime) -> None:
        since = end - HOUR
        watched = await self._registry.targets.watched(end - timedelta(seconds=1))
        lines = [
            gap(one.key, "no_budget", stretch=(since, end), now=end, detail="no lane has room")
            for one in watched
            if one.lane is None and one.kind != "followers"  # of which no poll was planned
        ]
        self.metrics.gaps += len(lines)
        await self._dispatcher.write(lines)

    def _ring(self) -> None:
        self._dispatcher.bell.ring()
