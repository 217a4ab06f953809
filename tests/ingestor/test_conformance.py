"""All our sources keep the promises of a source, and the check finds those that do not."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
import pytest

from ingestor.conformance import NotConforming, check
from ingestor.contract import Answer, Credential, Fetch, Page, Request, Seen, Target
from ingestor.sources import SOURCES, load_sources
from ingestor.sources.mastodon import Mastodon
from invented import bluesky, graph, instagram, mastodon

NO_RECORDS = {"SERVER", "INSIGHTS"}
BODIES: dict[str, Mapping[str, Any]] = {
    "instagram": instagram.ALL,
    "instagram_graph": graph.ALL,
    "mastodon": mastodon.ALL,
    "bluesky": bluesky.ALL,
}


@pytest.mark.parametrize("name", sorted(SOURCES))
def test_our_source_conforms(name: str) -> None:
    bodies = {
        case: json.dumps(body).encode()
        for case, body in BODIES[name].items()
        if case not in NO_RECORDS and body != graph.SEARCH
    }
    check(SOURCES[name](), bodies)


class Careless(Mastodon):
    """A source that breaks every promise."""

    version = 0
    page_size = 0

    def parse(self, body: bytes, seen: Seen) -> Page:
        tree = json.loads(body)
        (post,) = Mastodon.parse(self, json.dumps(tree[:1]).encode(), seen).posts
        counts = msgspec.structs.replace(post.counts, likes=-1)
        return Page(posts=(msgspec.structs.replace(post, id="7", tags=("#Nike",), counts=counts),))

    def judge(self, answer: Answer, now: datetime) -> None:
        return

    async def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        while True:
            await fetch(Request(path="/"))
            yield Page(cursor="same")


def test_all_broken_promises_are_named_at_once() -> None:
    with pytest.raises(NotConforming) as caught:
        check(Careless(), {"a.json": json.dumps(mastodon.TIMELINE).encode()})
    said = "\n".join(caught.value.complaints)
    for promise in (
        "version has to be 1 or more",
        "page_size has to be 1 or more",
        "the id has to start with mastodon:",
        "a count is negative",
        "tags have to be casefolded",
        "parse raises JSONDecodeError for HTML",
        "status 429 has to raise RateLimited",
        "HTML with status 200 is judged a good answer",
        "a poll of kind tag does not end",
    ):
        assert promise in said


def test_an_answer_without_record_is_no_proof() -> None:
    with pytest.raises(NotConforming, match="no record is found"):
        check(SOURCES["mastodon"](), {"empty.json": b"[]"})
    with pytest.raises(NotConforming, match="there is no recorded answer"):
        check(SOURCES["mastodon"](), {})


def test_sources_are_found_by_name() -> None:
    assert sorted(load_sources()) == ["bluesky", "instagram", "instagram_graph", "mastodon"]
    assert [SOURCES[name]().name for name in sorted(SOURCES)] == sorted(SOURCES)
    assert {SOURCES[name]().network for name in SOURCES} == {"bluesky", "instagram", "mastodon"}
