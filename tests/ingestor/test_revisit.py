from datetime import timedelta

from fakes.village import START, Bench
from ingestor.ladder import Fresh, next_rung, plan_visits

HOUR = 3600


async def watch(bench: Bench, hours: float) -> list[float]:
    """Play, and return when single posts were asked for, in hours since the start."""
    asked: list[float] = []
    async with bench.running() as ingestor:
        end = bench.clock.now() + timedelta(hours=hours)
        while bench.clock.now() < end:
            before = len(bench.village.asked)
            await bench.clock.play(bench.clock.now() + timedelta(minutes=10), ingestor.idle)
            fresh = bench.village.asked[before:]
            elapsed = (bench.clock.now() - START).total_seconds() / HOUR
            asked += [round(elapsed, 1)] * sum(path.startswith("/post/") for path in fresh)
    return asked


def bury(bench: Bench, tag: str) -> None:
    """Push all posts of a tag off the pages a poll looks at, by newer ones."""
    for number in range(100, 112):
        bench.village.publish(tag, number, bench.clock.now())


async def test_a_post_that_left_the_pages_is_asked_for_on_the_ladder(bench: Bench) -> None:
    post = bench.village.publish("nike", 1, START)
    await bench.track("nike", lanes=(bench.lane(limit=120, window=3600.0),))
    await bench.play(hours=0.3)
    bury(bench, "nike")
    post["likes"] = 70
    asked = await watch(bench, 2)
    assert "/post/1" in bench.village.asked
    assert 1.2 <= asked[0] <= 1.4
    of_post = [one for one in bench.snapshots() if one.subject_id == "mastodon:1"]
    assert [one.counts.likes for one in of_post][:2] == [0, 70]


async def test_a_post_the_pages_still_show_is_not_asked_for(bench: Bench) -> None:
    bench.village.publish("nike", 1, START)
    await bench.track("nike", lanes=(bench.lane(limit=120, window=3600.0),))
    assert await watch(bench, 3) == []


async def test_a_deleted_post_is_marked_with_its_last_counts(bench: Bench) -> None:
    post = bench.village.publish("nike", 1, START, likes=5)
    await bench.track("nike", lanes=(bench.lane(limit=120, window=3600.0),))
    await bench.play(hours=0.2)
    post["likes"] = 9
    await bench.play(hours=0.2)
    bury(bench, "nike")
    bench.village.posts["nike"].remove(post)
    await watch(bench, 2)
    marked = [post for post in bench.posts() if post.deleted_at is not None]
    assert [(post.id, post.counts.likes, post.text) for post in marked] == [
        ("mastodon:1", 9, "post 1")
    ]


async def test_a_post_that_only_left_the_page_is_never_called_deleted(bench: Bench) -> None:
    bench.village.publish("nike", 1, START)
    await bench.track("nike", lanes=(bench.lane(limit=120, window=3600.0),))
    await bench.play(hours=0.2)
    bury(bench, "nike")
    await watch(bench, 2)
    assert all(post.deleted_at is None for post in bench.posts())


MADE = 1767225600000  # START


def test_the_ladder_starts_above_the_age_of_the_post() -> None:
    assert next_rung(MADE, MADE) == (MADE + 72 * 60_000, 0)
    assert next_rung(MADE, MADE + 2 * HOUR * 1000) == (MADE + 6 * HOUR * 1000, 1)
    assert next_rung(MADE, MADE + 2 * HOUR * 1000, after=1)[1] == 2
    assert next_rung(MADE, MADE + 9 * 24 * HOUR * 1000) == (None, 4)


def test_posts_without_a_date_and_old_ones_are_not_visited() -> None:
    posts = [
        Fresh("mastodon:1", None, b"{}"),
        Fresh("mastodon:2", MADE - 9 * 24 * HOUR * 1000, b"{}"),
        Fresh("mastodon:3", MADE, b"{}"),
    ]
    assert [visit.id for visit in plan_visits(posts, lane="a", now=START)] == ["mastodon:3"]
