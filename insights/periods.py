"""Whom a report compares and over which stretches of time."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from insights.errors import BadRequest
from lake.contract import Where
from registry.models import Campaign

PeriodName = Literal["baseline", "during", "after"]
NAMES: tuple[PeriodName, ...] = ("baseline", "during", "after")

DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A brand, the hashtags and profiles that stand for it; `brand` marks the campaign's own."""

    name: str
    hashtags: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    brand: bool = False


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of time [since, until); `days` is its length so far, `planned_days` in the end."""

    name: PeriodName
    since: datetime
    until: datetime
    days: float
    planned_days: float


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is about: printed above every report, so that it can be reproduced.

    `instant` is the time the report speaks of; `as_of` repeats it if the past was asked for, else
    None.
    """

    campaign_id: str
    name: str
    revision: int
    networks: tuple[str, ...]
    timezone: str
    instant: datetime
    as_of: datetime | None
    sides: tuple[Side, ...]
    periods: tuple[Period, ...]


def sides(campaign: Campaign) -> tuple[Side, ...]:
    """Return the brand and then its competitors; a competitor nothing stands for is left out."""
    brand = Side(
        name=_brand_name(campaign),
        hashtags=campaign.hashtags,
        profiles=campaign.profiles,
        brand=True,
    )
    if not (brand.hashtags or brand.profiles):
        raise BadRequest("hashtags", (), "give the campaign at least one hashtag or profile")
    rivals = (
        Side(name=rival.name, hashtags=rival.hashtags, profiles=rival.profiles)
        for rival in campaign.competitors
        if rival.hashtags or rival.profiles
    )
    return (brand, *rivals)


def side_named(campaign: Campaign, name: str | None) -> Side:
    """Return the side with this name, the brand for None. Raises BadRequest."""
    known = sides(campaign)
    if name is None:
        return known[0]
    for side in known:
        if side.name == name:
            return side
    raise BadRequest("side", name, f"use one of {', '.join(side.name for side in known)}")


def where_of(campaign: Campaign, side: Side, *, reposts: bool = False) -> Where:
    """Return the filter for the posts of one side: originals, or only reposts.

    Each side has a filter of its own, so a share's denominator is never narrowed to the brand.
    """
    return Where(
        networks=campaign.networks,
        tags=side.hashtags,
        handles=side.profiles,
        kinds=("repost",) if reposts else (),
        exclude_kinds=() if reposts else ("repost",),
    )


def within(where: Where, period: Period) -> Where:
    """Return the filter narrowed to what was published in the period."""
    return msgspec.structs.replace(where, since=period.since, until=period.until)


def periods(campaign: Campaign, instant: datetime) -> dict[PeriodName, Period]:
    """Return the periods that have begun by `instant`, cut off there."""
    bounds: Mapping[PeriodName, tuple[datetime, datetime]] = {
        "baseline": (campaign.start - campaign.baseline_days * DAY, campaign.start),
        "during": (campaign.start, campaign.end),
        "after": (campaign.end, campaign.end + campaign.after_days * DAY),
    }
    return {
        name: _period(name, since, until, instant)
        for name, (since, until) in bounds.items()
        if since < min(until, instant)
    }


def whole(campaign: Campaign, instant: datetime) -> tuple[datetime, datetime]:
    """Return the stretch that is collected, cut off at `instant` (but never of negative length)."""
    since = campaign.start - campaign.baseline_days * DAY
    return since, max(since, min(instant, campaign.end + campaign.after_days * DAY))


def instant_of(now: datetime, as_of: datetime | None) -> datetime:
    """Return the time a report speaks of, in whole milliseconds: lakes know no finer time."""
    if as_of is None:
        return _whole_milliseconds(now)
    if as_of.tzinfo is None:
        raise BadRequest("as_of", as_of.isoformat(), "give a time zone, for example Z")
    if as_of > now:
        raise BadRequest("as_of", as_of.isoformat(), "give a time that has passed")
    return _whole_milliseconds(as_of)


def header(campaign: Campaign, *, now: datetime, as_of: datetime | None) -> Header:
    """Return the head of a report."""
    instant = instant_of(now, as_of)
    return Header(
        campaign_id=campaign.id,
        name=campaign.name,
        revision=campaign.revision,
        networks=campaign.networks,
        timezone=campaign.timezone,
        instant=instant,
        as_of=instant if as_of else None,
        sides=sides(campaign),
        periods=tuple(periods(campaign, instant).values()),
    )


def zone(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name. Raises BadRequest."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        fix = "use an IANA name such as Europe/Berlin or UTC"
        raise BadRequest("timezone", name, fix) from error


def _brand_name(campaign: Campaign) -> str:
    """Name the brand by its first hashtag: a campaign's own name ("Spring 2026") names no brand."""
    rivals = {rival.name.casefold() for rival in campaign.competitors}
    for name in (*campaign.hashtags, *campaign.profiles, campaign.name):
        if name.casefold() not in rivals:
            return name
    return campaign.name


def _period(name: PeriodName, since: datetime, until: datetime, instant: datetime) -> Period:
    """Return a period, cut off at `instant`."""
    end = min(until, instant)
    return Period(
        name=name,
        since=since,
        until=end,
        days=round((end - since) / DAY, 4),
        planned_days=round((until - since) / DAY, 4),
    )


def _whole_milliseconds(instant: datetime) -> datetime:
    """Return the time in UTC, rounded down to milliseconds."""
    utc = instant.astimezone(UTC)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
