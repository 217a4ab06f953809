"""How fast a campaign's report opens over 1,000,000 posts and 10,000,000 snapshots.

    .venv/bin/python benchmarks/report.py                    # minutes to fill once, then kept
    .venv/bin/python benchmarks/report.py --posts 50000 --snapshots 500000

The real service answers over HTTP on loopback, its own cache off. On both lakes:
`stored`: GET /summary as users meet it, the report that a worker keeps up to date;
`live`: GET /summary without a worker, all of it asked of the lake (Elasticsearch's request cache
is cleared before each);
`page`: everything the page fetches until the report's first screen stands, one visit from HTML to
figures' numbers: HTML, scripts, styles, account, definitions, campaign, summary, quality, shares.
What a browser needs to draw it is not in it;
`worker`: all reports of the campaign computed once.
Filled lakes, the server's indices included, are kept in a cache outside of the checkout.
"""

import argparse
import asyncio
import json
import os
import shutil
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import uvicorn
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from _report_world import CAMPAIGN, NOW, PREFIX, fill_elastic, fill_files

from api import ApiSettings, create_app
from insights.rollups import PARTS, Rollups
from lake.contract import COUNT, Lake, Where
from lake.elastic import ElasticLake
from lake.files import FilesLake
from lake.records import Post, Snapshot
from registry import Registry, open_registry
from registry.models import Campaign, CampaignDraft
from servers import elastic
from servers.requirement import Missing

GOALS = {"stored_ms_p95": 300.0, "page_ms_median": 200.0}
ASSETS = sorted(  # all but those of the API's description
    path
    for path in (Path(__file__).parents[1] / "api" / "page").glob("*.[cjs][svs]*")
    if path.stem != "docs"
)
BROWSER_CONNECTIONS = 6  # of one host

Ask = Callable[[], Awaitable[object]]


# Filled lakes


@asynccontextmanager
async def filled(name: str, options: argparse.Namespace) -> AsyncIterator[tuple[Lake, str]]:
    """Open a lake that holds the campaign, filled now or before; its address if it is a server."""
    home = options.cache / f"{name}-{options.posts}-{options.snapshots}"
    with ExitStack() as stack:
        url = ""
        lake: Lake = FilesLake(home)
        if name == "elastic":
            out = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            # A team's server has more than the tests' half gigabyte.
            url = stack.enter_context(elastic.running(out, heap=options.heap, data=home))
            lake = ElasticLake(url, prefix=PREFIX, seconds=120.0)
        try:
            await lake.open()
            if not await holds(lake, options):
                await lake.close()
                lake = await refilled(name, home, url, options)
            yield lake, url
        finally:
            await lake.close()


async def holds(lake: Lake, options: argparse.Namespace) -> bool:
    """Return whether the lake has what is asked for."""
    wanted = {Post: options.posts, Snapshot: options.snapshots}
    found = {kind: (await lake.totals(kind, Where(), (COUNT,)))["count"] for kind in wanted}
    return found == wanted


async def refilled(name: str, home: Path, url: str, options: argparse.Namespace) -> Lake:
    """Return the lake, emptied and filled."""
    began = time.monotonic()
    lake: Lake
    if name == "files":
        shutil.rmtree(home, ignore_errors=True)
        lake = FilesLake(home)
        await lake.claim()
        await fill_files(lake, home, options.posts, options.snapshots, say)
    else:
        async with aiohttp.ClientSession(url) as server:
            for table in ("posts", "snapshots", "polls", "rollups"):
                for month in ("2026.03", "2026.04", "undated"):
                    async with server.delete(f"/{PREFIX}-{table}-{month}"):
                        pass
        lake = ElasticLake(url, prefix=PREFIX, seconds=120.0)
        await lake.open()
        await fill_elastic(url, options.posts, options.snapshots, say)
    say(f"{name}: filled in {time.monotonic() - began:,.0f} s")
    return lake


def say(text: str) -> None:
    print(f"  {text}", flush=True)


# The service


@asynccontextmanager
async def served(lake: Lake, registry: Registry, *, rollup_seconds: float) -> AsyncIterator[str]:
    """Serve page and API on loopback and yield the address."""
    settings = ApiSettings(
        cache_seconds=0,
        rollup_seconds=rollup_seconds,
        requests_per_minute=1_000_000,
        request_seconds=120,
    )
    app = create_app(lake=lake, registry=registry, now=lambda: NOW, settings=settings)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", loop="none"))
        task = asyncio.create_task(server.serve([listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def registered(registry: Registry) -> tuple[Campaign, str]:
    """Return the campaign as a client has it, and the client's key."""
    client = await registry.clients.create("bench")
    secret, _ = await registry.keys.issue(client.id)
    draft = CampaignDraft(
        name=CAMPAIGN.name,
        networks=CAMPAIGN.networks,
        hashtags=CAMPAIGN.hashtags,
        competitors=CAMPAIGN.competitors,
        start=CAMPAIGN.start,
        end=CAMPAIGN.end,
    )
    return await registry.campaigns.create(client.id, draft), secret.reveal()


# Measuring


class Clocks:
    """Wall time beside processor time, ours and the server's, of what is asked."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.cpu = 0.0  # ms a round

    async def times(self, ask: Ask, rounds: int, before: Ask | None = None) -> list[float]:
        """Return how many milliseconds each call took."""
        found = []
        await ask()  # connections, file footers
        began = time.process_time() * 1000 + await self._server()
        for _ in range(rounds):
            if before:
                await before()
            start = time.perf_counter()
            await ask()
            found.append((time.perf_counter() - start) * 1000)
        self.cpu = (time.process_time() * 1000 + await self._server() - began) / rounds
        return found

    async def _server(self) -> float:
        if not self._url:
            return 0.0
        path = f"{self._url}/_nodes/stats/process?filter_path=nodes.*.process.cpu"
        async with aiohttp.request("GET", path) as answer:
            nodes = (await answer.json())["nodes"].values()
        return float(sum(node["process"]["cpu"]["total_in_millis"] for node in nodes))


def told(name: str, values: list[float], cpu: float) -> dict[str, float]:
    """Return median, p95, spread and processor time under their names."""
    ordered = sorted(values)
    figures = {
        "median": statistics.median(ordered),
        "p95": ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))],
        "min": ordered[0],
        "max": ordered[-1],
        "cpu": cpu,
    }
    return {f"{name}_ms_{key}": round(value, 1) for key, value in figures.items()}


async def measure(lake: Lake, url: str, options: argparse.Namespace) -> dict[str, float]:
    """Return the figures of one filled lake."""
    figures: dict[str, float] = {}
    clocks = Clocks(url)
    with tempfile.TemporaryDirectory() as folder:
        address = f"sqlite:///{folder}/registry.db"
        async with await open_registry(
            address, pepper="a pepper of a benchmark", now=lambda: NOW
        ) as registry:
            campaign, key = await registered(registry)
            figures |= await worked(lake, campaign)
            pool = aiohttp.TCPConnector(limit=BROWSER_CONNECTIONS)
            async with aiohttp.ClientSession(connector=pool, headers={"X-API-Key": key}) as client:

                async def fetch(path: str) -> None:
                    async with client.get(path) as answer:
                        await answer.read()
                        assert answer.status == 200, (path, answer.status)

                async with served(lake, registry, rollup_seconds=300) as at:
                    path = f"{at}/v1/campaigns/{campaign.id}/summary"
                    values = await clocks.times(lambda: fetch(path), options.rounds)
                    figures |= told("stored", values, clocks.cpu)
                    values = await clocks.times(
                        lambda: visit(fetch, at, campaign.id), max(20, options.rounds // 4)
                    )
                    figures |= told("page", values, clocks.cpu)
                async with served(lake, registry, rollup_seconds=0) as at:
                    path = f"{at}/v1/campaigns/{campaign.id}/summary"
                    clear = f"{url}/{PREFIX}-*/_cache/clear?request=true"

                    async def forget() -> None:
                        if url:
                            async with client.post(clear) as answer:
                                await answer.read()

                    values = await clocks.times(lambda: fetch(path), options.live_rounds, forget)
                    figures |= told("live", values, clocks.cpu)
    return figures


async def visit(fetch: Callable[[str], Awaitable[None]], at: str, campaign: str) -> None:
    """Fetch what the page fetches, in its order: each step needs the one before."""
    await fetch(f"{at}/")
    await asyncio.gather(*(fetch(f"{at}/page/{path.name}") for path in ASSETS))
    await asyncio.gather(fetch(f"{at}/v1/account"), fetch(f"{at}/v1/definitions"))
    base = f"{at}/v1/campaigns/{campaign}"
    parts = ("", "/summary", "/quality", "/share-of-voice")
    await asyncio.gather(*(fetch(base + part) for part in parts))


async def worked(lake: Lake, campaign: Campaign) -> dict[str, float]:
    """Let the worker compute and keep all reports once; return what that took."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    wall, cpu = time.perf_counter(), time.process_time()
    made = await Rollups().run(lake, [campaign], NOW)
    assert len(made) == len(PARTS), "the campaign is over: nothing is kept ahead"
    await lake.append(made)
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    return {
        "worker_s": round(time.perf_counter() - wall, 2),
        "worker_s_cpu": round(time.process_time() - cpu, 2),  # without a server's
        "worker_peak_mib": round(peak / 1024),
    }


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure the chosen lakes and return the last line."""
    figures: dict[str, float] = {"posts": options.posts, "snapshots": options.snapshots}
    for name in options.lakes:
        try:
            async with filled(name, options) as (lake, url):
                found = await measure(lake, url, options)
        except Missing as missing:
            print(f"{name}: {missing}")
            continue
        figures |= {f"{name}_{key}": value for key, value in found.items()}
    goals = {f"{name}_{key}": goal for name in options.lakes for key, goal in GOALS.items()}
    passed = all(figures.get(key, float("inf")) < goal for key, goal in goals.items())
    return {"name": "report", "figures": figures, "goals": goals, "pass": passed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--snapshots", type=int, default=10_000_000)
    parser.add_argument("--lakes", nargs="+", default=["files", "elastic"])
    parser.add_argument("--rounds", type=int, default=100, help="reads of the stored report")
    parser.add_argument("--live-rounds", type=int, default=10, help="live summaries")
    parser.add_argument("--heap", default="3g", help="of Elasticsearch")
    parser.add_argument("--cache", type=Path, default=elastic.cache() / "report")
    options = parser.parse_args()
    if options.posts % 5_000 or options.snapshots % options.posts or options.posts < 5_000:
        parser.error("--posts: give a multiple of 5000, and --snapshots a multiple of it")
    options.cache.mkdir(parents=True, exist_ok=True)
    answer = uvloop.run(run(options))  # as `taglake serve` does
    rounds = f"{options.rounds} and {options.live_rounds} rounds, load {os.getloadavg()[0]:.1f}"
    print(f"{'figure':32} {'value':>12}   ({rounds})")
    for key, value in answer["figures"].items():
        goal = answer["goals"].get(key)
        print(f"{key:32} {value:>12,}" + (f"   goal < {goal:g}" if goal else ""))
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
