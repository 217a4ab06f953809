"""One app over an in-memory lake and a real SQLite registry, with two tenants."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from api import ApiSettings, create_app
from fakes import busy_world
from fakes.memory_lake import MemoryLake
from fakes.registered import PEPPER, Clock, lane
from fakes.tenants import NIKE, Tenant, tenant
from insights.audiences.book import NOBODY, Book
from lake.lines import line_of
from registry import Registry, open_registry


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.instant = busy_world.NOW
    return clock


@pytest.fixture(scope="session")
def full_lake() -> MemoryLake:
    """A month of posts; no test writes to it."""
    lake = MemoryLake()
    for record in busy_world.world():
        lake._write(line_of(record))
    return lake


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry's file with its tables: making them takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "registry.db"

    async def make() -> None:
        await (await open_registry(f"sqlite:///{path}", pepper=PEPPER)).close()

    asyncio.run(make())
    return path


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock, migrated: Path) -> AsyncIterator[Registry]:
    shutil.copy(migrated, tmp_path / "registry.db")
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    async with await open_registry(url, pepper=PEPPER, now=clock) as registry:
        await registry.lanes.upsert(
            [lane("one"), lane("two", network="instagram", limit=200, window=3600.0, slots=5)]
        )
        yield registry


@pytest.fixture
async def ours(registry: Registry) -> Tenant:
    return await tenant(registry, "Ours")


@pytest.fixture
async def theirs(registry: Registry) -> Tenant:
    return await tenant(registry, "Theirs")


Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def serve(
    full_lake: MemoryLake, registry: Registry, clock: Clock, ours: Tenant
) -> AsyncIterator[Serve]:
    """Make an app with some settings and return a client with our key."""
    async with AsyncExitStack() as stack:

        def make(
            *,
            key: str | None = ours.key,
            lake: Any = None,
            audiences: Book = NOBODY,
            **settings: Any,
        ) -> httpx.AsyncClient:
            settings = {"cache_seconds": 0, "key_seconds": 0, "docs": True} | settings
            app = create_app(
                lake=lake or full_lake,
                registry=registry,
                audiences=audiences,
                now=clock,
                settings=ApiSettings(**settings),
            )
            client = httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
                base_url="http://api",
                headers={"Authorization": f"Bearer {key}"} if key else {},
            )
            stack.push_async_callback(client.aclose)
            return client

        yield make


@pytest.fixture
async def api(serve: Serve) -> httpx.AsyncClient:
    return serve()


@pytest.fixture
async def campaign(api: httpx.AsyncClient) -> str:
    """The id of a registered campaign of ours."""
    answer = await api.post("/v1/campaigns", json=NIKE)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]
