"""A campaign's posts as one file, streamed while the lake is read: its length costs no memory.

CSV and JSON Lines begin at once. Parquet is written to a temporary file first, since its index
stands at the end. `taglake export` writes posts as a folder partitioned by network and month.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import pyarrow.parquet as pq
from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from api import rows
from api.deps import Parts, Readable
from api.errors import TooMany
from api.openapi import binary
from api.params import Export
from api.posts import narrowed, within
from api.services import Services
from insights.periods import instant_of
from insights.posts import stretch
from lake.contract import Where
from lake.records import Post
from registry.models import Campaign

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["exports"])
MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}
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


async def written(parts: Services, where: Where | None, form: str) -> AsyncIterator[bytes]:
    """Yield the file in pieces."""
    if form == "parquet":
        with tempfile.TemporaryDirectory(prefix="taglake-export-") as folder:
            path = Path(folder) / "posts.parquet"
            await write_parquet(parts, where, path)
            with path.open("rb") as file:
                while piece := await asyncio.to_thread(file.read, PIECE):
                    yield piece
        return
    if form == "csv":
        yield rows.csv_head()
    encode = rows.csv_lines if form == "csv" else rows.json_lines
    async for batch in batches(parts, where):
        yield await asyncio.to_thread(encode, batch)


async def write_parquet(parts: Services, where: Where | None, path: Path) -> None:
    """Write the posts as one Parquet file, a row group a batch."""
    with pq.ParquetWriter(path, rows.SCHEMA, compression="zstd") as writer:
        async for batch in batches(parts, where):
            await asyncio.to_thread(lambda posts: writer.write_table(rows.table(posts)), batch)


async def batches(parts: Services, where: Where | None) -> AsyncIterator[list[Post]]:
    """Yield the posts in batches, ordered by id."""
    if where is not None:
        async for batch in parts.lake.scan(Post, where, raw=False):
            yield [rows.public(post) for post in batch]
