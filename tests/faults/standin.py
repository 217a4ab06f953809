"""The fake Elasticsearch as a process of its own: `python -m faults.standin`.

Documents of posts whose id falls to the share of `--poison` are refused for ever, as Elasticsearch
refuses what it cannot parse. The second port is for who judges: what is there, what is the newest.
"""

import argparse
import asyncio
import zlib
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from fakes.elastic import FakeElastic

POISON = "document_parsing_exception"


def poisoned(key: str, every: int) -> bool:
    """Return whether this post is one the lake refuses; `every` 0: none is."""
    return every > 0 and zlib.crc32(key.encode()) % every == 0


class Document(msgspec.Struct):
    """One document of a lake."""

    index: str
    id: str
    version: int
    source: bytes


class _Dated(msgspec.Struct):
    created_at: datetime | None = None


class Standin(FakeElastic):
    """A fake that refuses some posts and knows when the newest of the others was made."""

    poison_every = 0
    newest = datetime(1970, 1, 1, tzinfo=UTC)
    requests = 0

    def _item(self, action: dict[str, Any], source: bytes) -> dict[str, Any]:
        if "-posts-" not in action["_index"]:
            return super()._item(action, source)
        if poisoned(action["_id"], self.poison_every):
            error = {"type": POISON, "reason": "failed to parse field [lang]"}
            return {"_id": action["_id"], "status": 400, "error": error}
        made = msgspec.json.decode(source, type=_Dated).created_at
        if made is not None:
            self.newest = max(self.newest, made)
        return super()._item(action, source)

    def dump(self) -> bytes:
        """Return all documents as msgpack."""
        found = [
            Document(index=index, id=key, version=version, source=source)
            for (index, key), (version, source) in self.documents.items()
        ]
        return msgspec.msgpack.encode(found)

    def told(self) -> dict[str, Any]:
        """Return what the judge asks for often."""
        return {
            "url": self.url,
            "newest": self.newest.isoformat(),
            "documents": len(self.documents),
            "requests": len(self.bulks),
            "received": sum(len(ids) for ids in self.bulks),
            "applied": self.applied.total(),
        }


async def serve(port: int, poison_every: int) -> None:
    """Serve until cancelled; the judge's port is given."""
    async with Standin() as fake:
        fake.poison_every = poison_every
        app = web.Application()

        async def told(_: web.Request) -> web.Response:
            return web.json_response(fake.told())

        async def documents(_: web.Request) -> web.Response:
            return web.Response(body=fake.dump())

        async def posts(_: web.Request) -> web.Response:
            return web.json_response([key for index, key in fake.documents if "-posts-" in index])

        app.router.add_get("/told", told)
        app.router.add_get("/posts", posts)
        app.router.add_get("/documents", documents)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def main() -> None:
    """Serve as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--poison", type=int, default=0)
    asked = parser.parse_args()
    asyncio.run(serve(asked.port, asked.poison))


if __name__ == "__main__":
    main()
