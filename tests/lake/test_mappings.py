"""What Elasticsearch is told about the tables."""

import pytest

from lake.errors import BadQuestion
from lake.mappings import Field, field_of, fields, lacking, properties, template
from lake.records import RECORDS, Post


def test_posts_have_every_field_of_the_record_and_the_derived_ones() -> None:
    assert fields("posts")["counts.likes"] == Field(path="counts.likes", kind="integer")
    assert fields("posts")["tags"] == Field(path="tags", kind="word", many=True)
    assert fields("posts")["engagement_ppm"].kind == "integer"


def test_the_raw_document_is_kept_and_not_indexed() -> None:
    assert properties("posts")["raw"] == {"type": "object", "enabled": False}


def test_counts_nest_as_the_documents_do() -> None:
    assert properties("profiles")["counts"] == {
        "properties": {
            "followers": {"type": "long"},
            "following": {"type": "long"},
            "posts": {"type": "long"},
        }
    }


@pytest.mark.parametrize("table", RECORDS)
def test_a_template_is_strict_and_meets_only_its_own_table(table: str) -> None:
    made = template(table, prefix="lake", shards=2, replicas=1)
    assert made["index_patterns"] == [f"lake-{table}-*"]
    assert made["template"]["mappings"]["dynamic"] == "strict"
    assert made["template"]["settings"]["index"]["codec"] == "best_compression"
    assert made["template"]["settings"]["index"]["number_of_shards"] == 2


def test_what_nobody_asks_by_costs_no_index() -> None:
    posts = properties("posts")
    assert posts["native_id"] == {"type": "keyword", "index": False, "doc_values": False}
    assert posts["id"] == {"type": "keyword", "index": False}  # asked by `_id`, sorted by this


def test_only_fields_that_an_index_has_not_are_added_to_it() -> None:
    there = properties("profiles")
    there["native_id"] = {"type": "keyword"}  # as an older release made it
    assert lacking(properties("profiles"), there) == {}
    del there["bio"], there["counts"]["properties"]["posts"]
    assert lacking(properties("profiles"), there) == {
        "bio": {"type": "text", "norms": False},
        "counts": {"properties": {"posts": {"type": "long"}}},
    }


def test_the_digest_of_a_template_changes_with_its_content() -> None:
    one, two = (template("posts", prefix="p", shards=1, replicas=n) for n in (0, 1))
    assert one["_meta"]["digest"] != two["_meta"]["digest"]


def test_a_field_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(BadQuestion, match=r"posts have no field 'likes'; they have id, network"):
        field_of(Post, "likes")
