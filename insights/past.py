"""The posts of a campaign as they stood at an instant in the past, put together from snapshots."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec

from insights import rows
from insights.periods import MILLISECOND, sides, whole
from lake.contract import (
    COUNT,
    Bucket,
    Distinct,
    Group,
    Interval,
    Lake,
    Metric,
    Numbers,
    Page,
    Sort,
    Where,
)
from lake.records import Post, PostCounts, Record, Snapshot
from registry.models import Campaign

R = TypeVar("R", bound=Record)


class Posts(Protocol):
    """What a report asks of posts: a lake answers for now, `Past` for an instant in the past."""

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all records that match."""
        ...

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the totals of each filter."""
        ...

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        """Return the newest record of each value of a field."""
        ...

    async def series(
        self,
        kind: type[R],
        where: Where,
        *,
        interval: Interval,
        timezone: str = "UTC",
        metrics: Sequence[Metric] = (COUNT,),
        breakdown: str | None = None,
    ) -> list[Bucket]:
        """Return the metrics by interval."""
        ...

    async def top(
        self,
        kind: type[R],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric] = (COUNT,),
        order: Metric = COUNT,
        limit: int = 10,
    ) -> list[Group]:
        """Return the values of a field with the highest metric."""
        ...

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        """Return how many different known values a field has."""
        ...

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Return some records in order."""
        ...


class Past:
    """Answers questions about the posts of then. Made by `posts_at`, holds them in memory."""

    def __init__(self, posts: Sequence[Post]) -> None:
        self._posts = posts

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all posts that match."""
        return rows.totals(self._matching(where), metrics)

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the totals of each filter."""
        return [rows.totals(self._matching(where), metrics) for where in wheres]

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        """Return the newest post of each value of a field."""
        found = rows.newest(self._matching(where), by=by, time=where.time)
        return {key: post for key, post in found.items() if isinstance(post, kind)}

    async def series(
        self,
        kind: type[R],
        where: Where,
        *,
        interval: Interval,
        timezone: str = "UTC",
        metrics: Sequence[Metric] = (COUNT,),
        breakdown: str | None = None,
    ) -> list[Bucket]:
        """Return the metrics by interval."""
        return rows.series(
            self._matching(where),
            time=where.time,
            interval=interval,
            timezone=timezone,
            metrics=metrics,
            breakdown=breakdown,
        )

    async def top(
        self,
        kind: type[R],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric] = (COUNT,),
        order: Metric = COUNT,
        limit: int = 10,
    ) -> list[Group]:
        """Return the values of a field with the highest metric."""
        return rows.top(self._matching(where), by=by, metrics=metrics, order=order, limit=limit)

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        """Return how many different known values a field has: exact."""
        numbers = rows.totals(self._matching(where), [Metric(kind="distinct", field=field)])
        value = numbers[f"distinct:{field}"]
        return Distinct(value=value if isinstance(value, int) else 0)

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Return some posts in order."""
        return rows.page(self._matching(where), sort=sort, limit=limit, cursor=cursor)

    def _matching(self, where: Where) -> list[Post]:
        """Return the posts a filter means."""
        return [post for post in self._posts if rows.matches(post, where)]


async def posts_of(lake: Lake, campaign: Campaign, as_of: datetime | None) -> Posts:
    """Return who answers for the campaign's posts: the lake itself, or the past at `as_of`."""
    if as_of is None:
        return lake
    return await posts_at(lake, campaign, as_of)


async def posts_at(lake: Lake, campaign: Campaign, instant: datetime) -> Past:
    """Return the campaign's posts with the counts of their last snapshot not later than `instant`.

    A post first observed later is not there; what happened later (an edit, a deletion) is undone to
    "unknown". O(posts of the campaign) in memory.
    """
    every = sides(campaign)
    since, until = whole(campaign, instant)
    where = Where(
        networks=campaign.networks,
        tags=tuple(sorted({tag for side in every for tag in side.hashtags})),
        handles=tuple(sorted({handle for side in every for handle in side.profiles})),
        since=since,
        until=until,
    )
    counts = await _counts_at(lake, where, instant)
    posts = [
        _as_it_was(post, counts[post.id], instant)
        async for batch in lake.scan(Post, where, raw=False)
        for post in batch
        if post.id in counts
    ]
    return Past(await _with_followers(lake, posts, instant))


async def _counts_at(lake: Lake, where: Where, instant: datetime) -> dict[str, Snapshot]:
    """Return the last snapshot of each post by then."""
    subjects = msgspec.structs.replace(where, subject="post")
    return {
        snapshot.subject_id: snapshot
        async for batch in lake.at(subjects, instant)
        for snapshot in batch
    }


async def _with_followers(lake: Lake, posts: Sequence[Post], instant: datetime) -> list[Post]:
    """Return the posts with their authors' followers of then.

    The follower count a post carries is refreshed by every poll, so only a profile's snapshots can
    tell the one of then; without one it is unknown.
    """
    authors = sorted({post.author_id for post in posts if post.author_id})
    followers: dict[str, int | None] = {}
    for chunk in _chunks(authors, 1000):
        where = Where(subject="profile", subjects=chunk)
        async for batch in lake.at(where, instant):
            followers.update({shot.subject_id: shot.counts.followers for shot in batch})
    return [
        msgspec.structs.replace(post, author_followers=followers.get(post.author_id or ""))
        for post in posts
    ]


def _chunks(names: Sequence[str], size: int) -> list[tuple[str, ...]]:
    """Return names in portions of at most `size`."""
    return [tuple(names[start : start + size]) for start in range(0, len(names), size)]


def _as_it_was(post: Post, snapshot: Snapshot, instant: datetime) -> Post:
    """Return a post with what was known of it by then."""
    counts = snapshot.counts
    edited_later = post.edited_at is not None and post.edited_at > instant
    deleted_later = post.deleted_at is not None and post.deleted_at > instant
    return msgspec.structs.replace(
        post,
        observed_at=snapshot.observed_at,
        author_handle=snapshot.author_handle,
        counts=PostCounts(
            likes=counts.likes,
            comments=counts.comments,
            shares=counts.shares,
            views=counts.views,
            quotes=counts.quotes,
        ),
        text=None if edited_later else post.text,
        edited_at=None if edited_later else post.edited_at,
        deleted_at=None if deleted_later else post.deleted_at,
    )


async def snapshots_of(lake: Lake, where: Where, until: datetime) -> AsyncIterator[Snapshot]:
    """Yield the snapshots that match and were taken not later than `until`."""
    bounded = msgspec.structs.replace(where, time="observed_at", until=until + MILLISECOND)
    async for batch in lake.scan(Snapshot, bounded):
        for snapshot in batch:
            yield snapshot
