"""One registry on each database, with a clock that tests set.

Tables are made once; each test gets a copy of the file, or the server's tables emptied.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from fakes.registered import PEPPER, Clock
from registry import Registry, open_registry
from registry.schema import metadata

BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def _migrate(url: str) -> None:
    await (await open_registry(url, pepper=PEPPER)).close()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite registry without rows."""
    path = tmp_path_factory.mktemp("registry") / "registry.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def migrated_server(postgres_url: str) -> str:
    """A PostgreSQL registry without rows, in a database of its own."""
    asyncio.run(_execute(postgres_url, "DROP DATABASE IF EXISTS registry_tests"))
    asyncio.run(_execute(postgres_url, "CREATE DATABASE registry_tests"))
    url = postgres_url.rpartition("/")[0] + "/registry_tests"
    asyncio.run(_migrate(url))
    return url


async def _execute(url: str, statement: str) -> None:
    engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(sa.text(statement))
    await engine.dispose()


@pytest.fixture(params=BOTH)
def migrated(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a registry that has tables; the server's may hold rows of an earlier test."""
    if request.param == "postgres":
        return str(request.getfixturevalue("migrated_server"))
    shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "registry.db")
    return f"sqlite:///{tmp_path / 'registry.db'}"


@pytest.fixture
async def url(migrated: str) -> str:
    """The URL of a registry that has tables and no rows."""
    if migrated.startswith("postgresql"):
        await _execute(migrated, f"TRUNCATE {', '.join(metadata.tables)}")
    return migrated


@pytest.fixture(params=BOTH)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    server: str = request.getfixturevalue("postgres_url")
    asyncio.run(_execute(server, "CREATE DATABASE empty_registry"))
    yield server.rpartition("/")[0] + "/empty_registry"
    asyncio.run(_execute(server, "DROP DATABASE empty_registry WITH (FORCE)"))


@pytest.fixture
async def registry(url: str, clock: Clock) -> AsyncIterator[Registry]:
    """An open registry on the test's clock."""
    async with await open_registry(url, pepper=PEPPER, now=clock) as opened:
        yield opened
