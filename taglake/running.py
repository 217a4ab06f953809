"""Several roles in one process, on one lake and one registry."""

import asyncio
import gc
from collections.abc import Sequence

import structlog

from lake.contract import Lake
from registry import Registry
from taglake import roles, wiring
from taglake.errors import BadSetting
from taglake.settings import Settings

log = structlog.get_logger()


async def run_roles(settings: Settings, names: Sequence[str], stop: asyncio.Event) -> None:
    """Run roles until `stop` is set or one fails; then all end in order. Raises TaglakeError."""
    if "ingest" in names and not settings.accounts:
        raise BadSetting(
            "accounts: there are none, so nothing can be collected; add an [[accounts]] block to "
            "taglake.toml (taglake.example.toml shows one), or try `taglake track`"
        )
    async with wiring.open_lake(settings) as lake, wiring.open_the_registry(settings) as registry:
        log.info("started", roles=list(names), lake=settings.lake.url)
        _collect_garbage_seldom()
        async with asyncio.TaskGroup() as group:
            group.create_task(roles.beat(settings.heartbeat, stop))
            for name in names:
                group.create_task(_role(name, settings, lake, registry, stop))
    log.info("stopped")


def _collect_garbage_seldom() -> None:
    """Let Python look for cycles less often: it took a ninth of an ingestor's time.

    What is loaded stays; what a poll makes holds no cycles and goes by its counts of references.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


async def _role(
    name: str, settings: Settings, lake: Lake, registry: Registry, stop: asyncio.Event
) -> None:
    # Each imports what it alone needs: an ingestor starts in half the time and half the memory.
    if name == "ingest":
        await roles.collect(settings, lake, registry, stop)
    elif name == "work":
        from taglake.working import work

        await work(settings, lake, registry, stop)
    else:
        from taglake.serving import serve

        await serve(settings, lake, registry, stop, ready=_tell)


async def _tell(address: str) -> None:
    log.info("serving", page=address, api=f"{address}/v1")
