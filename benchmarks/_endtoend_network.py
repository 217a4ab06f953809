"""A simulated Bluesky on which many posts a second appear, as a process: `endtoend.py` starts it.

`/__made?since=..&until=..` (milliseconds) tells how many posts appeared between two instants.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
from aiohttp import web

from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.server import app_of
from simnet.simulation import Simulation
from simnet.wire import Ask, Reply
from simnet.world import I64, World, milliseconds

BEFORE = 60_000  # milliseconds of posts from before the start


class Minutes(World):
    """A world that has posts around now only: a day of five hundred a second would not fit."""

    ahead = 0  # milliseconds
    every = 1.0  # milliseconds between two posts of one tag, on average

    def _instants(self, network: str, brand: Brand, name: str) -> I64:
        found, now = super()._instants(network, brand, name), milliseconds(datetime.now(UTC))
        found = found[(found >= now - BEFORE) & (found < now + self.ahead)]
        # The rhythm of a day has its noon and its night: as many as asked for, whatever the hour.
        wanted = min(len(found), round((BEFORE + self.ahead) / self.every))
        return np.sort(np.random.default_rng(len(brand.tag)).permutation(found)[:wanted])


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tags", type=int, required=True)
    parser.add_argument("--per-second", type=float, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    asked = parser.parse_args()
    Minutes.ahead = round(asked.seconds * 1000)
    Minutes.every = 1000 * asked.tags / asked.per_second
    daily = 4 * asked.per_second * 86_400 / asked.tags
    world = Minutes(
        7,
        start=datetime.now(UTC) - timedelta(hours=6),
        days=1,
        brands=[Brand(tag=f"tag{n}", posts_per_day=daily) for n in range(asked.tags)],
        lift=0,
        people=2000,
        warmup=0,
        shares={"bluesky": 1.0},
    )
    budgets = Budgets(bluesky=(1_000_000, 300.0))
    simulation = Counted(world, now=lambda: datetime.now(UTC), budgets=budgets)
    simulation.created = np.sort(world.networks["bluesky"].columns.created)
    asyncio.run(serve(simulation, asked.port))


class Counted(Simulation):
    """A simulation that can be asked how many posts appeared."""

    created: I64

    def answer(self, ask: Ask, *, site: str | None = None) -> Reply:
        """Answer, also to /__made."""
        if ask.path != "/__made":
            return super().answer(ask, site=site)
        query = dict(ask.query)
        low, high = np.searchsorted(self.created, (int(query["since"]), int(query["until"])))
        return Reply(body=b'{"posts":%d}' % (high - low))


async def serve(simulation: Simulation, port: int) -> None:
    """Serve until ended."""
    runner = web.AppRunner(app_of(simulation), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    main()
