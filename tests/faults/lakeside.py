"""The way from the spool into a lake, alone: a real spool, the shipped sender, one lake."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from ingestor.clock import Bell, SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append
from lake.contract import Line, Writer
from lake.elastic import ElasticLake
from lake.pacing import Pace
from lake.sender import Sender


class QuickClock:
    """The machine's time, so many times as fast: waits keep their proportions and are short."""

    def __init__(self, pace: float) -> None:
        self._pace = pace
        self._real = SystemClock()

    def now(self) -> datetime:
        """Return the real instant: versions are not what is hurried here."""
        return self._real.now()

    def monotonic(self) -> float:
        """Return quick seconds."""
        return time.monotonic() * self._pace

    async def sleep(self, seconds: float, bell: Bell | None = None) -> None:
        """Return after so many quick seconds, or when the bell rings."""
        await self._real.sleep(seconds / self._pace, bell)


class Way:
    """A spool and its sender at work; made by `way`."""

    def __init__(self, spool: Spool, sender: Sender, clock: QuickClock) -> None:
        self.spool = spool
        self.sender = sender
        self.clock = clock

    async def put(self, lines: Sequence[Line], *, page: int = 60) -> None:
        """Make lines durable, in pages as a poll brings them."""
        parts = [lines[start : start + page] for start in range(0, len(lines), page)]
        await asyncio.gather(*(self.spool.append(Append(lines=tuple(part))) for part in parts))

    async def emptied(self, *, seconds: float) -> float:
        """Return after how many quick seconds nothing waits any more; fail after `seconds`."""
        started = self.clock.monotonic()
        while (await self.spool.waiting())[1]:
            assert self.clock.monotonic() - started < seconds, self.sender.progress
            await asyncio.sleep(0.01)
        return self.clock.monotonic() - started

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """Let the sender run for a while, as `taglake ingest` does."""
        stop = asyncio.Event()
        running = asyncio.create_task(self.sender.run(stop))
        try:
            yield
        finally:
            stop.set()
            await running


@asynccontextmanager
async def way(
    path: Path,
    lake: Writer,
    *,
    pace: float = 1.0,
    seed: int = 1,
    cap_bytes: int = 1 << 30,
    **sender: Any,
) -> AsyncIterator[Way]:
    """Open the spool at `path` and make a sender of its own into `lake`; its clock is `pace` times
    as quick as the machine's.
    """
    clock = QuickClock(pace)
    spool = Spool(path, clock=clock, cap_bytes=cap_bytes)
    await spool.open()
    rng = random.Random(seed)
    try:
        yield Way(
            spool,
            Sender(
                spool,
                lake,
                rng=rng,
                pace=Pace(rng=rng),
                clock=clock.monotonic,
                sleep=clock.sleep,
                **sender,
            ),
            clock,
        )
    finally:
        await spool.close()


class Operator:
    """Who may change the settings of an Elasticsearch, and does."""

    def __init__(self, url: str, prefix: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.prefix = prefix
        self._session = session

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the decoded answer."""
        async with self._session.request(method, f"{self.url}{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def indices(self) -> list[str]:
        """Return the names of this lake's indices, closed ones too."""
        path = f"/_cat/indices/{self.prefix}-*?format=json&h=index&expand_wildcards=all"
        return sorted(row["index"] for row in await self.ask("GET", path))

    async def count(self, table: str) -> int:
        """Return how many documents a table has, whichever index they are in."""
        await self.ask("POST", f"/{self.prefix}-{table}-*/_refresh")
        return int((await self.ask("GET", f"/{self.prefix}-{table}-*/_count"))["count"])

    async def forget(self) -> None:
        """Delete what this lake made."""
        if names := await self.indices():
            await self.ask("DELETE", "/" + ",".join(names))
        await self.ask("DELETE", f"/_index_template/{self.prefix}-*")


@asynccontextmanager
async def elastic_lake(url: str, **given: Any) -> AsyncIterator[tuple[ElasticLake, Operator]]:
    """Open a lake of its own on a server, and forget it afterwards."""
    prefix = f"f{uuid.uuid4().hex[:12]}"
    lake = ElasticLake(url, prefix=prefix, **given)
    async with aiohttp.ClientSession() as session:
        operator = Operator(url, prefix, session)
        await lake.open()
        try:
            yield lake, operator
        finally:
            await lake.close()
            await operator.forget()


def canaries(texts: Iterable[str], *places: str) -> list[str]:
    """Return which of these texts stand in logs, reasons or outputs, where none belongs."""
    everywhere = "\n".join(places)
    return [text for text in texts if text in everywhere]
