"""The compiled reader of Bluesky reads what the reference reads, or hands over."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ingestor import kernel
from ingestor.contract import Seen
from ingestor.rows import RecordRows, differences
from ingestor.sources import fields
from ingestor.sources.bluesky import Bluesky
from ingestor.sources.joined import with_profiles
from invented import bluesky as said
from invented import mutations
from invented.seasoned import seasoned

SEEN = Seen(observed_at=datetime(2026, 11, 21, 12, 0, 30, 123_456, tzinfo=UTC))
SOURCE = Bluesky()
MUTATIONS = int(os.environ.get("TAGLAKE_MUTATIONS", "2000"))
TREES: list[Any] = [said.SEARCH, said.FEED, said.EMBEDS]
METHODS = {"searchPosts", "getAuthorFeed", "getFeed", "getActorLikes", "getPosts", "getQuotes"}
TEXTS = (
    *("at://did:plc:x/app.bsky.feed.post/9", "at://", "at://x", "handle.invalid", "did:plc:é"),
    *("app.bsky.richtext.facet#tag", "tag", "link", "mention", "x#reasonRepost", "#reasonRepost"),
    *("@@bob.test", "@bob.test @eve.test ü", "#x", "pt-BR", "İt-x", "https://a.example/m.m3u8"),
)


def is_read(body: bytes) -> bool:
    """Return whether the kernel read a body; fail if it read anything but what is there."""
    page = kernel.read_bluesky(body, SEEN, version=SOURCE.version)
    if page is None:
        return False
    expected = SOURCE.parse(body, SEEN)
    assert (expected.error, expected.aside, expected.follows) == (None, (), ()), body
    assert page.rows is not None
    assert differences(page.rows, RecordRows(expected)) == [], body
    assert page.cursor == expected.cursor, body
    return True


def body_of(tree: Any) -> bytes:
    return json.dumps(tree).encode()


@pytest.mark.parametrize("name", sorted(said.ALL))
def test_searches_and_feeds_are_read_as_the_reference_reads_them(name: str) -> None:
    tree, expected = said.ALL[name], name in ("SEARCH", "FEED", "EMBEDS")
    assert is_read(msgspec.json.encode(tree)) is expected
    assert is_read(body_of(tree)) is expected
    assert is_read(json.dumps(tree, indent=1, ensure_ascii=False).encode()) is expected


@pytest.mark.parametrize(
    "tree",
    [
        {"posts": [], "profiles": []},
        {"posts": [], "thread": {}},
        {"posts": [], "feed": []},
        {"posts": {}},
        {"posts": [None]},
        {"error": "InvalidRequest", "posts": []},
        [],
        {},
    ],
)
def test_other_answers_are_handed_over(tree: Any) -> None:
    assert not is_read(body_of(tree))


def answers(folder: Path) -> list[tuple[str, bytes]]:
    """Return method and body of each recorded answer."""
    found = []
    for file in sorted(folder.glob("*.exchanges.json")):
        for exchange in fields.decode(file.read_bytes()):
            method = exchange["request"]["uri"].partition("?")[0].rpartition(".")[2]
            found.append((method, msgspec.json.encode(exchange["response"].get("json"))))
    return found


def test_recorded_answers_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    read = {}
    for method, body in answers(recordings / "bluesky"):
        if b'"error":' not in body[:20]:
            read.setdefault(method, []).append(is_read(body))
    assert {method for method, each in read.items() if any(each)} == METHODS
    assert all(all(read[method]) for method in METHODS)
    assert len(read["searchPosts"]) + len(read["getAuthorFeed"]) == 9


@pytest.mark.timeout(120 + MUTATIONS // 50)
def test_mutated_bodies_are_read_as_the_reference_reads_them() -> None:
    trees = [*TREES, *seasoned(31, 300, TREES, TEXTS)]
    read = sum(map(is_read, mutations.bodies(32, MUTATIONS, trees)))
    assert read > MUTATIONS / 5  # or the test shows nothing


@pytest.mark.timeout(120 + MUTATIONS // 50)
def test_mutated_recordings_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    bodies = [body for method, body in answers(recordings / "bluesky") if method in METHODS]
    trees = [mutations.small(msgspec.json.decode(body), 2) for body in bodies]
    trees += seasoned(33, 100, trees, TEXTS)
    read = sum(map(is_read, mutations.bodies(34, MUTATIONS // 3, trees)))
    assert read > MUTATIONS / 15


def page_of(**more: Any) -> bytes:
    return body_of({"posts": [said.post(**more), said.post("3k8")]})


def record(**more: Any) -> dict[str, Any]:
    return {"record": {"text": said.TEXT, "createdAt": "2025-05-05T01:30:17Z", **more}}


@pytest.mark.parametrize(
    "more",
    [
        {"likeCount": "5", "replyCount": -1, "quoteCount": None},
        {"indexedAt": None},
        {"indexedAt": "2024-05-05T01:30:17.1Z"},
        {"author": said.person("bob", handle="handle.invalid")},
        {"uri": "at://x"},
        record(createdAt=None),
        record(text=None, langs=[]),
        record(text="", langs=["-x"], tags=["#a", None, "A", ""]),
        record(facets=[said.facet(6, 11, "tag", tag="#Nike"), said.facet(0, 2, "other"), None, {}]),
        record(facets=[said.facet(12, 999, "mention"), said.facet(12, 21, "mention")]),
        record(facets=[said.facet(9, 3, "mention"), {"index": {"byteStart": "12"}}]),
        record(facets=[{"features": [{"$type": "tag", "tag": "x"}, {"$type": ["tag"]}, 5]}]),
        record(reply={"parent": {"uri": "at://x/y/z"}}),
        record(reply={"parent": "at://x/y/z"}),
        {"embed": {"media": {}, "playlist": "", "aspectRatio": {"width": "7"}}},
        {"embed": {"images": [None], "external": {"uri": "https://a.example"}}},
    ],
)
def test_a_post_with_a_rare_value_is_read(more: dict[str, Any]) -> None:
    assert is_read(page_of(**more))


@pytest.mark.parametrize(
    "more",
    [
        {"likeCount": "many"},
        {"indexedAt": "soon"},
        {"uri": "https://x"},
        {"record": {}},
        record(createdAt="1970-01-01T00:00:00Z"),
        record(createdAt=5),
    ],
)
def test_a_post_of_which_the_reference_notes_something_is_handed_over(more: dict[str, Any]) -> None:
    assert not is_read(page_of(**more))
    assert SOURCE.parse(page_of(**more), SEEN).aside


def test_a_mention_that_cuts_a_letter_is_handed_over() -> None:
    assert not is_read(page_of(**record(facets=[said.facet(1, 3, "mention")])))
    assert not is_read(page_of(**record(facets=[said.facet(0, 1, "mention")])))


@pytest.mark.parametrize(
    "reason",
    [
        {"uri": "at://did:plc:bob/app.bsky.feed.repost/1", "by": None, "indexedAt": None},
        {"by": said.person("bob", handle="handle.invalid"), "indexedAt": "2025-06-01T00:00:00Z"},
    ],
)
def test_a_repost_is_read(reason: dict[str, Any]) -> None:
    reason = {"$type": "app.bsky.feed.defs#reasonRepost", **reason}
    assert is_read(body_of({"feed": [{"post": said.post(), "reason": reason}]}))


def test_a_repost_by_nobody_is_handed_over() -> None:
    reason = {"$type": "app.bsky.feed.defs#reasonRepost"}
    assert not is_read(body_of({"feed": [{"post": said.post(), "reason": reason}]}))


def test_a_profile_asked_for_stands_before_the_rows_of_a_page() -> None:
    found = SOURCE.parse(body_of(said.PROFILE), SEEN).profiles
    read = kernel.read_bluesky(body_of(said.FEED), SEEN, version=1)
    assert read is not None
    joined = with_profiles(read, found).rows
    assert joined is not None
    expected = with_profiles(SOURCE.parse(body_of(said.FEED), SEEN), found)
    assert differences(joined, RecordRows(expected)) == []
