"""The compiled reader of Mastodon reads what the reference reads, or hands over."""

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
from ingestor.sources import addresses, fields
from ingestor.sources.joined import with_profiles
from ingestor.sources.mastodon import Mastodon
from invented import mastodon as said
from invented import mutations
from invented.seasoned import seasoned

SEEN = Seen(observed_at=datetime(2026, 11, 21, 12, 0, 30, 123_456, tzinfo=UTC), host="one.example")
NOWHERE = msgspec.structs.replace(SEEN, host=None)
SOURCE = Mastodon()
MUTATIONS = int(os.environ.get("TAGLAKE_MUTATIONS", "2000"))

STATUSES = [said.BOOST, said.PLEROMA, *said.CONTEXT["descendants"], *said.TIMELINE]
REMOTE = said.account(
    "eve", host="two.example", acct="eve@two.example", uri="https://two.example/users/eve", id="9"
)
TREES: list[Any] = [
    said.TIMELINE,
    STATUSES,
    [said.status("7", in_reply_to_id="103270115826048975", tags=None), *said.TIMELINE],
    [said.status("8", account=REMOTE, edited_at="2020-01-01T00:00:00Z"), said.BOOST],
]
HTML = (
    *(
        "<p>a &amp; <b>c</b></p>",
        "<p>1 < 2",
        "&copy;",
        "<p>a</p>\n\n<p>b</p>",
        "<br>",
        "&nbsp;x&nbsp;",
    ),
    *('<a href="https://a.example">x</a>', "https://a.example/x. #tag", "<script>x</script>y"),
    *(
        "eve@two.example",
        "https://two.example/@eve",
        "https://two.example/u/eve",
        "http://[x",
        "/@x",
    ),
    *("de-AT", "ZH-Hant", "-x", "gifv", "image", "video", "İt-x"),
)


def reference_page(body: bytes, seen: Seen = SEEN) -> Page:
    return SOURCE.parse(body, seen)


def is_read(body: bytes, seen: Seen = SEEN) -> bool:
    """Return whether the kernel read a body; fail if it read anything but what is there."""
    page = kernel.read_mastodon(body, seen, version=SOURCE.version)
    if page is None:
        return False
    expected = reference_page(body, seen)
    assert (expected.error, expected.aside, expected.follows) == (None, (), ()), body
    assert page.rows is not None
    assert differences(page.rows, RecordRows(expected)) == [], body
    return True


def body_of(tree: Any) -> bytes:
    return json.dumps(tree).encode()


@pytest.mark.parametrize("seen", [SEEN, NOWHERE], ids=["known host", "unknown host"])
@pytest.mark.parametrize("tree", TREES)
def test_lists_of_statuses_are_read_as_the_reference_reads_them(tree: Any, seen: Seen) -> None:
    assert is_read(msgspec.json.encode(tree), seen)
    assert is_read(body_of(tree), seen)
    assert is_read(json.dumps(tree, indent=1, ensure_ascii=False).encode(), seen)
    assert is_read(body_of(tree).replace(b"<", b"\\u003c").replace(b"/", b"\\/"), seen)


@pytest.mark.parametrize(
    "name", ["CONTEXT", "SEARCH", "TAG", "QUOTE", "SERVER", "PIXELFED_ACCOUNT"]
)
def test_other_answers_are_handed_over(name: str) -> None:
    assert not is_read(body_of(getattr(said, name)))
    assert not is_read(body_of([getattr(said, name)]))
    assert not is_read(body_of(said.status()))


def exchanges(folder: Path) -> list[tuple[str, bytes, Seen]]:
    """Return address, body and circumstances of each recorded answer that is a list."""
    found = []
    for file in sorted(folder.glob("*.exchanges.json")):
        for exchange in fields.decode(file.read_bytes()):
            body, uri = exchange["response"].get("json"), exchange["request"]["uri"]
            seen = msgspec.structs.replace(SEEN, host=addresses.host(uri))
            if isinstance(body, list):
                found.append((uri, msgspec.json.encode(body), seen))
    return found


def test_recorded_lists_of_statuses_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    lists = exchanges(recordings / "mastodon")
    statuses = [part for part in lists if "/timelines/" in part[0] or "/statuses?" in part[0]]
    assert len(statuses) > 15
    assert all(is_read(body, seen) for _, body, seen in statuses)
    for uri, body, seen in lists:
        asked_for_statuses = (
            "/timelines/" in uri or uri.endswith("/statuses") or "/statuses?" in uri
        )
        assert is_read(body, seen) is asked_for_statuses or body == b"[]", uri


def known_trees() -> list[Any]:
    return [*TREES, *seasoned(21, 300, TREES, HTML)]


@pytest.mark.timeout(120 + MUTATIONS // 50)
def test_mutated_bodies_are_read_as_the_reference_reads_them() -> None:
    bodies = mutations.bodies(22, MUTATIONS, known_trees())
    read = sum(is_read(body, NOWHERE if len(body) % 4 == 0 else SEEN) for body in bodies)
    assert read > MUTATIONS / 5  # or the test shows nothing


@pytest.mark.timeout(120 + MUTATIONS // 50)
def test_mutated_recordings_are_read_as_the_reference_reads_them(recordings: Path) -> None:
    bodies = [body for _, body, _ in exchanges(recordings / "mastodon") if body != b"[]"]
    trees = [mutations.small(msgspec.json.decode(body), 2) for body in bodies]
    trees += seasoned(23, 100, trees, HTML)
    read = sum(map(is_read, mutations.bodies(24, MUTATIONS // 3, trees)))
    assert read > MUTATIONS / 15


@pytest.mark.parametrize(
    "more",
    [
        {"favourites_count": "5", "replies_count": -1, "reblogs_count": None},
        {"id": 17, "url": None, "language": None},
        {"id": None, "in_reply_to_id": 17},
        {"content": None, "text": "plain #nike"},
        {"content": "", "tags": None},
        {"content": "no markup  ", "tags": "x"},
        {"tags": [{"name": "#\u00c9t\u00e9"}, {"name": "NIKE"}, {"name": "nike"}, {}, None]},
        {"mentions": [{"acct": "x"}, {"acct": ""}, None, {"acct": "x@y"}, {"acct": "x@y"}]},
        {"media_attachments": [{"type": "audio"}]},
        {"media_attachments": [{"type": "gifv", "meta": {"original": {"duration": 5}}}, None]},
        {"created_at": None, "edited_at": "2020-06-01T12:00:00.000+02:00"},
        {"in_reply_to_id": "103270115826048975"},
        {"in_reply_to_id": ""},
        {"reblog": {}},
        {"reblog": said.status("5", reblog=said.status("4"), account=None)},
        {"account": said.account(note=None, fields=None, locked=None, display_name="")},
        {"account": said.account(fields=[{"value": "see http://a.b."}])},
    ],
)
def test_a_status_with_a_rare_value_is_read(more: dict[str, Any]) -> None:
    assert is_read(body_of([said.status(**more), *said.TIMELINE]))
    assert is_read(body_of([said.status(**more)]), NOWHERE)


@pytest.mark.parametrize(
    "more",
    [
        {"favourites_count": "many"},
        {"created_at": 5},
        {"created_at": "soon"},
        {"edited_at": "1999-12-31T23:59:59Z"},
        {"account": None},
        {"account": said.account(acct="")},
        {"account": said.account(followers_count=-2)},
        {"account": said.account(url=None)},
        {"uri": "", "id": None},
    ],
)
def test_a_status_of_which_the_reference_notes_something_is_handed_over(
    more: dict[str, Any],
) -> None:
    body = body_of([said.status(**more)])
    assert not is_read(body)
    assert reference_page(body).aside


def test_an_account_told_with_counts_later_is_handed_over() -> None:
    first = said.status("1", account=said.account(followers_count=None))
    assert not is_read(body_of([first, said.status("2")]))
    assert is_read(body_of([said.status("2"), first]))


@pytest.mark.parametrize(
    "url",
    [
        "https://one.example:8443/@a_b-c.d",
        "https://one.example/@alice/",
        "https://one.example/@",
        "https:///@alice",
        "http://one.example/@alice",
        "ftp://one.example/@alice",
        "HTTPS://One.example/@alice",
        "https://one.example/alice",
        "https://one.example/@alice?x",
        "https://one.example/@@alice",
        "https://me@one.example/@alïce",
        "https://one.example",
        "@alice",
    ],
)
def test_an_account_told_by_its_page_alone_is_read(url: str) -> None:
    assert is_read(body_of([said.status(account=said.account(url=url))]))


def test_a_status_shown_twice_is_one_row() -> None:
    page = kernel.read_mastodon(body_of([said.status(), said.status(content="x")]), SEEN, version=1)
    assert page is not None
    assert page.rows is not None
    assert page.rows.kinds == b"po"
    assert is_read(body_of([said.status(), said.status(content="x")]))


def test_profiles_asked_for_stand_before_the_rows_of_a_page() -> None:
    body = body_of([said.BOOST, *said.TIMELINE])
    found = reference_page(body_of(said.account(followers_count=7))).profiles
    read = kernel.read_mastodon(body, SEEN, version=1)
    assert read is not None
    joined = with_profiles(read, found).rows
    assert joined is not None
    assert differences(joined, RecordRows(with_profiles(reference_page(body), found))) == []
    assert (joined.kinds, joined.recent) == (b"pproo", [2, 3, 4])
