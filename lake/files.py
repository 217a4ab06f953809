"""The embedded lake: Delta tables in a folder, asked through DuckDB in this process.

Deleting rewrites: the rows are gone for every reader at once, and from the disk with the next
`compact(keep=timedelta(0))`; until then a copy of the folder or Delta's time travel could still
show them.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from lake._files_engine import Engine
from lake._files_lock import WriterLock
from lake._files_questions import Questions, Stream
from lake._files_schema import layout, records_of
from lake._files_table import Table
from lake._files_where import aware, narrows
from lake.contract import (
    COUNT,
    STORED,
    Bin,
    Bucket,
    Distinct,
    Group,
    Interval,
    Line,
    Metric,
    Numbers,
    Page,
    Sort,
    Verdict,
    Where,
)
from lake.errors import BadQuestion, LakeError
from lake.fit import Unfit, fitting
from lake.lines import line_of
from lake.records import RECORDS, TABLES, Record, Snapshot

R = TypeVar("R", bound=Record)

_LONGEST_PAGE = 1000
_TAIL_FILES = 64  # a table with so many appended files is folded if they are worth it
_TAIL_FILES_AT_MOST = 512
_WORTH = 8  # the tail is worth a fold when it holds an eighth of the base
_MISREAD = frozenset("%[]*?")  # deltalake unquotes or panics, DuckDB sees a pattern
_KEEP = timedelta(hours=1)  # longer than any question runs

Fitting = tuple[int, Line, Record]


class FilesLake:
    """A lake in one folder, which may be named by a `file://` address.

    `open`, then any question at any time, from any task; `close` at the end. The first write takes
    the writer's lock (`claim` takes it at once) and keeps it until `close`; a second writer gets
    Misplaced with the holder's name. Any number of processes may read meanwhile. Writes are on the
    disk, and visible, when `write` returns. Addresses of object stores are refused for now
    (docs/decisions/0001-lake-in-files.md).
    """

    def __init__(
        self,
        root: str | Path,
        *,
        storage_options: Mapping[str, str] | None = None,
        threads: int = 2,
    ) -> None:
        self._root = _root(root)
        self._engine = Engine(threads=threads)
        self._lock = WriterLock(Path(self._root.removeprefix("file://")) / "_writer.lock")
        self._claiming = threading.Lock()
        self._claimed = False
        self._tables = {
            name: Table(
                layout(name), f"{self._root}/{name}", engine=self._engine, storage=storage_options
            )
            for name in RECORDS
        }
        self._questions = Questions(self._engine, self._tables)

    # Life

    async def open(self) -> None:
        """Look at every table once; a lake that nobody wrote yet is empty, not an error."""
        await asyncio.to_thread(self._look)

    def _look(self) -> None:
        for table in self._tables.values():
            table.view()

    async def claim(self) -> None:
        """Become the one writer now and make the tables. Raises Misplaced, naming who is."""
        await asyncio.to_thread(self._claim)

    def _claim(self) -> None:
        with self._claiming:
            if not self._claimed:
                self._lock.take()
                for table in self._tables.values():
                    table.make()
                self._claimed = True

    async def close(self) -> None:
        """Let go of files, memory and the writer's lock."""
        self._engine.close()
        self._lock.free()
        self._claimed = False

    # Writing

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        """Append lines, one commit a table; poison is told apart line by line and the rest is
        stored.
        """
        return await asyncio.to_thread(self._write, lines)

    def _write(self, lines: Sequence[Line]) -> list[Verdict]:
        self._claim()
        verdicts = [STORED] * len(lines)
        fit: dict[str, list[Fitting]] = defaultdict(list)
        for place, line in enumerate(lines):
            try:
                fit[line.table].append((place, line, fitting(line)))
            except Unfit as unfit:
                verdicts[place] = Verdict(outcome="poison", reason=str(unfit))
        for name, group in fit.items():
            self._append(name, group, verdicts)
            self._fold_if_worth(self._tables[name])
        return verdicts

    def _append(self, name: str, group: list[Fitting], verdicts: list[Verdict]) -> None:
        """Append lines of one table; if a value fits no column, halve until the culprits are
        alone.
        """
        newest = _newest(group)
        try:
            self._tables[name].append(
                [line for _, line, _ in newest], [record for _, _, record in newest]
            )
        except (pa.ArrowException, OverflowError, UnicodeError):
            if len(group) == 1:
                reason = "a number or text that no column takes"
                verdicts[group[0][0]] = Verdict(outcome="poison", reason=reason)
                return
            middle = len(group) // 2
            self._append(name, group[:middle], verdicts)
            self._append(name, group[middle:], verdicts)

    def _fold_if_worth(self, table: Table) -> None:
        """Keep the tail short, so that a lake nobody compacts stays quick."""
        view = table.view()
        if len(view.fresh) < _TAIL_FILES:
            return
        appended = sum(file.rows for file in view.fresh)
        base = sum(file.rows for file in view.base)
        if len(view.fresh) >= _TAIL_FILES_AT_MOST or appended * _WORTH >= base:
            table.fold()
            table.sweep(_KEEP)

    async def flush(self) -> None:
        """Return at once: what `write` returned from is visible."""

    async def append(self, records: Sequence[Record]) -> None:
        """Write records; raises LakeError unless every one is stored."""
        verdicts = await self.write([line_of(record) for record in records])
        bad = [verdict.reason for verdict in verdicts if verdict.outcome == "poison"]
        if bad:
            raise LakeError(f"{len(bad)} of {len(records)} records do not fit: {bad[0]}")

    async def compact(self, *, keep: timedelta = _KEEP) -> None:
        """Merge small files, drop superseded versions, remove files older than `keep` that nothing
        needs.

        For the background, every hour or so; writes to a table wait while it is folded, readers do
        not. `keep=timedelta(0)` makes deletions final on the disk; a reader in the middle of an
        answer may then have to ask again.
        """
        await asyncio.to_thread(self._compact, keep)

    def _compact(self, keep: timedelta) -> None:
        self._claim()
        for table in self._tables.values():
            if table.layout.append_only:
                table.pack()
            else:
                table.fold()
            table.sweep(keep)

    async def delete(self, kind: type[R], where: Where) -> int:
        """Delete what matches, all its older versions included, and return how many records went.

        Rewrites the months they lie in. `compact(keep=timedelta(0))` then removes the old files.
        """
        if not narrows(where):
            raise BadQuestion("deleting needs a filter: an empty one would delete everything")
        return await asyncio.to_thread(self._delete, TABLES[kind], where)

    def _delete(self, table: str, where: Where) -> int:
        self._claim()
        with self._tables[table].writing:
            ids = self._questions.ids(table, where)
            if ids.num_rows:
                self._tables[table].fold(drop=ids)
        return int(ids.num_rows)

    # Reading

    async def get(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Return the newest records with these ids."""
        if not ids:
            return {}
        where = Where(ids=tuple(ids))
        records = await asyncio.to_thread(self._questions.records, TABLES[kind], where)
        return {record.id: record for record in records}

    async def scan(
        self, kind: type[R], where: Where, *, raw: bool = True
    ) -> AsyncIterator[list[R]]:
        """Yield all records that match, in batches, ordered by id."""
        make = self._questions.scan
        stream = await asyncio.to_thread(make, TABLES[kind], where, raw=raw)
        async for batch in _batches(stream):
            yield records_of(kind, batch)

    async def at(self, where: Where, instant: datetime) -> AsyncIterator[list[Snapshot]]:
        """Yield the last snapshot not later than `instant` of each subject, ordered by subject."""
        stream = await asyncio.to_thread(self._questions.at, where, aware(instant))
        async for batch in _batches(stream):
            yield records_of(Snapshot, batch)

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        """Return the newest record of each value of a field."""
        return await asyncio.to_thread(self._questions.newest, TABLES[kind], where, by)

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Return up to `limit` records, without `raw`."""
        if not 1 <= limit <= _LONGEST_PAGE:
            raise BadQuestion(f"a page holds 1 to {_LONGEST_PAGE} records, not {limit}")
        page = self._questions.page
        return await asyncio.to_thread(
            page, TABLES[kind], where, sort=sort, limit=limit, cursor=cursor
        )

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all records that match."""
        return await asyncio.to_thread(self._questions.totals, TABLES[kind], where, metrics)

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the totals of each filter from one pass over the table."""
        return await asyncio.to_thread(self._questions.tallies, TABLES[kind], wheres, metrics)

    async def series(
        self,
        kind: type[R],
        where: Where,
        *,
        interval: Interval,
        timezone: str = "UTC",
        metrics: Sequence[Metric] = (COUNT,),
        breakdown: str | None = None,
    ) -> list[Bucket]:
        """Return the metrics by interval of `where.time`, ordered by start, then key."""
        return await asyncio.to_thread(
            self._questions.series,
            TABLES[kind],
            where,
            interval=interval,
            timezone=timezone,
            metrics=metrics,
            breakdown=breakdown,
        )

    async def top(
        self,
        kind: type[R],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric] = (COUNT,),
        order: Metric = COUNT,
        limit: int = 10,
    ) -> list[Group]:
        """Return the `limit` values of field `by` with the highest `order` metric."""
        return await asyncio.to_thread(
            self._questions.top,
            TABLES[kind],
            where,
            by=by,
            metrics=metrics,
            order=order,
            limit=limit,
        )

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        """Return how many different known values `field` has, exactly."""
        return await asyncio.to_thread(self._questions.distinct, TABLES[kind], where, field)

    async def histogram(
        self, kind: type[R], where: Where, field: str, *, width: float
    ) -> list[Bin]:
        """Return counts of records by `field` in bins of `width`."""
        histogram = self._questions.histogram
        return await asyncio.to_thread(histogram, TABLES[kind], where, field, width=width)


def _root(root: str | Path) -> str:
    """Return the folder or address the tables lie under. Raises BadQuestion."""
    text = str(root)
    if "://" in text and not text.startswith("file://"):
        scheme = text.partition("://")[0]
        raise BadQuestion(f"the lake in files takes a folder or file://, not yet {scheme}://")
    absolute = text if "://" in text else str(Path(text).absolute())
    if bad := sorted(set(absolute) & _MISREAD):
        raise BadQuestion(f"the lake's folder {absolute} has {bad[0]} in its name; rename it")
    return absolute


def _newest(group: Sequence[Fitting]) -> list[Fitting]:
    """Return the newest line of each id, of equal versions the later one."""
    best: dict[str, Fitting] = {}
    for each in group:
        held = best.get(each[1].id)
        if held is None or each[1].version >= held[1].version:
            best[each[1].id] = each
    return list(best.values())


async def _batches(stream: Stream) -> AsyncIterator[pa.RecordBatch]:
    try:
        while (batch := await asyncio.to_thread(stream.next)) is not None:
            yield batch
    finally:
        await asyncio.to_thread(stream.close)
