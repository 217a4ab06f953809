import asyncio

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from simnet.clocks import SteppedClock
from simnet.faults import Faults
from simnet.server import JUDGE, addresses, app_of, make_app, serve
from simnet.simulation import Simulation
from simnet.world import World

WEB = {"Cookie": "sessionid=session-0001"}
TIMELINE = "/api/v1/timelines/tag/nike"


async def test_every_site_answers_over_http(world: World, clock: SteppedClock) -> None:
    async with TestClient(TestServer(make_app(world, now=clock))) as client:
        web = await client.get("/instagram.example/explore/tags/nike/?__a=1", headers=WEB)
        assert (await web.json())["graphql"]["hashtag"]["name"] == "nike"
        kana = await client.get("/instagram.example/explore/tags/スニーカー/?__a=1", headers=WEB)
        assert (await kana.json())["graphql"]["hashtag"]["name"] == "スニーカー"
        mastodon = await client.get(f"/mastodon.example{TIMELINE}?limit=5")
        assert len(await mastodon.json()) == 5
        assert mastodon.headers["X-RateLimit-Remaining"] == "299"


async def test_a_host_header_names_the_site(world: World, clock: SteppedClock) -> None:
    async with TestClient(TestServer(make_app(world, now=clock))) as client:
        reply = await client.get(f"{TIMELINE}?limit=3", headers={"Host": "fedi.example"})
        assert len(await reply.json()) == 3


async def test_a_site_may_have_a_port_of_its_own(world: World, clock: SteppedClock) -> None:
    app = app_of(Simulation(world, now=clock), site="mastodon.example")
    async with TestClient(TestServer(app)) as client:
        reply = await client.get(f"{TIMELINE}?limit=3")
        assert len(await reply.json()) == 3


async def test_judge_and_truth_are_told(world: World, clock: SteppedClock) -> None:
    app = make_app(world, now=clock)
    async with TestClient(TestServer(app)) as client:
        await client.get(f"/mastodon.example{TIMELINE}")
        judged = await (await client.get("/__judge")).json()
        assert judged["requests"] == app[JUDGE].report().requests == 1
        told = await (await client.get("/__truth?tag=puma")).json()
        assert told["count"] > 100
        wrong = await client.get("/__truth")
        assert wrong.status == 400
        assert (await wrong.json())["error"].startswith("tag: it is missing")


async def test_a_slow_answer_comes_late(world: World, clock: SteppedClock) -> None:
    faults = Faults(slow=1.0, slow_seconds=0.05)
    async with TestClient(TestServer(make_app(world, now=clock, faults=faults))) as client:
        begin = asyncio.get_running_loop().time()
        await client.get(f"/mastodon.example{TIMELINE}")
        assert asyncio.get_running_loop().time() - begin >= 0.05


async def test_a_connection_breaks_in_the_middle_of_a_body(
    world: World, clock: SteppedClock
) -> None:
    app = make_app(world, now=clock, faults=Faults(cut=1.0))
    async with TestClient(TestServer(app)) as client:
        reply = await client.get(f"/mastodon.example{TIMELINE}")
        with pytest.raises(aiohttp.ClientPayloadError):
            await reply.read()


async def test_serve_answers_until_cancelled(world: World, clock: SteppedClock) -> None:
    ports: asyncio.Queue[int] = asyncio.Queue()
    task = asyncio.create_task(serve(world, port=0, now=clock, ready=ports.put_nowait))
    base = addresses(await ports.get())["mastodon.example"]
    async with aiohttp.ClientSession() as session:
        async with session.get(base + TIMELINE) as reply:
            assert reply.status == 200
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(base + TIMELINE)
