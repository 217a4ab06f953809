"""The decision table: what each answer of Elasticsearch means for a line."""

import json
from datetime import UTC, datetime

import pytest

from lake.bulk import Result, verdict, verdicts
from lake.connection import Fault
from lake.contract import Verdict
from lake.errors import Unavailable
from lake.lines import line_of
from lake.records import Tag

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


def answer_of(*statuses: int) -> bytes:
    """Return an answer as Elasticsearch writes it, without a space."""
    items = [{"index": {"status": status}} for status in statuses]
    return json.dumps({"items": items}, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("statuses", "outcomes"),
    [
        ((201, 200), ["stored", "stored"]),
        ((200, 409), ["stored", "stale"]),
        ((409, 201), ["stale", "stored"]),
        ((201, 503), ["stored", "retry"]),
        ((202, 201), ["stored", "stored"]),
    ],
)
def test_each_line_gets_the_verdict_of_its_item(
    statuses: tuple[int, ...], outcomes: list[str]
) -> None:
    lines = [line_of(tag("a")), line_of(tag("b"))]
    assert [each.outcome for each in verdicts(answer_of(*statuses), lines)] == outcomes


@pytest.mark.parametrize("statuses", [(), (201,), (201, 200, 201)])
def test_as_many_items_as_lines_are_asked_for(statuses: tuple[int, ...]) -> None:
    with pytest.raises(Unavailable, match="not complete"):
        verdicts(answer_of(*statuses), [line_of(tag("a")), line_of(tag("b"))])


def test_an_answer_for_fewer_lines_is_no_answer() -> None:
    answer = json.dumps({"items": [{"index": {"status": 201}}]}).encode()
    with pytest.raises(Unavailable, match="not complete"):
        verdicts(answer, [line_of(tag("a")), line_of(tag("b"))])


@pytest.mark.parametrize("answer", [b"<html>", b'{"items":[{}]}', b'{"items":7}', b""])
def test_an_answer_that_is_not_one_means_try_again(answer: bytes) -> None:
    with pytest.raises(Unavailable):
        verdicts(answer, [line_of(tag("a"))])
