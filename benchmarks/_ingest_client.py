"""The poller of `benchmarks/ingest.py`: the classes that `taglake ingest` runs, wired as it does.

One process a run, so that its CPU is that of the client alone. It prints one line of JSON.

Without --durable a queue in memory stands for the spool, and nobody writes budgets ahead: that is
the work the Go pollers do. With it, spool, registry and leases are the real ones, on files.
"""

import argparse
import asyncio
import json
import math
import random
import resource
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import structlog
import uvloop

from ingestor.accounting import Accounts
from ingestor.breaker import Breaker
from ingestor.clock import Activity, Bell, SystemClock
from ingestor.contract import Credential, Target
from ingestor.dispatch import Dispatcher, Parts
from ingestor.http import Http
from ingestor.lanes import HeldLane, Lanes
from ingestor.metrics import Metrics
from ingestor.pipeline import Pipeline, Rules
from ingestor.schedule import Schedule
from ingestor.sources.instagram import Instagram
from ingestor.spool import Spool
from ingestor.spool_file import Append
from ingestor.walk import Outcome, Poll
from lake.contract import Line, Verdict
from lake.elastic import ElasticLake
from lake.sender import Sender
from registry import open_registry
from registry.models import Lane
from taglake import running  # also for its memory: the shipped command has loaded what it loads

CONNECTIONS = 64
BIG = 10**7  # requests an hour: the budget is counted, never spent
QUEUE_BYTES = 8 << 20  # of lines in memory, then pollers wait for the sender: Go's block as well


class MemorySpool:
    """A queue that forgets at a crash: what the Go pollers have."""

    level, fill, starts = "open", 0.0, 1

    def __init__(self) -> None:
        self.on_refusal: Callable[[], None] | None = None
        self._ready: deque[tuple[int, Line]] = deque()
        self._seen: dict[str, bytes] = {}
        self._flying: dict[int, int] = {}  # bytes of what was taken, by its first line's number
        self._next = self._left = self._bytes = 0
        self._room = asyncio.Event()
        self._room.set()
        self._bell = Bell()
        self._clock = SystemClock()

    async def append(self, page: Append) -> None:
        """Queue the lines of a page."""
        self._seen.update(page.seen)
        self._ready.extend(enumerate(page.lines, self._next))
        self._next += len(page.lines)
        self._left += len(page.lines)
        self._bytes += sum([len(line.body) for line in page.lines])
        self._bell.ring()
        if self._bytes > QUEUE_BYTES:
            self._room.clear()
            await self._room.wait()

    async def seen(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the last known states."""
        return {key: self._seen[key] for key in ids if key in self._seen}

    async def position(self, target: str) -> bytes | None:
        """Return nothing: the pipeline keeps positions in memory too."""
        return None

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines, up to both limits."""
        taken: list[tuple[int, Line]] = []
        size = 0
        while self._ready and len(taken) < max_lines and size < max_bytes:
            one = self._ready.popleft()
            size += len(one[1].body)
            taken.append(one)
        if taken:
            self._flying[taken[0][0]] = size
        return taken

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Forget a request that was stored; anything else ends the benchmark."""
        for _, verdict in verdicts:
            if verdict.outcome != "stored":
                raise RuntimeError(f"the sink did not store a line: {verdict}")
        self._left -= len(verdicts)
        self._bytes -= self._flying.pop(verdicts[0][0])
        if self._bytes <= QUEUE_BYTES:
            self._room.set()

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """End the benchmark: the sink never fails."""
        raise RuntimeError(f"{len(seqs)} lines were not delivered")

    async def wait(self) -> None:
        """Return when a line is due."""
        while not self._ready:
            await self._clock.sleep(3600.0, self._bell)

    async def waiting(self) -> tuple[int, int]:
        """Return how much is not yet in the lake."""
        return self._left, self._left


class _Book:
    """A registry that lets everything be spent."""

    async def reserve(self, *_: object, **__: object) -> None:
        """Write nothing."""


class Even(random.Random):
    """No chance at all: targets start where they are put, intervals are as planned."""

    def random(self) -> float:
        """Return the least."""
        return 0.0

    def uniform(self, a: float, b: float) -> float:
        """Return the middle."""
        return (a + b) / 2


def equal(
    rates: npt.NDArray[np.float64], *, capacity: float, **_: object
) -> npt.NDArray[np.float64]:
    """Return the same number of polls an hour for every target."""
    return np.full(len(rates), capacity / len(rates))


class Timed(Pipeline):
    """The pipeline, with a note of how late each poll starts."""

    def expect(self, due: dict[str, float], total: int) -> None:
        """Take when each target is due, and after how many polls it is over."""
        self.due, self.total = due, total
        self.late: list[tuple[float, float]] = []
        self.over = asyncio.Event()

    async def poll(self, poll: Poll) -> Outcome:
        """Note the time and poll; beyond the total do neither."""
        if len(self.late) == self.total > 0:
            return Outcome()
        due = self.due[poll.target.key]
        self.late.append((due, time.monotonic() - due))
        if len(self.late) == self.total:
            self.over.set()
        return await super().poll(poll)


class Client(msgspec.Struct):
    """The parts of one poller."""

    pipeline: Timed
    lanes: Lanes
    held: HeldLane
    spool: Any  # a Spool, or what stands for it
    accounts: Accounts
    clock: SystemClock
    source: Instagram
    connections: Http

    def poll(self, name: str) -> Poll:
        """Return the poll of a tag."""
        return Poll(
            target=Target(network="instagram", kind="tag", name=name),
            source=self.source,
            lane=self.held,
            credential=Credential(account="bench"),
            breaker=Breaker(),
        )

    async def delivered(self) -> None:
        """Return when all that was seen is in the lake."""
        while (await self.spool.waiting())[0]:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def client(options: argparse.Namespace, rules: Rules) -> AsyncIterator[Client]:
    """Wire a poller and its sender for a while."""
    clock, rng = SystemClock(), random.Random(4)
    lane = Lane(
        id="instagram/bench", source="instagram", network="instagram", account="bench",
        base_url=options.network, limit=BIG, window=3600.0,
    )  # fmt: skip
    async with AsyncExitStack() as stack:
        if options.durable:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder)))
            url = f"sqlite:///{folder}/registry.db"
            registry = await stack.enter_async_context(
                await open_registry(url, pepper="the pepper of a benchmark")
            )
            await registry.lanes.upsert([lane])
            spool: Any = Spool(folder / "spool.db", clock=clock)
            await spool.open()
            stack.push_async_callback(spool.close)
            lanes = Lanes(registry.lanes, owner="bench", clock=clock, rng=rng, lease_seconds=600.0)
            await lanes.renew()
        else:
            spool = MemorySpool()
            lanes = Lanes(_Book(), owner="bench", clock=clock, rng=rng)  # type: ignore[arg-type] # as much of it as is asked
            lanes.held[lane.id] = HeldLane(lane, held_until=math.inf)
        elastic = ElasticLake(options.lake)
        stack.push_async_callback(elastic.close)
        await elastic.open()
        http = await stack.enter_async_context(Http(connections=CONNECTIONS))
        accounts = Accounts(observer="bench.1")
        pipeline = Timed(
            http=http, lanes=lanes, spool=spool, accounts=accounts, clock=clock, rules=rules
        )
        pipeline.expect({}, 0)
        running._collect_garbage_seldom()  # as `taglake ingest` does once its parts are open
        stop = asyncio.Event()
        sending = asyncio.create_task(Sender(spool, elastic, rng=rng).run(stop))
        yield Client(
            pipeline, lanes, lanes.held[lane.id], spool, accounts, clock, Instagram(), http
        )
        stop.set()
        await sending


async def closed(options: argparse.Namespace) -> dict[str, Any]:
    """Poll each tag again as soon as it was answered."""
    async with client(options, Rules()) as ours:
        polls = [ours.poll(f"tag{number}") for number in range(options.tags)]
        ours.pipeline.due = dict.fromkeys((poll.target.key for poll in polls), 0.0)

        async def one(poll: Poll, times: int) -> None:
            for _ in range(times):
                await ours.pipeline.poll(poll)

        async def loop(times: int) -> None:
            await asyncio.gather(*(one(poll, times) for poll in polls))
            await ours.delivered()

        await loop(options.warm)
        began, before = time.monotonic(), cpu()
        await loop(options.polls)
        return {
            "requests": options.tags * options.polls,
            "cpu": cpu() - before,
            "wall": time.monotonic() - began,
        }


async def scheduled(options: argparse.Namespace) -> dict[str, Any]:
    """Let the shipped schedule and dispatcher poll every target at its time."""
    # One page a poll: many targets show the same posts, so no target's first poll goes far.
    async with client(options, Rules(page_cap=1)) as ours:
        begin = ours.clock.monotonic() + 1.0 + options.targets / 20_000
        schedule = Schedule(rng=Even(), share=equal)
        due = {}
        for number in range(options.targets):
            key = f"instagram/tag/tag{number}"
            due[key] = math.ceil((begin + number / options.rate) * 1000) / 1000
            schedule.put(key, ours.held.id, now=begin + number / options.rate)
        schedule.plan(ours.held.id, hourly=3600.0 * options.rate, now=ours.clock.monotonic())
        total = round(options.rate * (options.warm_seconds + options.seconds))
        ours.pipeline.expect(due, total)
        dispatcher = Dispatcher(_parts(ours, schedule), concurrency=CONNECTIONS)
        measure = begin + options.warm_seconds
        async with asyncio.TaskGroup() as group:
            dispatching = group.create_task(dispatcher.run(group))
            await asyncio.sleep(measure - ours.clock.monotonic())
            began, before = time.monotonic(), cpu()
            await ours.pipeline.over.wait()
            dispatching.cancel()
        await ours.delivered()
        found = {"cpu": cpu() - before, "wall": time.monotonic() - began}
        late = sorted(1000 * late for due_at, late in ours.pipeline.late if due_at >= measure)
        return found | {"requests": len(late), "late": _quantiles(late)}


def _quantiles(late: list[float]) -> dict[str, float]:
    return {
        "p50": late[len(late) // 2],
        "p99": late[int(0.99 * (len(late) - 1))],
        "max": late[-1],
    }


def _parts(ours: Client, schedule: Schedule) -> Parts:
    return Parts(
        schedule=schedule,
        lanes=ours.lanes,
        spool=ours.spool,
        accounts=ours.accounts,
        pipeline=ours.pipeline,
        clock=ours.clock,
        activity=Activity(),
        metrics=Metrics(),
        sources={"instagram": ours.source},
        credentials=lambda lane: Credential(account=lane.account),
        rng=random.Random(4),
        polled=lambda due, outcome: None,
        refused=lambda: None,
    )


def cpu() -> float:
    """Return the CPU seconds of this process, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def arguments() -> argparse.Namespace:
    """Return the options; they are those of the Go pollers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-network", required=True)
    parser.add_argument("-lake", required=True)
    parser.add_argument("-tags", type=int, default=64)
    parser.add_argument("-warm", type=int, default=4)
    parser.add_argument("-polls", type=int, default=20)
    parser.add_argument("-targets", type=int, default=0)
    parser.add_argument("-rate", type=int, default=500)
    parser.add_argument("-seconds", type=float, default=10.0)
    parser.add_argument("-warm-seconds", type=float, default=2.0, dest="warm_seconds")
    parser.add_argument("-durable", action="store_true")
    parser.add_argument("-folder", default=None)
    return parser.parse_args()


def main() -> None:
    """Run as told and print what it cost."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(30),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    options = arguments()
    found = uvloop.run(scheduled(options) if options.targets else closed(options))
    found["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    print(json.dumps(found))


if __name__ == "__main__":
    main()
