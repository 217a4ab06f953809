"""How many requests a second the simulated networks serve on one core, the client not counted.

The server runs in a process of its own; what counts is its CPU time, read from /proc, so a client
on the same machine does not blur the figure. Not called `simnet.py`: beside other benchmarks that
name would hide the package.
"""

import asyncio
import json
import multiprocessing as mp
import os
import statistics
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

import aiohttp
import uvloop
from aiohttp import web

from simnet import Budgets, SteppedClock, World, make_app
from simnet.brands import sports_brands
from simnet.simulation import Simulation
from simnet.wire import ask

START = datetime(2026, 3, 2, tzinfo=UTC)
GOAL = 1_500  # requests/s for a page of 40 to 60 posts
ROUNDS, REQUESTS, CONNECTIONS = 3, 1_500, 8
FIELDS = "id,caption,comments_count,like_count,media_type,media_url,permalink,timestamp,children"
TOKEN = "access_token=EAAsimtoken0001"
WEB = {"Cookie": "sessionid=session-0001"}
BIG = (10**9, 3_600.0)
BARE = "bare aiohttp, one body of 61 kB"
GRAPH = f"/graph.example/{{tag}}/recent_media?limit=50&fields={FIELDS}&{TOKEN}"
PAGES = {
    "instagram web C, 60 + 9 posts": "/instagram.example/explore/tags/nike/?__a=1",
    "instagram web D, 30 + 9 posts": "/instagram.example/explore/tags/nike/?__a=1&__d=dis",
    "instagram graph, 50 posts": GRAPH,
    "mastodon, 40 posts": "/mastodon.example/api/v1/timelines/tag/nike?limit=40",
    "bluesky, 50 posts": "/bsky.example/xrpc/app.bsky.feed.searchPosts?q=%23nike&limit=50",
}


def world() -> World:
    return World(1, start=START, days=28, brands=sports_brands(START))


def budgets() -> Budgets:
    return Budgets(web=BIG, graph_user=BIG, mastodon=BIG, bluesky=BIG)


def bare_app() -> web.Application:
    """Return the limit: aiohttp that sends the same 61 kB to everybody."""
    body = b"x" * 61_000

    async def same(_: web.Request) -> web.Response:
        return web.Response(body=body)

    app = web.Application()
    app.router.add_get("/{path:.*}", same)
    return app


def serve(pipe: Connection) -> None:
    clock = SteppedClock(START + timedelta(days=20, hours=18))

    async def run() -> None:
        app = make_app(world(), now=clock, budgets=budgets())
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        bare = web.AppRunner(bare_app(), access_log=None)
        await bare.setup()
        await web.TCPSite(bare, "127.0.0.1", 0).start()
        pipe.send((runner.addresses[0][1], bare.addresses[0][1]))
        await asyncio.to_thread(pipe.recv)
        await runner.cleanup()
        await bare.cleanup()

    uvloop.run(run())


def cpu_seconds(pid: int) -> float:
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(session: aiohttp.ClientSession, url: str, requests: int) -> int:
    """Ask `requests` times over all connections and return the bytes of one answer."""
    left, size = iter(range(requests)), 0

    async def one() -> None:
        nonlocal size
        for _ in left:
            async with session.get(url, headers=WEB) as reply:
                body = await reply.read()
                assert reply.status == 200, body[:200]
                size = len(body)

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return size


async def measure(port: int, bare: int, pid: int) -> dict[str, tuple[list[float], int]]:
    base = f"http://127.0.0.1:{port}"
    found: dict[str, tuple[list[float], int]] = {}
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        search = f"{base}/graph.example/ig_hashtag_search?user_id=1&q=nike&{TOKEN}"
        async with session.get(search) as reply:
            tag = (await reply.json())["data"][0]["id"]
        urls = {name: base + path.format(tag=tag) for name, path in PAGES.items()}
        for name, url in ({BARE: f"http://127.0.0.1:{bare}/"} | urls).items():
            await load(session, url, 50)
            rates, size = [], 0
            for _ in range(ROUNDS):
                before = cpu_seconds(pid)
                size = await load(session, url, REQUESTS)
                rates.append(REQUESTS / (cpu_seconds(pid) - before))
            found[name] = (rates, size)
    return found


def answer_microseconds() -> dict[str, float]:
    """Return what an answer costs without HTTP, each at another instant: nothing is repeated."""
    clock = SteppedClock(START + timedelta(days=20, hours=18))
    simulation = Simulation(world(), now=clock, budgets=budgets())
    reply = simulation.answer(ask("GET", f"/graph.example/ig_hashtag_search?q=nike&{TOKEN}"))
    tag = json.loads(reply.body)["data"][0]["id"]
    found = {}
    for name, path in PAGES.items():
        asking = ask("GET", path.format(tag=tag), headers=WEB)
        simulation.answer(asking)
        begin = time.perf_counter()
        for _ in range(300):
            clock.advance(1)
            simulation.answer(asking)
        found[name] = (time.perf_counter() - begin) / 300 * 1e6
    return found


def build_seconds() -> float:
    begin = time.perf_counter()
    Simulation(world(), now=SteppedClock(START))
    return time.perf_counter() - begin


def main() -> None:
    pipe, child = mp.Pipe()
    server = mp.get_context("spawn").Process(target=serve, args=(child,))
    server.start()
    rates = uvloop.run(measure(*pipe.recv(), server.pid or 0))
    pipe.send("stop")
    server.join()
    alone, build = answer_microseconds(), build_seconds()
    print(f"{'page':32} {'bytes':>7} {'requests/s of CPU':>18} {'spread':>7} {'answer us':>10}")
    figures: dict[str, float] = {"world_seconds": round(build, 3)}
    for name, (found, size) in rates.items():
        middle = statistics.median(found)
        spread = (max(found) - min(found)) / middle
        print(f"{name:32} {size:7} {middle:18.0f} {spread:6.0%} {alone.get(name, 0):10.0f}")
        figures[name] = round(middle)
    slowest = min(figures[name] for name in PAGES)
    figures["slowest_to_bare"] = round(slowest / figures[BARE], 3)
    print(f"the world of the demo is built in {build:.2f} s")
    goals = {"slowest_page_requests_per_second": GOAL}
    print(json.dumps({"name": "simnet_speed", "figures": figures, "goals": goals,
                      "pass": slowest >= GOAL}))  # fmt: skip


if __name__ == "__main__":
    main()
