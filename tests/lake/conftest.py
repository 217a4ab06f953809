"""Both lakes behind one fixture: `lake` is empty and may be written, `world` is one filled lake to
ask.
"""

import asyncio
import json
import urllib.request
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from lake.contract import Lake
from lake.files import FilesLake

Maker = Callable[[str], Lake]


@pytest.fixture(
    scope="session", params=["files", pytest.param("elastic", marks=pytest.mark.elastic)]
)
def maker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Maker:
    """Make lakes of one engine: the same name is the same lake."""
    if request.param == "files":
        root: Path = tmp_path_factory.mktemp("lakes")
        return lambda name: FilesLake(root / name)
    from lake.elastic import ElasticLake

    url: str = request.getfixturevalue("elastic_url")
    return lambda name: ElasticLake(url, prefix=name)


@pytest.fixture
def name(maker: Maker, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a lake of this test alone; a server forgets it afterwards."""
    name = f"t{uuid.uuid4().hex[:12]}"
    on_server = "elastic" in request.node.callspec.id
    url = request.getfixturevalue("elastic_url") if on_server else None
    yield name
    if url is not None:
        _forget(url, name)


def _forget(url: str, prefix: str) -> None:
    with urllib.request.urlopen(f"{url}/_cat/indices?format=json&h=index") as answer:
        names = [row["index"] for row in json.load(answer) if row["index"].startswith(prefix)]
    if names:
        query = f"{url}/{','.join(names)}"
        urllib.request.urlopen(urllib.request.Request(query, method="DELETE")).close()


@pytest.fixture
async def lake(maker: Maker, name: str) -> AsyncIterator[Lake]:
    """An empty lake, open."""
    lake = maker(name)
    await lake.open()
    yield lake
    await lake.close()


@pytest.fixture(scope="session")
def filled(maker: Maker) -> str:
    """The name of a lake that holds `world.RECORDS`, written once for all tests that only ask."""
    from fakes.world import fill

    name = f"w{uuid.uuid4().hex[:12]}"
    asyncio.run(fill(maker(name)))
    return name


@pytest.fixture
async def world(maker: Maker, filled: str) -> AsyncIterator[Lake]:
    """The filled lake, open; do not write into it."""
    lake = maker(filled)
    await lake.open()
    yield lake
    await lake.close()
