"""Recorded files of every kind, and the lines `taglake parse` prints of them."""

import json
from datetime import UTC, datetime
from typing import Any

from ingestor.recorded import lines, pages
from ingestor.sources import SOURCES
from invented import bluesky, graph, instagram, mastodon

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def printed(name: str, body: object, file: str = "a.json") -> list[dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [json.loads(line) for line in lines(SOURCES[name](), file, raw, observed_at=NOW)]


def exchange(
    uri: str, body: object, status: int = 200, method: str = "GET", **headers: str
) -> object:
    kind = "text" if isinstance(body, str) else "json"
    response = {"status": status, "headers": headers, kind: body}
    return {"request": {"method": method, "uri": uri}, "response": response}


def test_recent_and_top_posts_are_printed_and_a_page_line_ends_the_file() -> None:
    said = printed("instagram", instagram.TAG_PAGE, "tag.json")
    assert [(line["record"], line.get("section"), line.get("native_id")) for line in said] == [
        ("post", "recent", "201"),
        ("post", "recent", "202"),
        ("post", "top", "203"),
        ("post", "top", "201"),
        ("tag", None, None),
        ("page", None, None),
    ]
    assert said[-1] == {"record": "page", "file": "tag.json", "cursor": "QVFEYy1", "count": 4}
    assert all(next(iter(line)) == "record" for line in said)
    assert said[0]["id"] == "instagram:201"
    assert said[0]["counts"]["likes"] == 5
    assert said[0]["observed_at"] == "2026-06-01T00:00:00Z"


def test_every_kind_of_record_is_printed() -> None:
    assert [line["record"] for line in printed("instagram", instagram.FOLLOWERS)] == [
        *["profile"] * 2,
        *["follow"] * 2,
        "page",
    ]
    assert [line["record"] for line in printed("instagram", instagram.COMMENTS)] == [
        *["comment"] * 2,
        "page",
    ]


def test_an_error_is_one_line_and_no_zero() -> None:
    body = {"message": "checkpoint_required", "status": "fail"}
    assert printed("instagram", body, "e.json") == [
        {
            "record": "error",
            "code": "checkpoint_required",
            "kind": "checkpoint",
            "retry_after": None,
            "reason": "the account has to prove itself",
        },
        {"record": "page", "file": "e.json", "cursor": None, "count": 0},
    ]


def test_exchanges_are_judged_by_status_and_headers() -> None:
    limits = {
        "X-RateLimit-Reset": "2026-05-31T12:04:12.000Z",
        "Date": "Sun, 31 May 2026 12:00:00 GMT",
    }
    uri = "https://one.example/api/v1/timelines/tag/nike"
    link = {"Link": f'<{uri}?max_id=7>; rel="next"', "Date": "Sun, 31 May 2026 12:00:00 GMT"}
    said = printed(
        "mastodon",
        [
            exchange(uri, {"error": "slow"}, 429, **limits),
            exchange(uri, "<html>", 502),
            exchange(uri, mastodon.TIMELINE, **link),
        ],
    )
    errors = [(line["kind"], line["code"], line["retry_after"]) for line in said[:2]]
    assert errors == [("rate_limited", "429", 252.0), ("server", "502", None)]
    assert (said[2]["author_handle"], said[2]["observed_at"]) == (
        "alice@one.example",
        "2026-05-31T12:00:00Z",
    )
    assert said[-1] == {"record": "page", "file": "a.json", "cursor": "7", "count": 2}


def test_a_date_that_cannot_be_is_not_believed() -> None:
    uri = "https://one.example/api/v1/statuses/1"
    for date in ("Sun, 31 May 2099 12:00:00 GMT", "yesterday", "Thu, 01 Jan 1970 00:00:00 GMT"):
        said = printed("mastodon", [exchange(uri, mastodon.status(), Date=date)])
        assert said[0]["observed_at"] == "2026-06-01T00:00:00Z"


def test_the_answer_to_a_deletion_shows_the_post_for_the_last_time() -> None:
    uri = "https://one.example/api/v1/statuses/1"
    said = printed("mastodon", [exchange(uri, mastodon.status(), method="DELETE")])
    assert said[0]["deleted_at"] == "2026-06-01T00:00:00Z"


def test_json_lines_are_read_and_broken_ones_are_errors() -> None:
    body = b"\n".join([json.dumps(bluesky.SEARCH).encode(), b'{"posts": [', b"", b'{"posts": []}'])
    said = printed("bluesky", body)
    assert [line["record"] for line in said] == ["post", "post", "error", "page"]
    assert (said[2]["kind"], said[-1]["count"]) == ("unknown", 2)


def test_an_html_page_of_many_lines_is_one_body() -> None:
    shared = json.dumps({"entry_data": {"TagPage": [instagram.TAG_PAGE]}})
    html = f"<html>\n<script>\nwindow._sharedData = {shared};\n</script>\n</html>"
    assert printed("instagram", html.encode())[-1]["count"] == 4


def test_a_file_of_top_posts_is_known_by_its_name() -> None:
    said = printed("instagram_graph", graph.RECENT, "hashtag_top_media.json")
    assert [line.get("section") for line in said] == ["top", "top", None]


def test_a_source_of_others_needs_only_parse() -> None:
    class Plain:
        def __init__(self) -> None:
            self.parse = SOURCES["bluesky"]().parse

    body = json.dumps(bluesky.SEARCH).encode()
    (page,) = pages(Plain(), body, observed_at=NOW)  # type: ignore[arg-type] # only parse is asked
    assert len(page.posts) == 2


def test_odd_exchanges_do_not_raise() -> None:
    odd: list[object] = [
        {"request": None, "response": None},
        {"request": {"uri": 7}, "response": {"status": "x", "headers": [], "json": None}},
        {"request": {"uri": "http://[bad"}, "response": {"status": 200, "headers": {"date": 5}}},
    ]
    said = printed("mastodon", odd)
    assert [line["record"] for line in said] == ["error", "error", "error", "page"]
