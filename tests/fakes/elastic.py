"""An Elasticsearch over real HTTP that keeps documents in memory and fails as it is told.

It decodes real `_bulk` bodies and applies `external_gte` versions, so what a test counts is what a
server would hold. Faults are played in order, one a bulk request; then all goes well.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aiohttp import web

Fault = Literal[
    "reset", "reset after apply", "stall", "cut answer", "not json", "html 400", "old client"
]
PRODUCT = {"X-Elastic-Product": "Elasticsearch"}


@dataclass
class Refusal:
    """A whole-request answer: a status, perhaps with the seconds to wait."""

    status: int
    retry_after: str | None = None
    type: str = "es_rejected_execution_exception"


@dataclass
class Item:
    """What one document is answered, for so many times (None: for ever)."""

    status: int
    type: str
    reason: str = ""
    times: int | None = None


@dataclass
class FakeElastic:
    """Enter it to get a server on a free port; `url` is its address."""

    faults: deque[Fault | Refusal] = field(default_factory=deque)
    items: dict[str, Item] = field(default_factory=dict)
    malformed: set[str] = field(default_factory=set)  # ids for which a whole request is a 400
    most_bytes: int | None = None  # of a body; more is a 413
    hold: asyncio.Event | None = None  # bulk requests wait for it
    thinking_seconds: float = 0.0  # over each bulk request
    documents: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    bulks: list[list[str]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    applied: Counter[str] = field(default_factory=Counter)
    refreshed: list[str] = field(default_factory=list)
    credentials: list[str | None] = field(default_factory=list)
    methods: Counter[str] = field(default_factory=Counter)
    open_bulks: int = 0
    most_open: int = 0
    url: str = ""
    searches: str = ""  # the answer to searches sent together

    async def __aenter__(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/_bulk", self._bulk)
        app.router.add_route("*", "/{index}/_msearch", self._msearch)
        app.router.add_route("*", "/{path:.*}", self._other)
        self._stalled = asyncio.Event()
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Hang up."""
        self._stalled.set()
        await self._runner.cleanup()

    @property
    def ids(self) -> set[str]:
        """The ids of all documents."""
        return {key[1] for key in self.documents}

    async def _msearch(self, request: web.Request) -> web.Response:
        """Answer what `searches` holds, as it is."""
        await request.read()
        return web.Response(text=self.searches, content_type="application/json", headers=PRODUCT)

    async def _other(self, request: web.Request) -> web.Response:
        self.credentials.append(request.headers.get("Authorization"))
        if request.path.endswith("/_refresh"):
            self.refreshed.append(request.path)
        status = 404 if request.method == "GET" else 200
        return web.json_response({"acknowledged": True}, status=status, headers=PRODUCT)

    async def _bulk(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.methods[request.method] += 1
        self.credentials.append(request.headers.get("Authorization"))
        actions = _actions(body)
        self.bulks.append([action["_id"] for action, _ in actions])
        self.sizes.append(len(body))
        self.open_bulks += 1
        self.most_open = max(self.most_open, self.open_bulks)
        try:
            if self.hold is not None:
                await self.hold.wait()
            await asyncio.sleep(self.thinking_seconds)
            return await self._answer(request, body, actions)
        finally:
            self.open_bulks -= 1

    async def _answer(
        self, request: web.Request, body: bytes, actions: list[tuple[dict[str, Any], bytes]]
    ) -> web.StreamResponse:
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, Refusal):
            return _refusal(fault)
        if fault is not None:
            return await self._fail(fault, request, actions)
        if self.most_bytes is not None and len(body) > self.most_bytes:
            return web.Response(status=413, text="too large", headers=PRODUCT)
        if any(action["_id"] in self.malformed for action, _ in actions):
            return _refusal(Refusal(400, type="illegal_argument_exception"))
        return self._reply(actions)

    async def _fail(
        self, fault: Fault, request: web.Request, actions: list[tuple[dict[str, Any], bytes]]
    ) -> web.StreamResponse:
        plays: dict[Fault, Callable[[], web.Response]] = {
            "not json": lambda: web.Response(text="<html>", headers=PRODUCT),
            "html 400": lambda: web.Response(status=400, text="<html>Bad Request"),
            "old client": lambda: _refusal(Refusal(400, type="media_type_header_exception")),
        }
        if fault in plays:
            return plays[fault]()
        assert request.transport is not None
        if fault == "stall":
            await self._stalled.wait()
        if fault in ("reset after apply", "cut answer"):
            answer = self._reply(actions)
        if fault == "cut answer":
            head = web.StreamResponse(
                headers={**PRODUCT, "Content-Length": str(answer.body_length)}
            )
            await head.prepare(request)
            assert isinstance(answer.body, bytes)
            await head.write(answer.body[: len(answer.body) // 2])
        request.transport.abort()
        return web.Response()

    def _reply(self, actions: list[tuple[dict[str, Any], bytes]]) -> web.Response:
        items = [{"index": self._item(action, source)} for action, source in actions]
        errors = any("error" in item["index"] for item in items)
        answer = {"took": 1, "errors": errors, "items": items}
        return web.json_response(answer, headers=PRODUCT)

    def _item(self, action: dict[str, Any], source: bytes) -> dict[str, Any]:
        told = self.items.get(action["_id"])
        if told is not None and told.times != 0:
            told.times = None if told.times is None else told.times - 1
            error = {"type": told.type, "reason": told.reason}
            return {"_id": action["_id"], "status": told.status, "error": error}
        key = (action["_index"], action["_id"])
        version = self.documents.get(key, (-1, b""))[0]
        if action["version"] < version:
            error = {"type": "version_conflict_engine_exception", "reason": "stale"}
            return {"_id": action["_id"], "status": 409, "error": error}
        self.documents[key] = (action["version"], source)
        self.applied[action["_id"]] += 1
        return {"_id": action["_id"], "status": 201 if version < 0 else 200}


def _actions(body: bytes) -> list[tuple[dict[str, Any], bytes]]:
    assert body.endswith(b"\n"), "a bulk body ends with a newline"
    lines = body.split(b"\n")[:-1]
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return [(json.loads(action)["index"], source) for action, source in pairs]


def _refusal(refusal: Refusal) -> web.Response:
    headers = dict(PRODUCT)
    if refusal.retry_after is not None:
        headers["Retry-After"] = refusal.retry_after
    error = {"type": refusal.type, "reason": "a reason that quotes SECRET TEXT"}
    return web.json_response(
        {"error": error, "status": refusal.status}, status=refusal.status, headers=headers
    )
