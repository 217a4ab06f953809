"""`taglake import`: what stands in recorded answers stands in the lake afterwards, once."""

import asyncio
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from ingestor.recorded import pages
from ingestor.sources import SOURCES
from invented import bluesky, graph, instagram, mastodon
from lake.contract import Where
from lake.files import FilesLake
from lake.records import Comment, Follow, Post, Profile, Record, Snapshot, Tag
from taglake.cli import taglake

Json = dict[str, Any]

WHEN = "2026-06-01T00:00:00Z"
INVENTED: dict[str, tuple[Json, ...]] = {
    "instagram": (instagram.TAG_PAGE, instagram.FOLLOWERS, instagram.COMMENTS),
    "instagram_graph": (graph.RECENT, graph.DISCOVERY),
    "mastodon": ({"statuses": mastodon.TIMELINE, "accounts": [], "hashtags": []},),
    "bluesky": (bluesky.SEARCH, bluesky.FOLLOWERS),
}
HOSTILE = {
    "binary": b"\x00\xff\x01\x80 not text",
    "empty": b"",
    "truncated": b'{"graphql": {"hashtag": {"name": "ni',
    "html": b"<!DOCTYPE html><html><body>Log in</body></html>",
}
KINDS: tuple[type[Record], ...] = (Post, Profile, Tag, Comment, Follow, Snapshot)


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def imported(network: str, *files: Path, when: str | None = WHEN) -> Result:
    moment = ["--observed-at", when] if when else []
    words = ["import", network, *map(str, files), *moment, "--json"]
    return CliRunner().invoke(taglake, words, catch_exceptions=False)


def counted(result: Result) -> list[Json]:
    return [json.loads(line) for line in result.output.splitlines()]


def written(folder: Path, *bodies: Json) -> list[Path]:
    files = []
    for number, body in enumerate(bodies):
        files.append(folder / f"answer-{number}.json")
        files[-1].write_text(json.dumps(body), encoding="utf-8")
    return files


def stored(folder: Path) -> dict[str, dict[str, Record]]:
    """Return all records of the lake by kind and id."""
    return asyncio.run(_stored(folder))


async def _stored(folder: Path) -> dict[str, dict[str, Record]]:
    lake = FilesLake(folder / ".taglake" / "lake")
    await lake.open()
    try:
        return {
            kind.__name__: {
                record.id: record async for batch in lake.scan(kind, Where()) for record in batch
            }
            for kind in KINDS
        }
    finally:
        await lake.close()


@pytest.mark.parametrize("network", INVENTED)
def test_importing_twice_changes_nothing(network: str, tmp_path: Path) -> None:
    files = written(tmp_path, *INVENTED[network])
    first = imported(network, *files, when=None)  # each file counts as recorded when written
    before = stored(tmp_path)
    assert len(before["Post"]) == sum(line["posts"] for line in counted(first)) >= 2
    assert before["Snapshot"]
    again = imported(network, *files, when=None)
    assert again.output == first.output
    assert stored(tmp_path) == before


def test_a_file_is_told_with_what_it_held(tmp_path: Path) -> None:
    (line,) = counted(imported("instagram", *written(tmp_path, instagram.TAG_PAGE)))
    assert line["file"].endswith("answer-0.json")
    assert {kind: line[kind] for kind in ("posts", "tags", "profiles", "errors", "set_aside")} == {
        "posts": 3,
        "tags": 1,
        "profiles": 0,
        "errors": [],
        "set_aside": {},
    }
    posts = (stored(tmp_path))["Post"]
    assert sorted(posts) == ["instagram:201", "instagram:202", "instagram:203"]
    assert posts["instagram:201"].observed_at == datetime(2026, 6, 1, tzinfo=UTC)


def test_what_is_set_aside_is_told_with_the_reason(tmp_path: Path) -> None:
    body = {**bluesky.SEARCH, "posts": [*bluesky.SEARCH["posts"], {"cid": "x"}, 7]}
    (line,) = counted(imported("bluesky", *written(tmp_path, body)))
    assert line["posts"] == len((stored(tmp_path))["Post"]) == 2
    assert sum(line["set_aside"].values()) == 2
    assert any("posts.2" in reason and "without uri" in reason for reason in line["set_aside"])


def test_an_answer_that_lists_nothing_is_told(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        taglake, ["import", "bluesky", *map(str, written(tmp_path, {"posts": []}))]
    )
    assert result.exit_code == 0
    assert "no records\n  empty: 1 answers that list nothing" in result.output


def test_an_error_of_the_network_is_no_data_and_no_failure(tmp_path: Path) -> None:
    body = {"message": "checkpoint_required", "status": "fail"}
    result = imported("instagram", *written(tmp_path, body))
    (line,) = counted(result)
    assert result.exit_code == 0
    assert line["errors"] == ["checkpoint: checkpoint_required: the account has to prove itself"]
    assert (line["posts"], line["written"]) == (0, 0)


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "taglake", *words]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_hostile_files_are_told_one_by_one_and_nothing_is_written(tmp_path: Path) -> None:
    for name, body in HOSTILE.items():
        (tmp_path / name).write_bytes(body)
    done = run(tmp_path, "import", "mastodon", *HOSTILE)
    assert done.returncode == 5
    assert done.stdout.splitlines() == [
        "binary: no records",
        "  an error, not data: unknown: not_json: not JSON",
        "empty: no records",
        "  an error, not data: unknown: empty: an empty answer",
        "truncated: no records",
        "  an error, not data: unknown: not_json: not JSON",
        "html: no records",
        "  an error, not data: unknown: html: HTML where JSON belongs",
    ]
    assert done.stderr.splitlines() == [
        "taglake: nothing was imported: no file is an answer of mastodon, see above"
    ]
    assert not any((stored(tmp_path)).values())


def test_a_hostile_file_among_good_ones_costs_only_itself(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(HOSTILE["truncated"])
    (good,) = written(tmp_path, bluesky.SEARCH)
    result = imported("bluesky", tmp_path / "bad", good)
    assert result.exit_code == 0
    assert [(line["posts"], len(line["errors"])) for line in counted(result)] == [(0, 1), (2, 0)]
    assert len((stored(tmp_path))["Post"]) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("instagram", "nope.json"), "File 'nope.json' does not exist"),
        (("myspace", "."), "'myspace' is not one of 'instagram'"),
        (("instagram",), "Missing argument 'FILES...'"),
    ],
)
def test_wrong_arguments_are_one_line_and_code_2(
    tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    done = run(tmp_path, "import", *words)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert told in line
    assert line.startswith("taglake import: ")


@pytest.mark.parametrize(
    ("folder", "network"),
    [
        ("instagram_web", "instagram"),
        ("instagram_graph", "instagram_graph"),
        ("mastodon", "mastodon"),
        ("bluesky", "bluesky"),
    ],
)
def test_all_recordings_are_imported_without_an_unexplained_loss(
    recordings: Path, tmp_path: Path, folder: str, network: str
) -> None:
    files = sorted(path for path in (recordings / folder).iterdir() if path.is_file())
    result = imported(network, *files)
    assert result.exit_code == 0
    told = counted(result)
    assert [line["file"] for line in told] == [str(path) for path in files]
    in_lake = {kind: set(records) for kind, records in (stored(tmp_path)).items()}
    parsed: dict[str, set[str]] = {kind: set() for kind in in_lake if kind != "Snapshot"}
    for path, line in zip(files, told, strict=True):
        numbers = dict.fromkeys(("posts", "profiles", "tags", "comments", "follows"), 0)
        errors = 0
        source = SOURCES[network]()
        when = datetime.fromisoformat(WHEN)
        for page in pages(source, path.read_bytes(), observed_at=when, name=str(path)):
            records: tuple[Record, ...] = (
                *(*page.posts, *page.top, *page.profiles),
                *(*page.tags, *page.comments, *page.follows),
            )
            for record in records:
                parsed[type(record).__name__].add(record.id)
            numbers["posts"] += len({post.id for post in (*page.posts, *page.top)})
            for kind in ("profiles", "tags", "comments", "follows"):
                numbers[kind] += len(getattr(page, kind))
            errors += page.error is not None
        assert {kind: line[kind] for kind in numbers} == numbers
        assert len(line["errors"]) == errors
        explained = errors or line["set_aside"] or line["empty"]
        assert any(numbers.values()) or explained, path.name
    assert {kind: in_lake[kind] for kind in parsed} == parsed
