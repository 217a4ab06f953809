"""A month of three brands, enough posts for a report worth looking at. Same seed, same world."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from lake.records import (
    Counts,
    Gap,
    Media,
    Poll,
    Post,
    PostCounts,
    Profile,
    ProfileCounts,
    Record,
    Snapshot,
)

START = datetime(2026, 5, 8, tzinfo=UTC)
END = datetime(2026, 5, 22, tzinfo=UTC)
NOW = datetime(2026, 5, 30, 9, tzinfo=UTC)
BASELINE = START - timedelta(days=7)
HOSTILE = '<img src=x onerror="window.hacked=1"> <script>window.hacked=1</script> #nike'
TEXTS = (
    "Morning run along the river, new shoes #nike #running",
    "Is it just me or are these comfy? #nike",
    "Unboxing the spring drop 🔥 #nike #sneakers",
    "Marathon training, week six #running #nike #justdoit",
    HOSTILE,
)


def world(seed: int = 7) -> list[Record]:
    """Return profiles, posts with snapshots, polls and two gaps."""
    rng = random.Random(seed)
    people = [f"runner{number}" for number in range(40)]
    followers = {name: int(10 ** rng.uniform(2, 5.3)) for name in people}
    records: list[Record] = [_profile(name, followers[name]) for name in people]
    for tag, per_day, lift in (("nike", 9, 1.9), ("adidas", 7, 1.0), ("puma", 4, 1.05)):
        for number, at in enumerate(_times(rng, per_day, lift)):
            author = rng.choice(people)
            records += _post(rng, f"{tag}{number}", at, tag, author, followers[author])
    return records + list(_polls()) + _gaps()


def _times(rng: random.Random, per_day: int, lift: float) -> Iterator[datetime]:
    at = BASELINE
    while True:
        rate = per_day * (lift if START <= at < END else 1.0)
        at += timedelta(days=rng.expovariate(rate))
        if at >= NOW - timedelta(hours=2):
            return
        yield at


def _post(
    rng: random.Random, name: str, at: datetime, tag: str, author: str, followers: int
) -> list[Record]:
    network = rng.choice(("mastodon", "mastodon", "instagram"))
    likes = int(followers * rng.lognormvariate(-4, 1))
    extra = tuple(rng.sample(("running", "sneakers", "justdoit", "fitness", "spring"), 2))
    final = PostCounts(
        likes=likes if rng.random() > 0.05 else None, comments=likes // 12, shares=likes // 20
    )
    post_id = (
        f"mastodon:https://social.example/users/{author}/statuses/{name}"
        if network == "mastodon"
        else f"{network}:{name}"
    )
    post = Post(
        id=post_id,
        network=network,
        native_id=name,
        url=f"https://social.example/@{author}/{name}",
        kind=rng.choice(("image", "text", "video")),
        author_id=f"{network}:{author}",
        author_handle=author,
        author_followers=followers,
        lang=rng.choice(("en", "en", "de")),
        text=rng.choice(TEXTS).replace("#nike", f"#{tag}"),
        tags=(tag, *extra),
        created_at=at,
        observed_at=min(NOW, at + timedelta(days=2)),
        counts=final,
        source="test",
        parser_version=1,
        media=(Media(kind="image", url="https://social.example/pic.jpg"),),
        deleted_at=NOW - timedelta(days=1) if rng.random() < 0.02 else None,
    )
    return [post, *_snapshots(post, at, rng)]


def _snapshots(post: Post, at: datetime, rng: random.Random) -> Iterator[Snapshot]:
    before: Counts | None = None
    steps = [(0.2, 0.1), (1, 0.3), (5, 0.6), (7, 0.95 if rng.random() < 0.06 else 0.65), (48, 1.0)]
    for hours, share in steps:
        seen = at + timedelta(hours=hours)
        if seen > NOW:
            return
        counts = Counts(
            **{
                name: None if (value := getattr(post.counts, name)) is None else int(value * share)
                for name in ("likes", "comments", "shares")
            }
        )
        yield Snapshot(
            id=f"{post.id}@{int(seen.timestamp() * 1000)}",
            network=post.network,
            observed_at=seen,
            subject="post",
            subject_id=post.id,
            author_id=post.author_id,
            author_handle=post.author_handle,
            tags=post.tags,
            created_at=at,
            observer="test",
            counts=counts,
            delta=_delta(before, counts),
            previous_at=None if before is None else at + timedelta(hours=_before(steps, hours)),
        )
        before = counts


def _before(steps: list[tuple[float, float]], hours: float) -> float:
    return max(past for past, _ in steps if past < hours)


def _delta(before: Counts | None, now: Counts) -> Counts | None:
    if before is None:
        return None
    return Counts(
        **{
            name: None if getattr(now, name) is None else getattr(now, name) - getattr(before, name)
            for name in ("likes", "comments", "shares")
        }
    )


def _profile(name: str, followers: int) -> Profile:
    return Profile(
        id=f"mastodon:{name}",
        network="mastodon",
        native_id=name,
        handle=name,
        name=name.title(),
        counts=ProfileCounts(followers=followers),
        observed_at=NOW,
        source="test",
        parser_version=1,
    )


def _polls() -> Iterator[Poll]:
    hour = BASELINE
    while hour < NOW:
        for tag in ("nike", "adidas", "puma"):
            target = f"mastodon/tag/{tag}"
            yield Poll(
                id=f"{target}@{hour.isoformat()}@test",
                network="mastodon",
                target=target,
                hour=hour,
                observed_at=hour + timedelta(minutes=58),
                observer="test",
                planned=12,
                made=12,
                unchanged=8,
                posts_seen=40,
                posts_new=2,
            )
        hour += timedelta(hours=1)


def _gaps() -> list[Record]:
    since = START + timedelta(days=3, hours=10)
    return [
        Gap(
            id="mastodon/tag/nike@gap",
            network="mastodon",
            target="mastodon/tag/nike",
            reason="down",
            since=since,
            until=since + timedelta(minutes=30),
            observed_at=since + timedelta(hours=1),
            polls_missed=6,
        ),
    ]
