"""The simulated world of `taglake simnet`."""

import asyncio
from datetime import UTC, datetime

import click
import msgspec

from simnet.brands import sports_brands
from simnet.clocks import FastClock
from simnet.server import addresses, serve
from simnet.world import World


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """What the user asked for."""

    port: int
    host: str
    seed: int
    speed: float  # times ours
    start: datetime | None
    days: int
    lift: float


async def serve_world(asked: Setting, stop: asyncio.Event) -> None:
    """Serve a world until `stop` is set; tells its addresses on standard error."""
    begin = asked.start or datetime.now(UTC)
    brands = sports_brands(begin)
    world = World(asked.seed, start=begin, days=asked.days, brands=brands, lift=asked.lift)

    def ready(bound: int) -> None:
        """Tell the addresses."""
        click.echo(
            f"a world of seed {asked.seed}, {asked.speed:g} times our speed, from {begin:%F}:",
            err=True,
        )
        for site, address in addresses(bound, asked.host).items():
            click.echo(f"  {site:<20} {address}", err=True)

    clock = FastClock(asked.speed, begin)
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(
            serve(world, port=asked.port, host=asked.host, now=clock, ready=ready)
        )
        await stop.wait()
        serving.cancel()
