"""Three lakes behind one fixture: in memory, in files, on Elasticsearch. All say the same."""

import asyncio
import json
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from fakes.campaign_world import RECORDS
from fakes.memory_lake import MemoryLake
from lake.contract import Lake
from lake.elastic import ElasticLake
from lake.files import FilesLake


@pytest.fixture(
    scope="session",
    params=["memory", "files", pytest.param("elastic", marks=pytest.mark.elastic)],
)
def maker(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Lake]:
    """Make lakes of one engine."""
    if request.param == "memory":
        lakes: dict[str, MemoryLake] = {}
        return lambda name: lakes.setdefault(name, MemoryLake())
    if request.param == "files":
        root: Path = tmp_path_factory.mktemp("reports")
        return lambda name: FilesLake(root / name)
    url: str = request.getfixturevalue("elastic_url")
    return lambda name: ElasticLake(url, prefix=name)


@pytest.fixture
def name(maker: Callable[[str], Lake], request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a lake of this test alone; a server forgets it afterwards."""
    name = f"i{uuid.uuid4().hex[:12]}"
    served = "elastic" in request.node.callspec.id
    url = request.getfixturevalue("elastic_url") if served else None
    yield name
    if url:
        _forget(url, name)


def _forget(url: str, prefix: str) -> None:
    with urllib.request.urlopen(f"{url}/_cat/indices?format=json&h=index") as answer:
        names = [row["index"] for row in json.load(answer) if row["index"].startswith(prefix)]
    if names:
        query = f"{url}/{','.join(names)}"
        urllib.request.urlopen(urllib.request.Request(query, method="DELETE")).close()


@pytest.fixture
async def lake(maker: Callable[[str], Lake], name: str) -> AsyncIterator[Lake]:
    """An empty lake, open."""
    lake = maker(name)
    await lake.open()
    yield lake
    await lake.close()


@pytest.fixture(scope="session")
def filled(maker: Callable[[str], Lake]) -> str:
    """The name of a lake that holds the small campaign, written once for all tests."""
    name = f"r{uuid.uuid4().hex[:12]}"

    async def fill() -> None:
        lake = maker(name)
        await lake.open()
        await lake.append(RECORDS)
        await lake.close()

    asyncio.run(fill())
    return name


@pytest.fixture
async def world(maker: Callable[[str], Lake], filled: str) -> AsyncIterator[Lake]:
    """A lake with the small campaign, open; do not write into it."""
    lake = maker(filled)
    await lake.open()
    yield lake
    await lake.close()


@pytest.fixture
async def memory() -> MemoryLake:
    """A lake in memory with the small campaign."""
    lake = MemoryLake()
    await lake.append(RECORDS)
    return lake
