"""The compiled reader of Instagram reads what the reference reads, or hands over."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestor import kernel
from ingestor.contract import Page, Seen
from ingestor.rows import RecordRows, differences
from ingestor.sources import _instagram_faults, fields
from ingestor.sources._instagram_shapes import shared_data
from ingestor.sources.instagram import Instagram, _onward
from invented import instagram as said
from invented import mutations

SEEN = Seen(observed_at=datetime(2026, 11, 21, 12, 0, 30, 123_456, tzinfo=UTC))
SOURCE = Instagram()
MUTATIONS = int(os.environ.get("TAGLAKE_MUTATIONS", "3000"))

# Generations C and D: tags, timelines and what has their shape.
READ = {
    "data_user_profile.json",
    "graphql2020_profilepage.json",
    "graphql2020_tagpage_test.json",
    "graphql_hashtag_paris_p1.json",
    "graphql_hashtag_paris_p2.json",
    "graphql_tagged_medias.json",
    "graphql_user_timeline.json",
    "legacy2017_user_empty.json",
    "legacy2017_user_media_nodes.json",
    "sections2021_tag_cocacola_a.json",
    "v1_user_info.json",
}
TREES: dict[str, Any] = {
    name: tree
    for name, tree in vars(said).items()
    if isinstance(tree, dict) and name.isupper() and name != "ALL"
}
HANDED_OVER = {
    *("ITEMS_2016", "TAG_2017", "FOLLOWERS", "FOLLOWING", "LOCATION", "COMMENTS"),
    *("CLIPS", "FEED", "MEDIA_INFO"),
}


def kernel_page(body: bytes) -> Page | None:
    return kernel.read_instagram(body, SEEN, version=SOURCE.version)


def reference_page(body: bytes) -> Page:
    """Return the page as the reference gives it to a poll, with rows and the way on."""
    page = SOURCE.parse(body, SEEN)
    cursor = page.cursor if page.section == "recent" else None
    if cursor is not None:
        root = fields.decode(shared_data(body) or body)
        cursor = _onward(root if isinstance(root, dict) else {}, cursor)
    return msgspec.structs.replace(page, cursor=cursor, rows=RecordRows(page))


def is_read(body: bytes) -> bool:
    """Return whether the kernel read a body; fail if it read anything but what is there."""
    if kernel.is_good_instagram(body):
        assert _instagram_faults.in_body(fields.decode(body)) is None, body
    page = kernel_page(body)
    if page is None:
        return False
    expected = reference_page(body)
    assert (expected.error, expected.aside, expected.follows) == (None, (), ()), body
    assert page.rows is not None
    assert expected.rows is not None
    assert differences(page.rows, expected.rows) == [], body
    assert (page.cursor, page.section) == (expected.cursor, expected.section), body
    return True


def body_of(tree: Any) -> bytes:
    return json.dumps(tree).encode()


@pytest.mark.parametrize("name", sorted(TREES))
def test_invented_bodies_are_read_as_the_reference_reads_them(name: str) -> None:
    tree = TREES[name]
    expected = name not in HANDED_OVER
    assert is_read(msgspec.json.encode(tree)) is expected
    assert is_read(body_of(tree)) is expected
    assert is_read(json.dumps(tree, indent=1, ensure_ascii=False).encode()) is expected


def test_recordings_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    files = sorted((recordings / "instagram_web").glob("*.json"))
    assert {file.name for file in files if is_read(file.read_bytes())} == READ


def test_recordings_as_the_wire_has_them_are_read_too(recordings: Path) -> None:
    for name in READ:
        tree = msgspec.json.decode((recordings / "instagram_web" / name).read_bytes())
        assert is_read(msgspec.json.encode(tree)), name
        assert is_read(json.dumps(tree, separators=(",", ":")).encode()), name


@pytest.mark.timeout(120 + MUTATIONS // 100)
def test_mutated_bodies_are_read_as_the_reference_reads_them() -> None:
    trees = [tree for name, tree in TREES.items() if name not in HANDED_OVER]
    read = sum(map(is_read, mutations.bodies(11, MUTATIONS, trees)))
    assert read > MUTATIONS / 5  # or the test shows nothing


@pytest.mark.timeout(120 + MUTATIONS // 100)
def test_mutated_recordings_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    bodies = [(recordings / "instagram_web" / name).read_bytes() for name in sorted(READ)]
    trees = [mutations.small(msgspec.json.decode(body), 2) for body in bodies]
    read = sum(map(is_read, mutations.bodies(12, MUTATIONS // 10, trees)))
    assert read > MUTATIONS / 50


def node(**more: Any) -> Any:
    return {"id": "7", "shortcode": "abc", "taken_at_timestamp": 1612050630, **more}


def page_of(**more: Any) -> bytes:
    edges = [{"node": node(**more)}]
    return body_of({"data": {"hashtag": {"name": "a", "edge_hashtag_to_media": {"edges": edges}}}})


@pytest.mark.parametrize(
    "more",
    [
        {"edge_liked_by": {"count": "5"}},
        {"edge_liked_by": {"count": -1}},
        {"edge_liked_by": {"count": 2**53}},
        {"like_and_view_counts_disabled": True, "edge_liked_by": {"count": "many"}},
        {"media_type": True},
        {"id": None, "pk": 2498383483036303865},
        {"id": "7_503"},
        {"shortcode": ""},
        {"shortcode": 'a"b\\c/é'},
        {"taken_at_timestamp": "1612050630"},
        {"taken_at_timestamp": None},
        {"location": {"name": "P", "lat": 48, "lng": -2.5}},
        {"location": {"lat": 0, "lng": 0.0}},
        {"location": {"lat": 90.5, "lng": 1}},
        {"caption": "#Été & #x@y @Mira. http://a.b/ü"},
        {"caption": {"text": ""}},
        {"carousel_media": [{"video_versions": [{"url": "v", "width": "5"}]}, None, {}]},
        {"owner": {"id": 5, "username": "m\u00efra"}},
    ],
)
def test_a_node_with_a_rare_value_is_read(more: dict[str, Any]) -> None:
    assert is_read(page_of(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"edge_liked_by": {"count": "many"}},
        {"edge_liked_by": {"count": -2}},
        {"edge_liked_by": {"count": 2**53 + 1}},
        {"edge_liked_by": {"count": True}},
        {"id": None, "shortcode": None},
        {"id": "abc"},
        {"taken_at_timestamp": 5},
        {"taken_at_timestamp": 1900000000},
        {"taken_at_timestamp": "soon"},
        {"edge_media_to_comment": {"edges": {}}},
        {"edge_media_to_comment": {"edges": [None]}},
        {"edge_media_to_comment": {"edges": [{"node": {"text": "no id"}}]}},
    ],
)
def test_a_node_of_which_the_reference_notes_something_is_handed_over(more: dict[str, Any]) -> None:
    body = page_of(**more)
    assert kernel_page(body) is None
    assert SOURCE.parse(body, SEEN).aside


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html></html>",
        b"[]",
        b'{"data":null}',
        b'{"data":{}}',
        b'{"data":{"user":null}}',
        b'{"message":"login_required","status":"fail"}',
        b'{"status":"fail","data":{"user":{"id":"1","username":"m"}}}',
        b'{"errors":[],"data":{"user":{"id":"1","username":"m"}}}',
        b'{"require_login":true,"data":{"user":{"id":"1","username":"m"}}}',
        b'<script>_sharedData = {"graphql":{"user":{"id":"1","username":"m"}}};</script>',
        b'{"graphql":{"user":{"id":"1","username":"_sharedData {}</script>"}}}',
    ],
)
def test_errors_and_pages_of_html_are_handed_over(body: bytes) -> None:
    assert kernel_page(body) is None


def test_what_was_read_and_what_was_handed_over_is_counted() -> None:
    read, handed_over = kernel.read_bodies["instagram"], kernel.handed_over["instagram"]
    kernel_page(page_of())
    kernel_page(b"{}")
    assert kernel.read_bodies["instagram"] == read + 1
    assert kernel.handed_over["instagram"] == handed_over + 1


def test_a_body_that_was_judged_is_read_as_itself() -> None:
    judged, other = page_of(caption="#judged"), page_of(caption="#other")
    assert kernel.is_good_instagram(judged)
    for body, tag in ((other, b'["other"]'), (judged, b'["judged"]'), (judged, b'["judged"]')):
        page = kernel_page(body)
        assert page is not None
        assert page.rows is not None
        assert tag in page.rows.contents[1]
    assert not kernel.is_good_instagram(b'{"status":"fail"}')


def test_rows_outlive_the_body_they_were_read_from() -> None:
    page = kernel_page(page_of(caption="#kept"))
    for _ in range(50):
        kernel_page(page_of(caption="#other"))
    assert page is not None
    assert page.rows is not None
    assert b'"tags":["kept"]' in page.rows.body(1, None, 5)
    with pytest.raises(IndexError):
        page.rows.body(2, None, None)


def test_the_compiled_kernel_serves() -> None:
    assert kernel.kernel_name() == "c"
