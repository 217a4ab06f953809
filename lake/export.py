"""Take records out of a lake: CSV, JSON Lines or Parquet, whichever engine the lake has.

Everything streams: a scan's batch goes to the file before the next one is read. Files appear whole
or not at all: they are written under a temporary name beside the destination, which a rename makes
visible.
"""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Literal, Protocol

import msgspec
import pyarrow.parquet as pq

from lake._export_rows import columns_of, csv_head, csv_rows, json_rows, schema_of, table_of
from lake._files_schema import Layout, layout_of
from lake.contract import Lake, Where
from lake.errors import BadQuestion
from lake.lines import month_of
from lake.records import Record

Format = Literal["csv", "jsonl", "parquet"]
Progress = Callable[[int], None]

_BUFFERED = 50_000  # records held until the partitions they belong to are written


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What an export came to."""

    files: tuple[str, ...]  # relative to the destination, sorted
    records: int
    bytes: int


class _Sink(Protocol):
    def write(self, records: Sequence[Record]) -> None: ...

    def close(self) -> None: ...


class _TextFile:
    """One CSV or JSON Lines file of one table."""

    def __init__(self, path: Path, layout: Layout, *, format: Format) -> None:
        self._columns = columns_of(layout)
        self._format = format
        self._file = path.open("xb")
        if format == "csv":
            self._file.write(csv_head(self._columns))

    def write(self, records: Sequence[Record]) -> None:
        rows = csv_rows(self._columns, records) if self._format == "csv" else json_rows(records)
        self._file.write(rows)

    def close(self) -> None:
        self._file.close()


class _ParquetFile:
    """One Parquet file of one table; columns that stand in its path are `left` out.

    Tools take them from the path, and refuse a file that has them too.
    """

    def __init__(self, path: Path, layout: Layout, *, left: frozenset[str] = frozenset()) -> None:
        self._columns = [column for column in columns_of(layout) if column.name not in left]
        self._schema = schema_of(layout, self._columns)
        self._writer = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, records: Sequence[Record]) -> None:
        self._writer.write_table(table_of(self._schema, self._columns, records))

    def close(self) -> None:
        self._writer.close()


class _Partitions:
    """Parquet files of one table, one a network and month."""

    def __init__(self, folder: Path, layout: Layout) -> None:
        self._folder = folder
        self._layout = layout
        self._files: dict[str, _ParquetFile] = {}
        self._waiting: dict[str, list[Record]] = defaultdict(list)
        self._held = 0

    def write(self, records: Sequence[Record]) -> None:
        for record in records:
            month = month_of(record).replace(".", "-")
            self._waiting[f"network={record.network}/month={month}"].append(record)
        self._held += len(records)
        if self._held >= _BUFFERED:
            self._flush()

    def _flush(self) -> None:
        for name, records in self._waiting.items():
            self._file(name).write(records)
        self._waiting.clear()
        self._held = 0

    def _file(self, name: str) -> _ParquetFile:
        if name not in self._files:
            folder = self._folder / name
            folder.mkdir(parents=True)
            path = folder / "part-0.parquet"
            self._files[name] = _ParquetFile(path, self._layout, left=frozenset({"network"}))
        return self._files[name]

    def close(self) -> None:
        self._flush()
        for file in self._files.values():
            file.close()


def _sink(folder: Path, layout: Layout, *, format: Format) -> _Sink:
    if format == "parquet":
        return _Partitions(folder / layout.table, layout)
    return _TextFile(folder / f"{layout.table}.{format}", layout, format=format)


async def export(
    lake: Lake,
    kinds: Sequence[type[Record]],
    where: Where,
    destination: Path,
    *,
    format: Format,
    progress: Progress | None = None,
) -> Exported:
    """Write all records of `kinds` that match into the new folder `destination`.

    `posts.csv`, `posts.jsonl` or `posts/network=instagram/month=2026-03/part-0.parquet`, and so on
    for each kind. `progress` is told how many records are written so far. What the networks
    sent (`raw`) stays in the lake. Raises BadQuestion if the destination is there already or a kind
    has no field that `where` asks.
    """
    partial = await asyncio.to_thread(_partial, destination)
    try:
        records = 0
        for kind in kinds:
            sink = _sink(partial, layout_of(kind), format=format)
            batches = lake.scan(kind, where, raw=False)
            records = await _pour(batches, sink, start=records, progress=progress)
        await asyncio.to_thread(_show, partial, destination)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return await asyncio.to_thread(_counted, destination, records)


def _partial(destination: Path) -> Path:
    """Make the folder that becomes the destination at the end. Raises BadQuestion."""
    if destination.exists():
        raise BadQuestion(f"{destination} is there already; name a new folder")
    destination.parent.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))


def _show(partial: Path, destination: Path) -> None:
    partial.chmod(0o755)  # a temporary folder is ours alone
    partial.rename(destination)


async def _pour(
    batches: AsyncIterator[list[Record]], sink: _Sink, *, start: int, progress: Progress | None
) -> int:
    """Write one table and return how many records there are so far."""
    done = start
    try:
        async for batch in batches:
            await asyncio.to_thread(sink.write, batch)
            done += len(batch)
            if progress is not None:
                progress(done)
    finally:
        await asyncio.to_thread(sink.close)
    return done


def _counted(folder: Path, records: int) -> Exported:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return Exported(
        files=tuple(path.relative_to(folder).as_posix() for path in paths),
        records=records,
        bytes=sum(path.stat().st_size for path in paths),
    )


async def stream(
    lake: Lake, kind: type[Record], where: Where, *, format: Literal["csv", "jsonl"]
) -> AsyncIterator[bytes]:
    """Yield the bytes of a CSV or JSON Lines file, a batch at a time, for an HTTP answer."""
    columns = columns_of(layout_of(kind))
    if format == "csv":
        yield csv_head(columns)
    async for batch in lake.scan(kind, where, raw=False):
        yield csv_rows(columns, batch) if format == "csv" else json_rows(batch)


async def parquet_file(lake: Lake, kind: type[Record], where: Where, path: Path) -> int:
    """Write one Parquet file and return its number of records; a failed one leaves no file.

    For an HTTP answer: Parquet has its table of contents at the end, so it cannot be streamed.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        sink = _ParquetFile(partial, layout_of(kind))
        batches = lake.scan(kind, where, raw=False)
        records = await _pour(batches, sink, start=0, progress=None)
        await asyncio.to_thread(partial.rename, path)
    except BaseException:
        await asyncio.to_thread(partial.unlink, missing_ok=True)
        raise
    return records
