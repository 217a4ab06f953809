"""The KPI strip: a brand's numbers of one period beside those of another."""

import asyncio

import msgspec

from insights.audiences.campaign import CampaignReach
from insights.definitions import unit_of
from insights.measures import AUTHORS, KNOWN_RATES, questions, value
from insights.past import Posts
from insights.periods import Period, sides, where_of, within
from insights.publishers import Audience, audience
from insights.rounding import Known, change_percent, ratio, whole
from insights.shares import Share
from lake.contract import COUNT, Distinct, Metric, Numbers, Where
from lake.records import Post
from registry.models import Campaign

_SUMS = ("posts", "engagements", "likes", "comments", "shares", "views", "followers_sum")
_ASKED = questions((*_SUMS, "engagement_rate", "unknown_authors")) + tuple(
    Metric(kind="known", field=field)
    for field in ("counts.likes", "counts.comments", "counts.shares", "counts.views")
)
_FOLLOWERS_KNOWN = Metric(kind="known", field="author_followers")
_KNOWN = {
    "likes": "known:counts.likes",
    "comments": "known:counts.comments",
    "shares": "known:counts.shares",
    "views": "known:counts.views",
    "followers_sum": _FOLLOWERS_KNOWN.name,
}


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """One number of the strip. Its meaning stands in the definitions under its name.

    `baseline` is the same number of the period compared with. Periods have different lengths, so
    `change_percent` compares the values per day; rates are compared as they are.
    """

    name: str
    unit: str
    value: Known | None
    per_day: float | None = None
    baseline: Known | None = None
    baseline_per_day: float | None = None
    change_percent: float | None = None
    change_points: float | None = None  # for numbers in per cent: percentage points
    known: int | None = None  # over how many posts or accounts the value is known
    error: float = 0.0  # relative, one sigma; 0: exact
    low: float | None = None  # of an estimate, the 95 % interval around `value`
    high: float | None = None
    note: str = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a lake says of a brand in one period."""

    days: float
    numbers: Numbers
    reposts: int
    publishers: Distinct
    daily_publishers: int  # publishers of each day, summed over the days
    audience: Audience


async def measured(view: Posts, campaign: Campaign, period: Period | None) -> Measured | None:
    """Return the brand's numbers of a period; None if it has not begun. Four questions at once."""
    if period is None:
        return None
    brand = sides(campaign)[0]
    where = within(where_of(campaign, brand), period)
    passed_on = within(where_of(campaign, brand, reposts=True), period)
    (numbers, reposts), authors, daily, followers = await asyncio.gather(
        view.tallies(Post, (where, passed_on), (*_ASKED, _FOLLOWERS_KNOWN)),
        view.distinct(Post, where, "author_id"),
        _daily_publishers(view, where, campaign.timezone),
        audience(view, where),
    )
    return Measured(
        days=period.days,
        numbers=numbers,
        reposts=whole(reposts[COUNT.name]) or 0,
        publishers=authors,
        daily_publishers=daily,
        audience=followers,
    )


def kpis(now: Measured | None, then: Measured | None) -> list[Kpi]:
    """Return the strip in the order it is shown; all values None before the campaign begins."""
    sums = {name: _sum(name, now, then) for name in _SUMS}
    return [
        sums.pop("posts"),
        _publishers(now, then),
        sums.pop("engagements"),
        *(sums.pop(part) for part in ("likes", "comments", "shares")),
        _rate(now, then),
        sums.pop("views"),
        sums.pop("followers_sum"),
        _audience(now, then),
        _counted("reposts", now, then),
        _counted("unknown_authors", now, then),
    ]


def reach(now: CampaignReach, then: CampaignReach) -> Kpi:
    """Return how many different people the publishers reach."""
    found, before = now.people, then.people
    return Kpi(
        name="reach_estimate",
        unit=unit_of("reach_estimate"),
        value=None if found is None else found.value,
        low=None if found is None else found.low,
        high=None if found is None else found.high,
        baseline=None if before is None else before.value,
        known=now.publishers_known,
        note=now.note,
    )


def voice(share: Share) -> Kpi:
    """Return the brand's share of voice by posts."""
    return Kpi(
        name="share_of_voice",
        unit=unit_of("share_of_voice"),
        value=share.share_percent,
        baseline=share.baseline_percent,
        change_percent=change_percent(share.share_percent, share.baseline_percent),
        change_points=share.change_points,
        note="by posts",
    )


def spiking(count: int, *, complete: bool) -> Kpi:
    """Return how many posts spiked over the whole watched time."""
    return Kpi(
        name="spiking_posts",
        unit=unit_of("spiking_posts"),
        value=count,
        note="whole watched time" if complete else "whole watched time, at least",
    )


async def _daily_publishers(view: Posts, where: Where, timezone: str) -> int:
    """Return the publishers of each day, summed over the days."""
    buckets = await view.series(Post, where, interval="1d", timezone=timezone, metrics=(AUTHORS,))
    return sum(whole(bucket.numbers[AUTHORS.name]) or 0 for bucket in buckets)


def _sum(name: str, now: Measured | None, then: Measured | None) -> Kpi:
    """Return the KPI of a sum over posts."""
    known = now.numbers.get(_KNOWN[name]) if now and name in _KNOWN else None
    return _scaled(
        name,
        (value(name, now.numbers) if now else None, now.days if now else None),
        (value(name, then.numbers) if then else None, then.days if then else None),
        known=whole(known),
    )


def _counted(name: str, now: Measured | None, then: Measured | None) -> Kpi:
    """Return the KPI of a number that is counted apart."""

    def count(measured: Measured | None) -> Known | None:
        if measured is None:
            return None
        return measured.reposts if name == "reposts" else value(name, measured.numbers)

    return _scaled(
        name,
        (count(now), now.days if now else None),
        (count(then), then.days if then else None),
    )


def _scaled(
    name: str,
    now: tuple[Known | None, float | None],
    then: tuple[Known | None, float | None],
    *,
    known: int | None = None,
) -> Kpi:
    """Return the KPI of a number that adds up over days."""
    return Kpi(
        name=name,
        unit=unit_of(name),
        value=now[0],
        per_day=ratio(*now),
        baseline=then[0],
        baseline_per_day=ratio(*then),
        change_percent=change_percent(_divided(*now), _divided(*then)),
        known=known,
    )


def _divided(value: Known | None, days: float | None) -> float | None:
    """Return the value per day, not rounded."""
    return value / days if value is not None and days else None


def _publishers(now: Measured | None, then: Measured | None) -> Kpi:
    """Return the publishers; compared by publishers a day, since distinct counts do not add up."""
    daily = (now.daily_publishers, now.days) if now else (None, None)
    before = (then.daily_publishers, then.days) if then else (None, None)
    return Kpi(
        name="publishers",
        unit=unit_of("publishers"),
        value=now.publishers.value if now else None,
        per_day=ratio(*daily),
        baseline=then.publishers.value if then else None,
        baseline_per_day=ratio(*before),
        change_percent=change_percent(_divided(*daily), _divided(*before)),
        error=now.publishers.error if now else 0.0,
        note="per day: publishers active on a day, on average",
    )


def _rate(now: Measured | None, then: Measured | None) -> Kpi:
    """Return the engagement rate, compared as it is."""
    rate = value("engagement_rate", now.numbers) if now else None
    before = value("engagement_rate", then.numbers) if then else None
    return Kpi(
        name="engagement_rate",
        unit=unit_of("engagement_rate"),
        value=rate,
        baseline=before,
        change_percent=change_percent(rate, before),
        change_points=None if rate is None or before is None else round(rate - before, 4),
        known=whole(now.numbers.get(KNOWN_RATES.name)) if now else None,
        note="per post, by followers; mean of the posts whose author's followers are known",
    )


def _audience(now: Measured | None, then: Measured | None) -> Kpi:
    """Return the followers of the publishers, each publisher once."""
    note = "does not add up over days: compare only periods of one length"
    if now and not now.audience.complete:
        note = f"at least: the {now.audience.publishers} most followed publishers; {note}"
    return Kpi(
        name="publishers_followers_sum",
        unit=unit_of("publishers_followers_sum"),
        value=now.audience.followers if now else None,
        baseline=then.audience.followers if then else None,
        known=now.audience.publishers if now else None,
        note=note,
    )
