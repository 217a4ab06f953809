"""The decision table: what each answer of Elasticsearch means for a line."""

import json
from datetime import UTC, datetime

import pytest

from lake._entries_py import entry, index_of
from lake.bulk import Result, verdict, verdicts
from lake.connection import Fault
from lake.contract import Line, Verdict
from lake.errors import Unavailable
from lake.fit import Unfit
from lake.lines import line_of
from lake.records import Post, PostCounts, Tag

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def tag(name: str) -> Tag:
    return Tag(
        id=f"mastodon:{name}",
        network="mastodon",
        observed_at=NOON,
        name=name,
        source="mastodon",
        parser_version=1,
    )


def post(**more: object) -> Post:
    base: dict[str, object] = {
        "id": "mastodon:1",
        "network": "mastodon",
        "observed_at": NOON,
        "native_id": "1",
        "kind": "text",
        "created_at": NOON,
        "source": "mastodon",
        "parser_version": 1,
    }
    return Post(**base | more)  # type: ignore[arg-type]  # literal values of a test


@pytest.mark.parametrize(
    ("status", "type_", "outcome"),
    [
        (201, "", "stored"),
        (200, "", "stored"),
        (409, "version_conflict_engine_exception", "stale"),
        (400, "document_parsing_exception", "poison"),
        (400, "strict_dynamic_mapping_exception", "poison"),
        (400, "illegal_argument_exception", "poison"),
        (400, "index_closed_exception", "parked"),
        (400, "invalid_index_name_exception", "parked"),
        (400, "validation_exception", "parked"),
        (404, "index_not_found_exception", "parked"),
        (403, "cluster_block_exception", "parked"),
        (429, "cluster_block_exception", "parked"),
        (429, "es_rejected_execution_exception", "retry"),
        (503, "unavailable_shards_exception", "retry"),
        (500, "something_new_exception", "retry"),
    ],
)
def test_each_answer_has_one_meaning(status: int, type_: str, outcome: str) -> None:
    assert verdict(Result(status, Fault(type_)), "posts").outcome == outcome


def test_a_full_disk_is_told_from_overload() -> None:
    full = verdict(Result(429, Fault("cluster_block_exception")), "posts")
    assert full == Verdict(outcome="parked", reason="disk: cluster_block_exception")


def test_a_reason_names_our_field_and_quotes_no_text() -> None:
    told = "[1:2] failed to parse field [counts.likes] of type [long]. Preview: 'SECRET TEXT'"
    fault = Fault("document_parsing_exception", told)
    found = verdict(Result(400, fault), "posts")
    assert found.reason == "document_parsing_exception: field counts.likes"


def test_a_reason_names_no_field_that_came_with_the_document() -> None:
    fault = Fault("strict_dynamic_mapping_exception", "introduction of field [SECRET] is not ...")
    assert verdict(Result(400, fault), "posts").reason == "strict_dynamic_mapping_exception"


def test_an_answer_for_fewer_lines_is_no_answer() -> None:
    answer = json.dumps({"items": [{"index": {"status": 201}}]}).encode()
    with pytest.raises(Unavailable, match="not complete"):
        verdicts(answer, [line_of(tag("a")), line_of(tag("b"))])


@pytest.mark.parametrize("answer", [b"<html>", b'{"items":[{}]}', b'{"items":7}', b""])
def test_an_answer_that_is_not_one_means_try_again(answer: bytes) -> None:
    with pytest.raises(Unavailable):
        verdicts(answer, [line_of(tag("a"))])


def test_an_entry_names_index_id_and_version() -> None:
    action, source, rest = entry("lake", line_of(tag("nike"))).split(b"\n")
    assert json.loads(action) == {
        "index": {
            "_index": "lake-tags-undated",
            "_id": "mastodon:nike",
            "version": 1714564800000,
            "version_type": "external_gte",
        }
    }
    assert source == line_of(tag("nike")).body
    assert rest == b""


def test_a_post_carries_its_derived_numbers() -> None:
    counts = PostCounts(likes=10, comments=2)
    line = line_of(post(counts=counts, author_followers=1000))
    source = json.loads(entry("lake", line).split(b"\n")[1])
    assert (source["engagements"], source["engagement_ppm"]) == (12, 12000)
    assert source["counts"]["likes"] == 10


@pytest.mark.parametrize(
    ("month", "index"),
    [
        ("2024.05", "lake-posts-2024.05"),
        ("undated", "lake-posts-undated"),
        ("1969.12", "lake-posts-undated"),
        ("9999.01", "lake-posts-undated"),
        ("2024.13", "lake-posts-undated"),
        ("../x", "lake-posts-undated"),
    ],
)
def test_an_odd_month_makes_no_index_of_its_own(month: str, index: str) -> None:
    assert index_of("lake", "posts", month) == index


@pytest.mark.parametrize("id_", ["x" * 513, "a\0b", ""])
def test_an_id_that_harms_a_whole_request_is_refused_here(id_: str) -> None:
    line = line_of(tag("a"))
    broken = Line(table="tags", id=id_, version=line.version, month="undated", body=line.body)
    with pytest.raises(Unfit):
        entry("lake", broken)
