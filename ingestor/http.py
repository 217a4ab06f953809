"""The one HTTP client of the ingestor: capped, timed, without hidden re-sends, without redirects.

What it returns is an `Answer` whose body is unpacked and within caps; what goes wrong below HTTP is
Down or BadAnswer. What an answer means is the source's to judge.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

import aiohttp
from isal import isal_zlib
from yarl import URL

from ingestor.contract import Answer, Request
from ingestor.errors import BadAnswer, Down

BODY_BYTES = 10 << 20  # unpacked
CONNECT_SECONDS, TOTAL_SECONDS = 10.0, 30.0
AGENT = "taglake/0.1"


class Wire(Protocol):
    """What carries requests: `Http`, or a simulation that needs no socket."""

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Send one request once and return its answer of any status. Raises Down, BadAnswer."""
        ...


class Http:
    """One session for all networks. Life: `async with Http() as http`, then `ask`."""

    def __init__(
        self,
        *,
        connections: int = 64,
        body_bytes: int = BODY_BYTES,
        agent: str = AGENT,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
    ) -> None:  # fmt: skip
        self._connections = connections
        self._body_bytes = body_bytes
        self._agent = agent
        self._timeout = aiohttp.ClientTimeout(total=total_seconds, sock_connect=connect_seconds)
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        aiohttp.set_zlib_backend(isal_zlib)  # gunzip at half of zlib's CPU
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            headers={"User-Agent": self._agent},
        )
        # aiohttp sends an idempotent request again, silently, when a kept-alive connection breaks:
        # the network would count two where we counted one.
        self._session._retry_connection = False
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def ask(self, base_url: str, request: Request) -> Answer:
        """Send one request once and return its answer of any status. Raises Down, BadAnswer."""
        url = address(base_url, request.path)
        try:
            async with self._session.request(
                request.method,
                URL(url, encoded=False),
                params=request.params or None,
                headers=dict(request.headers),
                allow_redirects=False,
                **_body(request),
            ) as response:
                body = await self._read(response)
                return Answer(
                    status=response.status,
                    headers=_lower(response.headers),
                    body=body,
                    url=str(response.url),
                )
        except TimeoutError as exc:
            raise Down("no answer in time", code="timeout") from exc
        except aiohttp.ClientPayloadError as exc:
            raise BadAnswer("the body is truncated or wrongly packed", code="payload") from exc
        except aiohttp.ClientResponseError as exc:
            raise BadAnswer("the answer is not HTTP", code="http") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise Down(f"no connection: {type(exc).__name__}", code="connection") from exc

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Return the unpacked body. It grows by pieces, so a gzip bomb is noticed at the cap, not
        after it.
        """
        pieces, size = [], 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._body_bytes:
                response.close()  # what follows must not be read, nor the connection used again
                raise BadAnswer(f"the body is larger than {self._body_bytes} bytes", code="large")
            pieces.append(piece)
        return b"".join(pieces)


def address(base_url: str, path: str) -> str:
    """Return the URL of a path; an absolute one must stay on the lane's own server. Raises
    BadAnswer.

    Servers give absolute addresses of their next pages; a hostile one must not lead us elsewhere,
    with the lane's credential in the headers.
    """
    base = urlsplit(base_url)
    parts = urlsplit(path)
    if not parts.scheme and not parts.netloc:
        return f"{base_url.rstrip('/')}/{path.lstrip('/')}"
    if (parts.scheme, parts.netloc) != (base.scheme, base.netloc):
        raise BadAnswer("the next page is on another server", code="elsewhere")
    return path


def _body(request: Request) -> dict[str, Any]:
    if request.json is not None:
        return {"json": request.json}
    if request.form is not None:
        return {"data": dict(request.form)}
    return {}


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
