"""Before, during and after: what changed, and how much of it the competitors saw as well.

The competitors are the comparison group: what happened to all (a holiday, a change of the network's
ranking, an outage of ours) happened to them too. Only complete days of the campaign's time zone
count.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import exp
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from insights.bootstrap import F64, FEWEST_DAYS, Change, change, mean_interval, seed_of
from insights.errors import BadRequest
from insights.measures import questions, value
from insights.past import Posts, posts_of
from insights.periods import (
    NAMES,
    Header,
    Period,
    PeriodName,
    Side,
    header,
    periods,
    sides,
    where_of,
    within,
    zone,
)
from insights.rounding import change_percent
from insights.rows import floor
from lake.contract import COUNT, Lake
from lake.records import Post
from registry.models import Campaign

_TOO_SPARSE = "too few days with anything to count"

METRICS = ("posts", "engagements", "publishers")


class DailyMean(msgspec.Struct, frozen=True, kw_only=True):
    """The mean per day of one side in one period; `reason` says why there is no interval."""

    side: str
    brand: bool
    period: PeriodName
    days: int  # complete ones
    mean: float | None
    low: float | None = None  # of the 95 % interval
    high: float | None = None
    reason: str = ""


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """How the brand changed from the baseline to a period, against its competitors.

    `lift_percent` is (ratio of ratios - 1) x 100 with its 95 % interval; `extra_per_day` the
    difference to the brand's baseline scaled by the competitors' change. `wording` is "lift" only
    if the interval excludes 0, else "observed"; `reason` says why there is no interval.
    """

    period: PeriodName
    wording: Literal["observed", "lift"]
    sentence: str
    brand_percent: float | None
    competitors_percent: float | None
    lift_percent: float | None = None
    lift_low: float | None = None
    lift_high: float | None = None
    extra_per_day: float | None = None
    extra_low: float | None = None
    extra_high: float | None = None
    reason: str = ""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Daily means of every side and period, and the brand's effects."""

    header: Header
    metric: str
    unit: str  # of all means and extras
    level: float  # of the intervals
    notes: tuple[str, ...]
    means: tuple[DailyMean, ...]
    effects: tuple[Effect, ...]


Days = dict[PeriodName, F64]
"""One number for each complete day of a period, in order."""


async def before_during_after(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    metric: str = "posts",
) -> Comparison:
    """Return daily means by side and period and the brand's lift over the baseline.

    Raises BadRequest for a metric other than posts, engagements, publishers.
    """
    head = header(campaign, now=now, as_of=as_of)
    if metric not in METRICS:
        raise BadRequest("metric", metric, f"use one of {', '.join(METRICS)}")
    view = await posts_of(lake, campaign, head.as_of)
    found = await _days(view, campaign, metric, head.instant)
    return _compare(head, metric, found)


def _compare(head: Header, metric: str, found: Mapping[str, Days]) -> Comparison:
    """Put the report together from the days of each side."""
    seed = seed_of(head.campaign_id)
    brand, *rivals = head.sides
    group = _sum([found[side.name] for side in rivals])
    return Comparison(
        header=head,
        metric=metric,
        unit=f"{metric} per day",
        level=0.95,
        notes=_notes(metric, bool(rivals)),
        means=tuple(
            _mean(side, name, found[side.name][name], seed)
            for side in head.sides
            for name in NAMES
            if name in found[side.name]
        ),
        effects=tuple(
            _effect(metric, found[brand.name], group, name, seed)
            for name in NAMES[1:]
            if name in found[brand.name]
        ),
    )


async def _days(view: Posts, campaign: Campaign, metric: str, instant: datetime) -> dict[str, Days]:
    """Return each side's numbers by period and day; a day unknown for one side is out for all."""
    every = sides(campaign)
    place = zone(campaign.timezone)
    begun = {
        name: (period, _complete_days(period, place))
        for name, period in periods(campaign, instant).items()
    }
    lines = await asyncio.gather(
        *(
            _daily(view, campaign, side, metric, period, place)
            for side in every
            for period, _ in begun.values()
        )
    )
    answers = iter(lines)
    by_side = {side.name: {name: next(answers) for name in begun} for side in every}
    shown = {
        name: [
            day
            for day in days
            if all(by_side[side.name][name].get(day, 0.0) is not None for side in every)
        ]
        for name, (_, days) in begun.items()
    }
    return {
        side: {
            name: np.array([lines_of[name].get(day) or 0.0 for day in shown[name]], dtype=float)
            for name in begun
        }
        for side, lines_of in by_side.items()
    }


async def _daily(
    view: Posts, campaign: Campaign, side: Side, metric: str, period: Period, place: ZoneInfo
) -> dict[datetime, float | None]:
    """Return one side's number of each day of a period."""
    buckets = await view.series(
        Post,
        within(where_of(campaign, side), period),
        interval="1d",
        timezone=place.key,
        metrics=(COUNT, *(m for m in questions([metric]) if m != COUNT)),
    )
    return {bucket.start.astimezone(UTC): value(metric, bucket.numbers) for bucket in buckets}


def _complete_days(period: Period, place: ZoneInfo) -> list[datetime]:
    """Return the starts of the days that lie wholly inside a period."""
    start = floor(period.since, "1d", place)
    days = []
    while start < period.until:
        after = floor(start + timedelta(days=1), "1d", place)
        if period.since <= start and after <= period.until:
            days.append(start.astimezone(UTC))
        start = after
    return days


def _sum(rivals: Sequence[Days]) -> Days | None:
    """Return the competitors' days added up; None without competitors."""
    if not rivals:
        return None
    return {name: np.sum([days[name] for days in rivals], axis=0) for name in rivals[0]}


def _mean(side: Side, name: PeriodName, days: F64, seed: int) -> DailyMean:
    """Return one side's mean of a period with its interval."""
    interval = mean_interval(days, seed=seed)
    return DailyMean(
        side=side.name,
        brand=side.brand,
        period=name,
        days=len(days),
        mean=round(float(days.mean()), 4) if len(days) else None,
        low=round(max(0.0, interval[0]), 4) if interval else None,
        high=round(interval[1], 4) if interval else None,
        reason="" if interval else _no_interval(days),
    )


def _no_interval(days: F64) -> str:
    """Say why a mean has no interval."""
    if len(days) < FEWEST_DAYS:
        return f"fewer than {FEWEST_DAYS} complete days"
    return "every day alike" if np.ptp(days) == 0 else _TOO_SPARSE


def _effect(metric: str, brand: Days, group: Days | None, name: PeriodName, seed: int) -> Effect:
    """Return the brand's effect in a period, with an interval if there can be one."""
    ours = _change_percent(brand, name)
    theirs = _change_percent(group, name) if group else None
    found = _change(brand, group, name, seed)
    if found is None:
        return Effect(
            period=name,
            wording="observed",
            sentence=_observed(metric, name, ours),
            brand_percent=ours,
            competitors_percent=theirs,
            lift_percent=_plain_lift(ours, theirs),
            reason=_reason(brand, group, name),
        )
    return _effect_of(found, metric, name, (ours, theirs), float(brand[name].mean()))


def _effect_of(
    found: Change,
    metric: str,
    name: PeriodName,
    changes: tuple[float | None, float | None],
    during: float,
) -> Effect:
    """Return the effect that a change with its interval amounts to."""
    lift, low, high = (round((exp(x) - 1) * 100, 4) for x in (found.log, found.low, found.high))
    extra, least, most = (
        round(during * (1 - exp(-x)), 4) for x in (found.log, found.low, found.high)
    )
    proven = low > 0 or high < 0
    span = f"{lift:+.1f} % (95 % interval {low:+.1f} to {high:+.1f} %) against the competitors"
    if proven:
        sentence = f"{metric.capitalize()} {name}: lift of {span}."
    else:
        sentence = f"{_observed(metric, name, changes[0])} No lift: {span} may be chance."
    return Effect(
        period=name,
        wording="lift" if proven else "observed",
        sentence=sentence,
        brand_percent=changes[0],
        competitors_percent=changes[1],
        lift_percent=lift,
        lift_low=low,
        lift_high=high,
        extra_per_day=extra,
        extra_low=least,
        extra_high=most,
    )


def _change(brand: Days, group: Days | None, name: PeriodName, seed: int) -> Change | None:
    """Return the brand's change against the group's; None where it cannot be told."""
    if group is None or "baseline" not in brand:
        return None
    before = (brand["baseline"], group["baseline"])
    return change(before, (brand[name], group[name]), seed=seed)


def _change_percent(days: Days, name: PeriodName) -> float | None:
    """Return by how many percent a side's mean is above its baseline."""
    if "baseline" not in days or not len(days[name]) or not len(days["baseline"]):
        return None
    return change_percent(float(days[name].mean()), float(days["baseline"].mean()))


def _plain_lift(ours: float | None, theirs: float | None) -> float | None:
    """Return the lift without an interval."""
    if ours is None or theirs is None:
        return None
    return change_percent(1 + ours / 100, 1 + theirs / 100)


def _observed(metric: str, name: PeriodName, ours: float | None) -> str:
    """Say what the brand did, without a claim."""
    if ours is None:
        return f"{metric.capitalize()} {name}: no baseline to compare with."
    return f"{metric.capitalize()} {name}: observed {ours:+.1f} % a day against the baseline."


def _reason(brand: Days, group: Days | None, name: PeriodName) -> str:
    """Say why an effect has no interval."""
    if group is None:
        return "no competitors to compare with"
    if "baseline" not in brand:
        return "no baseline"
    days = {part: len(brand[part]) for part in ("baseline", name) if part in brand}
    few = [part for part, length in days.items() if length < FEWEST_DAYS]
    if few:
        return f"fewer than {FEWEST_DAYS} complete days in {' and '.join(few)}"
    return _TOO_SPARSE


def _notes(metric: str, compared: bool) -> tuple[str, ...]:
    """Return what a reader has to know about the metric."""
    notes = ["Only complete days of the campaign's time zone count."]
    if metric == "engagements":
        notes.append("Engagements are those seen so far: later posts had less time to gather them.")
    if not compared:
        notes.append("Without competitors a change cannot be told from what happened to everybody.")
    return tuple(notes)
