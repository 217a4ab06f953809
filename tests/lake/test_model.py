"""Both lakes agree with a plain Python model on posts that hypothesis makes up."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.observations import at, post
from lake.contract import COUNT, Lake, Metric, Numbers, Where
from lake.records import Post

BERLIN = ZoneInfo("Europe/Berlin")
METRICS = [
    COUNT,
    *(Metric(kind=kind, field="counts.likes") for kind in ("sum", "min", "max", "known")),  # type: ignore[arg-type]
    Metric(kind="sum", field="engagements"),
    Metric(kind="distinct", field="author_handle"),
]

times = st.none() | st.integers(0, 60 * 24 * 21).map(
    lambda minutes: at("2026-03-20T00:00:00") + timedelta(minutes=minutes)
)
posts = st.fixed_dictionaries(
    {
        "created_at": times,
        "likes": st.none() | st.integers(0, 40),
        "shares": st.none() | st.integers(0, 3),
        "tags": st.lists(st.sampled_from("abc"), unique=True, max_size=3).map(tuple),
        "author_handle": st.none() | st.sampled_from(["ann", "bob", "Éve"]),
    }
)


def numbers(group: Sequence[Post]) -> Numbers:
    likes = [each.counts.likes for each in group if each.counts.likes is not None]
    engaged = [
        (each.counts.likes or 0) + (each.counts.shares or 0)
        for each in group
        if each.counts.likes is not None or each.counts.shares is not None
    ]
    return {
        "count": len(group),
        "sum:counts.likes": sum(likes) if likes else None,
        "min:counts.likes": min(likes, default=None),
        "max:counts.likes": max(likes, default=None),
        "known:counts.likes": len(likes),
        "sum:engagements": sum(engaged) if engaged else None,
        "distinct:author_handle": len({each.author_handle for each in group} - {None}),
    }


def start(instant: datetime, interval: str) -> datetime:
    local = instant.astimezone(BERLIN)
    if interval == "1h":
        return local.replace(minute=0)
    day = local.replace(hour=0, minute=0)
    back = {"1d": 0, "1w": day.weekday(), "1M": day.day - 1}[interval]
    return day - timedelta(days=back)


def grouped(keys: Any, made: Sequence[Post]) -> dict[Any, Numbers]:
    groups: dict[Any, list[Post]] = defaultdict(list)
    for each in made:
        for key in keys(each):
            groups[key].append(each)
    return {key: numbers(group) for key, group in groups.items()}


async def compare(lake: Lake, network: str, made: Sequence[Post]) -> None:
    await lake.open()
    await lake.append(made)
    where = Where(networks=(network,))
    assert await lake.totals(Post, where, METRICS) == numbers(made)
    await compare_series(lake, where, made)
    await compare_top(lake, where, made)
    await lake.close()


async def compare_series(lake: Lake, where: Where, made: Sequence[Post]) -> None:
    dated = [each for each in made if each.created_at is not None]
    for interval in ("1h", "1d", "1w", "1M"):
        expected = grouped(lambda each: [start(each.created_at, interval).isoformat()], dated)  # noqa: B023
        buckets = await lake.series(
            Post, where, interval=interval, timezone="Europe/Berlin", metrics=METRICS
        )
        assert {bucket.start.isoformat(): bucket.numbers for bucket in buckets} == expected
        assert buckets == sorted(buckets, key=lambda bucket: bucket.start.timestamp())
    broken = await lake.series(Post, where, interval="1M", metrics=[COUNT], breakdown="tags")
    assert sum(bucket.numbers["count"] for bucket in broken) == sum(len(p.tags) for p in dated)  # type: ignore[misc]


async def compare_top(lake: Lake, where: Where, made: Sequence[Post]) -> None:
    for field, keys in (("tags", lambda p: p.tags), ("author_handle", lambda p: [p.author_handle])):
        expected = grouped(keys, made)
        expected.pop(None, None)
        order = sorted(expected, key=lambda key: (-expected[key]["count"], key))  # type: ignore[operator]
        groups = await lake.top(Post, where, by=field, metrics=METRICS, limit=10)
        assert [group.key for group in groups] == order
        assert {group.key: group.numbers for group in groups} == expected


def test_totals_series_and_top_equal_a_plain_model(maker: Callable[[str], Lake], name: str) -> None:
    turn = count()

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(posts, min_size=1, max_size=25))
    def check(drawn: list[dict[str, Any]]) -> None:
        network = f"n{next(turn)}"
        made = [post(f"{network}:{place}", **fields) for place, fields in enumerate(drawn)]
        asyncio.run(compare(maker(name), network, made))

    check()
