"""How complete the numbers of a report are: what was polled, what was missed, what is unknown."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from insights.measures import KNOWN_AUTHORS
from insights.past import Posts, posts_of
from insights.periods import Header, header, sides, where_of, whole
from insights.rounding import ratio
from insights.rounding import whole as integer
from lake.contract import COUNT, Group, Lake, Metric, Where
from lake.records import Gap, Poll, Post
from registry.models import Campaign

_HOUR = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)
_SUMS = (
    "planned",
    "made",
    "unchanged",
    "failed",
    "posts_seen",
    "posts_new",
    "rate_limited_seconds",
)
_METRICS = {name: Metric(kind="sum", field=name) for name in _SUMS}

# The newest successful poll is looked for in the last hours; a target silent for longer has no
# freshness to speak of, and its gaps say so.
_RECENT = timedelta(days=2)


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of whole minutes [since, until) in which a target was not watched as planned."""

    target: str
    since: datetime
    until: datetime
    minutes: int
    reasons: tuple[str, ...]
    polls_missed: int


class TargetQuality(msgspec.Struct, frozen=True, kw_only=True):
    """How one target was watched. `freshness_seconds` is None if no poll succeeded in two days."""

    target: str
    polls_planned: int
    polls_made: int
    polls_failed: int
    polls_unchanged: int
    unchanged_share: float | None  # per cent of the polls made
    posts_seen: int
    posts_new: int
    rate_limited_minutes: float
    gap_minutes: int
    freshness_seconds: float | None


class QualityTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The quality of the whole in short; names as in the definitions."""

    since: datetime
    until: datetime
    targets: int
    polls_planned: int
    polls_made: int
    polls_failed: int
    polls_made_share: float | None  # per cent of the polls planned
    unchanged_share: float | None  # per cent of the polls made
    rate_limited_minutes: float
    gaps: int
    gap_minutes: int
    posts: int
    unknown_authors: int
    deleted_posts: int
    oldest_freshness_seconds: float | None  # of the target that waits longest


class Quality(msgspec.Struct, frozen=True, kw_only=True):
    """The data quality of a campaign from the start of its baseline to the time of the report."""

    header: Header
    totals: QualityTotals
    targets: tuple[TargetQuality, ...]
    gaps: tuple[Stretch, ...]


async def quality(
    lake: Lake, campaign: Campaign, *, now: datetime, as_of: datetime | None = None
) -> Quality:
    """Return how the campaign's targets were watched and what is missing from its numbers."""
    head = header(campaign, now=now, as_of=as_of)
    view = await posts_of(lake, campaign, head.as_of)
    return await quality_of(lake, view, campaign, head)


async def quality_of(lake: Lake, view: Posts, campaign: Campaign, head: Header) -> Quality:
    """Return the quality where the campaign's posts are at hand already."""
    since, until = whole(campaign, head.instant)
    targets = targets_of(campaign)
    # Of the past only hours that were over count: the numbers of a running hour are overwritten.
    last = until.replace(minute=0, second=0, microsecond=0) if head.as_of else until
    polls, newest, gaps, counts = await asyncio.gather(
        _polls(lake, targets, since, last),
        _newest_success(lake, targets, last),
        _gaps(lake, targets, since, until),
        _counts(view, campaign, since, until),
    )
    stretches = merged(gaps, since, until)
    rows = [_target(name, polls.get(name), newest.get(name), stretches, until) for name in targets]
    return Quality(
        header=head,
        totals=_totals(rows, stretches, counts, (since, until)),
        targets=tuple(rows),
        gaps=tuple(stretches),
    )


def targets_of(campaign: Campaign) -> tuple[str, ...]:
    """Return the keys of all targets the campaign watches, its competitors' too, in order."""
    every = sides(campaign)
    names = [("tag", tag) for side in every for tag in side.hashtags]
    names += [("profile", handle) for side in every for handle in side.profiles]
    keys = {f"{network}/{kind}/{name}" for network in campaign.networks for kind, name in names}
    return tuple(sorted(keys))


def merged(gaps: Iterable[Gap], since: datetime, until: datetime) -> list[Stretch]:
    """Return each target's gaps inside [since, until), widened to whole minutes, overlapping ones
    as one.

    Ordered by time, then target. Polls missed by overlapping gaps are added up.
    """
    found: list[Stretch] = []
    for gap in sorted(gaps, key=lambda gap: (gap.target, gap.since, gap.id)):
        stretch = _stretch(gap, since, until)
        if stretch is None:
            continue
        last = found[-1] if found else None
        if last and last.target == stretch.target and stretch.since <= last.until:
            found[-1] = _joined(last, stretch)
        else:
            found.append(stretch)
    return sorted(found, key=lambda stretch: (stretch.since, stretch.target))


def _stretch(gap: Gap, since: datetime, until: datetime) -> Stretch | None:
    """Return the part of a gap inside the watched time, None if there is none."""
    start, end = max(gap.since, since), min(gap.until, until)
    if start >= end:
        return None
    start = start.astimezone(UTC).replace(second=0, microsecond=0)
    end = -(-(end - start) // _MINUTE) * _MINUTE + start
    return Stretch(
        target=gap.target,
        since=start,
        until=end,
        minutes=(end - start) // _MINUTE,
        reasons=(gap.reason,),
        polls_missed=gap.polls_missed,
    )


def _joined(first: Stretch, second: Stretch) -> Stretch:
    """Return two overlapping stretches as one."""
    until = max(first.until, second.until)
    return Stretch(
        target=first.target,
        since=first.since,
        until=until,
        minutes=(until - first.since) // _MINUTE,
        reasons=tuple(sorted({*first.reasons, *second.reasons})),
        polls_missed=first.polls_missed + second.polls_missed,
    )


async def _polls(
    lake: Lake, targets: Sequence[str], since: datetime, until: datetime
) -> dict[str, Group]:
    """Return the sums of each target's polls."""
    where = Where(targets=tuple(targets), time="hour", since=since, until=until)
    groups = await lake.top(
        Poll, where, by="target", metrics=tuple(_METRICS.values()), limit=len(targets)
    )
    return {group.key: group for group in groups}


async def _newest_success(
    lake: Lake, targets: Sequence[str], until: datetime
) -> dict[str, datetime]:
    """Return when each target was last polled with success, by the hours that have such a poll."""
    where = Where(targets=tuple(targets), time="hour", since=until - _RECENT, until=until)
    newest: dict[str, datetime] = {}
    async for batch in lake.scan(Poll, where):
        for poll in batch:
            if poll.made > poll.failed:
                # An hour's record is written when it moves; a later write tells of a later poll.
                seen = min(poll.observed_at, poll.hour + _HOUR, until)
                newest[poll.target] = max(seen, newest.get(poll.target, seen))
    return newest


async def _gaps(lake: Lake, targets: Sequence[str], since: datetime, until: datetime) -> list[Gap]:
    """Return the gaps that reach into the watched time."""
    where = Where(targets=tuple(targets), time="until", since=since)
    return [gap async for batch in lake.scan(Gap, where) for gap in batch if gap.since < until]


async def _counts(
    view: Posts, campaign: Campaign, since: datetime, until: datetime
) -> tuple[int, int, int]:
    """Return how many posts of all sides there are, are of unknown authors, are deleted.

    A side at a time: a post that names two sides counts for each, as everywhere.
    """
    wheres = [
        msgspec.structs.replace(where_of(campaign, side), since=since, until=until)
        for side in sides(campaign)
    ]
    gone = [msgspec.structs.replace(where, deleted=True) for where in wheres]
    answers = await view.tallies(Post, (*wheres, *gone), (COUNT, KNOWN_AUTHORS))
    all_posts = answers[: len(wheres)]
    posts = sum(integer(numbers[COUNT.name]) or 0 for numbers in all_posts)
    known = sum(integer(numbers[KNOWN_AUTHORS.name]) or 0 for numbers in all_posts)
    deleted = sum(integer(numbers[COUNT.name]) or 0 for numbers in answers[len(wheres) :])
    return posts, posts - known, deleted


def _target(
    name: str,
    group: Group | None,
    newest: datetime | None,
    stretches: Sequence[Stretch],
    until: datetime,
) -> TargetQuality:
    """Return how one target was watched."""
    sums = _sums(group)
    return TargetQuality(
        target=name,
        polls_planned=round(sums["planned"]),
        polls_made=round(sums["made"]),
        polls_failed=round(sums["failed"]),
        polls_unchanged=round(sums["unchanged"]),
        unchanged_share=ratio(sums["unchanged"], sums["made"], times=100),
        posts_seen=round(sums["posts_seen"]),
        posts_new=round(sums["posts_new"]),
        rate_limited_minutes=round(sums["rate_limited_seconds"] / 60, 2),
        gap_minutes=sum(stretch.minutes for stretch in stretches if stretch.target == name),
        freshness_seconds=None if newest is None else round((until - newest).total_seconds(), 3),
    )


def _sums(group: Group | None) -> Mapping[str, float]:
    """Return the sums of a target's polls by name."""
    if group is None:
        return dict.fromkeys(_SUMS, 0.0)
    found = {name: group.numbers[metric.name] for name, metric in _METRICS.items()}
    return {name: x if isinstance(x, int | float) else 0.0 for name, x in found.items()}


def _totals(
    rows: Sequence[TargetQuality],
    stretches: Sequence[Stretch],
    counts: tuple[int, int, int],
    watched: tuple[datetime, datetime],
) -> QualityTotals:
    """Return the quality of the whole."""
    planned = sum(row.polls_planned for row in rows)
    made = sum(row.polls_made for row in rows)
    ages = [row.freshness_seconds for row in rows]
    known = [age for age in ages if age is not None]
    return QualityTotals(
        since=watched[0],
        until=watched[1],
        targets=len(rows),
        polls_planned=planned,
        polls_made=made,
        polls_failed=sum(row.polls_failed for row in rows),
        polls_made_share=ratio(made, planned, times=100),
        unchanged_share=ratio(sum(row.polls_unchanged for row in rows), made, times=100),
        rate_limited_minutes=round(sum(row.rate_limited_minutes for row in rows), 2),
        gaps=len(stretches),
        gap_minutes=sum(row.gap_minutes for row in rows),
        posts=counts[0],
        unknown_authors=counts[1],
        deleted_posts=counts[2],
        oldest_freshness_seconds=max(known) if len(known) == len(ages) and known else None,
    )
