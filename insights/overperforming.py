"""How a post does against what its author's posts usually had at the same age (CrowdTangle's rule).

benchmark = mean of the middle 50 % of the author's last 100 posts of the same kind, each with the
engagements it had at the age this post has now. That takes snapshots, which the lake keeps.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from insights.past import snapshots_of
from insights.periods import DAY
from lake.contract import Lake, Sort, Where
from lake.records import Counts, Post, PostCounts, Snapshot

MINIMUM = 10.0  # engagements: below it a ratio says nothing
HISTORY = 100  # posts of the author that are looked at
ENOUGH = 4  # posts: the middle half of fewer is a single post

# Authors asked about at once: more only queue in the lake and hold memory.
_PARALLEL = 8
_AT_ONCE = 1000  # posts whose snapshots one question asks for


class Performance(msgspec.Struct, frozen=True, kw_only=True):
    """The score of one post; None where the author's history is too short or a count is unknown."""

    score: float | None = None
    benchmark: float | None = None  # engagements
    posts: int = 0  # of the author, behind the benchmark
    age_hours: float | None = None  # at which all were compared


def score(actual: float, benchmark: float, *, minimum: float = MINIMUM) -> float:
    """Return the over-performing score of `actual` engagements where `benchmark` were expected.

    While the benchmark is below `minimum`, `actual` is measured against the minimum itself: chance
    makes 3 of 1 easily.

    >>> score(100, 50), score(100, 200), score(0, 200), score(9, 5)
    (2.0, -2.0, -400.0, 0.9)
    """
    if benchmark < minimum:
        return actual / minimum
    if actual == 0:
        return -2.0 * benchmark
    return actual / benchmark if actual >= benchmark else -benchmark / actual


def middle_mean(values: Sequence[float]) -> float:
    """Return the mean of the middle half: a quarter of the values (rounded down) goes at either
    end.

    >>> middle_mean([0, 10, 20, 1000])
    15.0
    """
    cut = len(values) // 4
    kept = sorted(values)[cut : len(values) - cut]
    return sum(kept) / len(kept)


def engagements_of(counts: Counts | PostCounts) -> int | None:
    """Return likes + comments + shares, unknown parts as 0; None if all three are unknown."""
    known = [part for part in (counts.likes, counts.comments, counts.shares) if part is not None]
    return sum(known) if known else None


async def performances(
    lake: Lake, posts: Sequence[Post], *, instant: datetime
) -> dict[str, Performance]:
    """Return the score of each post as of `instant`; a post of an unknown author has none.

    One question for each author and kind, and one for all snapshots of those posts; the age
    compared at is that of the post's newest counts.
    """
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(author: str, kind: str) -> list[Post]:
        """Return the history of one author's posts of a kind."""
        async with gate:
            mine = [post for post in posts if post.author_id == author and post.kind == kind]
            return await _history(lake, mine, author=author, kind=kind)

    pairs = sorted({(post.author_id, post.kind) for post in posts if post.author_id})
    found = await asyncio.gather(*(one(author, kind) for author, kind in pairs))
    histories = dict(zip(pairs, found, strict=True))
    earlier = [other for history in found for other in history]
    ladders = await _ladders(lake, _needed(posts, earlier, instant))
    return {
        post.id: _performance(post, histories[post.author_id, post.kind], ladders)
        for post in posts
        if post.author_id
    }


def _needed(
    posts: Sequence[Post], earlier: Sequence[Post], instant: datetime
) -> tuple[Where, datetime]:
    """Return which snapshots the scores rest on, and until when: bounded in time, since a lake
    finds a stretch of history sooner than single posts in all of it.
    """
    ages = [post.observed_at - post.created_at for post in posts if post.created_at]
    made = [post.created_at for post in earlier if post.created_at]
    if not (ages and made):
        return Where(), instant
    # A day of room: servers disagree on the time, and a post may be seen "before" it was made.
    where = Where(
        subject="post",
        subjects=tuple(sorted({post.id for post in earlier})),
        since=min(made) - DAY,
    )
    return where, min(instant, max(made) + max(ages))


async def _ladders(lake: Lake, needed: tuple[Where, datetime]) -> dict[str, list[Snapshot]]:
    """Return the snapshots of each post, oldest first."""
    where, until = needed
    ladders: dict[str, list[Snapshot]] = {}
    for start in range(0, len(where.subjects), _AT_ONCE):
        some = msgspec.structs.replace(where, subjects=where.subjects[start : start + _AT_ONCE])
        async for shot in snapshots_of(lake, some, until):
            ladders.setdefault(shot.subject_id, []).append(shot)
    for shots in ladders.values():
        shots.sort(key=lambda shot: shot.observed_at)
    return ladders


async def _history(lake: Lake, posts: Sequence[Post], *, author: str, kind: str) -> list[Post]:
    """Return the author's last posts of a kind, newest first, without the newest of `posts`."""
    newest = max((post.created_at for post in posts if post.created_at), default=None)
    if newest is None:
        return []
    where = Where(authors=(author,), kinds=(kind,), until=newest)
    limit = min(1000, HISTORY + len(posts))
    page = await lake.page(Post, where, sort=Sort(field="created_at"), limit=limit)
    return [post for post in page.records if isinstance(post, Post)]


def _performance(
    post: Post, earlier: Sequence[Post], ladders: Mapping[str, Sequence[Snapshot]]
) -> Performance:
    """Return the score of one post against its author's earlier posts."""
    actual = engagements_of(post.counts)
    if actual is None or post.created_at is None:
        return Performance()
    age = post.observed_at - post.created_at
    before = [
        other
        for other in earlier
        if other.id in ladders and other.created_at and other.created_at < post.created_at
    ]
    values = [
        value
        for other in before[:HISTORY]
        if (value := _at_age(ladders[other.id], age)) is not None
    ]
    hours = round(age / timedelta(hours=1), 4)
    if len(values) < ENOUGH:
        return Performance(posts=len(values), age_hours=hours)
    benchmark = middle_mean(values)
    return Performance(
        score=round(score(actual, benchmark), 4),
        benchmark=round(benchmark, 4),
        posts=len(values),
        age_hours=hours,
    )


def _at_age(shots: Sequence[Snapshot], age: timedelta) -> int | None:
    """Return the engagements at the last snapshot not older than `age`; None if there is none."""
    found: int | None = None
    for shot in shots:
        if shot.created_at is None or shot.observed_at - shot.created_at > age:
            break
        found = engagements_of(shot.counts)
    return found
