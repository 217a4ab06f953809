"""A small world whose every number can be counted by hand; both lakes are asked about it.

Nine posts (a1..a9; a8 is a repost, a9 has no time), three profiles, snapshots of two posts,
comments, follows, audiences, gaps, polls, a report.
"""

from fakes.observations import (
    at,
    audience,
    comment,
    follow,
    gap,
    poll,
    post,
    profile,
    rollup,
    snapshot,
    tag,
)
from lake.contract import Lake
from lake.records import Counts, Location, Media, ProfileCounts, Record, TagCounts

ANN, BOB, EVE = "instagram:u1", "mastodon:u2", "instagram:u3"

POSTS = [
    post(
        "instagram:a1",
        author_id=ANN,
        author_handle="ann",
        author_followers=1000,
        text="Just did it in my new Nike shoes!",
        lang="en",
        tags=("nike", "run"),
        mentions=("bob",),
        links=("https://example.com/a",),
        media=(Media(kind="image", url="https://example.com/1.jpg", width=10, height=20),),
        place="Berlin",
        location=Location(lat=52.5, lon=13.4),
        created_at=at("2026-03-01T23:30:00"),
        likes=10,
        comments=1,
        shares=0,
        views=100,
    ),
    post(
        "instagram:a2",
        author_id=ANN,
        author_handle="ann",
        author_followers=1000,
        text="nike.com is down, niketown is open",
        lang="en",
        tags=("nike",),
        kind="video",
        created_at=at("2026-03-02T08:00:00"),
        likes=5,
    ),
    post(
        "mastodon:a3",
        author_id=BOB,
        author_handle="bob",
        author_followers=50,
        text="Laufen mit ADIDAS, nicht mit Nike",
        lang="de",
        tags=("adidas", "run"),
        kind="text",
        created_at=at("2026-03-02T09:15:00"),
        likes=7,
        shares=3,
    ),
    post(
        "mastodon:a4",
        author_id=BOB,
        author_handle="bob",
        tags=("adidas", "nike"),
        kind="text",
        created_at=at("2026-03-08T22:59:00"),
        comments=4,
    ),
    post(
        "instagram:a5",
        author_id=EVE,
        author_handle="eve",
        author_followers=0,
        tags=("puma",),
        created_at=at("2026-03-29T00:30:00"),
        likes=0,
        comments=0,
        shares=0,
    ),
    post(
        "instagram:a6",
        author_id=EVE,
        author_handle="eve",
        tags=("nike",),
        created_at=at("2026-03-29T21:30:00"),
        deleted_at=at("2026-04-02T00:00:00"),
        likes=20,
    ),
    post("instagram:a7", tags=("nike",), created_at=at("2026-03-29T22:30:00")),
    post(
        "mastodon:a8",
        author_id=BOB,
        author_handle="bob",
        tags=("nike",),
        kind="repost",
        repost_of="instagram:a1",
        created_at=at("2026-04-01T10:00:00"),
        likes=10,
    ),
    post("instagram:a9", author_id=EVE, author_handle="eve", tags=(), likes=3),
]

PROFILES = [
    profile(
        ANN,
        "ann",
        name="Ann",
        verified=True,
        private=False,
        counts=ProfileCounts(followers=1000, following=10, posts=2),
        related=("bob",),
    ),
    profile(BOB, "bob", verified=False, counts=ProfileCounts(followers=50)),
    profile(EVE, "eve"),
]

SNAPSHOTS = [
    snapshot(
        "instagram:a1",
        at("2026-03-02T00:00:00"),
        author_id=ANN,
        author_handle="ann",
        tags=("nike", "run"),
        created_at=at("2026-03-01T23:30:00"),
        counts=Counts(likes=2, comments=0),
    ),
    snapshot(
        "instagram:a1",
        at("2026-03-02T06:00:00"),
        author_id=ANN,
        author_handle="ann",
        tags=("nike", "run"),
        created_at=at("2026-03-01T23:30:00"),
        previous_at=at("2026-03-02T00:00:00"),
        counts=Counts(likes=6),
        delta=Counts(likes=4),
    ),
    snapshot(
        "instagram:a1",
        at("2026-03-03T06:00:00"),
        author_id=ANN,
        author_handle="ann",
        tags=("nike", "run"),
        created_at=at("2026-03-01T23:30:00"),
        previous_at=at("2026-03-02T06:00:00"),
        counts=Counts(likes=10, comments=1),
        delta=Counts(likes=4),
    ),
    snapshot(
        "mastodon:a3",
        at("2026-03-02T10:00:00"),
        author_id=BOB,
        author_handle="bob",
        tags=("adidas", "run"),
        counts=Counts(likes=7, shares=3),
    ),
    snapshot(
        ANN,
        at("2026-03-02T10:00:00"),
        subject="profile",
        author_id=ANN,
        author_handle="ann",
        counts=Counts(followers=1000),
        delta=Counts(),
        previous_at=at("2026-03-01T10:00:00"),
    ),
]

NIKE_POLLS = "instagram/tag/nike"

OTHERS: list[Record] = [
    tag("instagram:#nike", "nike", counts=TagCounts(posts=123), related=("run",)),
    comment(
        "instagram:c1",
        post_id="instagram:a1",
        author_id=BOB,
        author_handle="bob",
        text="So cool",
        created_at=at("2026-03-02T01:00:00"),
    ),
    comment("instagram:c2", post_id="instagram:a1", author_id=EVE, text="meh"),
    follow(ANN, BOB, follower_handle="bob"),
    follow(ANN, EVE),
    follow(BOB, ANN),
    audience(ANN, "ann", pages=2, seen=2, stated=2),
    audience(
        BOB,
        "bob@fedi.example",
        pages=1,
        seen=1,
        ended_at=None,
        whole_from=None,
        complete=False,
        reason="reading",
    ),
    gap(NIKE_POLLS, at("2026-03-02T00:00:00"), at("2026-03-02T01:00:00"), polls_missed=3),
    gap("instagram/tag/puma", at("2026-03-03T00:00:00"), at("2026-03-03T00:30:00")),
    poll(NIKE_POLLS, at("2026-03-02T00:00:00"), planned=4, made=1, failed=3),
    poll(NIKE_POLLS, at("2026-03-02T01:00:00"), planned=4, made=4, rate_limited_seconds=1.5),
    rollup("c-1", "summary", b'{"posts":9}'),
]

RECORDS: list[Record] = [*POSTS, *PROFILES, *SNAPSHOTS, *OTHERS]


async def fill(lake: Lake) -> None:
    """Write the world into a lake and close it."""
    await lake.open()
    await lake.append(RECORDS)
    await lake.close()
