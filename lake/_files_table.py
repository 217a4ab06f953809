"""One Delta table: append, fold, sweep, and the newest view of it."""

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pyarrow as pa
import pyarrow.compute
from deltalake import DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from lake._files_engine import Engine
from lake._files_schema import Layout
from lake._files_view import File, View, grown
from lake._files_where import Params
from lake.contract import Line
from lake.errors import LakeError, Misplaced, Unavailable
from lake.records import Record

_FILE_BYTES = 128 * 1024 * 1024
_PROPERTIES = WriterProperties(
    compression="ZSTD", compression_level=3, max_row_group_size=128 * 1024
)
_LOG = {"delta.logRetentionDuration": "interval 1 days", "delta.checkpointInterval": "50"}


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the storage says into the lake's own errors."""
    try:
        yield
    except (DeltaError, OSError) as wrong:
        raise _error(str(wrong)) from wrong


def _error(why: str) -> LakeError:
    first = why.splitlines()[0] if why else "no reason given"
    if "No space left" in why or "Disk quota" in why:
        return Misplaced(
            "disk", "the disk of the lake is full; make room, nothing was half-written"
        )
    if "Permission denied" in why or "Read-only file system" in why:
        return Misplaced("permission", first)
    return Unavailable(first)


class Table:
    """One table of the lake. Reading needs no right; who calls `append`, `fold` or `sweep` holds
    the lake's lock.
    """

    def __init__(
        self, layout: Layout, uri: str, *, engine: Engine, storage: Mapping[str, str] | None
    ) -> None:
        self.layout = layout
        self._uri = uri
        self._engine = engine
        self._storage = dict(storage) if storage else None
        self.writing = threading.RLock()
        self._refreshing = threading.Lock()
        self._reader: DeltaTable | None = None
        self._writer: DeltaTable | None = None
        self._view = self._empty()

    def _empty(self) -> View:
        return View(self.layout, -1, frozenset(self.layout.schema().names))

    # Reading

    def view(self) -> View:
        """Return the newest view; costs a look at the log if nothing changed since the last one."""
        with self._refreshing, translated():
            table = self._newest()
            if table is None:
                self._view = self._empty()
            elif table.version() != self._view.version:
                self._view = grown(self._view, self._listed(table), self._engine)
            return self._view

    def _newest(self) -> DeltaTable | None:
        try:
            if self._reader is None:
                self._reader = DeltaTable(self._uri, storage_options=self._storage)
            else:
                self._reader.update_incremental()
        except TableNotFoundError:
            self._reader = None
        except DeltaError:
            # The log was cleaned behind the version we stood at: start again from its checkpoint.
            self._reader = DeltaTable(self._uri, storage_options=self._storage)
        return self._reader

    def _listed(self, table: DeltaTable) -> View:
        files = sorted(_files(table, self._uri, self.layout), key=lambda file: file.uri)
        names = frozenset(field.name for field in table.schema().fields)
        settled = [file for file in files if self.layout.append_only or file.batch == 0]
        fresh = [] if self.layout.append_only else [file for file in files if file.batch > 0]
        return View(self.layout, table.version(), names, base=tuple(settled), fresh=tuple(fresh))

    # Writing

    def make(self) -> None:
        """Create the table if it is not there."""
        with self.writing, translated():
            self._writer = DeltaTable.create(
                self._uri,
                self.layout.schema(),
                mode="ignore",
                partition_by=self._partitions(),
                configuration=_LOG,
                storage_options=self._storage,
            )

    def _partitions(self) -> list[str] | None:
        return ["month"] if self.layout.partitioned else None

    def append(self, lines: Sequence[Line], records: Sequence[Record]) -> None:
        """Write records, durable when this returns. Raises what pyarrow says of a value that fits
        no column.
        """
        with self.writing:
            cells = self.layout.rows(records)
            writer = self._opened()
            own = {
                "version": pa.array([line.version for line in lines], pa.int64()),
                "batch": pa.array([writer.version() + 1] * len(lines), pa.int64()),
                "month": pa.array([line.month for line in lines], pa.string()),
            }
            schema = self.layout.schema()
            rows = pa.table({**cells, **own}).select(schema.names).cast(schema)
            self._commit(writer, self._unknown(rows))

    def _unknown(self, rows: pa.Table) -> pa.Table:
        """Return the rows an append-only table does not hold yet: a replay changes nothing."""
        if not self.layout.append_only:
            return rows
        first, last = min(rows["version"].to_pylist()), max(rows["version"].to_pylist())
        view = self.view()
        near = [file for file in view.base if file.first <= last and first <= file.last]
        if not near:
            return rows
        params = Params()
        sql = (
            f"SELECT id FROM read_parquet({params.add([file.uri for file in near])}) "
            f"WHERE version BETWEEN {first} AND {last} AND id IN (SELECT id FROM fresh)"
        )
        held = self._engine.ask(sql, params.values, {"fresh": rows.select(["id"])})
        keep = pa.compute.invert(
            pa.compute.is_in(rows["id"], value_set=held["id"].combine_chunks())
        )
        return rows.filter(keep)

    def _commit(self, writer: DeltaTable, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        with translated():
            write_deltalake(
                writer, rows, mode="append", schema_mode="merge", writer_properties=_PROPERTIES
            )
            self._persist(writer)

    def _opened(self) -> DeltaTable:
        if self._writer is None:
            with translated():
                self._writer = DeltaTable(self._uri, storage_options=self._storage)
        return self._writer

    def _persist(self, writer: DeltaTable) -> None:
        """Force the last commit to the disk: the storage engine itself leaves it in the page
        cache.
        """
        if "://" in self._uri:
            return
        log = Path(self._uri) / "_delta_log"
        commit = log / f"{writer.version():020}.json"
        paths = [Path(self._uri) / path for path in _added(commit)]
        for path in {*paths, *(path.parent for path in paths), commit, log}:
            _sync(path)

    def fold(self, drop: pa.Table | None = None) -> None:
        """Rewrite what the tail touches so that every id is there once; leave the ids in `drop`
        out.

        One commit: readers see the table before or after. The rows of a touched month pass through
        as a stream.
        """
        with self.writing:
            view = self.view()
            if view.fresh or drop is not None:
                months = self._touched(view, drop)
                self._rewrite(view, months, drop)

    def _touched(self, view: View, drop: pa.Table | None) -> list[str]:
        months = {file.month for file in view.fresh}
        gone = pa.concat_tables([view.hidden, *([drop] if drop is not None else [])])
        if self.layout.partitioned and gone.num_rows and view.base:
            params = Params()
            files = params.add([file.uri for file in view.base])
            sql = (
                f"SELECT DISTINCT month FROM read_parquet({files}, "
                "hive_partitioning=true, hive_types={'month': VARCHAR}) "
                "WHERE id IN (SELECT id FROM gone)"
            )
            months |= set(self._engine.ask(sql, params.values, {"gone": gone})["month"].to_pylist())
        return sorted(months)

    def _rewrite(self, view: View, months: Sequence[str], drop: pa.Table | None) -> None:
        params = Params()
        source = view.source(self.layout.columns, params, own=True)
        left = "ANTI JOIN gone USING (id)" if drop is not None else ""
        some = ""
        if self.layout.partitioned:
            some = f"WHERE month IN (SELECT unnest({params.add(list(months))}))"
        sql = f"SELECT * REPLACE (CAST(0 AS BIGINT) AS batch) FROM ({source}) AS s {left} {some}"
        tables = view.tables | ({"gone": drop} if drop is not None else {})
        with translated(), self._engine.stream(sql, params.values, tables, batch=10_000) as rows:
            self._replace(rows, months)

    def _replace(self, rows: pa.RecordBatchReader, months: Sequence[str]) -> None:
        quoted = ", ".join(f"'{month}'" for month in months)
        writer = self._opened()
        write_deltalake(
            writer,
            rows,
            mode="overwrite",
            predicate=f"month IN ({quoted})" if self.layout.partitioned else None,
            target_file_size=_FILE_BYTES,
            writer_properties=_PROPERTIES,
        )
        self._persist(writer)

    def pack(self) -> None:
        """Merge small files of an append-only table."""
        with self.writing, translated():
            writer = self._opened()
            writer.optimize.compact(target_size=_FILE_BYTES, writer_properties=_PROPERTIES)
            self._persist(writer)

    def sweep(self, keep: timedelta) -> None:
        """Remove files that no version younger than `keep` refers to, half-written ones of crashes
        included.
        """
        with self.writing, translated():
            writer = self._opened()
            writer.vacuum(
                retention_hours=int(keep.total_seconds() // 3600),
                dry_run=False,
                enforce_retention_duration=False,
                full=True,
            )
            writer.create_checkpoint()
            writer.cleanup_metadata()


def _files(table: DeltaTable, root: str, layout: Layout) -> Iterator[File]:
    """Yield the live files of a table as its log lists them."""
    for action in pa.table(table.get_add_actions(flatten=True)).to_pylist():
        yield File(
            uri=f"{root}/{unquote(action['path'])}",
            month=action.get("partition.month") or "",
            rows=action["num_records"],
            size=action["size_bytes"],
            batch=action["max.batch"],
            first=action["min.version"],
            last=action["max.version"],
        )


def _added(commit: Path) -> Iterator[str]:
    """Yield the files a commit added, relative to the table."""
    for line in commit.read_bytes().splitlines():
        if b'"add"' in line[:10]:
            yield unquote(msgspec.json.decode(line)["add"]["path"])


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
