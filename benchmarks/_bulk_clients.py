"""The clients that `bulk.py` compares, each run in a process of its own.

    python benchmarks/_bulk_clients.py NAME URL PREFIX FILE

Reads its documents, says how much CPU and wall time the sending took, and how many documents it was
told are stored. Reading is not counted; wall time ends with the last answer, so that our sender's
refresh at the end, which others do not ask for, does not slow it; its CPU is counted.
"""

import asyncio
import gc
import random
import sys
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import uvloop
from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_bulk

from lake.contract import STORED, Line, Verdict
from lake.elastic import ElasticLake
from lake.sender import Sender

AT_ONCE = 4  # bodies in flight
WANTED = {"filter_path": "errors,items.*.error"}
NDJSON = {"content-type": "application/x-ndjson"}

Sent = tuple[int, float]
"""How many documents are stored, and when the last answer came."""

Send = Callable[[], Awaitable[Sent]]


class Memory:
    """The cheapest outbox there can be: in order, and what is not final once more at the end."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._lines = list(enumerate(lines))
        self._sizes = [0, *accumulate(len(line.body) for line in lines)]
        self._next = 0
        self._again: list[int] = []
        self.answered = 0.0

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines up to both limits."""
        if self._next == len(self._lines):
            again, self._again = self._again[:max_lines], self._again[max_lines:]
            return [self._lines[seq] for seq in again]
        start = self._next
        fits = bisect_right(self._sizes, self._sizes[start] + max_bytes) - 1
        self._next = min(max(fits, start + 1), start + max_lines)
        return self._lines[start : self._next]

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Forget what has a final verdict."""
        self.answered = time.perf_counter()
        self._again += [
            seq
            for seq, verdict in verdicts
            if verdict is not STORED and verdict.outcome in ("retry", "parked")
        ]

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """Put lines back."""
        self._again += seqs

    async def wait(self) -> None:
        """Never return: nobody adds lines."""
        await asyncio.Event().wait()


async def ours(url: str, prefix: str, file: Path) -> Send:
    """Return what sends with the shipped sender and lake, at their own settings."""
    lake = ElasticLake(url, prefix=prefix)
    await lake.open()
    outbox = Memory(msgspec.msgpack.decode(file.read_bytes(), type=list[Line]))
    sender = Sender(outbox, lake, rng=random.Random(1))

    async def send() -> Sent:
        await sender.drain()
        await lake.close()
        return sender.progress.stored, outbox.answered

    return send


async def bodies(url: str, _: str, file: Path) -> Send:
    """Return what posts bodies that were made before, four at once: the node's own limit."""
    waiting: deque[bytes] = deque(msgspec.msgpack.decode(file.read_bytes(), type=list[bytes]))

    async def send() -> Sent:
        async with aiohttp.ClientSession() as http:
            stored = sum(await asyncio.gather(*(work(http) for _ in range(AT_ONCE))))
            return stored, time.perf_counter()

    async def work(http: aiohttp.ClientSession) -> int:
        stored = 0
        while waiting:
            body = waiting.popleft()
            async with http.post(f"{url}/_bulk", data=body, params=WANTED, headers=NDJSON) as got:
                if await got.read() != b'{"errors":false}':
                    raise SystemExit("a body was refused")
            stored += body.count(b"\n") // 2
        return stored

    return send


def _actions(file: Path) -> Iterator[dict[str, Any]]:
    rows = file.read_bytes().split(b"\n")
    for action, source in zip(rows[::2], rows[1::2], strict=False):
        told = msgspec.json.decode(action, type=dict[str, dict[str, Any]])["index"]
        yield told | {"_op_type": "index", "_source": msgspec.json.decode(source)}


async def helpers(url: str, _: str, file: Path) -> Send:
    """Return what sends with the bulk helper of Elastic's own client, as its manual shows it."""
    client = AsyncElasticsearch(url)
    actions = list(_actions(file))

    async def send() -> Sent:
        stored, _ = await async_bulk(client, actions)
        answered = time.perf_counter()
        await client.close()
        return stored, answered

    return send


CLIENTS = {"ours": ours, "bodies": bodies, "helpers": helpers}


async def main(name: str, url: str, prefix: str, file: str) -> None:
    """Send and say what it took."""
    send = await CLIENTS[name](url, prefix, Path(file))
    gc.freeze()  # the documents were read for the benchmark; no variant is to trace them all
    cpu, wall = time.process_time(), time.perf_counter()
    stored, answered = await send()
    used = {"cpu": time.process_time() - cpu, "wall": answered - wall}
    print(msgspec.json.encode(used | {"stored": stored}).decode())


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
