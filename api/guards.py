"""ASGI layers before any parsing: size and structure of bodies, time, protective headers."""

import asyncio
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api.errors import ApiError, Invalid, TooLarge, TooSlow, headers, problem
from api.problem import respond

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_DEPTH = 16  # our deepest body has four levels
MAX_MARKS = 50_000  # quotes, brackets, colons and commas: bounds the work of parser and validator
_MARKS = (b'"', b"[", b"{", b":", b",")
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PROTECTION = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"content-security-policy", PAGE_POLICY.encode()),
)


class BodyCap:
    """Refuses a body over `limit` bytes before it is in memory, and a bomb before it is parsed."""

    def __init__(self, app: App, *, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body up to the limit, look at its structure, hand it on in one piece."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            body = await self._read(scope, receive)
            check_structure(body)
        except ApiError as error:
            return await refuse(error, scope, receive, send)
        return await self.app(scope, _replay(body, receive), send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        if _announced(scope) > self.limit:
            raise self._too_large()
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > self.limit:
                raise self._too_large()
        return b"".join(parts)

    def _too_large(self) -> TooLarge:
        return TooLarge(f"A body may have {self.limit:,} bytes. Send less, or split the request.")


def check_structure(body: bytes) -> None:
    """Raise TooLarge or Invalid for JSON too full or too deep to be one of ours; O(n), cheap."""
    if sum(map(body.count, _MARKS)) > MAX_MARKS:
        raise TooLarge(f"A body may hold {MAX_MARKS:,} quotes, brackets, colons and commas in all.")
    depth = 0
    for match in _BRACKETS.finditer(body):
        mark = match[0][:1]
        depth += (mark in b"[{") - (mark in b"]}")
        if depth > MAX_DEPTH:
            raise Invalid(f"A body may be nested {MAX_DEPTH} levels deep.")


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body once, then what the connection says."""
    given = False

    async def replay() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


class Deadline:
    """Ends a request whose answer has not begun in time; one under way (an export) may last."""

    def __init__(self, app: App, *, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app under a timeout that the first byte of the answer lifts."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        try:
            async with asyncio.timeout(self.seconds) as timer:

                async def begun(message: Message) -> None:
                    if not timer.expired():
                        timer.reschedule(None)
                    await send(message)

                await self.app(scope, receive, begun)
        except TimeoutError:
            if not timer.expired():
                raise
            late = TooSlow(f"No answer within {self.seconds:g} s. Ask for a shorter time or wait.")
            await refuse(late, scope, receive, send)


class Protection:
    """Adds the headers that keep a browser from sniffing, framing and foreign scripts."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add our headers, and those a route left in the scope."""

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = scope.get("taglake.headers", ())
                message["headers"] = [*message.get("headers", ()), *PROTECTION, *own]
            await send(message)

        await self.app(scope, receive, protected if scope["type"] == "http" else send)


async def refuse(error: ApiError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the problem of an error from outside of the framework."""
    answer = respond(problem(error, instance=scope["path"]), headers(error))
    if isinstance(error, TooLarge):
        answer.headers["Connection"] = "close"  # the rest of the body is not worth reading
    await answer(scope, receive, send)
