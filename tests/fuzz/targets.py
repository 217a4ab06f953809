"""What is fuzzed: every parser, and every kernel against its parser."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ingestor import kernel
from ingestor.contract import Page, Seen, Source
from ingestor.rows import RecordRows, differences
from ingestor.sources import SOURCES
from invented import bluesky, graph, instagram, mastodon, mutations
from invented.seasoned import seasoned
from lake.lines import line_of

SEEN = Seen(observed_at=datetime(2026, 11, 21, 12, tzinfo=UTC), host="one.example")
SLOWEST = 1.0  # seconds of CPU that one body may take
LARGEST = 65_536  # bytes of a seed: the way through a parser, not its length, is what is looked for

SHARED = Path(os.environ.get("TAGLAKE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
INVENTED: dict[str, dict[str, Any]] = {
    "instagram": instagram.ALL,
    "instagram_graph": graph.ALL,
    "mastodon": mastodon.ALL,
    "bluesky": bluesky.ALL,
}
RECORDED = {"instagram": "instagram_web"}  # folders that are not called as their source
HTML = (
    *("<p>a &amp; <b>c</b></p>", "<p>1 < 2", "&copy;", '<a href="https://a.example">x</a>', "<!--"),
    *("@@bob.test ü", "#x #\u00c9t\u00e9", "at://did:plc:x/app.bsky.feed.post/9", "http://[x"),
)

Target = Callable[[bytes], None]
Read = Callable[..., Page | None]


class TooSlow(Exception):
    """A body took more CPU than a body may."""


def parses(name: str) -> Target:
    """Return what reads a body with a source and writes what it found as lines and rows."""
    source: Source = SOURCES[name]()

    def target(body: bytes) -> None:
        start = time.thread_time()
        page = source.parse(body, SEEN)
        seconds = time.thread_time() - start
        if seconds > SLOWEST:
            raise TooSlow(f"{seconds:.1f} s")
        for records in (page.posts, page.top, page.profiles, page.tags, page.comments):
            for record in records:
                line_of(record)
        RecordRows(page)

    return target


def equals(name: str, read: Read) -> Target:
    """Return what reads a body with a kernel and, if it was read, with its reference."""
    source: Source = SOURCES[name]()

    def target(body: bytes) -> None:
        page = read(body, SEEN, version=source.version)
        if page is None:
            return
        expected = source.parse(body, SEEN)
        said = (expected.error, expected.aside, expected.follows)
        assert said == (None, (), ()), said
        assert page.rows is not None
        found = differences(page.rows, RecordRows(expected))
        assert found == [], found

    return target


TARGETS: dict[str, tuple[str, Target]] = {
    **{name: (name, parses(name)) for name in INVENTED},
    "kernel of instagram": ("instagram", equals("instagram", kernel.read_instagram)),
    "kernel of mastodon": ("mastodon", equals("mastodon", kernel.read_mastodon)),
    "kernel of bluesky": ("bluesky", equals("bluesky", kernel.read_bluesky)),
}


def trees(source: str) -> list[Any]:
    """Return good answers of a network: the recorded ones where they are, and the invented ones."""
    found = list(INVENTED[source].values())
    found += [tree for body in _recorded(source) if (tree := _small(body)) is not None]
    if source == "mastodon":  # what the kernel reads are lists
        found += [[tree] for tree in INVENTED[source].values() if isinstance(tree, dict)]
    return found


def seeds(source: str) -> list[bytes]:
    """Return bodies to start from."""
    written = [json.dumps(tree).encode() for tree in trees(source)]
    html = b"<script>window._sharedData = %s;</script>"
    pages = [html % body for body in written[:3]] if source == "instagram" else []
    return [body for body in written + pages if len(body) <= LARGEST]


def mutants(source: str, seed: int, wanted: int) -> Iterator[bytes]:
    """Yield mutated bodies, for ever the same for one seed."""
    good = [tree for tree in trees(source) if isinstance(tree, dict | list)]
    yield from mutations.bodies(seed, wanted, [*good, *seasoned(seed, len(good), good, HTML)])


def _recorded(source: str) -> Iterator[bytes]:
    folder = SHARED / "recordings" / RECORDED.get(source, source)
    for file in sorted(folder.glob("*.json")):
        body = file.read_bytes()
        if not file.name.endswith(".exchanges.json"):
            yield body
            continue
        for exchange in msgspec.json.decode(body):
            yield msgspec.json.encode(exchange["response"].get("json"))


def _small(body: bytes) -> Any:
    """Return a body's tree with at most two elements in each array, None for none."""
    try:
        return mutations.small(msgspec.json.decode(body), 2)
    except msgspec.MsgspecError:
        return None
