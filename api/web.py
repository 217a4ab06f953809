"""The web page: plain files of this package, Vega from an installed one. No build, no CDN."""

import asyncio
import gzip
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib import resources

from fastapi import APIRouter, Request, Response

from api.deps import Parts
from api.errors import Missing
from insights.figures.style import vega_bundle

router = APIRouter(include_in_schema=False)
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
WORTH_PACKING = 1_400  # bytes: below, it is one packet either way


class Asset:
    """One file of the page in both codings, with the tag of its bytes."""

    def __init__(self, body: bytes, media_type: str) -> None:
        self.body = body
        self.packed = gzip.compress(body, 6, mtime=0)
        self.media_type = media_type
        self.tag = f'"{hashlib.sha256(body).hexdigest()[:24]}"'

    def respond(self, request: Request) -> Response:
        """Return the file, packed for who takes that, or 304 for who has it."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        if accepts and len(self.body) > WORTH_PACKING:
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.media_type, headers=headers)
        return Response(self.body, media_type=self.media_type, headers=headers)


@cache
def assets() -> dict[str, Asset]:
    """Return the page's files by name. Read once: the package does not change while it runs."""
    folder = resources.files("api") / "page"
    return {
        file.name: Asset(file.read_bytes(), TYPES[_suffix(file.name)])
        for file in folder.iterdir()
        if _suffix(file.name) in TYPES
    }


@cache
def vega() -> Asset:
    """Return Vega, Vega-Lite and Vega-Embed as one script; making it takes a second, once."""
    return Asset(vega_bundle().encode(), TYPES[".js"])


@asynccontextmanager
async def warmed(_app: object) -> AsyncIterator[None]:
    """Make the library ready while the service starts, so that the first reader need not wait."""
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(vega))
        yield


@router.get("/")
async def index(request: Request) -> Response:
    """Return the page."""
    return assets()["index.html"].respond(request)


@router.get("/docs")
async def docs(request: Request, parts: Parts) -> Response:
    """Return the page that reads the description of the API aloud, where that is on."""
    if not parts.settings.docs:
        raise Missing("The description is switched off here.")
    return assets()["docs.html"].respond(request)


@router.get("/page/vega.js")
async def vega_script(request: Request) -> Response:
    """Return the figures' library."""
    return (await asyncio.to_thread(vega)).respond(request)


@router.get("/page/{name}")
async def asset(request: Request, name: str) -> Response:
    """Return one of the page's files."""
    found = assets().get(name)
    if found is None:
        raise Missing("There is no such file of the page.")
    return found.respond(request)


def _suffix(name: str) -> str:
    return f".{name.rpartition('.')[2]}"
