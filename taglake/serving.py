"""The role of a server: the API and the page."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable
from datetime import datetime

import uvicorn

from api import ApiSettings, create_app
from ingestor.clock import SystemClock
from insights.audiences.book import Book
from lake.contract import Lake
from registry import Registry
from taglake.errors import BadSetting
from taglake.settings import Settings


async def serve(
    settings: Settings,
    lake: Lake,
    registry: Registry,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime] | None = None,
    ready: Callable[[str], Awaitable[None]],
) -> None:
    """Serve API and page until `stop` is set; `ready` is told the address. Raises BadSetting."""
    section = settings.serve
    bound = _bind(section.host, section.port)
    app = create_app(
        lake=lake,
        registry=registry,
        audiences=Book(settings.audience.folder),
        now=now or SystemClock().now,
        settings=ApiSettings(
            requests_per_minute=section.requests_per_minute,
            cache_seconds=section.cache_seconds,
            # The next report takes time to compute: until it is there, the last one serves.
            rollup_seconds=2 * settings.work.rollup_every,
            cors_origins=section.cors_origins,
            docs=section.docs,
        ),
    )
    server = _Server(_uvicorn(app))
    host = "localhost" if section.host in {"127.0.0.1", "0.0.0.0"} else section.host  # noqa: S104
    await ready(f"http://{host}:{bound.getsockname()[1]}")
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(sockets=[bound]))
        await stop.wait()
        server.should_exit = True


class _Server(uvicorn.Server):
    """A uvicorn that leaves signals to the process: they stop all roles, not only this one."""

    def install_signal_handlers(self) -> None:
        """Install none."""


def _uvicorn(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        log_level="warning",
        access_log=False,
        limit_concurrency=512,  # a slow client costs memory: refuse before there are too many
        h11_max_incomplete_event_size=16 << 10,
        timeout_keep_alive=20,
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(2048)  # who is told the address may ask at once
    except OSError as error:
        bound.close()
        raise BadSetting(_unbound(host, port, error)) from None
    return bound


def _unbound(host: str, port: int, error: OSError) -> str:
    if error.errno in {errno.EADDRINUSE, errno.EACCES}:
        fix = "set TAGLAKE_SERVE__PORT to a free port, or 0"
        return f"serve.port = {port}: {error.strerror}; {fix}"
    return f"serve.host = {host!r}: {error.strerror}; take 127.0.0.1, or an address of this machine"
