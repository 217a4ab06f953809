"""The one HTTP client of the ingestor: capped, timed, without re-sends, without redirects.

What it returns is an `Answer` whose body is unpacked and within caps; what goes wrong below HTTP is
Down or BadAnswer. What an answer means is the source's to judge.
"""

import asyncio
import ssl
from collections import defaultdict
from functools import lru_cache
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlencode, urlsplit

import msgspec
from isal import isal_zlib
from yarl import URL

from ingestor.connection import Connection, Reply, too_large
from ingestor.contract import Answer, Request
from ingestor.errors import BadAnswer, Down

BODY_BYTES = 10 << 20  # unpacked, and packed
CONNECT_SECONDS, TOTAL_SECONDS = 10.0, 30.0
IDLE_SECONDS = 15.0  # servers close sooner or later what they hear nothing from
AGENT = "taglake/0.1"

_GZIP, _ZLIB, _DEFLATE = 31, 15, -15  # how zlib's window argument names the three forms
_FORMS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _DEFLATE)}
_json = msgspec.json.Encoder().encode


class Wire(Protocol):
    """What carries requests: `Http`, or a simulation that needs no socket."""

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Send one request once and return its answer of any status. Raises Down, BadAnswer."""
        ...


class Place(msgspec.Struct, frozen=True):
    """Where a request goes."""

    host: str
    port: int
    secure: bool
    line: bytes  # "/path?query HTTP/1.1", and the Host header
    url: str


class Http:
    """The connections to all networks. Life: `async with Http() as http`, then `ask`.

    A request is sent once, ever: the network would count two where we counted one. So a connection
    that breaks under a request is Down, and the poll's schedule says when it is asked again.
    """

    def __init__(
        self,
        *,
        connections: int = 64,
        body_bytes: int = BODY_BYTES,
        agent: str = AGENT,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        """tls: whom to trust; None: whom the system trusts."""
        self._room = asyncio.Semaphore(connections)
        self._body_bytes = body_bytes
        self._agent = _header("user-agent", agent)
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._tls = tls
        self._idle: defaultdict[tuple[str, int, bool], list[Connection]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._tls = self._tls or ssl.create_default_context()
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        for connections in self._idle.values():
            for one in connections:
                one.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop tells them

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Send one request once and return its answer of any status. Raises Down, BadAnswer."""
        place = _place(address(base_url, request.path), request.params)
        message = self._message(place, request)
        async with self._room:
            reply = await self._exchange(place, message)
        return Answer(
            status=reply.status,
            headers=reply.headers,
            body=self._unpacked(reply),
            url=place.url,
        )

    async def _exchange(self, place: Place, message: bytes) -> Reply:
        connection = self._free(place) or await self._connect(place)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(self._total_seconds, connection.expire)
        try:
            reply = await connection.ask(message)
        except asyncio.CancelledError:
            connection.abort()
            raise
        finally:
            timer.cancel()
        if connection.usable:
            connection.idle_since = loop.time()
            self._idle[place.host, place.port, place.secure].append(connection)
        return reply

    def _free(self, place: Place) -> Connection | None:
        """Return a connection that is open still, the one used last."""
        free = self._idle[place.host, place.port, place.secure]
        oldest = asyncio.get_running_loop().time() - IDLE_SECONDS
        while free:
            one = free.pop()
            if one.usable and one.idle_since >= oldest:
                return one
            one.abort()
        return None

    async def _connect(self, place: Place) -> Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._connect_seconds):
                _, connection = await loop.create_connection(
                    lambda: Connection(body_bytes=self._body_bytes),
                    place.host,
                    place.port,
                    ssl=self._tls if place.secure else None,
                )
        except TimeoutError as exc:
            raise Down("no answer in time", code="timeout") from exc
        except (OSError, UnicodeError) as exc:
            raise Down(f"no connection: {type(exc).__name__}", code="connection") from exc
        return connection

    def _message(self, place: Place, request: Request) -> bytes:
        """Return a request as it is sent."""
        body, kind = _body(request)
        parts = [request.method.encode(), b" ", place.line, self._agent, _ACCEPT]
        parts += [_header(name, value) for name, value in request.headers]
        if kind:
            parts.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (kind, len(body)))
        return b"".join((*parts, b"\r\n", body))

    def _unpacked(self, reply: Reply) -> bytes:
        """Return a body as its server meant it. Raises BadAnswer."""
        packing = reply.headers.get("content-encoding", "identity").lower()
        if packing == "identity" or not reply.body:
            return reply.body
        for form in _FORMS.get(packing, ()):
            unpacked = _unpack(reply.body, form, self._body_bytes)
            if unpacked is not None:
                return unpacked
        raise BadAnswer("the body is truncated or wrongly packed", code="payload")


_ACCEPT = b"accept: */*\r\naccept-encoding: gzip, deflate\r\n"


def _unpack(packed: bytes, form: int, most: int) -> bytes | None:
    """Return an unpacked body, None if it is not of that form. Never holds more than the cap:
    a gzip bomb is noticed there. Raises BadAnswer.
    """
    pieces, size = [], 0
    while packed:  # gzip may be many members in a row
        unpacking = isal_zlib.decompressobj(form)
        try:
            piece = unpacking.decompress(packed, most - size + 1)
        except isal_zlib.IsalError:  # type: ignore[misc] # the stubs call the class a value
            return None
        size += len(piece)
        if size > most:
            raise too_large(most)
        if not unpacking.eof:
            return None
        pieces.append(piece)
        packed = unpacking.unused_data.lstrip(b"\0")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _body(request: Request) -> tuple[bytes, bytes]:
    """Return a request's body and its type."""
    if request.json is not None:
        return _json(request.json), b"application/json"
    if request.form is not None:
        return urlencode(request.form).encode(), b"application/x-www-form-urlencoded"
    return b"", b""


def _header(name: str, value: str) -> bytes:
    if "\r" in value or "\n" in value or "\r" in name or "\n" in name:
        raise BadAnswer("a header holds a line end", code="header")
    return f"{name}: {value}\r\n".encode()


@lru_cache(maxsize=16_384)  # the first page of every target is asked for again and again
def _place(url: str, params: tuple[tuple[str, str], ...]) -> Place:
    whole = URL(url).update_query(params) if params else URL(url)
    try:
        host, port, secure = whole.host, whole.port, whole.scheme == "https"
    except ValueError:
        host = port = None
    if host is None or port is None:
        raise BadAnswer("the address names no server", code="elsewhere")
    name = whole.raw_authority
    line = f"{whole.raw_path_qs} HTTP/1.1\r\nhost: {name}\r\n".encode("ascii")
    return Place(whole.raw_host or host, port, secure, line, str(whole))


def address(base_url: str, path: str) -> str:
    """Return the URL of a path; an absolute one must stay on the lane's own server. Raises
    BadAnswer.

    Servers give absolute addresses of their next pages; a hostile one must not lead us elsewhere,
    with the lane's credential in the headers.
    """
    if path.startswith("/") and not path.startswith("//"):
        return f"{base_url.rstrip('/')}{path}"
    base = urlsplit(base_url)
    parts = urlsplit(path)
    if not parts.scheme and not parts.netloc:
        return f"{base_url.rstrip('/')}/{path.lstrip('/')}"
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        raise BadAnswer("the next page is on another server", code="elsewhere")
    return path
