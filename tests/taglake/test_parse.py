"""The contract of `taglake parse`, kept by the real program."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from invented import bluesky, graph, instagram, mastodon

Json = dict[str, Any]

POST = {
    *("record", "section", "id", "network", "native_id", "code", "url", "kind"),
    *("author_id", "author_handle", "text", "lang", "tags", "mentions", "links", "media"),
    *("place", "location", "created_at", "observed_at", "counts", "reply_to", "repost_of"),
    *("source", "parser_version", "raw"),
}


def parsed(folder: Path, network: str, *files: str) -> tuple[int, list[Json], str]:
    """Return exit code, lines and what stands on standard error."""
    done = subprocess.run(
        [sys.executable, "-m", "taglake", "parse", network, *files],
        cwd=folder,
        capture_output=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.decode("utf-8").splitlines()
    return done.returncode, [json.loads(line) for line in lines], done.stderr.decode("utf-8")


def write(folder: Path, **bodies: object) -> list[str]:
    for name, body in bodies.items():
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        (folder / name).write_bytes(raw)
    return list(bodies)


def test_each_line_begins_with_its_record_and_each_file_ends_with_its_page(tmp_path: Path) -> None:
    files = write(tmp_path, tag=instagram.TAG_PAGE, empty=b"", people=instagram.FOLLOWERS)
    code, lines, said = parsed(tmp_path, "instagram", *files)
    assert (code, said) == (0, "")
    assert all(next(iter(line)) == "record" for line in lines)
    assert [line["record"] for line in lines] == [
        *["post"] * 4,
        *["tag", "page", "error", "page"],
        *["profile"] * 2,
        *["follow"] * 2,
        "page",
    ]
    assert [line for line in lines if line["record"] == "page"] == [
        {"record": "page", "file": "tag", "cursor": "QVFEYy1", "count": 4},
        {"record": "page", "file": "empty", "cursor": None, "count": 0},
        {"record": "page", "file": "people", "cursor": lines[-1]["cursor"], "count": 0},
    ]


def test_posts_have_all_fields_and_their_section(tmp_path: Path) -> None:
    _, lines, _ = parsed(tmp_path, "instagram", *write(tmp_path, tag=instagram.TAG_PAGE))
    posts = [line for line in lines if line["record"] == "post"]
    assert [(post["section"], post["id"]) for post in posts] == [
        ("recent", "instagram:201"),
        ("recent", "instagram:202"),
        ("top", "instagram:203"),
        ("top", "instagram:201"),
    ]
    for post in posts:
        assert set(post) >= POST
        assert set(post["counts"]) == {"likes", "comments", "shares", "views", "quotes"}


@pytest.mark.parametrize(
    ("network", "body", "ids"),
    [
        (
            "bluesky",
            bluesky.SEARCH,
            [f"bluesky:at://{bluesky.DID}/app.bsky.feed.post/{key}" for key in ("3k7", "3k8")],
        ),
        (
            "mastodon",
            mastodon.status("44"),
            ["mastodon:https://one.example/users/alice/statuses/44"],
        ),
        ("instagram_graph", graph.BY_ID, None),
    ],
)
def test_every_network_is_read(
    tmp_path: Path, network: str, body: Json, ids: list[str] | None
) -> None:
    code, lines, _ = parsed(tmp_path, network, *write(tmp_path, body=body))
    assert code == 0
    posts = [line for line in lines if line["record"] == "post"]
    assert posts
    assert ids is None or [post["id"] for post in posts] == ids
    assert all(post["id"].startswith(f"{post['network']}:") for post in posts)


def test_an_error_body_is_one_error_line(tmp_path: Path) -> None:
    body = {"error": "RateLimitExceeded", "message": "slow down"}
    _, lines, _ = parsed(tmp_path, "bluesky", *write(tmp_path, body=body))
    error, page = lines
    assert list(error)[:4] == ["record", "code", "kind", "retry_after"]
    assert (error["code"], error["kind"], error["retry_after"]) == (
        "RateLimitExceeded",
        "rate_limited",
        None,
    )
    assert (page["record"], page["count"]) == ("page", 0)


def test_hostile_files_are_errors_of_a_known_kind(tmp_path: Path) -> None:
    files = write(tmp_path, binary=b"\x00\xff", cut=b'{"graphql": {', page=b"<html></html>")
    code, lines, said = parsed(tmp_path, "instagram", *files)
    assert (code, said) == (0, "")
    assert [line["record"] for line in lines] == ["error", "page"] * 3
    kinds = {line["kind"] for line in lines if line["record"] == "error"}
    assert kinds <= {"unknown", "login_required"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("instagram", "nope.json"), "File 'nope.json' does not exist"),
        (("instagram", "."), "'.' is a directory"),
        (("myspace", "nope.json"), "'myspace' is not one of 'instagram'"),
        ((), "Missing argument"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taglake", "parse", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line
