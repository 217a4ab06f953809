"""The role of an ingestor, and what all roles share; `working` and `serving` hold the other two.

Each role runs until `stop` is set and then ends in order: no new polls, the spool on disk, the
sender's last request answered.
"""

import asyncio
import os
import random
import socket
from pathlib import Path

import structlog

from ingestor.clock import Clock, SystemClock
from ingestor.contract import Credential
from ingestor.ingest import Ingestor, Options
from ingestor.spool import Spool
from lake.contract import Lake
from lake.sender import Sender
from registry import Registry
from registry.models import Lane
from taglake import wiring
from taglake.errors import BadSetting
from taglake.metrics import exposition, serve, words
from taglake.settings import Settings

log = structlog.get_logger()

HEARTBEAT_SECONDS = 10.0
PROGRESS_SECONDS = 300.0


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
        if self.spool.in_use:
            path = self._settings.ingest.spool
            raise BadSetting(f"ingest.spool = {path}: another process has it; each needs its own")

    async def run(self, stop: asyncio.Event) -> None:
        """Poll and send until `stop` is set; then poll no more, send what is there, and return."""
        sent = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self.sender.run(sent))
            telling = group.create_task(self._tell())
            await self.ingestor.run(stop)
            telling.cancel()
            await self._empty(sent, sending)

    async def _tell(self) -> None:
        """Log now and then what has been done so far."""
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            log.info("progress", **words(self.ingestor.metrics, self.sender.progress))

    def exposition(self) -> str:
        """Return the counters for Prometheus."""
        return exposition(self.ingestor.metrics, self.sender.progress)

    async def _empty(self, sent: asyncio.Event, sending: asyncio.Task[None]) -> None:
        """Give the sender some time to empty the spool; what is left is sent at the next start."""
        try:
            async with asyncio.timeout(self._settings.ingest.grace):
                while (await self.spool.waiting())[0]:  # noqa: ASYNC110 - the sender has no end to await
                    await asyncio.sleep(0.05)
                sent.set()
                await asyncio.shield(sending)
        except TimeoutError:
            # A lake that does not answer must not hold the end up for as long as it is asked.
            sending.cancel()
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
        async with asyncio.TaskGroup() as group:
            if settings.ingest.metrics is not None:
                group.create_task(_serve_metrics(settings.ingest.metrics, collector, stop))
            await collector.run(stop)
    finally:
        await collector.close()


async def _serve_metrics(address: str, collector: Collector, stop: asyncio.Event) -> None:
    try:
        await serve(address, collector.exposition, stop)
    except OSError as exc:
        raise BadSetting(f"ingest.metrics: cannot listen on {address}: {exc.strerror}") from exc


async def beat(path: Path | None, stop: asyncio.Event) -> None:
    """Touch the heartbeat file while the event loop turns."""
    while path is not None and not stop.is_set():
        await asyncio.to_thread(path.touch)
        await pause(stop, HEARTBEAT_SECONDS)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Return after so many seconds, or when `stop` is set."""
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
