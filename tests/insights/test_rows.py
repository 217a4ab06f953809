"""The questions of the contract over records in memory."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from fakes.campaign_world import RECORDS, day, published
from insights import rows
from lake.contract import COUNT, Metric, Sort, Where
from lake.errors import BadQuestion
from lake.records import Post

POSTS = [record for record in RECORDS if isinstance(record, Post)]


def names(where: Where) -> list[str]:
    return sorted(post.native_id for post in POSTS if rows.matches(post, where))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(tags=("puma",)), ["u11"]),
        (Where(tags=("puma",), handles=("cid",)), ["p13", "u11"]),
        (Where(kinds=("repost",)), ["r11"]),
        (Where(tags=("run",), networks=("instagram",)), []),
        (Where(deleted=True), ["p15"]),
        (Where(authors=("mastodon:bob",), since=day(5), until=day(23)), ["p02", "p12"]),
        (Where(words=("TEXT", "p11")), ["p11"]),
        (Where(ids=("mastodon:p01", "mastodon:nobody")), ["p01"]),
    ],
)
def test_a_filter_narrows_by_each_given_field(where: Where, expected: list[str]) -> None:
    assert names(where) == expected


def test_sums_over_nothing_known_are_unknown_and_counts_are_zero() -> None:
    metrics = [
        COUNT,
        Metric(kind="sum", field="counts.views"),
        Metric(kind="known", field="counts.likes"),
        Metric(kind="max", field="created_at"),
    ]
    assert rows.totals([], metrics) == {
        "count": 0,
        "sum:counts.views": None,
        "known:counts.likes": 0,
        "max:created_at": None,
    }


def test_derived_fields_are_those_of_the_lake() -> None:
    post = next(post for post in POSTS if post.native_id == "p15")
    assert rows.value_of(post, "engagements") == 8
    assert rows.value_of(post, "engagement_ppm") == 6666  # 8 of 1200 followers


def test_a_list_counts_a_record_once_under_each_value() -> None:
    twice = list(published("t", day(9), [(1, 1, 0, 0)], tags=("a", "b", "a")))
    found = rows.top(twice[:1], by="tags", metrics=[COUNT], order=COUNT, limit=9)
    assert [(group.key, group.numbers["count"]) for group in found] == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("descending", [True, False])
def test_unknown_values_come_last_in_either_direction(descending: bool) -> None:
    sort = Sort(field="counts.likes", descending=descending)
    found = rows.page(POSTS, sort=sort, limit=50, cursor=None).records
    assert found[0].id == ("bluesky:x02" if descending else "mastodon:p21")
    assert found[-1].id == "mastodon:p13"


@pytest.mark.parametrize("cursor", ["", "!!!", "e30=", "WyJpZCIsLTFd"])
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadQuestion, match="start without one"):
        rows.page(POSTS, sort=Sort(), limit=5, cursor=cursor)


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    instant = datetime(2026, 4, 1, 21, 30, tzinfo=UTC)  # Wednesday 23:30 in Berlin
    assert rows.floor(instant, "1w", berlin).isoformat() == "2026-03-30T00:00:00+02:00"
    assert rows.floor(instant, "1M", berlin).isoformat() == "2026-04-01T00:00:00+02:00"
    assert rows.floor(instant, "1h", berlin).isoformat() == "2026-04-01T23:00:00+02:00"
