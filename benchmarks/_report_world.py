"""The campaign that `report.py` measures: made from one mould, written the quick way.

A mould of posts with their snapshots is made once, as real lines; copies differ in one word of
their ids. So every document is one that the lake's own writers would have written, and eleven
million of them take minutes instead of hours. Rows come in the order of time, as polls bring them.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import WriterProperties, write_deltalake

from lake._entries_py import entry
from lake._files_schema import layout
from lake.files import FilesLake
from lake.lines import line_of, milliseconds
from lake.records import TABLES, Counts, Poll, Post, PostCounts, Record, Snapshot
from registry.models import Campaign, Competitor

START = datetime(2026, 3, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
MARK = "COPY0000"
MOULD = 5_000  # posts
KNOWN_AUTHORS = 500  # write in every copy; the others differ from copy to copy
PREFIX = "bench"

_ROWS = 400_000  # of one batch
_BODY = 6 << 20  # bytes of one bulk request: Elastic advises 5 to 15 MB
_AT_ONCE = 3  # bulk requests

CAMPAIGN = Campaign(
    id="bench",
    client_id="bench",
    name="bench",
    networks=("mastodon",),
    hashtags=("nike",),
    start=START,
    end=START + timedelta(days=14),
    competitors=(
        Competitor(name="adidas", hashtags=("adidas",)),
        Competitor(name="puma", hashtags=("puma",)),
    ),
    created_at=START,
    updated_at=START,
)

Told = Callable[[str], None]


def mould(per_post: int) -> list[Record]:
    """Return posts and their snapshots, in the order in which they were observed."""
    rng = random.Random(7)
    made: list[Record] = []
    for number in range(MOULD):
        created = START + timedelta(seconds=rng.randrange(-7 * 86_400, 21 * 86_400))
        rank = min(int(rng.paretovariate(0.4)), 20_000)
        author = f"a{rank}" if rank <= KNOWN_AUTHORS else f"a{rank}{MARK}"
        made += _post(rng, f"mastodon:p{number}{MARK}", author, created, rank, per_post)
    return sorted(made, key=lambda record: record.observed_at)


def _post(
    rng: random.Random, name: str, author: str, created: datetime, rank: int, per_post: int
) -> Iterator[Record]:
    tag = rng.choices(("nike", "adidas", "puma"), (50, 30, 20))[0]
    tags = (tag, rng.choice(("run", "sport", "style", "city")))
    followers = 5_000_000 // rank + 10
    likes = [0, *sorted(int(followers * rng.paretovariate(1.5) / 200) for _ in range(per_post))]
    seen = created
    for step in range(1, per_post + 1):
        before, seen = seen, seen + timedelta(minutes=10 * 2**step)
        gained = Counts(likes=likes[step] - likes[step - 1], comments=0, shares=0)
        yield Snapshot(
            id=f"{name}@{milliseconds(seen)}",
            network="mastodon",
            observed_at=seen,
            subject="post",
            subject_id=name,
            author_id=f"mastodon:{author}",
            author_handle=author,
            tags=tags,
            created_at=created,
            previous_at=before if step > 1 else None,
            observer="bench",
            counts=Counts(likes=likes[step], comments=likes[step] // 20, shares=0),
            delta=gained if step > 1 else None,
        )
    yield Post(
        id=name,
        network="mastodon",
        native_id=name,
        url=f"https://social.example/{name}",
        observed_at=seen,
        kind=rng.choice(("image", "text", "video")),
        author_id=f"mastodon:{author}",
        author_handle=author,
        author_followers=followers,
        text="a sentence of about the usual length, with a tag or two and some words more",
        tags=tags,
        created_at=created,
        counts=PostCounts(likes=likes[-1], comments=likes[-1] // 20, shares=0),
        source="bench",
        parser_version=1,
    )


def polls() -> Iterator[Poll]:
    """Yield the hours in which the campaign's tags were watched."""
    for tag in ("nike", "adidas", "puma"):
        for hour in range(28 * 24):
            at = START + timedelta(hours=hour - 7 * 24)
            target = f"mastodon/tag/{tag}"
            yield Poll(
                id=f"{target}@{at:%Y%m%d%H}",
                network="mastodon",
                observed_at=at + timedelta(minutes=59),
                target=target,
                hour=at,
                observer="bench",
                planned=60,
                made=60,
            )


# Files: each row of the mould becomes its copies side by side, in Arrow, as a fold leaves them.


async def fill_files(lake: FilesLake, home: Path, posts: int, snapshots: int, say: Told) -> None:
    """Write everything into an empty lake in `home`."""
    await lake.append(list(polls()))
    made = mould(snapshots // posts)
    for kind in (Post, Snapshot):
        rows = [record for record in made if isinstance(record, kind)]
        began = time.monotonic()
        await asyncio.to_thread(_write_table, home / TABLES[kind], kind, rows, posts // MOULD)
        say(f"{TABLES[kind]}: {time.monotonic() - began:,.0f} s")


def _write_table(table: Path, kind: type[Record], rows: list[Record], copies: int) -> None:
    cast = _cast(kind, rows)
    batches = _batches(cast, copies)
    write_deltalake(
        str(table),
        pa.RecordBatchReader.from_batches(cast.schema, batches),
        mode="append",
        target_file_size=128 << 20,
        writer_properties=WriterProperties(
            compression="ZSTD", compression_level=3, max_row_group_size=128 * 1024
        ),
    )


def _cast(kind: type[Record], rows: list[Record]) -> pa.Table:
    """Return the mould as the lake's own columns, marked as folded."""
    of, lines = layout(TABLES[kind]), [line_of(row) for row in rows]
    own = {
        "version": pa.array([line.version for line in lines], pa.int64()),
        "batch": pa.array([0] * len(lines), pa.int64()),
        "month": pa.array([line.month for line in lines], pa.string()),
    }
    schema = of.schema()
    return pa.table({**of.rows(rows), **own}).select(schema.names).cast(schema)


def _batches(cast: pa.Table, copies: int) -> Iterator[pa.RecordBatch]:
    words = pa.array([f"COPY{copy:04d}" for copy in range(copies)])
    marked = [
        name
        for name, column in zip(cast.column_names, cast.columns, strict=True)
        if column.type == pa.string() and pc.any(pc.match_substring(column, MARK)).as_py()
    ]
    step = max(1, _ROWS // copies)
    for start in range(0, cast.num_rows, step):
        part = cast.slice(start, step)
        # Shuffled: copies side by side would compress, and be skipped, as no real rows are.
        order = np.random.default_rng(start).permutation(part.num_rows * copies)
        each = np.repeat(np.arange(part.num_rows), copies)[order]
        word = pc.take(words, pa.array(np.tile(np.arange(copies), part.num_rows)[order]))
        made = part.take(pa.array(each))
        for name in marked:
            place = made.schema.get_field_index(name)
            made = made.set_column(place, name, _marked(part[name], each, word))
        yield from made.combine_chunks().to_batches()


def _marked(column: pa.ChunkedArray, each: np.ndarray, word: pa.Array) -> pa.Array:
    """Return each value once a copy, the mark replaced; values without it stay."""
    texts = column.to_pylist()
    bare = pa.array(texts).take(pa.array(each))
    ends = [text.partition(MARK) for text in texts]
    before = pa.array([end[0] for end in ends]).take(pa.array(each))
    after = pa.array([end[2] for end in ends]).take(pa.array(each))
    bears = pa.array([bool(end[1]) for end in ends]).take(pa.array(each))
    joined = pc.binary_join_element_wise(before, word, after, "")
    return pc.if_else(bears, joined, bare)


# Elasticsearch: the mould becomes bulk bodies once; a copy is a replacement of bytes.


async def fill_elastic(url: str, posts: int, snapshots: int, say: Told) -> None:
    """Write everything into an open lake on a server; its refreshes wait meanwhile."""
    bodies = list(_bodies(mould(snapshots // posts)))
    waiting: asyncio.Queue[int] = asyncio.Queue()
    for copy in range(posts // MOULD):
        waiting.put_nowait(copy)
    began = time.monotonic()
    async with aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=600)) as server:
        await _set(server, {"refresh_interval": "-1", "translog.durability": "async"})
        await _send(server, b"".join(entry(PREFIX, line_of(poll)) for poll in polls()))

        async def work() -> None:
            while not waiting.empty():
                copy = waiting.get_nowait()
                for body in bodies:
                    await _send(server, body.replace(MARK.encode(), b"COPY%04d" % copy))
                if copy % 10 == 9:
                    seconds = time.monotonic() - began
                    say(f"{(copy + 1) * MOULD:,} posts after {seconds:,.0f} s")

        await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
        await _set(server, {"refresh_interval": "5s", "translog.durability": "request"})
        for path in ("_refresh", "_flush"):
            await _ask(server, "POST", f"/{PREFIX}-*/{path}")


def _bodies(records: list[Record]) -> Iterator[bytes]:
    body = bytearray()
    for record in records:
        body += entry(PREFIX, line_of(record))
        if len(body) > _BODY:
            yield bytes(body)
            body.clear()
    yield bytes(body)


async def _send(server: aiohttp.ClientSession, body: bytes) -> None:
    answer = await _ask(server, "POST", "/_bulk?filter_path=errors,items.*.error", body)
    assert b'"errors":false' in answer, answer[:500]


async def _set(server: aiohttp.ClientSession, settings: dict[str, str]) -> None:
    """Change settings of the indices there are, and make the campaign's months first."""
    for table in ("posts", "snapshots"):
        for month in ("2026.03", "2026.04"):
            await _ask(server, "PUT", f"/{PREFIX}-{table}-{month}", missing_ok=True)
    body = msgspec.json.encode({"index": settings})
    await _ask(server, "PUT", f"/{PREFIX}-*/_settings", body)


async def _ask(
    server: aiohttp.ClientSession,
    method: str,
    path: str,
    body: bytes | None = None,
    *,
    missing_ok: bool = False,
) -> bytes:
    kind = "application/x-ndjson" if path.startswith("/_bulk") else "application/json"
    async with server.request(method, path, data=body, headers={"Content-Type": kind}) as got:
        answer = await got.read()
        assert got.status < 300 or missing_ok, answer[:500]
        return answer
