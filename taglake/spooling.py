"""The spool of this machine, looked at from the command line."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import DeadLetter, InUse, Report
from taglake.errors import BadSetting, NotThere
from taglake.settings import Settings


async def check_spool(settings: Settings) -> Report:
    """Return what a check of the whole file finds. Raises NotThere."""
    async with _spool(settings) as spool:
        return await spool.check()


async def list_dead_letters(settings: Settings, limit: int) -> Sequence[DeadLetter]:
    """Return the dead letters, oldest first. Raises NotThere."""
    async with _spool(settings) as spool:
        return await spool.dead_letters(limit)


async def replay_letters(settings: Settings, numbers: Sequence[int] | None) -> int:
    """Put dead letters back, all of them if `numbers` is None; return how many. Raises NotThere."""
    async with _spool(settings) as spool:
        return await spool.replay(numbers)


async def repair_spool(settings: Settings) -> int:
    """Drop damaged pages and return how many. Raises NotThere, BadSetting."""
    try:
        async with _spool(settings) as spool:
            return await spool.repair()
    except InUse as taken:
        raise BadSetting(f"{taken}: stop the ingestor first") from taken


@asynccontextmanager
async def _spool(settings: Settings) -> AsyncIterator[Spool]:
    path = settings.ingest.spool
    if not path.is_file():
        raise NotThere(f"ingest.spool = {path}: there is no spool yet; `taglake run` makes it")
    spool = Spool(path, clock=SystemClock(), cap_bytes=settings.ingest.spool_megabytes << 20)
    await spool.open()
    try:
        yield spool
    finally:
        await spool.close()
