"""Cases 10 and 11: a lake that is asked too much says so, and is asked less, but for all of it."""

import asyncio
import random
import time
from collections import Counter
from itertools import chain
from pathlib import Path

import msgspec
import pytest

from fakes.elastic import FakeElastic, Item
from fakes.outbox import Clock, MemoryOutbox
from faults.figures import record
from faults.forms import form
from faults.lakeside import Operator, elastic_lake, way
from faults.poison import good
from lake.contract import Line
from lake.elastic import ElasticLake
from lake.lines import line_of
from lake.pacing import Pace
from lake.sender import Sender

BODY = 8 << 20  # bytes of one request: ten of them are more than 512 MiB of heap let in
PARALLEL = 10
pytestmark = pytest.mark.timeout(form(180, 600))

REJECTED = "es_rejected_execution_exception"


@pytest.mark.parametrize("times", [1, 3])
async def test_only_the_items_that_were_refused_are_sent_again(tmp_path: Path, times: int) -> None:
    lines = [line_of(good(number)) for number in range(3_000)]
    refused = {line.id for line in random.Random(11).sample(lines, 900)}
    async with FakeElastic() as fake:
        fake.items.update((id, Item(429, REJECTED, times=times)) for id in refused)
        lake = ElasticLake(fake.url, prefix="p")
        async with way(tmp_path / "spool.db", lake, pace=50.0, max_lines=500) as line_up:
            await line_up.put(lines)
            async with line_up.sending():
                await line_up.emptied(seconds=600)
            progress = line_up.sender.progress
            assert await line_up.spool.dead_letters() == []
        await lake.close()
    asked = Counter(chain.from_iterable(fake.bulks))
    assert asked == {line.id: 1 + times * (line.id in refused) for line in lines}
    assert fake.applied == Counter(line.id for line in lines)
    share = (progress.sent - len(lines)) / len(lines)
    assert share == pytest.approx(0.3 * times)
    record(
        11,
        f"30 % of items refused {times} times",
        lines=len(lines),
        resent_share=round(share, 3),
        others_resent=0,
        lost=0,
    )


def heavy(number: int) -> Line:
    """Return a post of some 16 KB that costs little to index: raw JSON is kept, not looked into."""
    rng = random.Random(number)
    filling = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz ", k=64)) * 250
    return line_of(good(number, raw=msgspec.Raw(msgspec.json.encode({"more": filling}))))


async def refusals(operator: Operator) -> int:
    """Return how many requests the node has refused to index since it was started."""
    stats = await operator.ask("GET", "/_nodes/stats/indexing_pressure")
    memory = [node["indexing_pressure"]["memory"]["total"] for node in stats["nodes"].values()]
    return sum(int(each["coordinating_rejections"]) for each in memory)


class RealTime(Clock):
    """The machine's clock, for a queue in memory."""

    def __call__(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Let the seconds pass."""
        await asyncio.sleep(seconds)


def grown(rng: random.Random) -> Pace:
    """Return a pace that lets ten requests out in the first moment."""
    pace = Pace(rng=rng, widest=PARALLEL)
    while pace.width < PARALLEL:
        pace.succeeded()
    return pace


@pytest.mark.elastic
async def test_a_lake_that_refuses_ten_large_requests_is_asked_for_fewer_at_once(
    elastic_url: str,
) -> None:
    lines = [heavy(number) for number in range(form(14_000, 28_000))]
    # In memory: a spool never holds so much of itself there that ten such requests could be made.
    clock, rng = RealTime(), random.Random(10)
    outbox, narrowest = MemoryOutbox(lines, clock), PARALLEL
    async with elastic_lake(elastic_url) as (lake, operator):
        sender = Sender(
            outbox, lake, rng=rng, pace=grown(rng), max_bytes=BODY, max_lines=50_000, clock=clock
        )
        before, sending = await refusals(operator), asyncio.create_task(sender.drain())
        while not sending.done():
            narrowest = min(narrowest, sender.progress.width)
            await asyncio.sleep(0.01)
        await sending
        refused, progress = await refusals(operator) - before, sender.progress
        assert (outbox.lines, outbox.dead) == ({}, [])
        assert await operator.count("posts") == len(lines)
    each = progress.sent / len(lines)
    assert refused >= 1, "ten requests of 8 MiB were no overload"
    assert narrowest <= PARALLEL // 2
    assert each <= 1.2
    record(
        10,
        "10 requests of 8 MiB at once, heap of 512 MiB",
        requests=progress.requests,
        refused=refused,
        requests_per_accepted_document=round(each, 2),
        narrowest=narrowest,
        lost=0,
    )
