"""The service as users meet it: uvicorn in a thread, on a port of its own, over the busy world."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import msgspec
import uvicorn

from api import ApiSettings, create_app
from fakes import busy_world
from fakes.audiences import busy_audiences
from fakes.memory_lake import MemoryLake
from fakes.registered import PEPPER, lane
from fakes.tenants import NIKE, tenant
from insights.audiences.book import Book
from registry import open_registry


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """Where the service is, a key, a campaign, and the link `taglake demo` would print."""

    url: str
    key: str
    campaign: str

    @property
    def link(self) -> str:
        return f"{self.url}/#key={self.key}&campaign={self.campaign}"


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    """Serve until the block ends."""
    started: list[Served] = []
    ready = threading.Event()
    servers: list[uvicorn.Server] = []
    thread = threading.Thread(
        target=lambda: asyncio.run(_serve(folder, started, servers, ready)), daemon=True
    )
    thread.start()
    assert ready.wait(30), "the service did not start"
    yield started[0]
    servers[0].should_exit = True
    thread.join(10)


async def _serve(
    folder: Path, started: list[Served], servers: list[uvicorn.Server], ready: threading.Event
) -> None:
    lake = MemoryLake()
    await lake.append([*busy_world.world(), *busy_audiences(folder / "audiences")])
    url = f"sqlite:///{folder / 'registry.db'}"
    async with await open_registry(url, pepper=PEPPER, now=lambda: busy_world.NOW) as registry:
        await registry.lanes.upsert(
            [lane("one"), lane("two", network="instagram", limit=200, window=3600.0, slots=9)]
        )
        client = await tenant(registry, "Nike Berlin")
        settings = ApiSettings(requests_per_minute=6_000, docs=True, cache_seconds=60)
        app = create_app(
            lake=lake,
            registry=registry,
            now=lambda: busy_world.NOW,
            settings=settings,
            audiences=Book(folder / "audiences"),
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            address = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
            servers.append(server)
            async with asyncio.TaskGroup() as group:
                group.create_task(server.serve([listener]))
                async with httpx.AsyncClient(headers={"X-API-Key": client.key}) as asking:
                    made = await asking.post(f"{address}/v1/campaigns", json=NIKE)
                started.append(Served(url=address, key=client.key, campaign=made.json()["id"]))
                ready.set()
