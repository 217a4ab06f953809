"""One play of the freshness benchmark: a world, accounts, an ingestor, and what it saw first when.

The ingestor is the real one: schedule, lanes with written-ahead budgets and hashtag slots on a real
registry (SQLite), the Instagram Graph source, observation, spool. Its clock jumps from event to
event, and its requests go straight into `simnet.Simulation.answer`, which refuses, counts slots and
judges as it does behind HTTP; `http=True` puts the socket back. Nothing is sent to a lake: what the
spool held is read as a lake would take it, and the first observation of each post is noted.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import msgspec
import numpy as np
import numpy.typing as npt
from aiohttp import web

from ingestor.clock import SteppedClock
from ingestor.contract import Answer, Credential, Request
from ingestor.http import Wire
from ingestor.ingest import Ingestor, Options
from ingestor.schedule import Schedule
from ingestor.sources.instagram_graph import InstagramGraph
from ingestor.spool import Spool
from lake.contract import STORED
from registry import Registry, open_registry
from registry.allocation import CEILING
from registry.models import CampaignDraft, Lane, WatchedTarget
from registry.plan import Plan
from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.judge import Report
from simnet.logins import login
from simnet.server import app_of
from simnet.simulation import Simulation
from simnet.wire import Ask
from simnet.world import World, milliseconds

F64 = npt.NDArray[np.float64]
Policy = Literal["square root", "fixed"]
Law = Literal["zipf 1.0", "zipf 1.2", "log-normal"]

START = datetime(2026, 3, 2, 9, tzinfo=UTC)  # a Monday; half a day from here holds the evening
SITE = "graph.example"
TAGS_A_LANE = 30  # all hashtag slots of every account are taken
PAGE = 20  # posts of a page: what a page costs the benchmark; no tag needs more


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """One play."""

    policy: Policy
    rates: tuple[float, ...]  # posts per day of each tag
    days: float
    seed: int
    http: bool = False

    @property
    def accounts(self) -> int:
        """Return how many accounts the tags fill."""
        return -(-len(self.rates) // TAGS_A_LANE)


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a play."""

    delays: F64  # seconds from birth to first observation, of the posts that were seen
    born: F64  # hours after the start, of each of them
    tag: npt.NDArray[np.int64]  # of each of them
    unseen: int  # posts born an hour before the end or earlier, not deleted, never seen
    judged: Report
    requests_per_hour: float
    plan: Plan  # the dry run's, before anything was polled
    plan_learned: Plan  # the same dry run at the end, by the rates that were observed
    planned: int
    made: int
    lanes: dict[str, str]  # tag to lane


class InProcess:
    """The simulated network without a socket."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        return None

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Answer as the network does, at this instant."""
        headers = dict(request.headers)
        ask = Ask(path=request.path, query=request.params, headers=headers)
        reply = self._simulation.answer(ask, site=SITE)
        told = {name.lower(): value for name, value in reply.headers}
        return Answer(status=reply.status, headers=told, body=reply.body, url=request.path)


def equal_shares(rates: F64, *, capacity: float, priorities: F64, page_size: float) -> F64:
    """Return the same polls per hour for every target: fixed intervals."""
    return np.full(len(rates), min(CEILING, capacity / len(rates)))


class Polling(Ingestor):
    """The ingestor under one policy, over one wire."""

    policy: Policy = "square root"
    simulation: Simulation | None = None

    def fix(self) -> None:
        """Share the budget out equally from now on."""
        self._schedule = Schedule(rng=self._rng, share=equal_shares)

    def wire(self) -> AbstractAsyncContextManager[Wire]:
        """Return the simulation, or HTTP if there is none."""
        return super().wire() if self.simulation is None else InProcess(self.simulation)


class Watch:
    """Takes what the spool holds and keeps when each post was seen first, and the accounts."""

    class _Line(msgspec.Struct):
        id: str
        observed_at: datetime
        planned: int = 0
        made: int = 0

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._decode = msgspec.json.Decoder(self._Line).decode
        self.first: dict[str, float] = {}
        self.polls: dict[str, tuple[int, int]] = {}
        self._next = START

    async def moved(self, instant: datetime) -> None:
        """Empty the spool every simulated hour."""
        if instant >= self._next:
            self._next = instant + timedelta(hours=1)
            await self.drain()

    async def drain(self) -> None:
        """Take all."""
        while taken := await self._spool.take(max_bytes=8 << 20, max_lines=20_000):
            for _, line in taken:
                if line.table == "posts":
                    if line.id not in self.first:
                        seen = self._decode(line.body)
                        self.first[line.id] = seen.observed_at.timestamp()
                elif line.table == "polls":
                    poll = self._decode(line.body)
                    self.polls[poll.id] = (poll.planned, poll.made)
            await self._spool.settle([(number, STORED) for number, _ in taken])


async def play(setup: Setup) -> Played:
    """Play one setup to its end."""
    world = World(
        setup.seed,
        start=START,
        days=max(1, int(np.ceil(setup.days))),
        brands=[Brand(tag=f"tag{n}", posts_per_day=rate) for n, rate in enumerate(setup.rates)],
        lift=0.0,
        people=1000,
        warmup=1,
        shares={"instagram": 1.0},
    )
    clock = SteppedClock(START)
    simulation = Simulation(world, now=clock.now, budgets=Budgets(page=PAGE), logins=setup.accounts)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_fast_folder())))
        url = await stack.enter_async_context(_base(simulation, http=setup.http))
        registry = await stack.enter_async_context(
            await open_registry(f"sqlite:///{folder}/registry.db", pepper="p" * 32, now=clock.now)
        )
        plan = await _register(registry, setup, url)
        spool = Spool(folder / "spool.db", clock=clock)
        await spool.open()
        stack.push_async_callback(spool.close)
        watch = Watch(spool)
        await _collect(setup, registry, spool, clock, watch, None if setup.http else simulation)
        learned = await registry.plan(_draft(setup))
        watched = await registry.targets.watched(START)
    return _judged(setup, world, simulation, watch, (plan, learned), _lanes_of(watched))


def _lanes_of(watched: Sequence[WatchedTarget]) -> dict[str, str]:
    """Return the lane of each tag."""
    return {one.name: one.lane or "" for one in watched}


def _fast_folder() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


@asynccontextmanager
async def _base(simulation: Simulation, *, http: bool) -> AsyncIterator[str]:
    """Give the address of the network: a real one, if the requests go over HTTP."""
    if not http:
        yield f"http://{SITE}"
        return
    runner = web.AppRunner(app_of(simulation), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/{SITE}"
    finally:
        await runner.cleanup()


def _draft(setup: Setup) -> CampaignDraft:
    return CampaignDraft(
        name="all",
        networks=("instagram",),
        hashtags=tuple(f"tag{n}" for n in range(len(setup.rates))),
        start=START + timedelta(days=1),
        end=START + timedelta(days=9),
        baseline_days=1,
    )


async def _register(registry: Registry, setup: Setup, url: str) -> Plan:
    """Make the accounts known, ask for the plan of one campaign over all tags, and register it."""
    lanes = [
        Lane(
            id=f"instagram_graph/{n}",
            source="instagram_graph",
            network="instagram",
            account=login(SITE, n).name,
            base_url=url,
            limit=200,
            window=3600.0,
            slots=TAGS_A_LANE,
            slot_window=7 * 86_400.0,
        )
        for n in range(1, setup.accounts + 1)
    ]
    await registry.lanes.upsert(lanes)
    client = await registry.clients.create("bench", max_targets=10_000)
    plan = await registry.plan(_draft(setup))
    await registry.campaigns.create(client.id, _draft(setup))
    return plan


def _credential(lane: Lane) -> Credential:
    account = login(SITE, int(lane.id.rpartition("/")[2]))
    return Credential(account=account.name, user=account.user, secret=account.secret)


async def _collect(
    setup: Setup,
    registry: Registry,
    spool: Spool,
    clock: SteppedClock,
    watch: Watch,
    simulation: Simulation | None,
) -> None:
    options = Options(
        seed=setup.seed, lease=6 * 3600.0, refresh=6 * 3600.0, replan=600.0, revisit=6 * 3600.0,
        report=3600.0,
    )  # fmt: skip
    ingestor = Polling(
        registry,
        spool,
        sources={"instagram_graph": InstagramGraph()},
        credentials=_credential,
        clock=clock,
        options=options,
    )
    ingestor.simulation = simulation
    if setup.policy == "fixed":
        ingestor.fix()
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(ingestor.run(stop))
        await asyncio.sleep(0)
        end = START + timedelta(days=setup.days)
        await clock.play(end, ingestor.idle, moved=watch.moved)
        stop.set()
    await watch.drain()


def _judged(
    setup: Setup,
    world: World,
    simulation: Simulation,
    watch: Watch,
    plans: tuple[Plan, Plan],
    lanes: dict[str, str],
) -> Played:
    """Hold what was seen against the world's own arrays, which `simnet.Truth` reads as well."""
    posts = world.networks["instagram"]
    created = posts.columns.created / 1000.0
    begin, end = milliseconds(START) / 1000.0, milliseconds(START) / 1000.0 + setup.days * 86_400
    seen = np.array([watch.first.get(f"instagram:{n}", np.nan) for n in posts.number])
    due = (created >= begin) & (created < end - 3600.0)
    found = due & ~np.isnan(seen)
    alive = posts.columns.deleted / 1000.0 > np.minimum(created + 86_400, end)
    report = simulation.judge.report()
    return Played(
        delays=np.maximum(seen[found] - created[found], 0.0),
        born=(created[found] - begin) / 3600.0,
        tag=posts.columns.brand[found],
        unseen=int((due & np.isnan(seen) & alive).sum()),
        judged=report,
        requests_per_hour=report.requests / (setup.days * 24),
        plan=plans[0],
        plan_learned=plans[1],
        planned=sum(planned for planned, _ in watch.polls.values()),
        made=sum(made for _, made in watch.polls.values()),
        lanes=lanes,
    )


def rates_of(law: Law, count: int, *, mean: float, seed: int) -> tuple[float, ...]:
    """Return posts per day of `count` tags by a law, in an order of the seed: which tags meet on an
    account is chance.
    """
    rng = np.random.default_rng(seed)
    if law == "log-normal":
        weights = np.exp(2.0 * rng.standard_normal(count))
    else:
        weights = rng.permutation(np.arange(1, count + 1) ** -float(law.partition(" ")[2]))
    return tuple((weights / weights.mean() * mean).tolist())


def best(setup: Setup, played: Played) -> float:
    """Return the least ratio to equal shares that any fixed rates can reach with this pinning.

    A lane's budget serves its own 30 tags only. With rates l and equal shares the mean delay goes
    with n * sum(l), with shares by the square root with sum(sqrt(l))^2, lane by lane.
    """
    rates = np.array(setup.rates)
    lane = np.array([played.lanes[f"tag{n}"] for n in range(len(rates))])
    groups = [rates[lane == name] for name in sorted(set(lane))]
    ours = sum(float(np.sqrt(group).sum()) ** 2 for group in groups)
    return ours / sum(len(group) * float(group.sum()) for group in groups)
