"""From a filter to Elasticsearch's query language."""

from datetime import UTC, datetime
from typing import Any

import pytest

from lake.contract import Where
from lake.errors import BadQuestion
from lake.query import narrows, query, terms
from lake.records import Follow, Post, Profile, Record, Rollup, Snapshot

MAY = datetime(2024, 5, 1, tzinfo=UTC)


def filters(kind: type[Record], where: Where) -> list[Any]:
    found: list[Any] = query(kind, where)["bool"]["filter"]
    return found


def test_an_empty_filter_matches_everything() -> None:
    assert query(Post, Where()) == {"bool": {"filter": [], "must_not": []}}


def test_each_given_field_narrows() -> None:
    where = Where(networks=("mastodon",), kinds=("image", "video"), langs=("de",))
    assert filters(Post, where) == [
        {"terms": {"network": ["mastodon"]}},
        {"terms": {"kind": ["image", "video"]}},
        {"terms": {"lang": ["de"]}},
    ]


def test_tags_and_handles_are_one_group() -> None:
    assert filters(Post, Where(tags=("nike",), handles=("brand",))) == [
        {
            "bool": {
                "should": [
                    {"terms": {"tags": ["nike"]}},
                    {"terms": {"author_handle": ["brand"]}},
                ],
                "minimum_should_match": 1,
            }
        }
    ]


def test_profiles_go_by_their_own_handle() -> None:
    either = filters(Profile, Where(tags=("nike",), handles=("brand",)))[0]
    assert either["bool"]["should"] == [{"terms": {"handle": ["brand"]}}]


def test_a_range_includes_its_start_and_excludes_its_end() -> None:
    where = Where(since=MAY, until=MAY.replace(day=2))
    assert filters(Post, where) == [
        {
            "range": {
                "created_at": {
                    "gte": "2024-05-01T00:00:00+00:00",
                    "lt": "2024-05-02T00:00:00+00:00",
                }
            }
        }
    ]


def test_words_are_a_value_not_a_language() -> None:
    where = Where(words=('text:* OR id:"x"',))
    assert filters(Post, where) == [
        {"match": {"text": {"query": 'text:* OR id:"x"', "operator": "and"}}}
    ]


def test_unwanted_kinds_are_left_out() -> None:
    assert query(Post, Where(exclude_kinds=("repost",)))["bool"]["must_not"] == [
        {"terms": {"kind": ["repost"]}}
    ]


def test_deleted_asks_whether_the_time_is_known() -> None:
    exists = {"exists": {"field": "deleted_at"}}
    assert filters(Post, Where(deleted=True)) == [exists]
    assert filters(Post, Where(deleted=False)) == [{"bool": {"must_not": [exists]}}]


def test_other_tables_have_fields_of_their_own() -> None:
    assert filters(Follow, Where(accounts=("m:1",))) == [{"terms": {"account_id": ["m:1"]}}]
    assert filters(Rollup, Where(campaign="c")) == [{"terms": {"campaign_id": ["c"]}}]
    assert filters(Snapshot, Where(subject="post")) == [{"terms": {"subject": ["post"]}}]


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (Follow, Where(tags=("nike",))),
        (Profile, Where(words=("nike",))),
        (Snapshot, Where(deleted=True)),
        (Post, Where(time="text", since=MAY)),
        (Post, Where(time="nope", since=MAY)),
        (Post, Where(since=MAY.replace(tzinfo=None))),
    ],
)
def test_a_filter_a_table_cannot_answer_is_refused(kind: type[Record], where: Where) -> None:
    with pytest.raises(BadQuestion):
        query(kind, where)


def test_ids_are_asked_for_as_what_elasticsearch_indexes_anyway() -> None:
    assert terms(Post, "id", ("m:1", "m:2")) == {"ids": {"values": ["m:1", "m:2"]}}


def test_more_values_than_elasticsearch_takes_are_asked_in_parts() -> None:
    asked = terms(Post, "author_id", tuple(f"m:{number}" for number in range(150_000)))
    assert [len(part["terms"]["author_id"]) for part in asked["bool"]["should"]] == [
        60_000,
        60_000,
        30_000,
    ]


def test_only_the_time_field_narrows_nothing() -> None:
    assert not narrows(Where(time="observed_at"))
    assert narrows(Where(ids=("a",)))
