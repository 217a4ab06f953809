"""The roles a process can have: ingest, work, serve; `taglake run` has all three.

Each role runs until `stop` is set and then ends in order: no new polls, the spool on disk, the
sender's last request answered.
"""

import asyncio
import errno
import os
import random
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import structlog
import uvicorn

from api import ApiSettings, create_app
from ingestor.clock import Clock, SystemClock
from ingestor.contract import Credential
from ingestor.ingest import Ingestor, Options
from ingestor.spool import Spool
from insights.catalogue import INSIGHTS
from insights.contract import Insight
from insights.rollups import KEPT_UP
from lake.contract import Lake
from lake.errors import LakeError
from lake.files import FilesLake
from lake.sender import Sender
from registry import Registry
from registry.models import Lane
from taglake import wiring
from taglake.errors import BadSetting
from taglake.settings import Settings

log = structlog.get_logger()

HEARTBEAT_SECONDS = 10.0
JOB_POLL_SECONDS = 2.0


class Collector:
    """Ingestor, spool and sender of one process. Life: `open`, `run(stop)` once, `close`."""

    def __init__(
        self,
        settings: Settings,
        lake: Lake,
        registry: Registry,
        *,
        clock: Clock | None = None,
        options: Options | None = None,
    ) -> None:
        section = settings.ingest
        self._settings = settings
        self._accounts = {wiring.lane_id(account): account for account in settings.accounts}
        self._registry = registry
        self.sources = wiring.sources(settings)
        self._clock = clock or SystemClock()
        self.spool = Spool(
            section.spool, clock=self._clock, cap_bytes=section.spool_megabytes << 20
        )
        self.sender = Sender(self.spool, lake, rng=random.Random())  # noqa: S311 - jitter
        self.ingestor = Ingestor(
            registry,
            self.spool,
            sources=self.sources,
            credentials=self._credential,
            clock=self._clock,
            options=options or _options(settings),
        )

    async def open(self) -> None:
        """Open the spool and make the accounts' lanes known. Raises BadSetting."""
        await self._registry.lanes.upsert(wiring.lanes_of(self._settings, self.sources))
        await self.spool.open()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and send until `stop` is set; then poll no more, send what is there, and return."""
        sent = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.sender.run(sent))
            await self.ingestor.run(stop)
            await self._empty()
            sent.set()

    async def _empty(self) -> None:
        """Give the sender some time to empty the spool; what is left is sent at the next start."""
        try:
            async with asyncio.timeout(self._settings.ingest.grace):
                while (await self.spool.waiting())[0]:  # noqa: ASYNC110 - the sender has no end to await
                    await asyncio.sleep(0.05)
        except TimeoutError:
            log.warning("spool not empty", pages=(await self.spool.waiting())[0])

    async def close(self) -> None:
        """Close the spool."""
        await self.spool.close()

    def _credential(self, lane: Lane) -> Credential:
        return wiring.credential_of(self._settings, self._accounts[lane.id])


def _options(settings: Settings) -> Options:
    section = settings.ingest
    return Options(
        owner=owner(),
        concurrency=section.concurrency,
        snapshot_every=section.snapshot_every,
        lease=section.lease,
        refresh=section.refresh,
        grace=section.grace,
    )


async def collect(settings: Settings, lake: Lake, registry: Registry, stop: asyncio.Event) -> None:
    """Ingest until `stop` is set."""
    collector = Collector(settings, lake, registry)
    await collector.open()
    try:
        await collector.run(stop)
    finally:
        await collector.close()


async def work(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime] | None = None,
) -> None:
    """Run periodic insights until `stop`; a lease sees to it that one worker of a fleet does."""
    insights: dict[str, Insight] = {name: kind() for name, kind in INSIGHTS.items()}
    clock = now or SystemClock().now
    for insight in insights.values():
        await registry.jobs.ensure(insight.name, every=settings.work.rollup_every)
    compacted = asyncio.get_running_loop().time()
    while not stop.is_set():
        lease = await registry.jobs.claim(owner(), names=set(insights), seconds=600)
        if lease is not None:
            await _run_job(insights[lease.name], lake, registry, lease.fence, clock())
        loop_time = asyncio.get_running_loop().time()
        if isinstance(lake, FilesLake) and loop_time - compacted > settings.work.compact_every:
            await lake.compact()
            compacted = loop_time
        await _pause(stop, JOB_POLL_SECONDS)


async def _run_job(
    insight: Insight, lake: Lake, registry: Registry, fence: int, now: datetime
) -> None:
    campaigns = await registry.campaigns.all_active(now, grace=KEPT_UP)
    try:
        records = await insight.run(lake, campaigns, now)
        await lake.append(records)
    except LakeError as error:
        log.warning("job failed", job=insight.name, reason=str(error))
        await registry.jobs.fail(insight.name, fence, str(error))
        return
    await registry.jobs.finish(insight.name, fence)
    log.info("job done", job=insight.name, campaigns=len(campaigns), records=len(records))


async def serve(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime] | None = None,
    ready: Callable[[str], Awaitable[None]],
) -> None:
    """Serve API and page until `stop` is set; `ready` is told the address. Raises BadSetting."""
    section = settings.serve
    bound = _bind(section.host, section.port)
    app = create_app(
        lake=lake,
        registry=registry,
        now=now or SystemClock().now,
        settings=ApiSettings(
            requests_per_minute=section.requests_per_minute,
            cache_seconds=section.cache_seconds,
            # The next report takes time to compute: until it is there, the last one serves.
            rollup_seconds=2 * settings.work.rollup_every,
            cors_origins=section.cors_origins,
            docs=section.docs,
        ),
    )
    server = _Server(_uvicorn(app))
    host = "localhost" if section.host in {"127.0.0.1", "0.0.0.0"} else section.host  # noqa: S104
    await ready(f"http://{host}:{bound.getsockname()[1]}")
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[bound]))
        await stop.wait()
        server.should_exit = True


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the process: they stop all roles, not only this one."""

    def install_signal_handlers(self) -> None:
        """Install none."""


def _uvicorn(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        log_level="warning",
        access_log=False,
        limit_concurrency=512,  # a slow client costs memory: refuse before there are too many
        h11_max_incomplete_event_size=16 << 10,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)  # who is told the address may ask at once
    except OSError as error:
        bound.close()
        raise BadSetting(_unbound(host, port, error)) from None
    return bound


def _unbound(host: str, port: int, error: OSError) -> str:
    if error.errno in {errno.EADDRINUSE, errno.EACCES}:
        fix = "set TAGLAKE_SERVE__PORT to a free port, or 0"
        return f"serve.port = {port}: {error.strerror}; {fix}"
    return f"serve.host = {host!r}: {error.strerror}; take 127.0.0.1, or an address of this machine"


async def beat(path: Path | None, stop: asyncio.Event) -> None:
    """Touch the heartbeat file while the event loop turns."""
    while path is not None and not stop.is_set():
        await asyncio.to_thread(path.touch)
        await _pause(stop, HEARTBEAT_SECONDS)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass


def progress_line(collector: Collector) -> str:
    """Return one line on what a collector has done so far."""
    metrics, sent = collector.ingestor.metrics, collector.sender.progress
    alarm = f"; ALARM: the lake takes no writes ({sent.alarm})" if sent.alarm else ""
    return (
        f"{metrics.started} polls, {metrics.posts_new} new posts, {sent.stored} records in the lake"
        f"{alarm}"
    )


def owner() -> str:
    """Return a name of this process that no other in the fleet has."""
    return f"{socket.gethostname()}-{os.getpid()}"
