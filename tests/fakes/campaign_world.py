"""A small campaign with everything in it that a report has to get right, for literal answers."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lake.lines import milliseconds
from lake.records import (
    Counts,
    Gap,
    GapReason,
    Poll,
    Post,
    PostCounts,
    Profile,
    ProfileCounts,
    Record,
    Snapshot,
)
from registry.models import Campaign, Competitor

START = datetime(2026, 3, 8, tzinfo=UTC)
END = datetime(2026, 3, 22, tzinfo=UTC)
NOW = datetime(2026, 3, 30, tzinfo=UTC)  # after the after

Seen = tuple[float, int | None, int | None, int | None]
"""Hours after publication, likes, comments, shares."""


def campaign(**changes: object) -> Campaign:
    """Return #nike against #adidas and #puma: a week before, two during, a week after."""
    values: dict[str, object] = {
        "id": "0195-nike",
        "client_id": "client",
        "name": "Spring run",
        "networks": ("instagram", "mastodon"),
        "hashtags": ("nike",),
        "start": START,
        "end": END,
        "competitors": (
            Competitor(name="adidas", hashtags=("adidas",)),
            Competitor(name="puma", hashtags=("puma",)),
        ),
        "created_at": START - timedelta(days=10),
        "updated_at": START - timedelta(days=10),
    }
    return Campaign(**(values | changes))  # type: ignore[arg-type]  # a test names real fields


def day(number: int, hour: int = 12) -> datetime:
    """Return an hour of a day of March 2026."""
    return datetime(2026, 3, number, hour, tzinfo=UTC)


def published(
    name: str,
    at: datetime,
    seen: Sequence[Seen],
    *,
    tags: tuple[str, ...] = ("nike",),
    author: str | None = "ann",
    followers: int | None = None,
    kind: str = "image",
    network: str = "mastodon",
    deleted_at: datetime | None = None,
) -> list[Record]:
    """Return a post as last seen, and its snapshots."""
    author_id = f"{network}:{author}" if author else None
    last = seen[-1]
    post = Post(
        id=f"{network}:{name}",
        network=network,
        native_id=name,
        url=f"https://social.example/{name}",
        observed_at=at + timedelta(hours=last[0]),
        kind=kind,  # type: ignore[arg-type]  # a test names real kinds
        author_id=author_id,
        author_handle=author,
        author_followers=followers,
        text=f"text of {name}",
        tags=tags,
        created_at=at,
        deleted_at=deleted_at,
        counts=PostCounts(likes=last[1], comments=last[2], shares=last[3]),
        source="test",
        parser_version=1,
    )
    return [post, *_snapshots(post, at, seen)]


def _snapshots(post: Post, at: datetime, seen: Sequence[Seen]) -> list[Snapshot]:
    shots: list[Snapshot] = []
    for hours, *counts in seen:
        instant = at + timedelta(hours=hours)
        before = shots[-1] if shots else None
        now = Counts(likes=counts[0], comments=counts[1], shares=counts[2])
        shots.append(
            Snapshot(
                id=f"{post.id}@{milliseconds(instant)}",
                network=post.network,
                observed_at=instant,
                subject="post",
                subject_id=post.id,
                author_id=post.author_id,
                author_handle=post.author_handle,
                tags=post.tags,
                created_at=at,
                previous_at=before.observed_at if before else None,
                observer="test",
                counts=now,
                delta=_delta(before.counts, now) if before else None,
            )
        )
    return shots


def _delta(before: Counts, now: Counts) -> Counts:
    def gain(name: str) -> int | None:
        old, new = getattr(before, name), getattr(now, name)
        return None if old is None or new is None else new - old

    return Counts(likes=gain("likes"), comments=gain("comments"), shares=gain("shares"))


def profile(name: str, followers: int, at: datetime) -> list[Record]:
    """Return a profile and the snapshot of its followers."""
    return [
        Profile(
            id=f"mastodon:{name}",
            network="mastodon",
            native_id=name,
            observed_at=at,
            handle=name,
            name=name.capitalize(),
            verified=True,
            counts=ProfileCounts(followers=followers),
            source="test",
            parser_version=1,
        ),
        Snapshot(
            id=f"mastodon:{name}@{milliseconds(at)}",
            network="mastodon",
            observed_at=at,
            subject="profile",
            subject_id=f"mastodon:{name}",
            author_id=f"mastodon:{name}",
            author_handle=name,
            observer="test",
            counts=Counts(followers=followers),
        ),
    ]


def gap(
    since: datetime, until: datetime, *, target: str, reason: GapReason = "down", missed: int = 1
) -> Gap:
    """Return a gap of a target."""
    return Gap(
        id=f"{target}@{since.isoformat()}{reason}",
        network=target.partition("/")[0],
        observed_at=until,
        target=target,
        reason=reason,
        since=since,
        until=until,
        polls_missed=missed,
    )


def poll(hour: datetime, *, target: str, at: datetime | None = None, **numbers: float) -> Poll:
    """Return the polls of one hour of a target."""
    values = {"planned": 12, "made": 12} | numbers
    return Poll(
        id=f"{target}@{hour.isoformat()}@ingestor",
        network=target.partition("/")[0],
        observed_at=at or hour + timedelta(minutes=55),
        target=target,
        hour=hour,
        observer="ingestor",
        **values,  # type: ignore[arg-type]  # a test names real numbers
    )


NIKE = "mastodon/tag/nike"

RECORDS: list[Record] = [
    # before: 2 posts of 2 publishers, 12 + 20 engagements
    *published("p01", day(2), [(0.2, 4, 0, 0), (100, 10, 1, 1)], followers=1000),
    *published("p02", day(5), [(0.2, 20, None, 0)], author="bob", followers=2000),
    # during: 5 posts, 3 known publishers, one unknown author, one deleted, one hides its likes
    *published(
        "p11",
        day(8, 10),
        [
            (0.2, 10, 1, 0),
            (1, 20, 2, 0),
            (5, 30, 3, 1),
            (6, 80, 8, 4),  # a spike: 58 in one hour after 34 in five
            (30, 100, 10, 5),
        ],
        followers=1000,
    ),
    *published(
        "p12",
        day(9),
        [(0.2, 5, 0, 0), (24, 50, 5, 0)],
        tags=("nike", "adidas"),
        author="bob",
        followers=2000,
    ),
    *published("p13", day(9, 18), [(0.2, None, 3, None)], author="cid", tags=("nike", "run")),
    *published("p14", day(15), [(0.2, 0, 0, 0), (50, 30, 0, 0)], author=None, network="instagram"),
    *published(
        "p15",
        day(20),
        [(0.2, 8, 0, 0)],
        tags=("nike", "run"),
        followers=1200,
        deleted_at=day(25),
    ),
    *published("r11", day(10), [(0.2, 100, 10, 5)], author="dan", followers=9, kind="repost"),
    # after
    *published("p21", day(23), [(0.2, 5, 0, 0)], author="bob", followers=2000),
    # the competitors
    *published("a01", day(3), [(1, 40, 0, 0)], tags=("adidas",), author="eva"),
    *published("a11", day(12), [(1, 60, 0, 0)], tags=("adidas",), author="eva"),
    *published("u11", day(13), [(1, 10, 0, 0)], tags=("puma",), author="fay"),
    # nobody's: another tag, another network
    *published("x01", day(12), [(1, 999, 0, 0)], tags=("reebok",), author="gus"),
    *published("x02", day(12), [(1, 999, 0, 0)], network="bluesky", author="gus"),
    *profile("ann", 1100, day(9)),
    gap(day(10, 6), day(10, 7), target=NIKE),
    gap(
        day(10, 6) + timedelta(minutes=30, seconds=20),
        day(10, 7) + timedelta(minutes=14, seconds=10),
        target=NIKE,
        reason="rate_limited",
        missed=2,
    ),
    gap(day(1, 0) - timedelta(hours=2), day(1, 1), target="mastodon/tag/puma"),
    poll(day(10, 5), target=NIKE, unchanged=9, posts_seen=40, posts_new=3),
    poll(day(28, 22), target=NIKE, made=10, unchanged=10, rate_limited_seconds=90.0),
    poll(day(28, 23), target=NIKE, made=2, failed=2),
]
