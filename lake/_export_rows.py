"""Records as rows of a file that people open: flat columns, lists in one cell, no formulas."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import msgspec
import pyarrow as pa

from lake._files_schema import Column, Layout
from lake.records import Record

SCHEMA_VERSION = "1"  # of exported files; grows when a column changes its meaning
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")

_encoder = msgspec.json.Encoder()


def columns_of(layout: Layout) -> tuple[Column, ...]:
    """Return the columns of a record's own fields: no raw document, nothing of the lake's own."""
    return tuple(column for column in layout.light if column.name != "repeats")


def cell(value: object) -> str:
    """Return a value as text of a CSV cell; a text that a spreadsheet would run gets a quote
    before it.

    >>> cell("=1+1"), cell(-5), cell(("a", "b")), cell(None)
    ("'=1+1", '-5', 'a b', '')
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return _encoder.encode(value).decode()
    text = " ".join(value) if isinstance(value, tuple) else str(value)
    safe = isinstance(value, int | float) or not text.startswith(_FORMULAS)
    return text if safe else f"'{text}"


def csv_head(columns: Sequence[Column]) -> bytes:
    """Return the first line of a CSV file."""
    return _csv([[column.name for column in columns]])


def csv_rows(columns: Sequence[Column], records: Sequence[Record]) -> bytes:
    """Return records as lines of CSV."""
    return _csv([[cell(column.cell(record)) for column in columns] for record in records])


def _csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def json_rows(records: Sequence[Record]) -> bytes:
    """Return records as JSON Lines."""
    return b"".join(_encoder.encode(record) + b"\n" for record in records)


def schema_of(layout: Layout, columns: Sequence[Column]) -> pa.Schema:
    """Return the Arrow schema of an exported Parquet file, its version in the metadata."""
    fields = [(column.name, column.arrow) for column in columns]
    metadata = {"taglake.schema_version": SCHEMA_VERSION, "taglake.table": layout.table}
    return pa.schema(fields, metadata=metadata)


def table_of(schema: pa.Schema, columns: Sequence[Column], records: Sequence[Record]) -> pa.Table:
    """Return records as an Arrow table."""
    arrays = [pa.array([column.cell(each) for each in records], column.arrow) for column in columns]
    return pa.Table.from_arrays(arrays, schema=schema)
