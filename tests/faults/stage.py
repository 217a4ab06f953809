"""An ingestor among the simulated networks on a clock that a test moves: hours pass in seconds.

The networks are simnet's, so the figures are the provider's own: every request stands in its judge
with the account and the instant. `wrong` lets a network misbehave towards chosen accounts.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from fakes.village import drained
from faults.judge import Asked
from ingestor.clock import Clock, SteppedClock
from ingestor.contract import Credential
from ingestor.ingest import Ingestor, Options
from ingestor.sources import load_sources
from ingestor.spool import Spool
from lake.records import Record
from registry import Registry, open_registry
from registry.models import CampaignDraft, Lane
from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.faults import Faults
from simnet.judge import Record as Judged
from simnet.logins import Site, login
from simnet.server import app_of
from simnet.simulation import Simulation
from simnet.site import Answering, Caller
from simnet.wire import Ask, Reply
from simnet.world import World

START = datetime(2026, 3, 2, tzinfo=UTC)
SITES: dict[str, Site] = {"mastodon": "mastodon.example", "instagram": "instagram.example"}
LOGINS = 24  # accounts that every site knows
Wrong = Callable[[str], Reply | None]  # told the account's name


class Wayward(Simulation):
    """A simulation in which one account can be treated badly; what it asked is counted first."""

    wrong: Wrong | None = None

    def _decided(
        self, site: Answering, ask: Ask, caller: Caller, record: Judged, now: int
    ) -> Reply:
        if self.wrong is not None and (reply := self.wrong(caller.name)) is not None:
            return reply
        return super()._decided(site, ask, caller, record, now)


class Stage:
    """What a case works with. Made by `stage`; `play` moves on by hours."""

    def __init__(self, registry: Registry, net: Wayward, clock: SteppedClock, url: str) -> None:
        self.registry, self.net, self.clock = registry, net, clock
        self.ingestors: list[Ingestor] = []
        self._url = url

    async def track(
        self, source: str, *, accounts: int, tags: list[str], budget: tuple[int, float], slots: int
    ) -> None:
        """Give a source some accounts, and a campaign its tags; slots 0: the source counts none."""
        site = SITES[source]
        names = [login(site, number).name for number in range(1, accounts + 1)]
        await self.registry.lanes.upsert(
            [self._lane(source, name, budget, slots) for name in names]
        )
        client = await self.registry.clients.create(source, max_targets=len(tags))
        draft = CampaignDraft(
            name=source, networks=(source,), hashtags=tuple(tags), baseline_days=0,
            start=START, end=START + timedelta(days=7),
        )  # fmt: skip
        await self.registry.campaigns.create(client.id, draft)

    def _lane(self, source: str, name: str, budget: tuple[int, float], slots: int) -> Lane:
        return Lane(
            id=f"{source}/{name}", source=source, network=source, account=name,
            base_url=f"{self._url}/{SITES[source]}", limit=budget[0], window=budget[1],
            slots=slots or None, slot_window=7 * 86_400.0 if slots else None,
        )  # fmt: skip

    async def play(self, hours: float) -> None:
        """Let so many hours pass."""
        await self.clock.play(self.clock.now() + timedelta(hours=hours), self._idle)

    async def _idle(self) -> None:
        for _ in range(2):  # one that was idle may have been woken by the next
            for ingestor in self.ingestors:
                await ingestor.idle()

    def asked(self, account: str, *, since: float = 0.0, until: float = 1e9) -> list[float]:
        """Return when an account asked, in seconds since the start."""
        record = self.net.judge.records.get(account)
        stamps = (
            [] if record is None else [stamp / 1000 - START.timestamp() for stamp in record.stamps]
        )
        return [at for at in stamps if since <= at < until]

    def asked_by_all(self) -> Asked:
        """Return what all accounts asked, instants as `milliseconds` tells them."""
        first = round(START.timestamp() * 1000)
        records = self.net.judge.records
        return Asked(
            at={name: [at - first for at in record.stamps] for name, record in records.items()},
            tags={}, ports={}, refused=sum(record.refused for record in records.values()),
        )  # fmt: skip

    def milliseconds(self) -> int:
        """Return the instant of the stage's clock."""
        return round(self.clock.monotonic() * 1000)

    @property
    def now(self) -> float:
        """Return the seconds since the start."""
        return self.clock.monotonic()


@asynccontextmanager
async def stage(
    folder: Path,
    *,
    tags: list[str],
    faults: Faults | None = None,
    budgets: Budgets | None = None,
) -> AsyncIterator[Stage]:
    """Open a stage whose world posts to all tags; its ingestor runs inside `running`."""
    clock = SteppedClock(START)
    brands = [Brand(tag=tag, posts_per_day=24.0) for tag in tags]
    world = World(7, start=START, days=3, brands=brands, lift=0, people=200, warmup=1)
    net = Wayward(
        world, now=clock.now, faults=faults, budgets=budgets or Budgets(page=20), logins=LOGINS
    )
    runner = web.AppRunner(app_of(net), access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"sqlite:///{folder}/registry.db"
    try:
        async with await open_registry(url, pepper="p" * 24, now=clock.now) as registry:
            yield Stage(registry, net, clock, f"http://127.0.0.1:{runner.addresses[0][1]}")
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(made: Stage, folder: Path, **options: Any) -> AsyncIterator[Ingestor]:
    """Run an ingestor on a stage."""
    process = Process(made, folder)
    await process.start(**options)
    try:
        yield made.ingestors[-1]
    finally:
        await process.stop()


class Process:
    """What is one process in a fleet. Life: `start`, then `kill` or `stop`, and again."""

    def __init__(self, made: Stage, folder: Path, *, name: str = "ingestor") -> None:
        self._made, self._folder, self._name = made, folder, name
        self._lives = 0

    async def start(self, *, clock: Clock | None = None, **options: Any) -> None:
        """Begin a life, under a name that no life had; `clock` is what it believes of the time."""
        self._lives += 1
        self.owner = f"{self._name}.{self._lives}"
        self._spool = Spool(self._folder / f"{self._name}.db", clock=self._made.clock)
        await self._spool.open()
        sources = load_sources()
        calm = {"lease": 600.0, "refresh": 600.0, "revisit": 86_400.0, "report": 3600.0}
        self._ingestor = Ingestor(
            self._made.registry, self._spool, sources={name: sources[name]() for name in SITES},
            credentials=_credential, clock=clock or self._made.clock,
            options=Options(owner=self.owner, seed=1, **calm | options),
        )  # fmt: skip
        self._made.ingestors.append(self._ingestor)
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._ingestor.run(self._stop))
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """End in order."""
        self._stop.set()
        await self._task
        await self._leave()

    async def kill(self) -> None:
        """End without a word to the registry: the leases run on."""
        self._ingestor._lanes.held.clear()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._leave()

    async def spooled(self) -> list[Record]:
        """Return what its lives have spooled, in that order, and let it go."""
        spool = Spool(self._folder / f"{self._name}.db", clock=self._made.clock)
        await spool.open()
        try:
            return await drained(spool)
        finally:
            await spool.close()

    async def _leave(self) -> None:
        self._made.ingestors.remove(self._ingestor)
        await self._spool.close()


def _credential(lane: Lane) -> Credential:
    number = int(lane.account.rpartition("-")[2])
    account = login(SITES[lane.source], number)
    return Credential(account=lane.account, user=account.user, secret=account.secret)
