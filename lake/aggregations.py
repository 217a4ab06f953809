"""Metrics as Elasticsearch's aggregations, and its answers as the contract's numbers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.contract import Distinct, Interval, Metric, Numbers
from lake.errors import BadQuestion
from lake.mappings import Field, FieldKind, field_of
from lake.query import exists
from lake.records import TABLES, Record

Aggregations = dict[str, Any]

EXACT_DISTINCT = 10_000
"""Up to so many different values `distinct` counts exactly, above by HyperLogLog++."""

PRECISION = 40_000  # Elasticsearch's highest precision_threshold
PRECISION_IN_GROUPS = 3_000  # each bucket of a group takes its own registers: 16 kB instead of 256
DISTINCT_ERROR = 0.0021
"""Relative standard error of HyperLogLog++ at that precision: 1.04 / sqrt(2 ** 18) (Heule 2013)."""

INTERVALS: dict[Interval, str] = {"1h": "hour", "1d": "day", "1w": "week", "1M": "month"}

_ALLOWED: dict[str, frozenset[FieldKind]] = {
    "sum": frozenset({"integer", "number"}),
    "min": frozenset({"integer", "number", "time"}),
    "max": frozenset({"integer", "number", "time"}),
    "known": frozenset({"word", "text", "integer", "number", "flag", "time"}),
    "distinct": frozenset({"word", "integer", "flag", "time"}),
}
_NOTHING = {"count": 0, "doc_count": 0, "value": 0}
"""What every aggregation means where there is no index yet: Elasticsearch then answers none."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def measured(kind: type[Record], metric: Metric) -> Field | None:
    """Return the field a metric is over, None for a count. Raises BadQuestion."""
    if metric.kind == "count":
        return None
    field = field_of(kind, metric.field)
    if field.kind not in _ALLOWED[metric.kind]:
        raise BadQuestion(f"{metric.kind} of {metric.field!r} of {TABLES[kind]} has no meaning")
    return field


def aggregations(
    kind: type[Record], metrics: Sequence[Metric], *, precision: int = PRECISION_IN_GROUPS
) -> Aggregations:
    """Return what computes the metrics; a count needs nothing. Raises BadQuestion."""
    made: Aggregations = {}
    for metric in metrics:
        if measured(kind, metric) is not None:
            made[_key(metric)] = _aggregation(metric, precision)
    return made


def _key(metric: Metric) -> str:
    """Return the name of an aggregation: sum, min and max of a field come from one."""
    name = "stats" if metric.kind in ("sum", "min", "max") else metric.kind
    return f"{name} {metric.field.replace('.', ' ')}"  # a dot is a path in Elasticsearch


def _aggregation(metric: Metric, precision: int) -> Aggregations:
    if metric.kind == "known":
        return {"filter": exists(metric.field)}
    if metric.kind == "distinct":
        return {"cardinality": {"field": metric.field, "precision_threshold": precision}}
    return {"stats": {"field": metric.field}}


def path_of(metric: Metric) -> str:
    """Return how an order of groups names the metric."""
    if metric.kind == "count":
        return "_count"
    leaf = {"known": ">_count", "distinct": ".value"}.get(metric.kind, f".{metric.kind}")
    return _key(metric) + leaf


def numbers(kind: type[Record], metrics: Sequence[Metric], bucket: dict[str, Any]) -> Numbers:
    """Return the metrics of one bucket under their contract names."""
    return {metric.name: number(kind, metric, bucket) for metric in metrics}


def number(
    kind: type[Record], metric: Metric, bucket: dict[str, Any]
) -> float | int | datetime | None:
    """Return one metric of one bucket."""
    if metric.kind == "count":
        return int(bucket["doc_count"])
    answer = bucket.get(_key(metric), _NOTHING)
    if metric.kind == "known":
        return int(answer["doc_count"])
    if metric.kind == "distinct":
        return different(metric, bucket)
    if not answer["count"]:
        return None
    return _typed(answer[metric.kind], field_of(kind, metric.field).kind)


def different(metric: Metric, bucket: dict[str, Any]) -> int:
    """Return the estimated number of different values of one bucket."""
    return int(bucket.get(_key(metric), _NOTHING)["value"])


def _typed(value: float, kind: FieldKind) -> float | int | datetime:
    if kind == "time":
        return instant(value)
    return round(value) if kind == "integer" else value


def instant(milliseconds: float, zone: tzinfo = UTC) -> datetime:
    """Return the time so many milliseconds after 1970, in a zone."""
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(zone)


def group_field(kind: type[Record], path: str) -> str:
    """Return the name of a field of words, which records can be grouped by. Raises BadQuestion."""
    if field_of(kind, path).kind != "word":
        raise BadQuestion(f"{path!r} of {TABLES[kind]} is no field to group by; take one of words")
    return path


def counted_field(kind: type[Record], path: str) -> str:
    """Return the name of a numeric field. Raises BadQuestion."""
    if field_of(kind, path).kind not in ("integer", "number"):
        raise BadQuestion(f"{path!r} of {TABLES[kind]} is not a number")
    return path


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone. Raises BadQuestion."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise BadQuestion(f"there is no time zone {name!r}; take one like Europe/Berlin") from wrong


def few_values(field: str) -> Aggregations:
    """Return what counts the different values of a field exactly, up to the limit."""
    return {
        "each": {"terms": {"field": field, "size": EXACT_DISTINCT + 1}},
        "values": {"stats_bucket": {"buckets_path": "each>_count"}},
    }


def many_values(estimate: int) -> Distinct:
    """Return an estimated number of values with its error."""
    return Distinct(value=estimate, error=DISTINCT_ERROR)


def composite(sources: list[dict[str, Any]], after: object, size: int) -> Aggregations:
    """Return an aggregation over all combinations of `sources`, continued behind `after`."""
    body: dict[str, Any] = {"size": size, "sources": sources}
    if after is not None:
        body["after"] = after
    return {"composite": body}
