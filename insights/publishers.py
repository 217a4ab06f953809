"""Who published: the accounts behind a campaign's posts, and how many follow them."""

from datetime import datetime

import msgspec

from insights.errors import BadRequest
from insights.measures import ENGAGEMENTS, FOLLOWERS, MOST_FOLLOWERS
from insights.past import Posts, posts_of
from insights.periods import Header, header, side_named, where_of
from insights.posts import stretch
from insights.rounding import whole
from lake.contract import COUNT, Group, Lake, Metric, Where
from lake.records import Post, Profile
from registry.models import Campaign

ORDERS: dict[str, Metric] = {
    "engagements": ENGAGEMENTS,
    "posts": COUNT,
    "followers": MOST_FOLLOWERS,
}

# Publishers whose followers are added up one by one. Beyond it the sum is a lower bound: audiences
# follow a power law, so the smallest accounts add next to nothing.
MOST = 10_000


class Publisher(msgspec.Struct, frozen=True, kw_only=True):
    """One account and what it published in the period."""

    author_id: str
    network: str
    handle: str | None
    name: str | None
    verified: bool | None
    followers: int | None  # the largest known among its posts of the period
    posts: int
    engagements: int | None
    followers_sum: int | None  # its followers, each post adds


class PublisherList(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts with the highest `sort`."""

    header: Header
    side: str
    period: str
    sort: str
    publishers: tuple[Publisher, ...]


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """Followers of the publishers, each publisher once, over the `publishers` that are known."""

    followers: int | None
    publishers: int
    complete: bool  # False: more publishers than are added up, so a lower bound
    stated: dict[str, int | None]  # by publisher, the most followed first; None: unknown


async def publishers(  # noqa: PLR0913 - the arguments are what a client may ask for
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    sort: str = "engagements",
    limit: int = 50,
    period: str = "during",
    side: str | None = None,
) -> PublisherList:
    """Return the most engaging, most active or most followed accounts. Raises BadRequest."""
    head = header(campaign, now=now, as_of=as_of)
    if sort not in ORDERS:
        raise BadRequest("sort", sort, f"use one of {', '.join(ORDERS)}")
    if not 1 <= limit <= 1000:
        raise BadRequest("limit", limit, "use 1 to 1000")
    chosen = side_named(campaign, side)
    where = stretch(where_of(campaign, chosen), campaign, period, head.instant)
    view = await posts_of(lake, campaign, head.as_of)
    found = await ranked(lake, view, where, sort=sort, limit=limit) if where else []
    return PublisherList(
        header=head, side=chosen.name, period=period, sort=sort, publishers=tuple(found)
    )


async def ranked(
    lake: Lake, view: Posts, where: Where, *, sort: str, limit: int
) -> list[Publisher]:
    """Return the accounts with the highest `sort` among the posts that match."""
    groups = await view.top(
        Post,
        where,
        by="author_id",
        metrics=(COUNT, ENGAGEMENTS, MOST_FOLLOWERS, FOLLOWERS),
        order=ORDERS[sort],
        limit=limit,
    )
    names = [group.key for group in groups]
    # Of the past only what snapshots say: today's profile may not have been known then.
    profiles = await lake.get(Profile, names) if names and view is lake else {}
    unknown = tuple(name for name in names if name not in profiles)
    theirs = msgspec.structs.replace(where, authors=unknown)
    newest = await view.newest(Post, theirs, by="author_id") if unknown else {}
    handles = {name: post.author_handle for name, post in newest.items()}
    return [_publisher(group, profiles.get(group.key), handles.get(group.key)) for group in groups]


async def audience(view: Posts, where: Where) -> Audience:
    """Return the followers of the publishers, each publisher once."""
    groups = await view.top(
        Post, where, by="author_id", metrics=(MOST_FOLLOWERS,), order=MOST_FOLLOWERS, limit=MOST
    )
    stated = {group.key: whole(group.numbers[MOST_FOLLOWERS.name]) for group in groups}
    counted = [number for number in stated.values() if number is not None]
    return Audience(
        followers=sum(counted) if counted else None,
        publishers=len(counted),
        complete=len(groups) < MOST,
        stated=stated,
    )


def _publisher(group: Group, profile: Profile | None, handle: str | None) -> Publisher:
    """Return one row from a group of the lake and what is known of the account."""
    return Publisher(
        author_id=group.key,
        network=group.key.partition(":")[0],
        handle=profile.handle if profile else handle,
        name=profile.name if profile else None,
        verified=profile.verified if profile else None,
        followers=whole(group.numbers[MOST_FOLLOWERS.name]),
        posts=whole(group.numbers[COUNT.name]) or 0,
        engagements=whole(group.numbers[ENGAGEMENTS.name]),
        followers_sum=whole(group.numbers[FOLLOWERS.name]),
    )
