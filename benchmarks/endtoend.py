"""How soon a post can be searched after it was made, and how fast the sender empties a full spool.

    .venv/bin/python benchmarks/endtoend.py            # three minutes
    .venv/bin/python benchmarks/endtoend.py --json

A simulated Bluesky on which 500 posts a second appear, the shipped `taglake ingest` in a process of
its own, a real Elasticsearch, all on this machine. `searchable`: from a post's creation until a
search finds it (asked four times a second), so the interval between two polls of a tag is in it.
`missing`: posts that appeared and that no search found 15 seconds later.
Then the lake is out of reach for a while; `drain` is how many documents a second come to be in it
when it is back, over what comes in.
"""

import argparse
import asyncio
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from faults.proxy import Proxy
from registry import open_registry
from registry.models import CampaignDraft, Lane
from servers import elastic
from servers.processes import TAGLAKE, free_port, started, stopped
from servers.requirement import Missing
from simnet.logins import login

GOALS = {"searchable_s_p95": 10.0, "drain_over_intake": 10.0}
TAGS, LIMIT, WINDOW = 20, 100, 5.0
LOGIN = login("bsky.example", 1)
PEPPER = "the pepper of a benchmark, long enough"
SETTLE = 15.0  # seconds after which a post that no search found is missing

SETTINGS = """\
[lake]
url = "{lake}"

[registry]
url = "sqlite:///{folder}/registry.db"

[ingest]
spool = "{folder}/spool.db"
refresh = 1

[[accounts]]
source = "bluesky"
name = "a"
base_url = "{network}"
user = "{user}"
secret = "BLUESKY"
limit = {limit}
window = {window}
"""


def milliseconds() -> int:
    return round(time.time() * 1000)


class Watcher:
    """Searches the lake for the newest posts, four times a second, and notes when each shows."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session, self._url = session, url
        self.shown: dict[str, tuple[int, float]] = {}  # id: created (ms), seconds until it showed

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            began = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.0, 0.25 - (time.monotonic() - began)))

    async def look(self) -> None:
        """Note the posts that a search finds for the first time."""
        body = {
            "size": 5000,
            "sort": [{"created_at": "desc"}],
            "_source": False,
            "docvalue_fields": [{"field": "created_at", "format": "epoch_millis"}],
        }
        found = await self._ask("taglake-posts-*/_search?ignore_unavailable=true", body)
        now = milliseconds()
        for hit in found.get("hits", {}).get("hits", ()):
            made = int(hit.get("fields", {}).get("created_at", [0])[0])
            self.shown.setdefault(hit["_id"], (made, (now - made) / 1000))

    async def documents(self) -> int:
        """Return how many documents a search can find."""
        found = await self._ask("taglake-*/_count?ignore_unavailable=true", None)
        return int(found.get("count", 0))

    async def _ask(self, path: str, body: object) -> dict[str, Any]:
        try:
            async with self._session.post(f"{self._url}/{path}", json=body) as answer:
                got: dict[str, Any] = await answer.json()
        except aiohttp.ClientError:  # busy: the next look sees it
            return {}
        return got


@asynccontextmanager
async def world(asked: argparse.Namespace, folder: Path) -> AsyncIterator[tuple[Proxy, str, str]]:
    """Start the network, a lake behind a proxy, and the ingestor."""
    port = free_port()
    env = dict(os.environ) | {"TAGLAKE_PEPPER": PEPPER, "BLUESKY": LOGIN.secret}
    span = asked.warm + asked.seconds + asked.outage + 240
    command = [sys.executable, str(Path(__file__).with_name("_endtoend_network.py")),
               "--port", str(port), "--tags", str(TAGS), "--per-second", str(asked.per_second),
               "--seconds", str(span)]  # fmt: skip
    network = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        url = stack.enter_context(elastic.running(folder, heap="1g"))
        stack.enter_context(started(*command, out=folder / "network.out", env=env))
        host, _, lake_port = url.removeprefix("http://").rpartition(":")
        async with Proxy((host, int(lake_port)), random.Random(1)) as way:
            base = f"{network}/bsky.example"
            (folder / "taglake.toml").write_text(
                SETTINGS.format(
                    lake=way.url,
                    folder=folder,
                    network=base,
                    user=LOGIN.user,
                    limit=LIMIT,
                    window=WINDOW,
                )
            )
            await register(folder, base)
            await answering(f"{network}/__judge")
            ingest = [*TAGLAKE, "--config", str(folder / "taglake.toml"), "ingest"]
            process = stack.enter_context(started(*ingest, out=folder / "ingest.out", env=env))
            try:
                yield way, url, network
            finally:
                await asyncio.to_thread(stopped, process, seconds=60)
                if asked.log is not None:
                    asked.log.write_bytes((folder / "ingest.out").read_bytes())


async def register(folder: Path, base: str) -> None:
    """Register a campaign that watches all tags."""
    lane = Lane(id="bluesky/a", source="bluesky", network="bluesky", account="a",
                base_url=base, limit=LIMIT, window=WINDOW)  # fmt: skip
    now = datetime.now(UTC)
    async with await open_registry(f"sqlite:///{folder}/registry.db", pepper=PEPPER) as registry:
        await registry.lanes.upsert([lane])
        client = await registry.clients.create("bench", max_targets=1000)
        draft = CampaignDraft(
            name="bench", networks=("bluesky",), hashtags=tuple(f"tag{n}" for n in range(TAGS)),
            start=now, end=now + timedelta(days=7), baseline_days=1, after_days=1,
        )  # fmt: skip
        await registry.campaigns.create(client.id, draft)


async def answering(url: str) -> None:
    """Return when a server answers; making its world takes it a while."""
    async with aiohttp.ClientSession() as session:
        for _ in range(600):
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.2)
    raise RuntimeError("the simulated network does not start")


async def searchable(
    asked: argparse.Namespace, watcher: Watcher, session: aiohttp.ClientSession, network: str
) -> dict[str, Any]:
    """Watch posts appear for a while."""
    await asyncio.sleep(asked.warm)
    since, before = milliseconds(), await watcher.documents()
    await asyncio.sleep(asked.seconds)
    until, after = milliseconds(), await watcher.documents()
    await asyncio.sleep(SETTLE)
    late = [delay for made, delay in watcher.shown.values() if since <= made < until]
    async with session.get(f"{network}/__made?since={since}&until={until}") as answer:
        made = (await answer.json())["posts"]
    quantiles = statistics.quantiles(late, n=100) if len(late) > 1 else [math.nan] * 99
    return {
        "posts": made,
        "posts_per_second": round(made / asked.seconds, 1),
        "missing": made - len(late),
        "searchable_s_median": round(quantiles[49], 2),
        "searchable_s_p95": round(quantiles[94], 2),
        "searchable_s_p99": round(quantiles[98], 2),
        "documents_per_second_in": round((after - before) / asked.seconds, 1),
    }


async def drained(asked: argparse.Namespace, watcher: Watcher, way: Proxy) -> float:
    """Cut the lake off, then return the documents a second that come into it afterwards."""
    await way.refuse()
    await asyncio.sleep(asked.outage)
    start = await watcher.documents()
    await way.listen()
    backlog = asked.rate * asked.outage
    rates: list[float] = []
    last, at, deadline = start, time.monotonic(), time.monotonic() + 120
    while last - start < 0.8 * backlog and time.monotonic() < deadline:
        await asyncio.sleep(1.0)
        count, now = await watcher.documents(), time.monotonic()
        rates.append((count - last) / (now - at))
        last, at = count, now
    # Until the sender's back-off is over nothing comes; a search sees what a refresh showed it.
    busy = [rate for rate in rates if rate > 2 * asked.rate]
    return statistics.mean(busy) if busy else math.nan


async def measure(asked: argparse.Namespace, folder: Path) -> dict[str, Any]:
    async with world(asked, folder) as (way, url, network), aiohttp.ClientSession() as session:
        watcher = Watcher(session, url)
        watching = asyncio.create_task(watcher.run())
        found = await searchable(asked, watcher, session, network)
        watching.cancel()  # its searches would eat what the drain is measured by
        asked.rate = found["documents_per_second_in"]
        rate = await drained(asked, watcher, way)
    return found | {
        "drain_documents_per_second": round(rate),
        "drain_over_intake": round(rate / asked.rate, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--per-second", type=float, default=500.0, help="posts that appear")
    parser.add_argument("--warm", type=float, default=60.0, help="seconds before it is measured")
    parser.add_argument("--seconds", type=float, default=60.0, help="seconds that are measured")
    parser.add_argument("--outage", type=float, default=40.0, help="seconds without the lake")
    parser.add_argument("--log", type=Path, help="keep what the ingestor logged")
    parser.add_argument("--json", action="store_true", help="print JSON")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="taglake-endtoend-") as folder:
        os.chmod(folder, 0o755)  # the lake runs as another user
        try:
            found = asyncio.run(measure(asked, Path(folder)))
        except Missing as missing:
            raise SystemExit(f"endtoend: {missing}") from missing
    if asked.json:
        print(json.dumps(found | {"goals": GOALS}))
        return
    for name, value in found.items():
        print(f"{name:28} {value:>10}")
    good = found["searchable_s_p95"] < GOALS["searchable_s_p95"]
    print(f"searchable p95 < 10 s: {'holds' if good else 'falls short'}")
    good = found["drain_over_intake"] >= GOALS["drain_over_intake"]
    print(f"drain >= 10x intake: {'holds' if good else 'falls short'}")


if __name__ == "__main__":
    main()
