"""One connection to a network: a request out, its answer in, one after the other. HTTP/1.1.

llhttp (by `httptools`) reads the answers; what is ours is when a connection may be used again, and
what its every end means. docs/decisions/0005 says why no client library serves here.
"""

import asyncio
from typing import cast

import httptools
import msgspec

from ingestor.errors import BadAnswer, Down, IngestError

HEADER_BYTES = 64 << 10


class Reply(msgspec.Struct, frozen=True):
    """What came back, its body still packed. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection(asyncio.Protocol):
    """One connection. Calls: `ask`, await its future, then `ask` again if it is still `usable`."""

    def __init__(self, *, body_bytes: int) -> None:
        self._most = body_bytes
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._waiter: asyncio.Future[Reply] | None = None
        self.usable = False
        self.idle_since = 0.0
        self._clear()

    def _clear(self) -> None:
        self._headers: dict[str, str] = {}
        self._header_bytes = 0
        self._pieces: list[bytes] = []
        self._size = 0
        self._begun = False  # the head of the answer has come

    def ask(self, request: bytes) -> "asyncio.Future[Reply]":
        """Send a request and return its answer to be; Down or BadAnswer may be its end."""
        self._clear()
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiter

    def abort(self) -> None:
        """End the connection at once: what may still come must not be taken for another answer."""
        self.usable = False
        self._transport.abort()

    # --- told by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self._transport = cast("asyncio.Transport", transport)
        self.usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        """End the answer that was under way; a body without a length ends this way."""
        self.usable = False
        if not self._begun:
            why = "closed" if exc is None else type(exc).__name__
            self._fail(Down(f"no connection: {why}", code="connection"))
        elif exc is None and self._open_ended():
            self._finish()
        else:
            self._fail(_broken())

    def data_received(self, data: bytes) -> None:
        """Take what has come; unasked for, it ends the connection."""
        if self._waiter is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(
                _broken() if self._begun else BadAnswer("the answer is not HTTP", code="http")
            )
            self.abort()

    # --- told by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; repeated ones are one list."""
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > HEADER_BYTES:
            raise ValueError("too many headers")
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        known = self._headers.get(key)
        self._headers[key] = text if known is None else f"{known}, {text}"

    def on_headers_complete(self) -> None:
        """Note that an answer has begun."""
        self._begun = True

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, up to the cap."""
        self._size += len(piece)
        if self._size > self._most:
            self._fail(too_large(self._most))
            self.abort()  # what follows must not be read, nor the connection used again
            return
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """End an answer, but for "100 Continue" and its like: the answer follows them."""
        if self._parser.get_status_code() < 200:
            self._clear()
            return
        if not self._parser.should_keep_alive():
            self.usable = False
        self._finish()

    def _open_ended(self) -> bool:
        return "content-length" not in self._headers and "transfer-encoding" not in self._headers

    def _finish(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            body = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
            waiter.set_result(Reply(self._parser.get_status_code(), self._headers, body))

    def _fail(self, error: IngestError) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_exception(error)

    def expire(self) -> None:
        """End an answer that did not come in time."""
        self._fail(Down("no answer in time", code="timeout"))
        self.abort()


def too_large(most: int) -> BadAnswer:
    """Return the error of a body over the cap."""
    return BadAnswer(f"the body is larger than {most} bytes", code="large")


def _broken() -> BadAnswer:
    return BadAnswer("the body is truncated or wrongly packed", code="payload")
