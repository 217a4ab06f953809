"""What every lake promises, with literal answers that are the same on each."""

from datetime import UTC, datetime

import msgspec
import pytest

from fakes.observations import at
from fakes.world import ANN, BOB, EVE, NIKE_POLLS, POSTS, RECORDS
from lake.contract import COUNT, Lake, Metric, Sort, Where
from lake.errors import BadQuestion
from lake.records import (
    Audience,
    Comment,
    Follow,
    Gap,
    Poll,
    Post,
    Profile,
    Record,
    Rollup,
    Snapshot,
    Tag,
)

LIKES = Metric(kind="sum", field="counts.likes")


def short(ids: object) -> str:
    """Return the ids' last parts in order, as one word list."""
    return " ".join(id.rpartition(":")[2] for id in ids)  # type: ignore[attr-defined]


async def found(lake: Lake, kind: type[Record], where: Where) -> list[str]:
    return [record.id async for batch in lake.scan(kind, where) for record in batch]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), "a1 a2 a5 a6 a7 a9 a3 a4 a8"),
        (Where(ids=("instagram:a1", "mastodon:a3", "none:x")), "a1 a3"),
        (Where(networks=("mastodon",)), "a3 a4 a8"),
        (Where(tags=("run",)), "a1 a3"),
        (Where(tags=("puma", "adidas")), "a5 a3 a4"),
        (Where(handles=("ann",)), "a1 a2"),
        (Where(tags=("puma",), handles=("ann",)), "a1 a2 a5"),
        (Where(tags=("nike",), handles=("ann",), networks=("mastodon",)), "a4 a8"),
        (Where(authors=(EVE,)), "a5 a6 a9"),
        (Where(kinds=("video", "repost")), "a2 a8"),
        (Where(exclude_kinds=("repost", "image")), "a2 a3 a4"),
        (Where(langs=("de",)), "a3"),
        (Where(deleted=True), "a6"),
        (Where(deleted=False, authors=(EVE,)), "a5 a9"),
        (Where(words=("nike",)), "a1 a3"),
        (Where(words=("NIKE", "shoes")), "a1"),
        (Where(words=("nike.com",)), "a2"),
        (Where(words=("mit nike",)), "a3"),
        (Where(words=("nik",)), ""),
        (Where(words=("!!",)), ""),
        (Where(since=at("2026-03-29T00:30:00")), "a5 a6 a7 a8"),
        (Where(until=at("2026-03-02T08:00:00")), "a1"),
        (Where(since=at("2026-03-02T00:00:00"), until=at("2026-03-08T22:59:00")), "a2 a3"),
        (Where(time="deleted_at", since=at("2026-04-01T00:00:00")), "a6"),
        (Where(time="observed_at", since=at("2026-03-03T00:00:00")), ""),
    ],
)
async def test_each_field_of_where_narrows_posts(world: Lake, where: Where, expected: str) -> None:
    assert short(await found(world, Post, where)) == expected


@pytest.mark.parametrize(
    ("kind", "where", "expected"),
    [
        (Profile, Where(handles=("ann", "eve")), [ANN, EVE]),
        (Profile, Where(handles=("ann",), tags=("nike",)), [ANN]),
        (Profile, Where(ids=(BOB,)), [BOB]),
        (Tag, Where(networks=("instagram",)), ["instagram:#nike"]),
        (Comment, Where(handles=("bob",)), ["instagram:c1"]),
        (Comment, Where(authors=(EVE,)), ["instagram:c2"]),
        (Comment, Where(words=("COOL",)), ["instagram:c1"]),
        (Follow, Where(accounts=(ANN,)), ["instagram:u2>u1", "instagram:u3>u1"]),
        (Follow, Where(accounts=(BOB,)), ["mastodon:u1>u2"]),
        (Audience, Where(accounts=(ANN, BOB)), [ANN, BOB]),
        (Audience, Where(networks=("mastodon",)), [BOB]),
        (Snapshot, Where(subject="profile"), ["instagram:u1@1772445600000"]),
        (Snapshot, Where(subjects=("mastodon:a3",)), ["mastodon:a3@1772445600000"]),
        (Snapshot, Where(tags=("adidas",)), ["mastodon:a3@1772445600000"]),
        (Gap, Where(targets=(NIKE_POLLS,)), [f"{NIKE_POLLS}@2026-03-02T00:00:00+00:00"]),
        (
            Poll,
            Where(targets=(NIKE_POLLS,), time="hour", since=at("2026-03-02T01:00:00")),
            [f"{NIKE_POLLS}@2026-03-02T01:00:00+00:00@one"],
        ),
        (Rollup, Where(campaign="c-1"), ["c-1/summary"]),
        (Rollup, Where(campaign="c-2"), []),
    ],
)
async def test_each_field_of_where_narrows_other_tables(
    world: Lake, kind: type[Record], where: Where, expected: list[str]
) -> None:
    assert await found(world, kind, where) == expected


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.id)
async def test_every_record_comes_back_as_it_was_written(world: Lake, record: Record) -> None:
    assert await world.get(type(record), [record.id]) == {record.id: record}


async def test_get_leaves_missing_ids_out(world: Lake) -> None:
    assert list(await world.get(Post, ["instagram:a1", "instagram:nobody"])) == ["instagram:a1"]
    assert await world.get(Post, []) == {}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (COUNT, 9),
        (LIKES, 55),
        (Metric(kind="min", field="counts.likes"), 0),
        (Metric(kind="max", field="counts.likes"), 20),
        (Metric(kind="known", field="counts.likes"), 7),
        (Metric(kind="known", field="tags"), 8),
        (Metric(kind="known", field="author_id"), 8),
        (Metric(kind="known", field="deleted_at"), 1),
        (Metric(kind="distinct", field="author_id"), 3),
        (Metric(kind="distinct", field="tags"), 4),
        (Metric(kind="sum", field="counts.quotes"), None),
        (Metric(kind="min", field="counts.quotes"), None),
        (Metric(kind="known", field="counts.quotes"), 0),
        (Metric(kind="min", field="created_at"), at("2026-03-01T23:30:00")),
        (Metric(kind="max", field="created_at"), at("2026-04-01T10:00:00")),
        (Metric(kind="sum", field="engagements"), 63),
        (Metric(kind="known", field="engagements"), 8),
        (Metric(kind="sum", field="engagement_ppm"), 11_000 + 5_000 + 200_000),
        (Metric(kind="known", field="engagement_ppm"), 3),
    ],
    ids=lambda value: value.name if isinstance(value, Metric) else "",
)
async def test_each_metric_over_all_posts(world: Lake, metric: Metric, expected: object) -> None:
    assert await world.totals(Post, Where(), [metric]) == {metric.name: expected}


async def test_totals_over_nothing_are_unknown_and_not_zero(world: Lake) -> None:
    metrics = [COUNT, LIKES, Metric(kind="distinct", field="tags")]
    assert await world.totals(Post, Where(tags=("none",)), metrics) == {
        "count": 0,
        "sum:counts.likes": None,
        "distinct:tags": 0,
    }


async def test_growth_is_the_sum_of_deltas(world: Lake) -> None:
    growth = Metric(kind="sum", field="delta.likes")
    answer = await world.totals(Snapshot, Where(tags=("nike",)), [growth, COUNT])
    assert answer == {"sum:delta.likes": 8, "count": 3}


async def test_reposts_stay_out_of_sums_when_they_are_excluded(world: Lake) -> None:
    answer = await world.totals(Post, Where(exclude_kinds=("repost",)), [COUNT, LIKES])
    assert answer == {"count": 8, "sum:counts.likes": 45}


async def test_distinct_is_exact_in_a_small_lake(world: Lake) -> None:
    assert (await world.distinct(Post, Where(), "author_id")).value == 3
    assert (await world.distinct(Post, Where(networks=("mastodon",)), "tags")).value == 3


async def counts(lake: Lake, interval: str, timezone: str) -> list[tuple[str, object]]:
    """Return (start in UTC, count) of all posts."""
    buckets = await lake.series(Post, Where(), interval=interval, timezone=timezone)  # type: ignore[arg-type]
    return [(f"{b.start.astimezone(UTC):%Y-%m-%dT%H:%M}", b.numbers["count"]) for b in buckets]


async def test_series_by_hour(world: Lake) -> None:
    assert await counts(world, "1h", "UTC") == [
        ("2026-03-01T23:00", 1),
        ("2026-03-02T08:00", 1),
        ("2026-03-02T09:00", 1),
        ("2026-03-08T22:00", 1),
        ("2026-03-29T00:00", 1),
        ("2026-03-29T21:00", 1),
        ("2026-03-29T22:00", 1),
        ("2026-04-01T10:00", 1),
    ]


async def test_series_by_day_in_utc(world: Lake) -> None:
    assert await counts(world, "1d", "UTC") == [
        ("2026-03-01T00:00", 1),
        ("2026-03-02T00:00", 2),
        ("2026-03-08T00:00", 1),
        ("2026-03-29T00:00", 3),
        ("2026-04-01T00:00", 1),
    ]


async def test_series_by_day_follows_the_switch_to_summer_time(world: Lake) -> None:
    # Berlin's 29 March has 23 hours: it ends at 22:00 UTC, so the post of 22:30 UTC is Monday's.
    assert await counts(world, "1d", "Europe/Berlin") == [
        ("2026-03-01T23:00", 3),
        ("2026-03-07T23:00", 1),
        ("2026-03-28T23:00", 2),
        ("2026-03-29T22:00", 1),
        ("2026-03-31T22:00", 1),
    ]


async def test_weeks_begin_on_monday(world: Lake) -> None:
    assert await counts(world, "1w", "Europe/Berlin") == [
        ("2026-03-01T23:00", 4),
        ("2026-03-22T23:00", 2),
        ("2026-03-29T22:00", 2),
    ]


async def test_months_begin_in_the_asked_zone(world: Lake) -> None:
    assert await counts(world, "1M", "Europe/Berlin") == [
        ("2026-02-28T23:00", 7),
        ("2026-03-31T22:00", 1),
    ]


async def test_hours_of_a_zone_with_half_an_hour(world: Lake) -> None:
    answer = await counts(world, "1h", "Asia/Kolkata")
    assert answer[:2] == [("2026-03-01T23:30", 1), ("2026-03-02T07:30", 1)]


async def test_starts_are_local_times_of_the_zone(world: Lake) -> None:
    buckets = await world.series(Post, Where(), interval="1d", timezone="Europe/Berlin")
    assert [b.start.isoformat() for b in buckets][:3] == [
        "2026-03-02T00:00:00+01:00",
        "2026-03-08T00:00:00+01:00",
        "2026-03-29T00:00:00+01:00",
    ]


async def test_series_broken_down_by_a_list_counts_a_post_under_each_value(world: Lake) -> None:
    buckets = await world.series(
        Post,
        Where(until=at("2026-03-09T00:00:00")),
        interval="1M",
        metrics=[COUNT, LIKES],
        breakdown="tags",
    )
    assert [(b.key, b.numbers["count"], b.numbers["sum:counts.likes"]) for b in buckets] == [
        ("adidas", 2, 7),
        ("nike", 3, 15),
        ("run", 2, 17),
    ]


async def test_series_broken_down_by_a_word(world: Lake) -> None:
    buckets = await world.series(Post, Where(), interval="1M", breakdown="author_handle")
    assert [(b.start.month, b.key, b.numbers["count"]) for b in buckets] == [
        (3, "ann", 2),
        (3, "bob", 2),
        (3, "eve", 2),
        (4, "bob", 1),
    ]


async def test_series_over_another_time(world: Lake) -> None:
    where = Where(time="observed_at", tags=("nike",))
    growth = Metric(kind="sum", field="delta.likes")
    buckets = await world.series(Snapshot, where, interval="1d", metrics=[growth])
    assert [(b.start.day, b.numbers["sum:delta.likes"]) for b in buckets] == [(2, 4), (3, 4)]


async def test_top_breaks_ties_by_key(world: Lake) -> None:
    groups = await world.top(Post, Where(), by="author_handle")
    assert [(g.key, g.numbers["count"]) for g in groups] == [("bob", 3), ("eve", 3), ("ann", 2)]


async def test_top_of_a_list_field_by_a_sum(world: Lake) -> None:
    groups = await world.top(Post, Where(), by="tags", metrics=[LIKES, COUNT], order=LIKES, limit=2)
    assert [(g.key, g.numbers) for g in groups] == [
        ("nike", {"sum:counts.likes": 45, "count": 6}),
        ("run", {"sum:counts.likes": 17, "count": 2}),
    ]


async def test_histogram_leaves_unknown_values_and_empty_bins_out(world: Lake) -> None:
    bins = await world.histogram(Post, Where(), "counts.likes", width=5)
    assert [(b.low, b.high, b.count) for b in bins] == [
        (0, 5, 2),
        (5, 10, 2),
        (10, 15, 2),
        (20, 25, 1),
    ]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        (Sort(), "a8 a7 a6 a5 a4 a3 a2 a1 a9"),
        (Sort(descending=False), "a1 a2 a3 a4 a5 a6 a7 a8 a9"),
        (Sort(field="counts.likes"), "a6 a1 a8 a3 a2 a9 a5 a7 a4"),
        (Sort(field="author_handle", descending=False), "a1 a2 a3 a4 a8 a5 a6 a9 a7"),
        (Sort(field="engagements"), "a6 a1 a3 a8 a2 a4 a9 a5 a7"),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 4, 9, 50])
async def test_pages_reach_every_record_once(
    world: Lake, sort: Sort, expected: str, limit: int
) -> None:
    ids: list[str] = []
    cursor = None
    while True:
        page = await world.page(Post, Where(), sort=sort, limit=limit, cursor=cursor)
        assert len(page.records) <= limit
        ids += [record.id for record in page.records]
        cursor = page.cursor
        if cursor is None:
            break
    assert short(ids) == expected


async def test_pages_carry_no_raw(lake: Lake) -> None:
    raw = msgspec.structs.replace(POSTS[0], raw=msgspec.Raw(b'{"a":[1]}'))
    await lake.append([raw])
    page = await lake.page(Post, Where(), sort=Sort())
    assert page.records == [POSTS[0]]
    assert (await lake.get(Post, [raw.id]))[raw.id] == raw


@pytest.mark.parametrize("cursor", ["garbage", "AAAA", "%%%", "W10", "é"])
async def test_a_foreign_cursor_is_refused(world: Lake, cursor: str) -> None:
    with pytest.raises(BadQuestion):
        await world.page(Post, Where(), sort=Sort(), cursor=cursor)


async def test_a_cursor_of_another_question_is_refused(world: Lake) -> None:
    page = await world.page(Post, Where(), sort=Sort(), limit=2)
    with pytest.raises(BadQuestion):
        await world.page(Post, Where(), sort=Sort(field="id"), limit=2, cursor=page.cursor)
    with pytest.raises(BadQuestion):
        await world.page(
            Post, Where(networks=("mastodon",)), sort=Sort(), limit=2, cursor=page.cursor
        )


async def last_known(lake: Lake, where: Where, instant: datetime) -> list[tuple[str, object]]:
    return [
        (each.subject_id, each.counts.likes)
        async for batch in lake.at(where, instant)
        for each in batch
    ]


async def test_at_gives_the_last_snapshot_of_each_subject(world: Lake) -> None:
    where = Where(subject="post")
    assert await last_known(world, where, at("2026-03-02T09:00:00")) == [("instagram:a1", 6)]
    assert await last_known(world, where, at("2026-03-03T06:00:00")) == [
        ("instagram:a1", 10),
        ("mastodon:a3", 7),
    ]
    assert await last_known(world, where, at("2026-03-01T00:00:00")) == []
    everything = await last_known(world, Where(), at("2026-03-02T05:59:59"))
    assert everything == [("instagram:a1", 2)]


BAD = Metric(kind="sum", field="nothing")


@pytest.mark.parametrize(
    "question",
    [
        lambda lake: lake.totals(Post, Where(), [BAD]),
        lambda lake: lake.totals(Post, Where(), [Metric(kind="sum", field="text")]),
        lambda lake: lake.totals(Snapshot, Where(kinds=("image",)), [COUNT]),
        lambda lake: lake.totals(Follow, Where(since=at("2026-03-01")), [COUNT]),
        lambda lake: lake.totals(Post, Where(since=datetime(2026, 3, 1)), [COUNT]),
        lambda lake: lake.totals(Post, Where(time="text", since=at("2026-03-01")), [COUNT]),
        lambda lake: lake.series(Post, Where(), interval="1d", timezone="Mars/Olympus"),
        lambda lake: lake.series(Post, Where(), interval="1d", breakdown="nothing"),
        lambda lake: lake.series(Follow, Where(), interval="1d"),
        lambda lake: lake.top(Post, Where(), by="nothing"),
        lambda lake: lake.distinct(Post, Where(), "nothing"),
        lambda lake: lake.histogram(Post, Where(), "text", width=1),
        lambda lake: lake.histogram(Post, Where(), "counts.likes", width=0),
        lambda lake: lake.page(Post, Where(), sort=Sort(field="nothing")),
        lambda lake: lake.page(Post, Where(), sort=Sort(), limit=0),
        lambda lake: lake.page(Post, Where(), sort=Sort(), limit=1001),
        lambda lake: lake.delete(Post, Where()),
        lambda lake: lake.delete(Post, Where(time="observed_at")),
    ],
)
async def test_a_question_the_contract_does_not_allow_is_refused(
    world: Lake, question: object
) -> None:
    with pytest.raises(BadQuestion):
        await question(world)  # type: ignore[operator]
