"""The simulated network as a process that remembers what it served: `python -m faults.network`.

`/__served` tells, for every post that any answer showed, when it was made and a hash of each form
in which it was shown; `/__judge` is the provider's own count of requests.
"""

import argparse
import asyncio
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec
from aiohttp import web

from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.server import app_of
from simnet.simulation import Simulation
from simnet.wire import Ask, Reply
from simnet.world import I64, World, milliseconds

SITE = "mastodon.example"
BEFORE, AFTER = 3_600_000, 3 * 3_600_000  # milliseconds
REMEMBERED = 3000  # pages
PATH = "/api/v1/timelines/tag/"


class Status(msgspec.Struct):
    """What the ledger reads of a status."""

    uri: str
    created_at: datetime
    replies_count: int
    reblogs_count: int
    favourites_count: int
    quotes_count: int

    @property
    def counts(self) -> str:
        """Return the counts as one word: what makes an observation worth keeping."""
        numbers = (
            self.replies_count,
            self.reblogs_count,
            self.favourites_count,
            self.quotes_count,
        )
        return "/".join(map(str, numbers))


class Shown(msgspec.Struct):
    """A post as it was served: when it was made, and a hash of every form that was shown."""

    created_at: datetime
    forms: set[str]


class Served(msgspec.Struct):
    """All that a network served so far."""

    posts: dict[str, Shown]  # by the lake's id
    pages: int
    first: list[list[tuple[str, str, str]]]  # id, counts and form of what the first pages showed
    shown: int  # posts on them, each as often as it stood on one


def form_of(raw: bytes) -> str:
    """Return the hash by which a form of a post is known."""
    return blake2b(raw, digest_size=12).hexdigest()


class Remembering(Simulation):
    """A simulation that remembers every post of every timeline it answered with."""

    served: Served

    def answer(self, ask: Ask, *, site: str | None = None) -> Reply:
        """Answer, and write down what was shown."""
        if ask.path == "/__served":
            return Reply(body=msgspec.json.encode(self.served))
        reply = super().answer(ask, site=site)
        if PATH in ask.path and reply.status == 200:
            self._note(reply.body)
        return reply

    def _note(self, body: bytes) -> None:
        self.served.pages += 1
        page: list[tuple[str, str, str]] = []
        for raw in msgspec.json.decode(body, type=list[msgspec.Raw]):
            status = msgspec.json.decode(raw, type=Status)
            key, form = f"mastodon:{status.uri}", form_of(bytes(raw))
            post = Shown(created_at=status.created_at, forms=set())
            self.served.posts.setdefault(key, post).forms.add(form)
            self.served.shown += 1
            page.append((key, status.counts, form))
        if len(self.served.first) < REMEMBERED:
            self.served.first.append(page)


class ShortWorld(World):
    """A world that has posts around now only: it starts in a second."""

    def _instants(self, network: str, brand: Brand, name: str) -> I64:
        found, now = super()._instants(network, brand, name), milliseconds(datetime.now(UTC))
        return found[(found >= now - BEFORE) & (found < now + AFTER)]


def simulation(*, seed: int, tags: int, per_second: float, budget: tuple[int, float]) -> Simulation:
    """Return a network that has run for an hour and has hours to go."""
    start = datetime.now(UTC) - timedelta(hours=6)
    brands = [Brand(tag=f"tag{n}", posts_per_day=per_second * 86_400 / tags) for n in range(tags)]
    world = ShortWorld(
        seed, start=start, days=1, brands=brands, lift=0, people=400, warmup=0,
        shares={"mastodon": 1.0},
    )  # fmt: skip
    made = Remembering(
        world, now=lambda: datetime.now(UTC), budgets=Budgets(mastodon=budget, page=40)
    )
    made.served = Served(posts={}, pages=0, first=[], shown=0)
    return made


async def serve(made: Simulation, port: int) -> None:
    """Serve until cancelled."""
    runner = web.AppRunner(app_of(made), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tags", type=int, default=200)
    parser.add_argument("--per-second", type=float, default=6.0)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--window", type=float, default=5.0)
    asked = parser.parse_args()
    made = simulation(
        seed=asked.seed, tags=asked.tags, per_second=asked.per_second,
        budget=(asked.limit, asked.window),
    )  # fmt: skip
    asyncio.run(serve(made, asked.port))


if __name__ == "__main__":
    main()
