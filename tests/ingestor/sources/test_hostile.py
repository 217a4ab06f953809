"""No body makes a parser raise, and none makes it invent a number."""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from ingestor.contract import Answer, Page, Seen, Source
from ingestor.errors import BadAnswer
from ingestor.recorded import lines
from ingestor.sources import SOURCES
from invented import bluesky, graph, instagram, mastodon

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEN = Seen(observed_at=NOW, host="one.example")
BODIES: dict[str, dict[str, Any]] = {
    "instagram": instagram.ALL,
    "instagram_graph": graph.ALL,
    "mastodon": mastodon.ALL,
    "bluesky": bluesky.ALL,
}
CASES = [(name, case) for name, bodies in BODIES.items() for case in bodies]
ODD = [
    None,
    True,
    -1,
    0.5,
    2**70,
    "",
    "text",
    "http://[x",
    "\ud800",
    "9" * 400,
    [],
    {},
    [[]],
    [None],
    {"a": {}},
]
DEEP = 100_000


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest) -> Source:
    return SOURCES[request.param]()


def mutants(tree: Any, rng: random.Random, *, number: int) -> Iterator[Any]:
    """Yield copies of `tree` with one to three values or keys replaced by something odd."""
    for _ in range(number):
        copy = json.loads(json.dumps(tree))
        for _ in range(rng.randint(1, 3)):
            place = rng.choice(list(containers(copy)))
            if place:
                key = (
                    rng.choice(list(place))
                    if isinstance(place, dict)
                    else rng.randrange(len(place))
                )
                place[key] = deepcopy(rng.choice(ODD))
        yield copy


def containers(tree: Any) -> Iterator[Any]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict | list):
            yield node
            waiting.extend(node.values() if isinstance(node, dict) else node)


def counts_of(page: Page) -> list[int | None]:
    subjects = [*page.posts, *page.top, *page.profiles, *page.tags, *page.comments]
    return [value for subject in subjects for value in msgspec.structs.astuple(subject.counts)]


def without_numbers(tree: Any) -> Any:
    """Return the tree without counts: numbers that could be one are gone, ids and times stay."""
    if isinstance(tree, list):
        return [without_numbers(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    kept = (
        "pk",
        "id",
        "taken_at",
        "taken_at_timestamp",
        "date",
        "created_at",
        "media_type",
        "user_id",
    )
    return {
        key: without_numbers(value)
        for key, value in tree.items()
        if key in kept or not (isinstance(value, int) or key in ("uses", "count"))
    }


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_body_with_wrong_types_is_read_as_far_as_it_goes(name: str, case: str) -> None:
    source = SOURCES[name]()
    rng = random.Random(f"{name}/{case}")
    for mutant in mutants(BODIES[name][case], rng, number=60):
        page = source.parse(json.dumps(mutant).encode(), SEEN)
        list(lines(source, "f", json.dumps(mutant).encode(), observed_at=NOW))
        assert all(number is None or number >= 0 for number in counts_of(page))


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_missing_count_is_unknown_and_never_zero(name: str, case: str) -> None:
    page = SOURCES[name]().parse(json.dumps(without_numbers(BODIES[name][case])).encode(), SEEN)
    assert set(counts_of(page)) <= {None}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_truncated_body_is_an_error(name: str, case: str) -> None:
    source = SOURCES[name]()
    body = json.dumps(BODIES[name][case]).encode()
    for end in range(1, len(body), max(1, len(body) // 25)):
        page = source.parse(body[:end], SEEN)
        assert page.error is not None
        assert (page.error.kind, page.posts, page.profiles) == ("unknown", (), ())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"17",
        b'"words"',
        b"{}",
        b"{error}",
        b"\xff\xfe\x00",
        b"<!DOCTYPE html><html><body>Please log in</body></html>",
        b"[" * DEEP,
        b'{"a":' * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"data":{"hashtag":' + b"[" * DEEP + b"]" * DEEP + b"}}",
        b"_sharedData = " * 20_000,
        b"_sharedData = {" * 20_000 + b"</script>",
    ],
    ids=lambda body: f"{body[:12]!r} of {len(body)}",
)
def test_a_body_that_is_no_answer_gives_no_record(source: Source, body: bytes) -> None:
    page = source.parse(body, SEEN)
    assert (page.posts, page.top, page.profiles, page.tags, page.follows) == ((), (), (), (), ())
    assert page.error is not None or body == b"{}"


@pytest.mark.parametrize(("name", "case"), CASES)
def test_an_answer_of_another_network_does_not_raise(source: Source, name: str, case: str) -> None:
    for body in (BODIES[name][case], [BODIES[name][case]], [], [[]], {"data": []}):
        raw = json.dumps(body).encode()
        source.parse(raw, SEEN)
        assert list(lines(source, "f", raw, observed_at=NOW))


def test_one_bad_number_costs_one_field(source: Source) -> None:
    bodies = {
        "instagram": b'{"items": [{"pk": 17, "taken_at": 1600000000, "like_count": 1e999}]}',
        "instagram_graph": b'{"data": [{"id": "17", "caption": "x", "like_count": 1e999}]}',
        "bluesky": b'{"posts": [{"uri": "at://d/p/1", "record": {"a": 1}, "likeCount": 1e999}]}',
        "mastodon": json.dumps([mastodon.status(favourites_count=0)])
        .replace('"favourites_count": 0', '"favourites_count": 1e999')
        .encode(),
    }
    (post,) = source.parse(bodies[source.name], SEEN).posts
    assert post.counts.likes is None


def test_a_lone_surrogate_costs_one_letter() -> None:
    body = b'{"posts": [{"uri": "at://d/p/1", "record": {"text": "a\\ud800b"}}]}'
    (post,) = SOURCES["bluesky"]().parse(body, SEEN).posts
    assert post.text == "a?b"


@pytest.mark.parametrize("size", [100, 100_000])
def test_html_with_status_200_is_judged_bad_at_any_length(source: Source, size: int) -> None:
    page = Answer(status=200, headers={}, body=b"\n<html>" + b"x" * size)
    with pytest.raises(BadAnswer):
        source.judge(page, NOW)


def test_notes_on_a_million_broken_nodes_stay_few() -> None:
    body = b'{"posts": [' + b"1," * 1_000_000 + b"1]}"
    assert len(SOURCES["bluesky"]().parse(body, SEEN).aside) == 200


def test_notes_name_the_place_and_no_text() -> None:
    body = json.dumps({"posts": [{"uri": "secret words", "record": {"text": "secret words"}}]})
    page = SOURCES["bluesky"]().parse(body.encode(), SEEN)
    assert [(note.where, note.reason) for note in page.aside] == [("posts.0", "a post without uri")]
