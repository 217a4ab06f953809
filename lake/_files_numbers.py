"""Metrics as SQL expressions, and their values back as the contract's numbers."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from lake._files_schema import Column, Layout
from lake._files_where import Filter
from lake.contract import Metric, Numbers
from lake.errors import BadQuestion

_ALLOWED: dict[str, frozenset[str]] = {
    "sum": frozenset({"integer", "number"}),
    "min": frozenset({"integer", "number", "time"}),
    "max": frozenset({"integer", "number", "time"}),
    "known": frozenset({"word", "words", "integer", "number", "flag", "time"}),
    "distinct": frozenset({"word", "words", "integer", "flag", "time"}),
}

_ADDED: dict[str, Callable[[list[Any]], Any]] = {"sum": sum, "min": min, "max": max}


def _column(metric: Metric, layout: Layout) -> Column:
    column = layout.find(metric.field)
    if column.sort not in _ALLOWED[metric.kind]:
        raise BadQuestion(f"{metric.kind} of {metric.field!r} of {layout.table} has no meaning")
    return column


def expression(metric: Metric, layout: Layout, where: Filter) -> str:
    """Return the aggregate that computes `metric`, and let `where` read its column. Raises
    BadQuestion.
    """
    if metric.kind == "count":
        return "count(*)"
    column = _column(metric, layout)
    name = where.column(metric.field)
    if metric.kind == "sum" and column.sort == "integer":
        return f"CAST(sum({name}) AS DECIMAL(38, 0))"  # exact, and wider than 64 bits
    if metric.kind == "known":
        return f"count(*) FILTER ({known(column)})"
    if metric.kind == "distinct" and column.sort == "words":
        return f"coalesce(len(list_distinct(flatten(list({name})))), 0)"
    return f"count(DISTINCT {name})" if metric.kind == "distinct" else f"{metric.kind}({name})"


def known(column: Column) -> str:
    """Return the condition that a record has a value in `column`."""
    return f'len("{column.name}") > 0' if column.sort == "words" else f'"{column.name}" IS NOT NULL'


def expressions(metrics: Sequence[Metric], layout: Layout, where: Filter) -> str:
    """Return the select list of all metrics, named m0, m1, ..."""
    return ", ".join(
        f"{expression(metric, layout, where)} AS m{place}" for place, metric in enumerate(metrics)
    )


def numbers(metrics: Sequence[Metric], row: dict[str, object]) -> Numbers:
    """Return the metrics of one row under their contract names."""
    return {metric.name: _number(row[f"m{place}"]) for place, metric in enumerate(metrics)}


def added(metrics: Sequence[Metric], parts: Sequence[Numbers]) -> Numbers:
    """Return the metrics over groups that share no record, from those of each group."""
    return {
        metric.name: _added(metric, [part[metric.name] for part in parts]) for metric in metrics
    }


def _added(metric: Metric, values: Sequence[Any]) -> float | int | datetime | None:
    known = [value for value in values if value is not None]
    if metric.kind in ("count", "known"):
        return int(sum(known))
    if not known:
        return None
    result: float | int | datetime = _ADDED[metric.kind](known)
    return result


def _number(value: Any) -> float | int | datetime | None:
    number: float | int | datetime | None = int(value) if isinstance(value, Decimal) else value
    return number


def value_of(layout: Layout, path: str, where: Filter) -> str:
    """Return the expression of the values of a field a record counts under; a list gives one row a
    value.
    """
    column = layout.find(path)
    if column.sort == "words":
        name, repeats = where.read(column), where.read(layout.named("repeats"))
        return f"unnest(CASE WHEN NOT {repeats} THEN {name} ELSE list_distinct({name}) END)"
    if column.sort != "word":
        raise BadQuestion(
            f"{path!r} of {layout.table} is no field to group by; take a word or a list of words"
        )
    return where.column(path)
