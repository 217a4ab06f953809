"""One registry on each database, with a clock that tests set."""

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from fakes.registered import PEPPER, Clock
from sqlalchemy.ext.asyncio import create_async_engine

from registry import Registry, open_registry


@pytest.fixture
def clock() -> Clock:
    return Clock()


_numbers = itertools.count()


@asynccontextmanager
async def empty_database(postgres_url: str) -> AsyncIterator[str]:
    """Yield the URL of a new database on the server; it is dropped afterwards."""
    name = f"taglake_test_{next(_numbers)}"
    server = create_async_engine(postgres_url, isolation_level="AUTOCOMMIT")
    try:
        async with server.connect() as connection:
            await connection.execute(sa.text(f"CREATE DATABASE {name}"))
            yield postgres_url.rpartition("/")[0] + f"/{name}"
            await connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        await server.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    async with empty_database(request.getfixturevalue("postgres_url")) as address:
        yield address


@pytest.fixture
async def registry(url: str, clock: Clock) -> AsyncIterator[Registry]:
    """An open registry on the test's clock."""
    async with await open_registry(url, pepper=PEPPER, now=clock) as opened:
        yield opened
