"""Cases 3 and 4: Elasticsearch dies, or is away for long; the ingestor collects on and loses
nothing.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from faults import ledger
from faults.figures import record
from faults.forms import LONG, form
from faults.lakes import ElasticLake, StandinLake
from faults.ledger import Findings
from faults.proxy import CLEAN, Fault
from faults.world import FRESH_SECONDS, World, faulty
from ingestor.spool import SLOW, STOP
from ingestor.spool_file import PAGE_BYTES
from servers import elastic
from servers.requirement import Missing, require

KILLS = form(1, 3)
DOWN = 600.0  # seconds
RECOVERY = 30.0  # seconds from an Elasticsearch that answers again to a spool that is empty
DRAIN = 10  # times as fast as the intake
GROWN = 50  # MB a process may grow by
# A budget that the past of the tags takes minutes to read with: there is no pause in the intake.
STEADY = {"tags": 50, "per_second": 20, "limit": 25, "window": 5}
MEGABYTES = 6  # the cap of a small spool


class Gauge:
    """What a running ingestor costs while it runs: sampled, since peaks pass."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.first = world.memory()
        self.memory = self.first
        self.spool = 0

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Look every second or so."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            self.memory = max(self.memory, self._world.memory())
            self.spool = max(self.spool, await asyncio.to_thread(waiting_bytes, self._world.spool))
            await asyncio.sleep(1)

    @property
    def grown(self) -> float:
        """MB the process grew by, at most."""
        return (self.memory - self.first) / 1e6


async def warm(world: World) -> None:
    """Start the ingestor and return when posts pass from the network to the lake."""
    await world.start()
    await world.working()
    while await asyncio.to_thread(ledger.mark, world.spool) == 0:
        await asyncio.sleep(0.1)
    await recovered(world)
    await asyncio.sleep(form(0, 20))


async def recovered(world: World, *, within: float = RECOVERY) -> float:
    """Return how long it takes until all that is durable now is in the lake."""
    mark = await asyncio.to_thread(ledger.mark, world.spool)
    seconds = await world.drained(mark)
    assert seconds < within, world.trouble(f"{seconds:.0f} s until the spool was empty")
    return seconds


async def passes(world: World) -> float:
    """Return how long it takes the next page to pass from the spool into the lake."""
    mark = await asyncio.to_thread(ledger.mark, world.spool)
    while (newest := await asyncio.to_thread(ledger.mark, world.spool)) == mark:
        await asyncio.sleep(0.5)
    seconds = await world.drained(newest)
    assert seconds < FRESH_SECONDS, world.trouble(f"a page took {seconds:.0f} s")
    return seconds


async def lost_nothing(world: World) -> Findings:
    """Stop the ingestor and return what the judge finds: nothing amiss."""
    code, _ = await world.stop()
    assert code == 0, world.trouble("it ended badly")
    kept = await asyncio.to_thread(ledger.read, world.spool)
    documents = await world.lake.documents()
    served, prefix = await world.served(), world.lake.prefix
    found = await asyncio.to_thread(ledger.judge, [kept], documents, served, prefix=prefix)
    assert found.clean, world.trouble(str(found))
    assert (await world.judged())["overspent"] == []
    return found


def ask(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path, timeout=10)) as db:
        return int(db.execute(query).fetchone()[0])


def waiting_bytes(path: Path) -> int:
    """Return the bytes of the pages that wait, in the log and in the file."""
    filed = ask(path, "SELECT coalesce(sum(length(payload)), 0) FROM spool")
    return filed + sum(len(body) for body in ledger.logged(path).values())


@pytest.mark.elastic
@pytest.mark.timeout(form(400, 1800))
async def test_elasticsearch_that_is_killed_costs_nothing_but_time(tmp_path: Path) -> None:
    try:
        with elastic.own(tmp_path) as node:
            await killed(node, tmp_path)
    except Missing as missing:
        require(str(missing))


async def killed(node: elastic.Node, folder: Path) -> None:
    recoveries: list[float] = []
    delays: list[float] = []
    async with faulty(folder, ElasticLake(node.url), seed=3, **STEADY) as world:
        await warm(world)
        gauge = Gauge(world)
        async with gauge.watching():
            for _ in range(KILLS):
                await asyncio.to_thread(node.kill)
                await asyncio.sleep(form(3, 20))
                begun = time.monotonic()
                node.restart()
                await asyncio.to_thread(node.wait)
                recoveries.append(time.monotonic() - begun)
                delays.append(await recovered(world))
                await asyncio.sleep(form(0, 10))
        assert world.process is not None
        assert world.process.poll() is None, world.trouble("it ended")
        fresh = await passes(world)
        found = await lost_nothing(world)
        record(
            3,
            "Elasticsearch kill -9",
            kills=KILLS,
            records=found.obligations,
            lost=found.lost,
            stale=found.stale,
            wrong=found.wrong,
            node_ready_s=round(max(recoveries), 1),
            spool_empty_after_s=round(max(delays), 1),
            peak_spool_mb=round(gauge.spool / 1e6, 2),
            grown_mb=round(gauge.grown, 1),
            fresh_page_s=round(fresh, 1),
        )
        assert gauge.grown < GROWN


@pytest.mark.skipif(not LONG, reason="takes a quarter of an hour; the short form is case 3")
@pytest.mark.elastic
@pytest.mark.timeout(2400)
async def test_an_outage_costs_nothing_but_time(elastic_url: str, tmp_path: Path) -> None:
    lake = ElasticLake(elastic_url)
    async with faulty(tmp_path, lake, seed=4, **STEADY) as world:
        await warm(world)
        gauge = Gauge(world)
        async with gauge.watching():
            await world.way.refuse()
            await asyncio.sleep(DOWN)
            assert world.process is not None
            assert world.process.poll() is None, world.trouble("it ended")
            await world.way.listen()
            drained = await recovered(world, within=DOWN / DRAIN)
        fresh = await passes(world)
        found = await lost_nothing(world)
        assert world.said().count("lake does not answer") == 1, "one line an outage"
        record(
            4,
            f"Elasticsearch away for {DOWN:.0f} s",
            records=found.obligations,
            lost=found.lost,
            stale=found.stale,
            wrong=found.wrong,
            peak_spool_mb=round(gauge.spool / 1e6, 2),
            grown_mb=round(gauge.grown, 1),
            spool_empty_after_s=round(drained, 1),
            fresh_page_s=round(fresh, 1),
        )
        assert gauge.grown < GROWN
    await lake.forget()


class SmallSpool:
    """A world whose spool is soon full, seen from outside."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.cap = MEGABYTES << 20

    def used(self) -> int:
        """Return the bytes in use: the file's pages, and what waits in the log."""
        path = self._world.spool
        pages = ask(path, "PRAGMA page_count") - ask(path, "PRAGMA freelist_count")
        return pages * PAGE_BYTES + sum(len(body) for body in ledger.logged(path).values())

    async def filled(self, share: float, *, seconds: float) -> None:
        """Return when so much of the cap is in use."""
        until = time.monotonic() + seconds
        while (found := await asyncio.to_thread(self.used) / self.cap) < share:
            assert time.monotonic() < until, self._world.trouble(f"filled only to {found:.2f}")
            await asyncio.sleep(0.05)

    async def rate(self, seconds: float) -> float:
        """Return how many requests a second the network gets."""
        before = (await self._world.judged())["requests"]
        await asyncio.sleep(seconds)
        return float((await self._world.judged())["requests"] - before) / seconds


@pytest.mark.timeout(300)
async def test_a_full_spool_slows_and_stops_the_polls_and_drops_nothing(tmp_path: Path) -> None:
    lake = StandinLake()
    async with faulty(tmp_path, lake, seed=5, tags=40, per_second=60, megabytes=MEGABYTES) as world:
        spool = SmallSpool(world)
        await world.start()
        await world.working()
        await world.way.refuse()
        world.net.fault = Fault(latency=0.1)  # or one poll at a time would be as fast as eight
        await spool.filled(0.3, seconds=30)
        fast = await spool.rate(2)
        await spool.filled(SLOW + 0.01, seconds=60)
        slow = await spool.rate(4)
        world.net.fault = CLEAN
        await spool.filled(STOP, seconds=60)
        await asyncio.sleep(2)  # for the polls that had begun
        stopped, most = await spool.rate(4), spool.used() / spool.cap
        waiting = await asyncio.to_thread(waiting_bytes, world.spool)
        there = {found.id for found in await lake.documents()}
        posts = len(set((await world.served()).posts) - there)
        assert world.process is not None
        assert world.process.poll() is None, world.trouble("it ended")
        await world.way.listen()
        drained = await emptied(world)
        resumed = await resumes(world)
        await caught_up(world, lake)
        assert "spool refused pages" not in world.said()
        assert (await world.stop())[0] == 0
    assert slow <= fast / 2
    assert stopped == 0
    assert STOP <= most < 1
    # What is remembered of posts beside the pages is bounded: some 70 MB (7 %) of a full gigabyte.
    covered = (STOP - 0.07) * (1 << 30) / (waiting / posts)
    record(
        4,
        f"spool of {MEGABYTES} MB fills",
        requests_per_s_below_70=round(fast, 1),
        requests_per_s_from_70=round(slow, 1),
        requests_per_s_from_90=stopped,
        fullest=round(most, 2),
        posts_in_it=posts,
        bytes_per_post=round(waiting / posts),
        drain_s=round(drained, 1),
        resume_s=round(resumed, 1),
        lost=0,
        dead_letters=0,
        hours_1_gb_covers_at_50_posts_per_s=round(covered / 50 / 3600, 1),
        hours_1_gb_covers_at_500_posts_per_s=round(covered / 500 / 3600, 2),
    )


async def emptied(world: World) -> float:
    begun = time.monotonic()
    while await asyncio.to_thread(ledger.backlog, world.spool):
        assert time.monotonic() - begun < 60, world.trouble("the spool does not drain")
        await asyncio.sleep(0.05)
    return time.monotonic() - begun


async def resumes(world: World) -> float:
    """Return how long it takes until the network is asked again."""
    begun, before = time.monotonic(), (await world.judged())["requests"]
    while (await world.judged())["requests"] == before:
        assert time.monotonic() - begun < 60, world.trouble("no poll any more")
        await asyncio.sleep(0.1)
    return time.monotonic() - begun


async def caught_up(world: World, lake: StandinLake) -> None:
    """Return when every post that was served so far is in the lake."""
    served, until = set((await world.served()).posts), time.monotonic() + 60
    while missing := served - {found.id for found in await lake.documents()}:
        assert time.monotonic() < until, world.trouble(f"{len(missing)} posts are lost")
        await asyncio.sleep(0.5)
