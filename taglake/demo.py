"""The demo: four simulated weeks through the real ingestion path, in about a minute.

What makes it repeat itself byte for byte: the world is a function of its seed, the clock only moves
when everybody is idle, and ids and keys are drawn from the seed.
"""

import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import msgspec
from aiohttp import web
from pydantic import ValidationError

from ingestor.clock import SteppedClock, SystemClock
from ingestor.ingest import Options
from insights.audiences.book import Book
from insights.catalogue import insights
from lake.contract import Lake
from registry import Registry, open_registry
from registry.models import Campaign, CampaignDraft, Competitor
from simnet.brands import sports_brands
from simnet.budgets import Budgets
from simnet.logins import Site, login
from simnet.server import JUDGE, SIMULATION, addresses, make_app
from simnet.world import World
from taglake import demo_audiences, roles, serving, wiring
from taglake.errors import BadSetting
from taglake.logs import configure
from taglake.reporting import full_report, in_short
from taglake.settings import (
    AccountSettings,
    AudienceSettings,
    IngestSettings,
    LakeSettings,
    LogSettings,
    RegistrySettings,
    ServeSettings,
    Settings,
    WorkSettings,
)

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday: weeks are whole
DAYS = 28
BEFORE, DURING, AFTER = 7, 14, 7
SEND_EVERY = timedelta(days=3)  # of simulated time; small files cost more
# Requests per day and account. Lower than the networks allow: three hours between looks do for
# four weeks of these tags, and each request costs the demo some milliseconds.
BUDGETS = {"instagram_graph": 48, "mastodon": 24, "bluesky": 36}
MARK = ".made-by-taglake-demo"  # only a folder that holds this file is ever removed
SITES: dict[str, Site] = {
    "instagram_graph": "graph.example",
    "mastodon": "mastodon.example",
    "bluesky": "bsky.example",
}


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked the demo for."""

    seed: int
    lift: float
    once: bool
    json: bool
    port: int
    lake_url: str | None
    folder: Path


async def play_demo(play: Play, stop: asyncio.Event) -> None:
    """Play the campaign, print its report and, unless `once`, serve it until `stop` is set."""
    configure("warning", "auto")
    with _folder(play) as folder:
        try:
            await _play_in(folder, play, stop)
        finally:
            # Threads of tasks that were cancelled may write there until they are done.
            await asyncio.get_running_loop().shutdown_default_executor()


async def _play_in(folder: Path, play: Play, stop: asyncio.Event) -> None:
    clock = SteppedClock(START)
    async with _stage(play, folder, clock) as stage:
        shown = await _unless(stop, _perform(stage, play, clock))
        if play.once:
            await _print(play, stage, shown)
        else:
            await _serve(play, stage, shown, stop)


async def _unless(stop: asyncio.Event, playing: Coroutine[None, None, "Shown"]) -> "Shown":
    """Return what comes of playing; raises click.Abort if stopped before that."""
    task, stopped = asyncio.create_task(playing), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise click.Abort
    finally:
        task.cancel()
        stopped.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """What the play needs on its stage."""

    settings: Settings
    lake: Lake
    registry: Registry
    simulation: web.Application


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What is left when the play is over."""

    campaign: Campaign
    key: str
    now: datetime  # the campaign's last instant, which the report is of
    ended: datetime  # the last instant of the play
    seconds: float  # it took, in real time


@contextmanager
def _folder(play: Play) -> Iterator[Path]:
    """Give a folder that is empty: a temporary one if nothing is served after the play."""
    if play.once:
        with tempfile.TemporaryDirectory(prefix="taglake-demo-") as name:
            yield Path(name)
        return
    _clear(play.folder)
    yield play.folder


def _clear(folder: Path) -> None:
    """Make the folder anew; one that no demo made is not touched. Raises BadSetting."""
    if (
        folder.exists()
        and not (folder / MARK).is_file()
        and (not folder.is_dir() or any(folder.iterdir()))
    ):
        raise BadSetting(f"--folder {folder}: holds what no demo made; name a new folder")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()


@asynccontextmanager
async def _stage(play: Play, folder: Path, clock: SteppedClock) -> AsyncIterator[Stage]:
    """Start the simulated networks, open lake and registry, and make the accounts known."""
    world = World(play.seed, start=START, days=DAYS, brands=sports_brands(START), lift=play.lift)
    simulation = make_app(world, now=clock.now, budgets=Budgets(page=20))
    async with _serving(simulation) as port:
        settings = _settings(play, folder, addresses(port))
        entropy = random.Random(play.seed).randbytes  # noqa: S311 - a demo that repeats itself
        registry = await open_registry(
            settings.registry.url, pepper="pepper of a demo", now=clock.now, entropy=entropy
        )
        async with registry, wiring.open_lake(settings) as lake:
            yield Stage(settings=settings, lake=lake, registry=registry, simulation=simulation)


@asynccontextmanager
async def _serving(app: web.Application) -> AsyncIterator[int]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def _settings(play: Play, folder: Path, sites: dict[str, str]) -> Settings:
    """Return settings that look at nothing outside the folder and the simulated networks."""
    secrets = folder / "secrets"
    secrets.mkdir()
    accounts = []
    for source, daily in BUDGETS.items():
        site = SITES[source]
        account = login(site, 1)
        (secrets / account.name).write_text(account.secret)
        accounts.append(
            AccountSettings(
                source=source,
                name=account.name,
                base_url=sites[site],
                user=account.user,
                secret=account.name,
                limit=daily,
                window=86_400,
            )
        )
    return Settings.model_construct(
        secrets=secrets,
        lake=_lake(play, folder),
        registry=RegistrySettings(url=f"sqlite:///{folder / 'registry.db'}"),
        ingest=IngestSettings(spool=folder / "spool.db", refresh=86_400),
        audience=AudienceSettings(folder=folder / "audiences"),
        work=WorkSettings(),
        serve=ServeSettings(port=play.port),
        log=LogSettings(level="warning"),
        accounts=tuple(accounts),
        heartbeat=None,
    )


def _lake(play: Play, folder: Path) -> LakeSettings:
    try:
        url = play.lake_url or f"files:{folder / 'lake'}"
        return LakeSettings(url=url, prefix="taglake-demo")
    except ValidationError as error:
        raise BadSetting(
            f"--lake: {error.errors()[0]['msg'].removeprefix('Value error, ')}"
        ) from None


async def _register(registry: Registry) -> tuple[Campaign, str]:
    """Register the campaign as a client would, and return it with the client's key."""
    client = await registry.clients.create("demo", who="demo")
    key, _ = await registry.keys.issue(client.id, who="demo")
    begin = START + timedelta(days=BEFORE)
    draft = CampaignDraft(
        name="Nike spring",
        networks=("instagram", "mastodon", "bluesky"),
        hashtags=("nike",),
        start=begin,
        end=begin + timedelta(days=DURING),
        baseline_days=BEFORE,
        after_days=AFTER,
        competitors=(
            Competitor(name="adidas", hashtags=("adidas",)),
            Competitor(name="puma", hashtags=("puma",)),
        ),
    )
    return await registry.campaigns.create(client.id, draft, who="demo"), key.reveal()


async def _perform(stage: Stage, play: Play, clock: SteppedClock) -> Shown:
    """Let the ingestor live through the four weeks while the clock jumps from poll to poll."""
    began = time.monotonic()
    async with _collecting(stage, stage.settings, play, clock) as collector:
        campaign, key = await _register(stage.registry)
        await _collect(collector, clock, _Progress(collector))
    over = clock.now()
    await _follow(stage, play, clock)
    known = insights(stage.settings.audience.folder, every=60.0, audiences_every=60.0)
    for insight in known.values():
        await stage.lake.append(await insight.run(stage.lake, [campaign], over))
    seconds = time.monotonic() - began
    return Shown(campaign=campaign, key=key, now=over, ended=clock.now(), seconds=seconds)


@asynccontextmanager
async def _collecting(
    stage: Stage, settings: Settings, play: Play, clock: SteppedClock
) -> AsyncIterator[roles.Collector]:
    """Give an ingestor with the accounts of some settings, open."""
    collector = roles.Collector(
        settings, stage.lake, stage.registry, clock=clock, options=_options(play)
    )
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()


async def _follow(stage: Stage, play: Play, clock: SteppedClock) -> None:
    """Let the ingestor read followers for some minutes."""
    settings = demo_audiences.with_budgets(stage.settings)
    world = stage.simulation[SIMULATION].world
    count = await demo_audiences.want(stage.registry, world, clock)
    click.echo(f"reading the followers of {count} accounts", err=True)
    async with _collecting(stage, settings, play, clock) as collector:
        await _play(collector, clock, clock.now() + demo_audiences.MINUTES)
        await collector.sender.drain()


def _options(play: Play) -> Options:
    """Return an ingestor that repeats itself, and whose housekeeping fits a clock that flies."""
    return Options(
        owner="demo",
        concurrency=1,
        seed=play.seed,
        lease=2 * 86_400.0,
        refresh=86_400.0,
        replan=21_600.0,
        revisit=21_600.0,
        report=21_600.0,
    )


async def _collect(collector: roles.Collector, clock: SteppedClock, progress: "_Progress") -> None:
    await _play(collector, clock, START + timedelta(days=DAYS), moved=progress.moved)
    await collector.sender.drain()
    progress.end()


async def _play(
    collector: roles.Collector,
    clock: SteppedClock,
    until: datetime,
    *,
    moved: Callable[[datetime], Awaitable[None]] | None = None,
) -> None:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(collector.ingestor.run(stop))
        await clock.play(until, collector.ingestor.idle, moved=moved)
        stop.set()


class _Progress:
    """What happens on the way: the sender empties the spool now and then, and the user is told."""

    def __init__(self, collector: roles.Collector) -> None:
        self._collector = collector
        self._send_at = START + SEND_EVERY
        self._bar = click.progressbar(
            length=DAYS, label="playing 28 days", show_eta=False, file=sys.stderr
        )
        self._day = 0

    async def moved(self, instant: datetime) -> None:
        """Send what has gathered and tell the user, before the clock moves to `instant`."""
        if instant >= self._send_at:
            await self._collector.sender.drain()
            self._send_at += SEND_EVERY
        day = (instant - START).days
        if day > self._day:
            self._bar.update(day - self._day)
            self._day = day
            if not sys.stderr.isatty() and day % 7 == 0:
                click.echo(f"day {day} of {DAYS}", err=True)

    def end(self) -> None:
        """Finish the line."""
        self._bar.render_finish()


async def _print(play: Play, stage: Stage, shown: Shown) -> None:
    audiences = Book(stage.settings.audience.folder)
    if play.json:
        report = await full_report(stage.lake, shown.campaign, now=shown.now, audiences=audiences)
        sys.stdout.write(str(msgspec.json.encode(report), "utf-8") + "\n")
        return
    click.echo(await in_short(stage.lake, shown.campaign, now=shown.now, audiences=audiences))
    judged = stage.simulation[JUDGE].report()
    click.echo(
        f"planted lift {play.lift:+.0%}; {judged.requests} requests in {shown.seconds:.0f} s, "
        f"{judged.refused} refused by the networks"
    )
    click.echo(demo_audiences.told(await demo_audiences.result(stage.lake)))


async def _serve(play: Play, stage: Stage, shown: Shown, stop: asyncio.Event) -> None:
    """Serve page and API over what was played; the clock goes on from where the play ended."""
    began = SystemClock().monotonic()

    def now() -> datetime:
        return shown.ended + timedelta(seconds=SystemClock().monotonic() - began)

    async def ready(address: str) -> None:
        await _print(play, stage, shown)
        click.echo(f"page: {address}/#key={shown.key}&campaign={shown.campaign.id}")
        click.echo(f"key:  {shown.key}")
        click.echo("Ctrl-C ends")

    await serving.serve(stage.settings, stage.lake, stage.registry, stop, now=now, ready=ready)
