"""Metrics over time: by hour, day, week or month of a time zone, cut by one thing."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

import msgspec

from insights.errors import BadRequest
from insights.measures import questions, value
from insights.past import Posts, posts_of
from insights.periods import (
    Header,
    PeriodName,
    header,
    periods,
    side_named,
    sides,
    where_of,
    whole,
    zone,
)
from insights.rounding import Known
from insights.rows import floor
from lake.contract import COUNT, Bucket, Interval, Lake, Metric, Numbers, Where
from lake.records import Post
from registry.models import Campaign

Breakdown = Literal["network", "kind", "tag", "side"]
INTERVALS: tuple[Interval, ...] = get_args(Interval)
BREAKDOWNS: tuple[Breakdown, ...] = get_args(Breakdown)

# A chart of more points is not read, and an answer of more does not fit a phone.
MOST_POINTS = 10_000


Line = dict[datetime, Bucket]
"""The buckets of one line by their start in UTC."""


class _Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One interval of the collected time."""

    start: datetime
    complete: bool
    period: PeriodName | None


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of one interval, and the period of the campaign that its start lies in.

    `complete` is False for an interval that is not over or only partly collected.
    """

    start: datetime
    complete: bool
    key: str | None
    period: PeriodName | None
    values: dict[str, Known | None]


class Timeseries(msgspec.Struct, frozen=True, kw_only=True):
    """Points by key, then time, without holes: where nobody published there are 0 posts."""

    header: Header
    side: str
    metrics: tuple[str, ...]
    interval: str
    timezone: str
    breakdown: str | None
    points: tuple[Point, ...]


async def timeseries(  # noqa: PLR0913 - the arguments are what a client may ask for
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    metrics: Sequence[str] = ("posts", "engagements"),
    interval: str = "1d",
    breakdown: str | None = None,
    timezone: str | None = None,
    side: str | None = None,
) -> Timeseries:
    """Return metrics of one side (of all sides with breakdown "side") over the collected time.

    `breakdown` "tag" gives a line for each watched hashtag of all sides. Raises BadRequest.
    """
    head = header(campaign, now=now, as_of=as_of)
    place = zone(timezone or campaign.timezone)
    step = _interval(interval)
    asked = questions(["posts", *metrics])
    lines = _lines(campaign, breakdown, side)
    since, until = whole(campaign, head.instant)
    slots = list(_slots(campaign, head.instant, step, place))
    _check_size(slots, lines, interval)
    view = await posts_of(lake, campaign, head.as_of)
    bounded = {
        key: msgspec.structs.replace(where, since=since, until=until)
        for key, where in lines.items()
    }
    found = await _ask(view, bounded, breakdown, step, place, asked)
    return Timeseries(
        header=head,
        side=side_named(campaign, side).name,
        metrics=tuple(metrics),
        interval=step,
        timezone=place.key,
        breakdown=breakdown,
        points=tuple(_points(found, slots, metrics)),
    )


def _interval(interval: str) -> Interval:
    """Return the interval if it is one. Raises BadRequest."""
    for known in INTERVALS:
        if known == interval:
            return known
    raise BadRequest("interval", interval, f"use one of {', '.join(INTERVALS)}")


def _lines(campaign: Campaign, breakdown: str | None, side: str | None) -> dict[str | None, Where]:
    """Return the filter behind each line that is asked for on its own."""
    if breakdown is not None and breakdown not in BREAKDOWNS:
        raise BadRequest("breakdown", breakdown, f"use one of {', '.join(BREAKDOWNS)}")
    every = sides(campaign)
    if breakdown == "side":
        return {found.name: where_of(campaign, found) for found in every}
    where = where_of(campaign, side_named(campaign, side))
    if breakdown == "tag":
        # One question a tag: a breakdown by all tags of all posts would bring thousands of lines.
        tags = dict.fromkeys(tag for found in every for tag in found.hashtags)
        return {tag: msgspec.structs.replace(where, tags=(tag,), handles=()) for tag in tags}
    return {None: where}


async def _ask(
    view: Posts,
    lines: Mapping[str | None, Where],
    breakdown: str | None,
    interval: Interval,
    place: ZoneInfo,
    asked: Sequence[Metric],
) -> dict[str | None, Line]:
    """Return the buckets of every line."""
    field = breakdown if breakdown in ("network", "kind") else None
    answers = await asyncio.gather(
        *(
            view.series(
                Post,
                where,
                interval=interval,
                timezone=place.key,
                metrics=asked,
                breakdown=field,
            )
            for where in lines.values()
        )
    )
    found: dict[str | None, Line] = {} if field else {key: {} for key in lines}
    for key, buckets in zip(lines, answers, strict=True):
        for bucket in buckets:
            name = bucket.key if field else key
            found.setdefault(name, {})[bucket.start.astimezone(UTC)] = bucket
    return found


def _points(
    found: Mapping[str | None, Line], slots: Sequence[_Slot], metrics: Sequence[str]
) -> Iterator[Point]:
    """Yield the points of all lines, without holes."""
    keys = sorted(found, key=str) if len(found) > 1 else list(found)
    for key in keys:
        for slot in slots:
            bucket = found[key].get(slot.start.astimezone(UTC))
            numbers: Numbers = bucket.numbers if bucket else {COUNT.name: 0}
            yield Point(
                start=slot.start,
                complete=slot.complete,
                key=key,
                period=slot.period,
                values={name: value(name, numbers) for name in metrics},
            )


def _slots(
    campaign: Campaign, instant: datetime, interval: Interval, place: ZoneInfo
) -> Iterator[_Slot]:
    """Yield the intervals of the collected time."""
    begun = periods(campaign, instant)
    since, until = whole(campaign, instant)
    start = floor(since, interval, place)
    while start < until:
        after = _next(start, interval, place)
        inside = (name for name, p in begun.items() if p.since <= start < p.until)
        yield _Slot(
            start=start, complete=since <= start and after <= until, period=next(inside, None)
        )
        start = after


def _next(start: datetime, interval: Interval, place: ZoneInfo) -> datetime:
    """Return the start of the interval behind this one."""
    if interval == "1h":  # in absolute time, since an hour is missing or doubled twice a year
        return (start.astimezone(UTC) + timedelta(hours=1)).astimezone(place)
    days = {"1d": 1, "1w": 7, "1M": 32}[interval]
    return floor(start + timedelta(days=days), interval, place)


def _check_size(slots: Sequence[_Slot], lines: Mapping[str | None, Where], asked: str) -> None:
    """Raise BadRequest for more points than are of use."""
    if len(slots) * len(lines) > MOST_POINTS:
        raise BadRequest("interval", asked, f"use a longer one: at most {MOST_POINTS} points")
