"""The questions of the contract as SQL over one view of a table; everything here blocks."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

import duckdb
import msgspec
import pyarrow as pa

from lake import _files_calendar as calendar
from lake._files_cursor import behind, cursor_after
from lake._files_engine import Engine
from lake._files_numbers import added, expressions, known, numbers, value_of
from lake._files_schema import Column, Layout, layout, records_of
from lake._files_table import Table
from lake._files_where import Filter, Params, aware
from lake.contract import (
    Bin,
    Bucket,
    Distinct,
    Group,
    Interval,
    Metric,
    Numbers,
    Page,
    Sort,
    Where,
)
from lake.errors import BadQuestion, Unavailable

_MOST_NEWEST = 1_000
_SORTABLE = frozenset({"word", "integer", "number", "time"})

Select = Callable[[Filter, Params], str]
"""Given a filter and parameters, return a statement in which `{source}` stands for the rows that
match.
"""


class Stream:
    """Record batches of a long answer, one `next` at a time, from any thread; who asked closes."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self._batches = batches
        self._lock = threading.Lock()  # a cancelled reader closes while its last `next` still runs

    def next(self) -> pa.RecordBatch | None:
        """Return the next batch, None at the end."""
        with self._lock:
            return next(self._batches, None)

    def close(self) -> None:
        """Let go of the cursor."""
        with self._lock:
            self._batches.close()  # type: ignore[attr-defined]  # a generator, always


class Questions:
    """Asks the tables of one lake. Made with it; keeps nothing."""

    def __init__(self, engine: Engine, tables: Mapping[str, Table]) -> None:
        self._engine = engine
        self._tables = tables

    def totals(self, table: str, where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over what matches."""

        def select(filter: Filter, params: Params) -> str:
            return f"SELECT {expressions(metrics, layout(table), filter)} FROM {{source}}"

        if not metrics:
            return {}
        return numbers(metrics, self._ask(table, where, select)[0])

    def tallies(
        self, table: str, wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the metrics over what each filter matches, from one pass.

        Rows are grouped by which filters they match; a filter's numbers are those of its groups
        added up. Different values do not add up: they take a pass each.
        """
        if any(metric.kind == "distinct" for metric in metrics) or len(wheres) < 2:
            return [self.totals(table, where, metrics) for where in wheres]

        def select(filter: Filter, params: Params) -> str:
            marks = []
            for place, where in enumerate(wheres):
                one = Filter(layout(table), params)
                one.apply(where)
                filter.columns |= one.columns
                marks.append(f"coalesce({one.sql}, false) AS w{place}")
            keys = ", ".join(f"w{place}" for place in range(len(wheres)))
            return (
                f"SELECT {keys}, {expressions(metrics, layout(table), filter)} FROM "
                f"(SELECT *, {', '.join(marks)} FROM {{source}}) GROUP BY {keys}"
            )

        rows = self._ask(table, _around(wheres), select)
        return [
            added(metrics, [numbers(metrics, row) for row in rows if row[f"w{place}"]])
            for place in range(len(wheres))
        ]

    def newest(self, table: str, where: Where, by: str) -> dict[str, Any]:
        """Return the newest record of each value of `by`."""
        of = layout(table)
        if of.find(by).sort != "word":
            raise BadQuestion(f"{by!r} of {table} is no field of single words")

        def select(filter: Filter, params: Params) -> str:
            key, id, time = filter.column(by), filter.column("id"), filter.time(where.time)
            return (
                f"SELECT {id} AS id FROM {{source}} AND {key} IS NOT NULL QUALIFY row_number() "
                f"OVER (PARTITION BY {key} ORDER BY {time} DESC NULLS LAST, {id}) = 1 "
                f"ORDER BY {time} DESC NULLS LAST, {id} LIMIT {_MOST_NEWEST}"
            )

        ids = tuple(row["id"] for row in self._ask(table, where, select))
        found = self.records(table, msgspec.structs.replace(where, ids=ids), raw=False)
        key_of = attrgetter(by)
        return {key_of(record): record for record in found} if ids else {}

    def series(
        self,
        table: str,
        where: Where,
        *,
        interval: Interval,
        timezone: str,
        metrics: Sequence[Metric],
        breakdown: str | None,
    ) -> list[Bucket]:
        """Return the metrics by interval and value of the breakdown."""
        zone = calendar.zone_of(timezone)
        span = self._span(table, where)
        if span is None:
            return []

        def select(filter: Filter, params: Params) -> str:
            column = filter.time(where.time)
            local = calendar.local(column, zone, *span)
            derived = [f"{calendar.bucket(column, interval, local)} AS bucket"]
            if breakdown:
                derived.append(f"{value_of(layout(table), breakdown, filter)} AS key")
            keys = "bucket, key" if breakdown else "bucket"
            return (
                f"SELECT {keys}, {expressions(metrics, layout(table), filter)} FROM "
                f"(SELECT *, {', '.join(derived)} FROM {{source}} AND {column} IS NOT NULL) "
                f"{'WHERE key IS NOT NULL' if breakdown else ''} GROUP BY {keys} ORDER BY {keys}"
            )

        return [
            Bucket(
                start=calendar.start(row["bucket"], interval, zone),
                key=row.get("key"),
                numbers=numbers(metrics, row),
            )
            for row in self._ask(table, where, select)
        ]

    def _span(self, table: str, where: Where) -> tuple[datetime, datetime] | None:
        """Return two times between which everything lies that may match, None if nothing does."""
        filter = Filter(layout(table), Params())
        filter.time(where.time)  # refused here too, before any answer
        if where.since is not None and where.until is not None:
            return aware(where.since), aware(where.until)

        def select(filter: Filter, params: Params) -> str:
            column = filter.time(where.time)
            return f"SELECT min({column}) AS first, max({column}) AS last FROM {{source}}"

        bounds = Where(time=where.time, since=where.since, until=where.until)
        row = self._ask(table, bounds, select)[0]
        return None if row["first"] is None else (row["first"], row["last"])

    def top(
        self,
        table: str,
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric],
        order: Metric,
        limit: int,
    ) -> list[Group]:
        """Return the values of a field with the highest `order`."""

        def select(filter: Filter, params: Params) -> str:
            key = value_of(layout(table), by, filter)
            select_list = expressions((*metrics, order), layout(table), filter)
            return (
                f"SELECT key, {select_list} FROM (SELECT *, {key} AS key FROM {{source}}) "
                f"WHERE key IS NOT NULL GROUP BY key ORDER BY m{len(metrics)} DESC NULLS LAST, key "
                f"LIMIT {params.add(limit)}"
            )

        rows = self._ask(table, where, select)
        return [Group(key=row["key"], numbers=numbers(metrics, row)) for row in rows]

    def distinct(self, table: str, where: Where, field: str) -> Distinct:
        """Return how many values a field has, exactly."""
        if layout(table).find(field).sort == "words":
            return self._distinct_items(table, where, field)
        metric = Metric(kind="distinct", field=field)
        value = self.totals(table, where, [metric])[metric.name]
        return Distinct(value=int(value))  # type: ignore[arg-type]  # a count is an int

    def _distinct_items(self, table: str, where: Where, field: str) -> Distinct:
        """Count the values of a list field row by row: gathering them in one list takes memory."""

        def select(filter: Filter, params: Params) -> str:
            items = f"SELECT unnest({filter.column(field)}) AS item FROM {{source}}"
            return f"SELECT count(DISTINCT item) AS items FROM ({items})"

        return Distinct(value=self._ask(table, where, select)[0]["items"])

    def histogram(self, table: str, where: Where, field: str, *, width: float) -> list[Bin]:
        """Return counts of records by `field` in bins of `width`."""
        if not width > 0:
            raise BadQuestion(f"the width of a bin is more than 0, not {width}")

        def select(filter: Filter, params: Params) -> str:
            column = layout(table).find(field)
            if column.sort not in {"integer", "number"}:
                raise BadQuestion(f"{field!r} of {table} is no number")
            name = filter.column(field)
            number = f"floor({name} / CAST({params.add(width)} AS DOUBLE))"
            return (
                f"SELECT {number} AS bin, count(*) AS records FROM {{source}} AND {known(column)} "
                "GROUP BY bin ORDER BY bin"
            )

        rows = self._ask(table, where, select)
        return [
            Bin(low=row["bin"] * width, high=(row["bin"] + 1) * width, count=row["records"])
            for row in rows
        ]

    def records(self, table: str, where: Where, *, raw: bool = True) -> list[Any]:
        """Return whole records, or all but their raw."""
        of = layout(table)

        def select(filter: Filter, params: Params) -> str:
            return f"SELECT {_read(filter, of.columns if raw else of.light)} FROM {{source}}"

        return records_of(of.kind, self._answer(table, where, select))

    def ids(self, table: str, where: Where) -> pa.Table:
        """Return the ids of what matches."""

        def select(filter: Filter, params: Params) -> str:
            return f"SELECT {filter.column('id')} FROM {{source}}"

        return self._answer(table, where, select)

    def page(self, table: str, where: Where, *, sort: Sort, limit: int, cursor: str | None) -> Page:
        """Return one page of records without raw."""
        of = layout(table)
        place = of.find(_sort_path(sort, of))
        direction = "DESC" if sort.descending else "ASC"

        def rest(filter: Filter, params: Params) -> str:
            after = f"AND {behind(cursor, of, where, sort, filter, params)}" if cursor else ""
            return f"FROM {{source}} {after}"

        def farthest(filter: Filter, params: Params) -> str:
            name = filter.read(place)
            first = f"{name} AS place {rest(filter, params)}"
            return f"SELECT {first} ORDER BY {name} {direction} NULLS LAST LIMIT {limit + 1}"

        # The sort column alone tells how far the page reaches; only those rows are read whole.
        # Measured on ten million snapshots: 0.6 s of processor time instead of 1.7 s.
        places = self._answer(table, where, farthest)["place"]
        last = places[-1].as_py() if len(places) > limit else None

        def select(filter: Filter, params: Params) -> str:
            columns, name = _read(filter, of.light), f'"{place.name}"'
            sign = ">=" if sort.descending else "<="
            near = "" if last is None else f"AND {name} {sign} {params.add(last)}"
            order = f"ORDER BY {name} {direction} NULLS LAST, id LIMIT {limit + 1}"
            return f"SELECT {columns} {rest(filter, params)} {near} {order}"

        rows = self._answer(table, where, select)
        page = rows.slice(0, limit)
        if rows.num_rows <= limit:
            return Page(records=records_of(of.kind, page))
        end = page.slice(limit - 1, 1).select([place.name, "id"]).to_pylist()[0]
        after = cursor_after(of, where, sort, place=end[place.name], id=end["id"])
        return Page(records=records_of(of.kind, page), cursor=after)

    def scan(self, table: str, where: Where, *, raw: bool) -> Stream:
        """Return all records that match, ordered by id."""
        of = layout(table)

        def select(filter: Filter, params: Params) -> str:
            columns = _read(filter, of.columns if raw else of.light)
            return f"SELECT {columns} FROM {{source}} ORDER BY id"

        return self._stream(table, where, select)

    def at(self, where: Where, instant: object) -> Stream:
        """Return the last snapshot of each subject that is not later than `instant`."""

        def select(filter: Filter, params: Params) -> str:
            columns = _read(filter, layout("snapshots").columns)
            return (
                f"SELECT {columns} FROM {{source}} AND observed_at <= {params.add(instant)} "
                "QUALIFY row_number() OVER (PARTITION BY subject_id, subject "
                "ORDER BY observed_at DESC, id DESC) = 1 ORDER BY subject_id, subject"
            )

        return self._stream("snapshots", where, select)

    # How a statement is put together and asked

    def _statement(self, table: str, where: Where, select: Select) -> tuple[Any, str, Params]:
        view = self._tables[table].view()
        params = Params()
        filter = Filter(view.layout, params)
        filter.apply(where)
        template = select(filter, params)
        rows = view.source(list(filter.columns.values()), params)
        return view, template.replace("{source}", f"({rows}) AS s WHERE {filter.sql}"), params

    def _answer(self, table: str, where: Where, select: Select) -> pa.Table:
        view, sql, params = self._statement(table, where, select)
        try:
            return self._engine.ask(sql, params.values, view.tables)
        except duckdb.IOException:
            # A sweep of the writer removed files of this view a moment ago: ask the newest one.
            view, sql, params = self._statement(table, where, select)
            return self._last_try(sql, params, view.tables)

    def _last_try(self, sql: str, params: Params, tables: Mapping[str, pa.Table]) -> pa.Table:
        try:
            return self._engine.ask(sql, params.values, tables)
        except duckdb.IOException as gone:
            raise Unavailable(str(gone).splitlines()[0]) from gone

    def _ask(self, table: str, where: Where, select: Select) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._answer(table, where, select).to_pylist()
        return rows

    def _stream(self, table: str, where: Where, select: Select) -> Stream:
        view, sql, params = self._statement(table, where, select)

        def batches() -> Iterator[pa.RecordBatch]:
            with self._engine.stream(sql, params.values, view.tables) as reader:
                yield from reader

        return Stream(batches())


def _around(wheres: Sequence[Where]) -> Where:
    """Return the filter to the time that all of these lie in: files outside are not read."""
    if len({where.time for where in wheres}) > 1:
        return Where()
    first = [where.since for where in wheres]
    last = [where.until for where in wheres]
    return Where(
        time=wheres[0].time,
        since=None if None in first else min(aware(since) for since in first if since),
        until=None if None in last else max(aware(until) for until in last if until),
    )


def _read(filter: Filter, columns: Sequence[Column]) -> str:
    """Return the select list of columns and let the filter read them."""
    filter.columns.update({column.name: column for column in columns})
    return ", ".join(f'"{column.name}"' for column in columns)


def _sort_path(sort: Sort, of: Layout) -> str:
    column = of.find(sort.field)
    if column.sort not in _SORTABLE:
        raise BadQuestion(f"{of.table} cannot be sorted by {sort.field!r}")
    return column.path
