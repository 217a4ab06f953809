"""Intervals of a time zone in plain integer arithmetic.

Asking the engine for the local day of every row costs more than the whole question; a zone changes
its offset twice a year, so the local time of a row is its instant plus one of a few offsets.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lake.contract import Interval
from lake.errors import BadQuestion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR
_SHIFT = 700_000  # whole weeks, about 1,916 years: keeps what is divided positive
_MONDAY = 3  # days from the Monday before 1970-01-01, a Thursday


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone. Raises BadQuestion."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as wrong:
        raise BadQuestion(f"there is no time zone {name!r}; take one like Europe/Berlin") from wrong


def microseconds(instant: datetime) -> int:
    """Return microseconds since 1970."""
    return (instant - _EPOCH) // _MICROSECOND


def _offset(zone: ZoneInfo, instant: datetime) -> int:
    return (instant.astimezone(zone).utcoffset() or timedelta()) // _MICROSECOND


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return the second at which the offset of `low` ends, which lies before `high`."""
    before = _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high.replace(microsecond=0)


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """Return (instant, new offset) of each change of a year, by looking at every day once."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = [first + timedelta(days=day) for day in range(367)]
    pairs = [(a, b) for a, b in pairwise(days) if _offset(zone, a) != _offset(zone, b)]
    changes = [_change(zone, a, b) for a, b in pairs if a.year == year]
    return tuple((microseconds(change), _offset(zone, change)) for change in changes)


def _pieces(zone: ZoneInfo, first: datetime, last: datetime) -> Iterator[tuple[int, int]]:
    for year in range(max(first.year, 2), min(last.year, 9998) + 1):
        yield from _changes(zone, year)


def local(column: str, zone: ZoneInfo, first: datetime, last: datetime) -> str:
    """Return the expression of local microseconds of a time column whose values lie in [first,
    last].
    """
    instant = f"epoch_us({column})"
    start = datetime(max(first.year, 2), 1, 1, tzinfo=UTC)
    offset, cases = _offset(zone, start), ""
    for change, after in _pieces(zone, first, last):
        cases += f" WHEN {instant} < {change} THEN {offset}"
        offset = after
    return f"{instant} + CASE{cases} ELSE {offset} END" if cases else f"{instant} + {offset}"


def bucket(column: str, interval: Interval, local_time: str) -> str:
    """Return the expression of the number of the interval a row lies in; `start` reads it back."""
    shifted = f"({local_time} + {_SHIFT * _DAY})"
    if interval == "1h":  # an instant, not a local time: one autumn night has 02:00 twice
        return f"epoch_us({column}) - {shifted} % {_HOUR}"
    days = f"{shifted} // {_DAY}"
    if interval == "1d":
        return days
    if interval == "1w":
        return f"({days} + {_MONDAY}) // 7"
    day = f"(DATE '1970-01-01' + CAST({days} - {_SHIFT} AS INTEGER))"
    return f"year({day}) * 12 + month({day}) - 1"


def start(number: int, interval: Interval, zone: ZoneInfo) -> datetime:
    """Return the beginning of the interval with this number, in its zone."""
    if interval == "1h":
        return (_EPOCH + timedelta(microseconds=number)).astimezone(zone)
    day = _first_day(number, interval)
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
    # Some zones skip midnight when summer begins: the day starts at one o'clock there.
    return midnight.astimezone(UTC).astimezone(zone)


def _first_day(number: int, interval: Interval) -> date:
    if interval == "1M":
        return date(number // 12, number % 12 + 1, 1)
    days = number if interval == "1d" else number * 7 - _MONDAY
    return date(1970, 1, 1) + timedelta(days=days - _SHIFT)
