"""A campaign's posts as one file, streamed while the lake is read: its length costs no memory.

CSV and JSON Lines begin at once. Parquet is written to a temporary file first, since its index
stands at the end. `taglake export` writes posts as a folder partitioned by network and month.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Literal, cast

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api.deps import Parts, Readable
from api.errors import TooMany
from api.openapi import binary
from api.params import Export
from api.posts import narrowed, within
from api.services import Services
from insights.periods import instant_of
from insights.posts import stretch
from lake.contract import Lake, Where
from lake.export import parquet_file, stream
from lake.records import Post
from registry.models import Campaign

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["exports"])
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
Form = Literal["csv", "jsonl", "parquet"]
NOTHING = Where(ids=("nothing",))  # for filters that nothing can pass
PIECE = 1 << 16  # bytes read from a temporary file at once


@router.get(
    "/export",
    operation_id="exportPosts",
    response_class=StreamingResponse,
    responses=binary("The posts as a file", *MEDIA.values()),
)
async def export(
    parts: Parts, campaign: Readable, query: Annotated[Export, Query()]
) -> StreamingResponse:
    """Return the posts of a campaign's side as CSV, JSON Lines or Parquet; filters as in /posts.

    What is deleted keeps its counts and loses its text. Cells that a spreadsheet would run as a
    formula are quoted in CSV.
    """
    where = selected(parts, campaign, query)
    if parts.exports.locked():
        raise TooMany("Enough exports are under way. Try again when one has ended.", retry_after=30)
    name = f"{campaign.id}.{query.format}"
    return StreamingResponse(
        held(parts, written(parts, where, query.format)),
        media_type=MEDIA[query.format],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def selected(parts: Services, campaign: Campaign, query: Export) -> Where | None:
    """Return which posts are exported; None for none."""
    where = narrowed(campaign, query)
    if where is None:
        return None
    begun = stretch(where, campaign, query.period, instant_of(parts.now(), None))
    return within(begun, query) if begun else None


async def held(parts: Services, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the body while holding one of the few places for exports."""
    async with parts.exports:
        async for piece in body:
            yield piece


async def written(parts: Services, where: Where | None, form: Form) -> AsyncIterator[bytes]:
    """Yield the file in pieces."""
    lake = cast("Lake", Public(parts.lake))  # an export only scans
    chosen = where or NOTHING
    if form != "parquet":
        async for piece in stream(lake, Post, chosen, format=form):
            yield piece
        return
    with tempfile.TemporaryDirectory(prefix="taglake-export-") as folder:
        path = Path(folder) / "posts.parquet"
        await parquet_file(lake, Post, chosen, path)
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece


class Public:
    """A lake to scan that shows no words and pictures their author took back."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake

    async def scan(
        self, kind: type[Post], where: Where, *, raw: bool = True
    ) -> AsyncIterator[list[Post]]:
        """Yield posts in batches, the deleted ones without text and pictures."""
        async for batch in self._lake.scan(kind, where, raw=raw):
            yield [public(post) for post in batch]


def public(post: Post) -> Post:
    """Return the post without the words and pictures its author took back."""
    return post if post.deleted_at is None else msgspec.structs.replace(post, text=None, media=())
