"""The connection to Elasticsearch: JSON bytes out, JSON bytes in, its faults as errors of the lake.

Bodies stay bytes: the caller decodes them once. Nothing is sent twice behind our back: the
client's retries are off, and what changes documents goes out as POST, since aiohttp silently
re-sends PUT and DELETE when a kept connection breaks.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractStreamWriter
from elastic_transport import AiohttpHttpNode, ConnectionTimeout, TransportError
from elastic_transport import ConnectionError as NoConnection
from elastic_transport import Serializer as Transcoder
from elasticsearch import AsyncElasticsearch, UnsupportedProductError

from lake.errors import BadQuestion, LakeError, Misplaced, Refused, TooLarge, Unavailable
from lake.killpoint import armed, reached

LARGE = 1 << 20
"""Bytes of a body from which a broken connection may mean "too large": Elasticsearch hangs up on a
body over its limit before it answers, and so do proxies."""

_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}
_TYPES = ("application/json", "application/x-ndjson", "application/*", "text/*")


_UNUSABLE = (
    "the address of Elasticsearch needs a scheme, a host and a port, e.g. https://localhost:9200, "
    "and ca_certs has to name a file"
)


class _Body(aiohttp.Payload):
    """A body in the pieces it was made in: joined, every megabyte would be copied once more."""

    _autoclose = True  # there is nothing to close

    def __init__(self, parts: Sequence[bytes]) -> None:
        super().__init__(parts)
        self._size = sum(map(len, parts))

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as text."""
        return b"".join(self._value).decode(encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write piece by piece, each when the socket has taken the one before."""
        for part in self._value:
            await writer.write(part)


class _Node(AiohttpHttpNode):
    """The client's way to one server, without one of its habits."""

    def _log_request(self, *_: object, **__: object) -> None:
        """Log nothing: the client would decode every body and log post texts at level debug."""


class _AsItIs(Transcoder):
    """Hands bodies through: the client's own way to send lines copies every body twice."""

    mimetype = "*/*"

    def loads(self, data: bytes) -> bytes:
        """Return the body."""
        return data

    def dumps(self, data: Any) -> Any:
        """Return the body."""
        return data


class Fault(msgspec.Struct, frozen=True):
    """What Elasticsearch says of an error: its type, and a reason that may quote documents."""

    type: str = ""
    reason: str | None = None


class _Failed(msgspec.Struct, frozen=True):
    """The body of an error answer."""

    error: Fault | str = ""


class _Many(msgspec.Struct, frozen=True):
    """The answers to searches that were sent together."""

    responses: list[dict[str, Any]]


class Connection:
    """Talks to one Elasticsearch; made with its address, closed by who made it."""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        ca_certs: str | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._seconds = seconds
        given: dict[str, Any] = {}
        if api_key is not None:
            given["api_key"] = api_key
        elif user is not None:
            given["basic_auth"] = (user, password or "")
        if ca_certs is not None:
            given["ca_certs"] = ca_certs
        same = _AsItIs()
        try:
            self._client = AsyncElasticsearch(
                url,
                node_class=_Node,
                serializers=dict.fromkeys(_TYPES, same),
                max_retries=0,
                retry_on_timeout=False,
                **given,
            )
        except (ValueError, TypeError, OSError) as wrong:
            raise Misplaced(
                "address", _UNUSABLE
            ) from wrong  # without the url: it may hold a secret

    async def close(self) -> None:
        """Close all sockets."""
        await self._client.close()

    async def ask(
        self, path: str, body: object = None, *, params: Mapping[str, str] | None = None
    ) -> bytes:
        """POST a question and return the answer. Raises BadQuestion, Unavailable, Misplaced."""
        data = None if body is None else msgspec.json.encode(body)
        status, answer = await self._send("POST", path, data, params or {}, headers=_JSON)
        if status == 400:
            raise BadQuestion(f"Elasticsearch does not take the question: {_why(answer)}")
        _raise_for(status, answer, size=len(data or b""))
        return answer

    async def ask_many(self, path: str, bodies: Sequence[object]) -> list[dict[str, Any]]:
        """POST searches in one request and return their answers. Raises as `ask` does."""
        if not bodies:
            return []
        head = b'{"allow_partial_search_results":false}\n'
        data = b"".join(head + msgspec.json.encode(body) + b"\n" for body in bodies)
        status, answer = await self._send("POST", f"{path}/_msearch", data, {}, headers=_LINES)
        if status == 400:
            raise BadQuestion(f"Elasticsearch does not take the question: {_why(answer)}")
        _raise_for(status, answer, size=len(data))
        try:
            found = msgspec.json.decode(answer, type=_Many).responses
        except msgspec.DecodeError as wrong:
            raise Unavailable("the answer to questions cannot be read") from wrong
        for each in found:
            _raise_for_one(each)
        return found

    async def manage(self, method: str, path: str, body: object = None) -> bytes | None:
        """Read or change the set-up; None if it is not there. Raises Unavailable, Misplaced."""
        data = None if body is None else msgspec.json.encode(body)
        status, answer = await self._send(method, path, data, {}, headers=_JSON)
        if status == 404:
            return None
        if status == 400:
            raise Misplaced("set-up", f"Elasticsearch refuses {method} {path}: {_why(answer)}")
        _raise_for(status, answer, size=0)
        return answer

    async def bulk(self, *parts: bytes, documents: int) -> bytes:
        """POST a bulk body, given in pieces, and return the answer, reduced to what verdicts need.

        Raises Refused, TooLarge, Unavailable, Misplaced.
        """
        body = _Body(parts)
        size = body.size or 0
        wanted = {"filter_path": "items.*.status,items.*.error.type,items.*.error.reason"}
        if armed("in_send"):
            asyncio.get_running_loop().call_later(0.01, reached, "in_send")
        try:
            status, answer = await self._send("POST", "/_bulk", body, wanted, headers=_LINES)
        except Unavailable as gone:
            raise _too_large_or(gone, size=size) from gone.__cause__
        reached("after_apply")
        if status == 400 and _is_about_content(answer):
            raise Refused(documents, _why(answer))
        _raise_for(status, answer, size=size)
        return answer

    async def _send(
        self,
        method: str,
        path: str,
        body: bytes | _Body | None,
        params: Mapping[str, str],
        *,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        body = _Body((body,)) if isinstance(body, bytes) else body
        client = self._client.options(ignore_status=range(300, 600), request_timeout=self._seconds)
        try:
            answer = await client.perform_request(
                method, path, params=params, headers=headers, body=body
            )
        except ConnectionTimeout as wrong:
            raise Unavailable(f"no answer from Elasticsearch in {self._seconds:g} s") from wrong
        except UnsupportedProductError as wrong:
            raise Misplaced("address", "the server that answers is not Elasticsearch") from wrong
        except TransportError as wrong:
            raise Unavailable(f"no connection to Elasticsearch: {type(wrong).__name__}") from wrong
        status = answer.meta.status
        if status in (429, 500, 502, 503, 504):
            wish = answer.meta.headers.get("retry-after")
            raise Unavailable(f"Elasticsearch answered {status}", retry_after=_seconds(wish))
        return status, answer.body


def _too_large_or(gone: Unavailable, *, size: int) -> LakeError:
    """Return TooLarge if the connection broke under a large body, else `gone` itself."""
    cause = gone.__cause__
    # The transport hides what aiohttp raised, but Python keeps it as the context.
    never = isinstance(getattr(cause, "__context__", None), aiohttp.ClientConnectorError)
    broke = isinstance(cause, NoConnection) and not isinstance(cause, ConnectionTimeout)
    return TooLarge(size) if broke and not never and size > LARGE else gone


def _raise_for(status: int, answer: bytes, *, size: int) -> None:
    if status < 300:
        return
    if status == 413:
        raise TooLarge(size)
    if status in (401, 403):
        cause = "credentials" if status == 401 else "rights"
        raise Misplaced(cause, f"Elasticsearch answered {status} {_why(answer)}")
    raise Misplaced("address", f"Elasticsearch answered {status} {_why(answer)}")


def _raise_for_one(answer: dict[str, Any]) -> None:
    """Raise for an answer of many that failed on its own."""
    status = int(answer.get("status", 200))
    why = _why(msgspec.json.encode(answer)) if status >= 300 else ""
    if status == 400:
        raise BadQuestion(f"Elasticsearch does not take the question: {why}")
    if status in (429, 500, 502, 503, 504):
        raise Unavailable(f"Elasticsearch answered {status}")
    if status >= 300:
        raise Misplaced("address", f"Elasticsearch answered {status} {why}")


def _why(answer: bytes) -> str:
    """Return the type of an error, never its reason: that may quote documents."""
    return _fault(answer).type or "without saying why"


def _fault(answer: bytes) -> Fault:
    try:
        error = msgspec.json.decode(answer, type=_Failed).error
    except msgspec.DecodeError:
        return Fault()
    return Fault(type=error) if isinstance(error, str) else error


def _is_about_content(answer: bytes) -> bool:
    """Return whether a 400 judges the documents, not the way we talk.

    A server of another generation or a proxy answers 400 to everything: bisecting that would
    condemn every document.
    """
    return _fault(answer).type not in ("", "media_type_header_exception")


def _seconds(wish: str | None) -> float | None:
    """Return a Retry-After in seconds; a date is left to our own back-off."""
    try:
        seconds = float(wish) if wish is not None else None
    except ValueError:
        return None
    return seconds if seconds is None or 0 <= seconds < float("inf") else None
