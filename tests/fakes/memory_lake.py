"""A lake in memory: the whole contract in plain Python, an oracle for the real ones."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from math import floor
from typing import TypeVar

import msgspec

from insights import rows
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
from lake.errors import BadQuestion
from lake.lines import line_of, record_of
from lake.records import RECORDS, TABLES, Record, Snapshot

R = TypeVar("R", bound=Record)

BATCH = 500


class MemoryLake:
    """Keeps records by table and id; counts the questions it was asked in `asked`."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, tuple[int, Record]]] = {name: {} for name in RECORDS}
        self.asked: list[str] = []

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def flush(self) -> None:
        """Every write is visible at once."""

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        return [self._write(line) for line in lines]

    async def append(self, records: Sequence[Record]) -> None:
        await self.write([line_of(record) for record in records])

    async def get(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        self.asked.append(f"get {TABLES[kind]}")
        return {record.id: record for record in self._all(kind, Where(ids=tuple(ids)))}

    async def scan(
        self, kind: type[R], where: Where, *, raw: bool = True
    ) -> AsyncIterator[list[R]]:
        self.asked.append(f"scan {TABLES[kind]}")
        found = sorted(self._all(kind, where), key=lambda record: record.id)
        for start in range(0, len(found), BATCH):
            batch = found[start : start + BATCH]
            yield batch if raw else [_bare(record) for record in batch]

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        self.asked.append(f"page {TABLES[kind]}")
        found = [_bare(record) for record in self._all(kind, where)]
        return rows.page(found, sort=sort, limit=limit, cursor=cursor)

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        self.asked.append(f"totals {TABLES[kind]}")
        return rows.totals(self._all(kind, where), metrics)

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        self.asked.append(f"tallies {TABLES[kind]}")
        return [rows.totals(self._all(kind, where), metrics) for where in wheres]

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        self.asked.append(f"newest {TABLES[kind]}")
        found = [_bare(record) for record in self._all(kind, where)]
        return rows.newest(found, by=by, time=where.time)

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
        self.asked.append(f"series {TABLES[kind]}")
        return rows.series(
            self._all(kind, where),
            time=where.time,
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
        self.asked.append(f"top {TABLES[kind]}")
        found = self._all(kind, where)
        return rows.top(found, by=by, metrics=metrics, order=order, limit=limit)

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        self.asked.append(f"distinct {TABLES[kind]}")
        values = {rows.value_of(record, field) for record in self._all(kind, where)} - {None}
        return Distinct(value=len(values))

    async def histogram(
        self, kind: type[R], where: Where, field: str, *, width: float
    ) -> list[Bin]:
        self.asked.append(f"histogram {TABLES[kind]}")
        bins: dict[int, int] = {}
        for record in self._all(kind, where):
            value = rows.value_of(record, field)
            if isinstance(value, int | float):
                bins[floor(value / width)] = bins.get(floor(value / width), 0) + 1
        return [Bin(low=i * width, high=(i + 1) * width, count=bins[i]) for i in sorted(bins)]

    async def at(self, where: Where, instant: datetime) -> AsyncIterator[list[Snapshot]]:
        self.asked.append("at")
        last: dict[str, Snapshot] = {}
        for shot in self._all(Snapshot, where):
            known = last.get(shot.subject_id)
            if shot.observed_at <= instant and (
                known is None or known.observed_at < shot.observed_at
            ):
                last[shot.subject_id] = shot
        found = [last[subject] for subject in sorted(last)]
        for start in range(0, len(found), BATCH):
            yield found[start : start + BATCH]

    async def delete(self, kind: type[R], where: Where) -> int:
        if where == Where():
            raise BadQuestion("say what to delete: an empty filter would delete all")
        gone = [record.id for record in self._all(kind, where)]
        for name in gone:
            del self._tables[TABLES[kind]][name]
        return len(gone)

    def _write(self, line: Line) -> Verdict:
        known = self._tables[line.table].get(line.id)
        if known and known[0] > line.version:
            return Verdict(outcome="stale")
        self._tables[line.table][line.id] = (line.version, record_of(line.table, line.body))
        return STORED

    def _all(self, kind: type[R], where: Where) -> list[R]:
        records = (record for _, record in self._tables[TABLES[kind]].values())
        return [
            record for record in records if isinstance(record, kind) and rows.matches(record, where)
        ]


def _bare(record: R) -> R:
    if getattr(record, "raw", None) is None:
        return record
    return msgspec.structs.replace(record, raw=None)
