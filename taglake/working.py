"""The role of a worker: reports ahead of the question, and a tidy embedded lake."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog

from ingestor.clock import SystemClock
from insights.catalogue import insights
from insights.contract import Insight
from insights.rollups import KEPT_UP
from lake.contract import Lake
from lake.errors import LakeError
from lake.files import FilesLake
from registry import Registry
from taglake.roles import owner, pause
from taglake.settings import Settings

log = structlog.get_logger()

JOB_POLL_SECONDS = 2.0


async def work(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime] | None = None,
) -> None:
    """Run periodic insights until `stop`; a lease sees to it that one worker of a fleet does."""
    known = insights(
        settings.audience.folder,
        every=settings.work.rollup_every,
        audiences_every=settings.audience.sync_every,
    )
    clock = now or SystemClock().now
    for insight in known.values():
        await registry.jobs.ensure(insight.name, every=insight.every)
    compacted = asyncio.get_running_loop().time()
    while not stop.is_set():
        lease = await registry.jobs.claim(owner(), names=set(known), seconds=600)
        if lease is not None:
            await _run_job(known[lease.name], lake, registry, lease.fence, clock())
        loop_time = asyncio.get_running_loop().time()
        if isinstance(lake, FilesLake) and loop_time - compacted > settings.work.compact_every:
            await lake.compact()
            compacted = loop_time
        await pause(stop, JOB_POLL_SECONDS)


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
