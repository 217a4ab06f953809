"""A post as a row of a file: flat, in one order, the same in CSV and Parquet."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import msgspec
import pyarrow as pa

from lake.records import Post

_TIME = pa.timestamp("us", "UTC")
_WORDS = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "network", "native_id", "code", "url", "kind")),
        *((name, pa.string()) for name in ("author_id", "author_handle")),
        ("author_followers", pa.int64()),
        *((name, pa.string()) for name in ("text", "lang")),
        *((name, _WORDS) for name in ("tags", "mentions", "links")),
        ("place", pa.string()),
        *((name, _TIME) for name in ("created_at", "edited_at", "deleted_at", "observed_at")),
        *((name, pa.int64()) for name in ("likes", "comments", "shares", "views", "quotes")),
        *((name, pa.string()) for name in ("reply_to", "repost_of", "source")),
        ("parser_version", pa.int64()),
    ],
    metadata={"taglake.table": "posts", "taglake.schema": "1"},
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs a cell that begins so
_COUNTS = frozenset({"likes", "comments", "shares", "views", "quotes"})


def public(post: Post) -> Post:
    """Return the post without the words and pictures its author took back."""
    return post if post.deleted_at is None else msgspec.structs.replace(post, text=None, media=())


def cells(post: Post) -> list[object]:
    """Return the post's values in the order of COLUMNS."""
    return [getattr(post.counts if name in _COUNTS else post, name) for name in COLUMNS]


def table(posts: Sequence[Post]) -> pa.Table:
    """Return posts as an Arrow table."""
    columns = zip(*map(cells, posts), strict=True)
    arrays = [
        pa.array(list(column), type=field.type)
        for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def json_lines(posts: Sequence[Post]) -> bytes:
    """Return posts as JSON, one a line, nested as in the data model."""
    return b"".join(msgspec.json.encode(post) + b"\n" for post in posts)


def csv_head() -> bytes:
    """Return the first line of a CSV file, marked as UTF-8 for spreadsheets."""
    return b"\xef\xbb\xbf" + _csv([COLUMNS])


def csv_lines(posts: Sequence[Post]) -> bytes:
    """Return posts as lines of CSV; unknown is an empty cell, lists are parted by spaces."""
    return _csv([[_cell(value) for value in cells(post)] for post in posts])


def _csv(lines: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode()


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        value = " ".join(map(str, value))
    if isinstance(value, str) and value.startswith(FORMULAS):
        return f"'{value}"
    return value
