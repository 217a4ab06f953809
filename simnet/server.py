"""The simulated networks over real HTTP, alone or in the event loop of who asks them."""

import asyncio
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from simnet.budgets import Budgets
from simnet.faults import Faults
from simnet.instagram_web import Generation
from simnet.judge import Judge
from simnet.logins import SITES
from simnet.simulation import Simulation, site_of
from simnet.truth import Truth
from simnet.wire import JSON, Ask, Reply
from simnet.world import Now, World, milliseconds

JUDGE: Final = web.AppKey("judge", Judge)
SIMULATION: Final = web.AppKey("simulation", Simulation)


def make_app(
    world: World,
    *,
    now: Now,
    faults: Faults | None = None,
    budgets: Budgets | None = None,
    logins: int = 20,
    generation: Generation = "D",
) -> web.Application:
    """Return the application that serves every site of a world; `app[JUDGE]` is the provider's
    own eye.

    A site is reached as `/<site>/<path of its API>`, or at the root by a Host header that names it.
    """
    simulation = Simulation(
        world, now=now, faults=faults, budgets=budgets, logins=logins, generation=generation
    )
    return app_of(simulation)


def app_of(simulation: Simulation, *, site: str | None = None) -> web.Application:
    """Return the application over a simulation; `site` puts one site at the root, for a port of
    its own.
    """
    app = web.Application(client_max_size=1 << 20)
    app[SIMULATION], app[JUDGE] = simulation, simulation.judge
    truth = Truth(simulation.world)

    async def handle(request: web.Request) -> web.StreamResponse:
        """Answer as a site does."""
        ask = await _read(request)
        at = site or site_of(request.host)
        if late := simulation.faults.delay(ask, milliseconds(simulation.now())):
            await asyncio.sleep(late)
        reply = simulation.answer(ask, site=at)
        if simulation.faults.cuts(ask, milliseconds(simulation.now())):
            return await _cut(request, reply)
        return _written(reply)

    async def judge(_: web.Request) -> web.StreamResponse:
        """Answer what the judge saw."""
        body = msgspec.json.encode(simulation.judge.report())
        return web.Response(body=body, content_type="application/json")

    async def told(request: web.Request) -> web.StreamResponse:
        """Answer with the truth."""
        return _truth(truth, request, simulation.now)

    app.router.add_get("/__judge", judge)
    app.router.add_get("/__truth", told)
    app.router.add_route("*", "/{path:.*}", handle)
    return app


async def serve(
    world: World,
    *,
    port: int,
    now: Now,
    host: str = "127.0.0.1",
    faults: Faults | None = None,
    ready: Callable[[int], None] | None = None,
) -> None:
    """Serve a world until cancelled; `ready` is called with the port once it answers (port 0
    picks one).
    """
    runner = web.AppRunner(make_app(world, now=now, faults=faults), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        if ready is not None:
            ready(runner.addresses[0][1])
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def addresses(port: int, host: str = "127.0.0.1") -> dict[str, str]:
    """Return the base address of every site of a server."""
    return {site: f"http://{host}:{port}/{site}" for site in SITES}


async def _read(request: web.Request) -> Ask:
    """Return a request as the sites read it."""
    return Ask(
        method=request.method,
        path=request.path,
        query=tuple(parse_qsl(request.rel_url.raw_query_string, keep_blank_values=True)),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=await request.read() if request.can_read_body else b"",
        remote=request.remote or "",
    )


def _written(reply: Reply) -> web.Response:
    """Return an answer as aiohttp sends it."""
    headers = {"Content-Type": reply.content_type, **dict(reply.headers)}
    return web.Response(status=reply.status, body=reply.body, headers=headers)


async def _cut(request: web.Request, reply: Reply) -> web.StreamResponse:
    """Send half of an answer that promised to be whole, and break the connection."""
    half = web.StreamResponse(status=reply.status, headers={"Content-Type": reply.content_type})
    half.content_length = len(reply.body) + 1
    await half.prepare(request)
    await half.write(reply.body[: len(reply.body) // 2])
    if request.transport is not None:
        request.transport.close()
    return half


def _truth(truth: Truth, request: web.Request, now: Now) -> web.Response:
    """Return the truth about a tag: `?tag=nike&network=instagram` and, if asked, `since`,
    `until`, `at`.
    """
    try:
        body = truth.told(dict(request.query), now())
    except ValueError as wrong:
        return web.json_response({"error": str(wrong)}, status=400)
    return web.Response(body=body, headers={"Content-Type": JSON})
