"""The posts of a campaign, best or newest first, each with its over-performing score."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from insights.errors import BadRequest
from insights.overperforming import Performance, performances
from insights.past import Posts, posts_of
from insights.periods import (
    Header,
    PeriodName,
    header,
    periods,
    side_named,
    where_of,
    whole,
    within,
)
from lake.contract import Lake, Sort, Where
from lake.derived import engagement_ppm, engagements
from lake.errors import BadQuestion
from lake.records import Media, Post
from registry.models import Campaign

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Order = Literal[
    "engagements", "created_at", "likes", "comments", "shares", "views", "overperforming"
]
ORDERS: tuple[Order, ...] = (
    "engagements",
    "created_at",
    "likes",
    "comments",
    "shares",
    "views",
    "overperforming",
)
Stretch = PeriodName | Literal["all"]

_FIELDS = {"engagements": "engagements", "created_at": "created_at"}

# A score costs two questions a post: among so many of the most engaging posts the best are looked
# for.
CANDIDATES = 100


class PostRow(msgspec.Struct, frozen=True, kw_only=True):
    """One post of a report. Of a deleted post the counts are shown, not the text and pictures."""

    id: str
    network: str
    kind: str
    url: str | None
    author_id: str | None
    author_handle: str | None
    author_followers: int | None
    text: str | None
    lang: str | None
    tags: tuple[str, ...]
    media: tuple[Media, ...]
    created_at: datetime | None
    observed_at: datetime
    deleted_at: datetime | None
    likes: int | None
    comments: int | None
    shares: int | None
    views: int | None
    engagements: int | None
    engagement_rate: float | None  # per cent of the author's followers
    overperforming: float | None  # score, see definitions
    benchmark: float | None  # engagements expected at this age
    benchmark_posts: int  # how many earlier posts the benchmark rests on


class PostList(msgspec.Struct, frozen=True, kw_only=True):
    """Some posts in order, and the cursor that continues behind them."""

    header: Header
    side: str
    period: str
    sort: str
    posts: tuple[PostRow, ...]
    cursor: str | None


async def posts(  # noqa: PLR0913 - the arguments are what a client may ask for
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    sort: str = "engagements",
    limit: int = 50,
    cursor: str | None = None,
    period: str = "during",
    side: str | None = None,
) -> PostList:
    """Return posts of one side and period.

    By `overperforming` the best of the 100 most engaging posts are shown, without a cursor.
    Raises BadRequest.
    """
    head = header(campaign, now=now, as_of=as_of)
    _check(sort, limit)
    chosen = side_named(campaign, side)
    where = stretch(where_of(campaign, chosen), campaign, period, head.instant)
    view = await posts_of(lake, campaign, head.as_of)
    if where is None:
        shown, after = [], None
    elif sort == "overperforming":
        shown, after = await _most_surprising(lake, view, where, limit, head.instant), None
    else:
        shown, after = await ranked(lake, view, where, sort, limit, cursor, head.instant)
    return PostList(
        header=head,
        side=chosen.name,
        period=period,
        sort=sort,
        posts=tuple(shown),
        cursor=after,
    )


async def ranked(  # noqa: PLR0913 - a page is said by where, how sorted, how long and from where
    lake: Lake,
    view: Posts,
    where: Where,
    sort: str,
    limit: int,
    cursor: str | None,
    instant: datetime,
) -> tuple[list[PostRow], str | None]:
    """Return a page of posts with their scores, and the cursor behind it."""
    field = _FIELDS.get(sort, f"counts.{sort}")
    where, place = _continued(where, cursor)
    page = await view.page(Post, where, sort=Sort(field=field), limit=limit, cursor=place)
    found = [record for record in page.records if isinstance(record, Post)]
    scores = await performances(lake, found, instant=instant)
    return [row_of(post, scores) for post in found], _cursor(where, page.cursor)


def _cursor(where: Where, place: str | None) -> str | None:
    """Return the cursor of a page: where its stretch ends, and the lake's own place in it."""
    if place is None or where.until is None:
        return place
    return f"{(where.until - EPOCH) // MICROSECOND}.{place}"


def _continued(where: Where, cursor: str | None) -> tuple[Where, str | None]:
    """Return the first page's question and the place in it. Raises BadQuestion.

    A running campaign's stretch ends now, so it has grown since: its later pages end where the
    first one did, never behind what may be asked for now.
    """
    if where.until is None:
        return where, cursor
    until = where.until.astimezone(UTC)
    place = cursor
    if cursor is not None:
        end, _, place = cursor.partition(".")
        if not (end.isascii() and end.isdigit() and len(end) <= 16):
            raise BadQuestion("the cursor is none of ours; start without one")
        until = min(until, EPOCH + int(end) * MICROSECOND)
    return msgspec.structs.replace(where, until=until), place


def stretch(where: Where, campaign: Campaign, period: str, instant: datetime) -> Where | None:
    """Return the filter narrowed to a period or to "all"; None for a period that has not begun."""
    if period == "all":
        since, until = whole(campaign, instant)
        return msgspec.structs.replace(where, since=since, until=until)
    if period not in ("baseline", "during", "after"):
        raise BadRequest("period", period, "use baseline, during, after or all")
    begun = {name: found for name, found in periods(campaign, instant).items() if name == period}
    return within(where, *begun.values()) if begun else None


def row_of(post: Post, scores: Mapping[str, Performance]) -> PostRow:
    """Return what a report shows of a post."""
    ppm = engagement_ppm(post)
    score = scores.get(post.id, Performance())
    gone = post.deleted_at is not None
    return PostRow(
        id=post.id,
        network=post.network,
        kind=post.kind,
        url=post.url,
        author_id=post.author_id,
        author_handle=post.author_handle,
        author_followers=post.author_followers,
        text=None if gone else post.text,
        lang=post.lang,
        tags=post.tags,
        media=() if gone else post.media,
        created_at=post.created_at,
        observed_at=post.observed_at,
        deleted_at=post.deleted_at,
        likes=post.counts.likes,
        comments=post.counts.comments,
        shares=post.counts.shares,
        views=post.counts.views,
        engagements=engagements(post),
        engagement_rate=None if ppm is None else round(ppm / 10_000, 4),
        overperforming=score.score,
        benchmark=score.benchmark,
        benchmark_posts=score.posts,
    )


async def _most_surprising(
    lake: Lake, view: Posts, where: Where, limit: int, instant: datetime
) -> list[PostRow]:
    """Return the candidates with the highest over-performing scores."""
    candidates, _ = await ranked(lake, view, where, "engagements", CANDIDATES, None, instant)
    scored = [row for row in candidates if row.overperforming is not None]
    scored.sort(key=lambda row: (-(row.overperforming or 0.0), row.id))
    return scored[:limit]


def _check(sort: str, limit: int) -> None:
    """Raise BadRequest for an order or a limit that cannot be."""
    if sort not in ORDERS:
        raise BadRequest("sort", sort, f"use one of {', '.join(ORDERS)}")
    if not 1 <= limit <= 1000:
        raise BadRequest("limit", limit, "use 1 to 1000")
