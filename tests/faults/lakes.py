"""The lakes of a fault run, as their judge sees them: everything in them, and the newest post."""

import asyncio
import os
import subprocess
import sys
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec

from faults.standin import Document
from servers.processes import free_port, started

NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class JudgedLake(Protocol):
    """A lake behind the proxy; entered once by the world that uses it."""

    address: tuple[str, int]
    prefix: str
    poison: int  # one post in so many is refused for ever; 0: none

    async def open(self, folder: Path, session: aiohttp.ClientSession, stack: ExitStack) -> None:
        """Be there."""
        ...

    async def documents(self) -> list[Document]:
        """Return everything in the lake, read without the proxy."""
        ...

    async def posts(self) -> set[str]:
        """Return the ids of all posts in the lake."""
        ...

    async def newest(self) -> datetime:
        """Return when the newest post in the lake was made, `NEVER` if there is none."""
        ...


class StandinLake:
    """The fake Elasticsearch in a process of its own."""

    def __init__(self, *, poison: int = 0) -> None:
        self.poison = poison
        self.prefix = "faults"
        self.address = ("", 0)
        self.process: subprocess.Popen[bytes]

    async def open(self, folder: Path, session: aiohttp.ClientSession, stack: ExitStack) -> None:
        """Start the process."""
        port = free_port()
        self._session, self._judge = session, f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "faults.standin", "--port", str(port),
                   "--poison", str(self.poison)]  # fmt: skip
        self.process = stack.enter_context(started(*command, out=folder / "lake.out", env=ours()))
        told = await _answering(session, f"{self._judge}/told")
        host, _, at = told["url"].removeprefix("http://").partition(":")
        self.address = (host, int(at))

    async def told(self) -> dict[str, Any]:
        """Return counts: requests, lines received and applied, documents."""
        async with self._session.get(f"{self._judge}/told") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def documents(self) -> list[Document]:
        """Return everything in the lake."""
        async with self._session.get(f"{self._judge}/documents") as answer:
            return msgspec.msgpack.decode(await answer.read(), type=list[Document])

    async def posts(self) -> set[str]:
        """Return the ids of all posts."""
        async with self._session.get(f"{self._judge}/posts") as answer:
            return set(await answer.json())

    async def newest(self) -> datetime:
        """Return when the newest post was made."""
        return datetime.fromisoformat((await self.told())["newest"])


class ElasticLake:
    """A real Elasticsearch that runs already, under a prefix of its own."""

    poison = 0

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").rpartition(":")
        self._url = url
        self.address = (host, int(port))
        self.prefix = f"f{uuid.uuid4().hex[:12]}"

    async def open(self, folder: Path, session: aiohttp.ClientSession, stack: ExitStack) -> None:
        """Remember how to ask."""
        self._session = session

    async def documents(self) -> list[Document]:
        """Return everything in the lake."""
        await self._ask("POST", f"/{self.prefix}-*/_refresh")
        body: dict[str, Any] = {"size": 1000, "version": True, "sort": ["_doc"]}
        page = await self._ask("POST", f"/{self.prefix}-*/_search?scroll=1m", body)
        found: list[Document] = []
        while page.hits.hits:
            found += [
                Document(index=hit.index, id=hit.id, version=hit.version, source=bytes(hit.source))
                for hit in page.hits.hits
            ]
            more = {"scroll": "1m", "scroll_id": page.scroll_id}
            page = await self._ask("POST", "/_search/scroll", more)
        return found

    async def posts(self) -> set[str]:
        """Return the ids of all posts."""
        return {found.id for found in await self.documents() if "-posts-" in found.index}

    async def newest(self) -> datetime:
        """Return when the newest post was made that a reader can see."""
        body = {"size": 1, "sort": [{"created_at": "desc"}], "_source": ["created_at"]}
        path = f"/{self.prefix}-posts-*/_search?allow_no_indices=true&ignore_unavailable=true"
        try:
            page = await self._ask("POST", path, body)
        except (aiohttp.ClientError, OSError):
            return NEVER
        sources = [msgspec.json.decode(hit.source, type=dict[str, Any]) for hit in page.hits.hits]
        return datetime.fromisoformat(sources[0]["created_at"]) if sources else NEVER

    async def forget(self) -> None:
        """Delete what this lake made."""
        async with aiohttp.ClientSession() as session:
            path = f"{self._url}/_cat/indices/{self.prefix}-*?format=json&h=index"
            async with session.get(path) as answer:
                names = [row["index"] for row in await answer.json()]
            for name in names:
                await session.delete(f"{self._url}/{name}")
            await session.delete(f"{self._url}/_index_template/{self.prefix}-*")

    async def _ask(self, method: str, path: str, body: object = None) -> "_Found":
        timeout = aiohttp.ClientTimeout(total=30)
        async with self._session.request(
            method, f"{self._url}{path}", json=body, timeout=timeout
        ) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=_Found)


class _Hit(msgspec.Struct, rename={"index": "_index", "id": "_id", "version": "_version",
                                   "source": "_source"}):  # fmt: skip
    index: str
    id: str
    source: msgspec.Raw
    version: int = 0


class _Hits(msgspec.Struct):
    hits: list[_Hit] = []


class _Found(msgspec.Struct, rename={"scroll_id": "_scroll_id"}):
    hits: _Hits = msgspec.field(default_factory=_Hits)
    scroll_id: str = ""


def ours() -> dict[str, str]:
    """Return an environment in which our test modules are found and no setting of ours stands."""
    clean = {name: value for name, value in os.environ.items() if "TAGLAKE" not in name}
    tests = Path(__file__).parents[1]
    return clean | {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}


async def _answering(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Return the first answer of a process that is starting."""
    for _ in range(200):
        try:
            async with session.get(url) as answer:
                found: dict[str, Any] = await answer.json()
                return found
        except aiohttp.ClientError:
            await asyncio.sleep(0.05)
    raise AssertionError(f"{url} does not answer")
