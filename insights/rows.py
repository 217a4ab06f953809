"""The questions of the lake contract, answered over records in memory.

A report of the past cannot be pushed down to a lake, since counts of then live in snapshots:
`past.py` puts the posts of then together and asks here. Plain and exact; it also serves tests as
an oracle.
"""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import msgspec

from lake.contract import COUNT, Bucket, Group, Interval, Metric, Numbers, Page, Sort, Where
from lake.derived import engagement_ppm, engagements
from lake.errors import BadQuestion
from lake.records import Post, Record

R = TypeVar("R", bound=Record)
Value = str | int | float | datetime | None

_DERIVED: dict[str, Callable[[Post], int | None]] = {
    "engagements": engagements,
    "engagement_ppm": engagement_ppm,
}

# Field of a record behind each plain list of a filter.
_LISTS = {
    "ids": "id",
    "networks": "network",
    "authors": "author_id",
    "kinds": "kind",
    "langs": "lang",
    "subjects": "subject_id",
    "accounts": "account_id",
    "targets": "target",
}


def value_of(record: Record, field: str) -> object:
    """Return a field by its dotted name, None where a part of the way is unknown."""
    if isinstance(record, Post) and field in _DERIVED:
        return _DERIVED[field](record)
    value: object = record
    for part in field.split("."):
        value = getattr(value, part, None)
    return value


def matches(record: Record, where: Where) -> bool:
    """Tell whether a record is meant by a filter."""
    return (
        all(_listed(record, name, field, where) for name, field in _LISTS.items())
        and _in_group(record, where)
        and _single(record, where)
        and _in_time(record, where)
        and _reaches(record, where.at_least)
        and _has_words(record, where.words)
    )


def totals(records: Iterable[Record], metrics: Sequence[Metric]) -> Numbers:
    """Return each metric over all records."""
    rows = list(records)
    return {metric.name: _measure(rows, metric) for metric in metrics}


def newest(records: Iterable[R], *, by: str, time: str) -> dict[str, R]:
    """Return the newest record of each value of `by`, ties by id."""
    ordered = sorted(records, key=lambda record: record.id)
    ordered.sort(key=lambda record: _sort_key(value_of(record, time), True))
    found: dict[str, R] = {}
    for record in ordered:
        for key in _keys(record, by):
            found.setdefault(key, record)
    return found


def top(
    records: Iterable[Record],
    *,
    by: str,
    metrics: Sequence[Metric],
    order: Metric,
    limit: int,
) -> list[Group]:
    """Return the values of `by` with the highest `order`, unknown last, ties by key."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        for key in _keys(record, by):
            groups.setdefault(key, []).append(record)
    ranks = {key: _measure(rows, order) for key, rows in groups.items()}
    chosen = sorted(groups, key=lambda key: (_descending(ranks[key]), key))[:limit]
    return [Group(key=key, numbers=totals(groups[key], metrics)) for key in chosen]


def series(
    records: Iterable[Record],
    *,
    time: str,
    interval: Interval,
    timezone: str,
    metrics: Sequence[Metric] = (COUNT,),
    breakdown: str | None = None,
) -> list[Bucket]:
    """Return the metrics by interval and value of `breakdown`, ordered by start, then key."""
    place = ZoneInfo(timezone)
    groups: dict[tuple[datetime, str | None], list[Record]] = {}
    for record in records:
        instant = value_of(record, time)
        if isinstance(instant, datetime):
            start = floor(instant, interval, place)
            for key in _keys(record, breakdown) if breakdown else (None,):
                groups.setdefault((start, key), []).append(record)
    # By the instant, not the wall clock: an hour is repeated when summer time ends.
    order = sorted(groups, key=lambda group: (group[0].astimezone(UTC), group[1] or ""))
    return [
        Bucket(start=start, key=key, numbers=totals(groups[start, key], metrics))
        for start, key in order
    ]


def page(records: Iterable[R], *, sort: Sort, limit: int, cursor: str | None) -> Page:
    """Return up to `limit` records in order and the cursor behind them."""
    rows = sorted(records, key=lambda record: record.id)
    rows.sort(key=lambda record: _sort_key(value_of(record, sort.field), sort.descending))
    skip = _position(cursor, sort)
    shown: list[Record] = list(rows[skip : skip + limit])
    more = skip + limit < len(rows)
    return Page(records=shown, cursor=_cursor(skip + limit, sort) if more else None)


def floor(instant: datetime, interval: Interval, place: ZoneInfo) -> datetime:
    """Return the start of the interval that holds `instant`, in the time zone `place`."""
    local = instant.astimezone(place)
    start = local.replace(minute=0, second=0, microsecond=0)
    if interval == "1h":
        return start
    start = start.replace(hour=0, fold=0)
    if interval == "1w":
        return start - timedelta(days=start.weekday())
    return start.replace(day=1) if interval == "1M" else start


def _listed(record: Record, name: str, field: str, where: Where) -> bool:
    """Tell whether a record meets one list of a filter."""
    wanted: tuple[str, ...] = getattr(where, name)
    return not wanted or value_of(record, field) in wanted


def _in_group(record: Record, where: Where) -> bool:
    """Tell whether a record bears any of the tags or is by any of the handles."""
    if not (where.tags or where.handles):
        return True
    tags: tuple[str, ...] = getattr(record, "tags", ())
    handle = getattr(record, "author_handle", getattr(record, "handle", None))
    return handle in where.handles or not set(tags).isdisjoint(where.tags)


def _single(record: Record, where: Where) -> bool:
    """Tell whether a record meets the filter's single values."""
    if where.exclude_kinds and value_of(record, "kind") in where.exclude_kinds:
        return False
    if where.subject is not None and value_of(record, "subject") != where.subject:
        return False
    if where.campaign is not None and value_of(record, "campaign_id") != where.campaign:
        return False
    gone = value_of(record, "deleted_at") is not None
    return where.deleted is None or gone == where.deleted


def _in_time(record: Record, where: Where) -> bool:
    """Tell whether a record lies in the filter's range of time."""
    if where.since is None and where.until is None:
        return True
    instant = value_of(record, where.time)
    if not isinstance(instant, datetime):
        return False
    return (where.since is None or where.since <= instant) and (
        where.until is None or instant < where.until
    )


def _reaches(record: Record, least: tuple[str, int] | None) -> bool:
    """Tell whether a record's number is as high as the filter asks; an unknown one is not."""
    if least is None:
        return True
    number = value_of(record, least[0])
    return isinstance(number, int | float) and number >= least[1]


def _has_words(record: Record, words: tuple[str, ...]) -> bool:
    """Tell whether all words occur in a record's text."""
    if not words:
        return True
    text = value_of(record, "text")
    found = set(text.casefold().split()) if isinstance(text, str) else set()
    return all(word.casefold() in found for word in words)


def _measure(rows: Sequence[Record], metric: Metric) -> int | float | datetime | None:
    """Return one metric over records."""
    if metric.kind == "count":
        return len(rows)
    values = [value for row in rows if (value := value_of(row, metric.field)) is not None]
    if metric.kind in ("known", "distinct"):
        return len(values) if metric.kind == "known" else len(set(values))
    if not values:
        return None
    if metric.kind == "sum":
        return sum(value for value in values if isinstance(value, int | float))
    return _extreme(values, highest=metric.kind == "max")


def _extreme(values: Sequence[object], *, highest: bool) -> int | float | datetime | None:
    """Return the highest or lowest of numbers or times."""
    times = [value for value in values if isinstance(value, datetime)]
    numbers = [value for value in values if isinstance(value, int | float)]
    choose = max if highest else min
    if times:
        return choose(times)
    return choose(numbers) if numbers else None


def _keys(record: Record, field: str) -> Iterator[str]:
    """Yield the values a record counts under."""
    value = value_of(record, field)
    if isinstance(value, tuple):
        yield from dict.fromkeys(value)
    elif value is not None:
        yield str(value)


def _number(value: object) -> float:
    """Return a value as a number that orders like it."""
    return value.timestamp() if isinstance(value, datetime) else float(str(value))


def _descending(value: object) -> tuple[bool, float]:
    """Return a key that sorts high numbers first and the unknown last."""
    return (True, 0.0) if value is None else (False, -_number(value))


def _sort_key(value: object, descending: bool) -> tuple[bool, float, str]:
    """Return a key that sorts as asked and the unknown last."""
    if value is None:
        return True, 0.0, ""
    if isinstance(value, str):
        return False, 0.0, value
    number = _number(value)
    return False, -number if descending else number, ""


def _cursor(position: int, sort: Sort) -> str:
    """Return the cursor that continues at a position."""
    return base64.urlsafe_b64encode(msgspec.json.encode([sort.field, position])).decode()


def _position(cursor: str | None, sort: Sort) -> int:
    """Return where a cursor continues. Raises BadQuestion."""
    if cursor is None:
        return 0
    try:
        field, position = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor), type=tuple[str, int]
        )
    except ValueError as error:
        raise BadQuestion("this cursor was not made here: start without one") from error
    if field != sort.field or position < 0:
        raise BadQuestion(f"this cursor belongs to the order by {field}: start without one")
    return position
