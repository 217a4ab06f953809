"""Case 26: a provider that drops the second answer of every kept-alive connection.

A careless client sends such a request again, silently, and its budget counts one where the provider
counts two.
"""

from pathlib import Path

import sqlalchemy as sa
from aiohttp import web

from fakes.village import START, Bench, Village
from faults.figures import record
from faults.forms import form
from ingestor.clock import SteppedClock
from registry import open_registry, schema


class Dropping:
    """Closes the connection instead of its second answer."""

    def __init__(self) -> None:
        self.connections: dict[int, int] = {}
        self.dropped = 0

    async def __call__(self, request: web.Request) -> web.Response | None:
        """Drop an answer, or let it be."""
        assert request.transport is not None
        port = request.transport.get_extra_info("peername")[1]
        self.connections[port] = self.connections.get(port, 0) + 1
        if self.connections[port] % 2:
            return None
        self.dropped += 1
        request.transport.abort()
        return web.Response()


async def test_the_provider_counts_as_many_requests_as_we_do(tmp_path: Path) -> None:
    clock, village, dropping = SteppedClock(START), Village(), Dropping()
    village.misbehave = dropping
    for number in range(40):
        village.publish(f"tag{number % 8}", number, START)
    url = f"sqlite:///{tmp_path}/registry.db"
    async with (
        village.serving(),
        await open_registry(url, pepper="p" * 24, now=clock.now) as registry,
    ):
        bench = Bench(village, registry, clock, tmp_path)
        lanes = (bench.lane("a"), bench.lane("b"))
        await bench.track(*(f"tag{number}" for number in range(8)), lanes=lanes)
        metrics = (await bench.play(hours=form(0.5, 5.0))).metrics
        async with registry._database.read() as tx:
            granted = await tx.scalar(sa.select(sa.func.sum(schema.spending.c.grants)))
    record(
        26, "second answer of each connection dropped",
        providers_count=len(village.asked), our_count=metrics.requests,
        difference=metrics.requests - len(village.asked), answers_dropped=dropping.dropped,
    )  # fmt: skip
    assert dropping.dropped > 20
    assert metrics.requests == len(village.asked)
    assert granted is not None  # what the registry still remembers of it
