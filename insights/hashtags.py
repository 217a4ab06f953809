"""Which other hashtags stand beside the watched ones."""

import asyncio
from datetime import datetime

import msgspec

from insights.errors import BadRequest
from insights.measures import ENGAGEMENTS
from insights.past import posts_of
from insights.periods import Header, header, side_named, where_of
from insights.posts import stretch
from insights.rounding import ratio, whole
from lake.contract import COUNT, Group, Lake
from lake.records import Post
from registry.models import Campaign


class Hashtag(msgspec.Struct, frozen=True, kw_only=True):
    """A hashtag and the posts of the period that bear it beside a watched one."""

    tag: str
    posts: int
    share_percent: float | None  # of the side's posts of the period
    engagements: int | None


class HashtagList(msgspec.Struct, frozen=True, kw_only=True):
    """The hashtags that occur most often with the watched ones, which are left out."""

    header: Header
    side: str
    period: str
    posts: int  # of the side in the period, the 100 % of the shares
    hashtags: tuple[Hashtag, ...]


async def hashtags(  # noqa: PLR0913 - the arguments are what a client may ask for
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    limit: int = 50,
    period: str = "during",
    side: str | None = None,
) -> HashtagList:
    """Return the hashtags beside those of one side, most frequent first. Raises BadRequest."""
    head = header(campaign, now=now, as_of=as_of)
    if not 1 <= limit <= 500:
        raise BadRequest("limit", limit, "use 1 to 500")
    chosen = side_named(campaign, side)
    where = stretch(where_of(campaign, chosen), campaign, period, head.instant)
    view = await posts_of(lake, campaign, head.as_of)
    groups: list[Group] = []
    posts = 0
    if where:
        groups, numbers = await asyncio.gather(
            view.top(
                Post,
                where,
                by="tags",
                metrics=(COUNT, ENGAGEMENTS),
                limit=limit + len(chosen.hashtags),
            ),
            view.totals(Post, where, (COUNT,)),
        )
        posts = whole(numbers[COUNT.name]) or 0
    found = [_hashtag(group, posts) for group in groups if group.key not in chosen.hashtags]
    return HashtagList(
        header=head, side=chosen.name, period=period, posts=posts, hashtags=tuple(found[:limit])
    )


def _hashtag(group: Group, posts: int) -> Hashtag:
    """Return one row from a group of the lake."""
    count = whole(group.numbers[COUNT.name]) or 0
    return Hashtag(
        tag=group.key,
        posts=count,
        share_percent=ratio(count, posts, times=100),
        engagements=whole(group.numbers[ENGAGEMENTS.name]),
    )
