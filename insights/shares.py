"""Share of voice: the brand's part of what was said about it and its competitors."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from insights.errors import BadRequest
from insights.measures import questions, value
from insights.past import Posts, posts_of
from insights.periods import Header, Period, Side, header, periods, sides, where_of, within
from insights.rounding import Known, ratio
from lake.contract import Lake
from lake.records import Post
from registry.models import Campaign

METRICS = ("posts", "engagements", "publishers")


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """One side's part. `change_points`: percentage points above its share of the baseline."""

    side: str
    brand: bool
    value: int | None
    share_percent: float | None
    baseline_value: int | None = None
    baseline_percent: float | None = None
    change_points: float | None = None


class ShareOfVoice(msgspec.Struct, frozen=True, kw_only=True):
    """The shares of all sides in a period, brand first. A post that names two counts for both."""

    header: Header
    metric: str
    period: str
    total: int | None  # the 100 %
    shares: tuple[Share, ...]


async def share_of_voice(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    metric: str = "posts",
    period: str = "during",
) -> ShareOfVoice:
    """Return each side's share in a period, beside its share of the baseline. Raises BadRequest."""
    head = header(campaign, now=now, as_of=as_of)
    if metric not in METRICS:
        raise BadRequest("metric", metric, f"use one of {', '.join(METRICS)}")
    if period not in ("baseline", "during", "after"):
        raise BadRequest("period", period, "use baseline, during or after")
    begun = dict(periods(campaign, head.instant).items())
    view = await posts_of(lake, campaign, head.as_of)
    chosen = next((found for name, found in begun.items() if name == period), None)
    shares, whole = await shares_of(view, campaign, metric, chosen, begun.get("baseline"))
    return ShareOfVoice(
        header=head, metric=metric, period=period, total=whole, shares=tuple(shares)
    )


async def shares_of(
    view: Posts, campaign: Campaign, metric: str, period: Period | None, baseline: Period | None
) -> tuple[list[Share], int | None]:
    """Return the shares of all sides and the total they are parts of."""
    every = sides(campaign)
    wheres = [
        within(where_of(campaign, side), found)
        for found in (period, baseline)
        if found
        for side in every
    ]
    numbers = await view.tallies(Post, wheres, questions([metric, "posts"]))
    answers = iter([_whole(value(metric, each)) for each in numbers])
    values, before = (
        [next(answers) if found else None for _ in every] for found in (period, baseline)
    )
    total, total_before = _sum(values), _sum(before)
    shares = [
        _share(side, (value, total), (value_before, total_before))
        for side, value, value_before in zip(every, values, before, strict=True)
    ]
    return shares, total


def _share(
    side: Side, now: tuple[int | None, int | None], before: tuple[int | None, int | None]
) -> Share:
    """Return one side's share now and before."""
    percent, percent_before = ratio(*now, times=100), ratio(*before, times=100)
    change = None
    if percent is not None and percent_before is not None:
        change = round(percent - percent_before, 4)
    return Share(
        side=side.name,
        brand=side.brand,
        value=now[0],
        share_percent=percent,
        baseline_value=before[0],
        baseline_percent=percent_before,
        change_points=change,
    )


def _whole(number: Known | None) -> int | None:
    """Return a count as an integer."""
    return None if number is None else round(number)


def _sum(values: Sequence[int | None]) -> int | None:
    """Return the total; None if one part is unknown, since shares of a part would be too high."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
