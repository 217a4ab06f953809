"""Both kernels of `observe` say the same of any pages that follow one another."""

import random
from datetime import timedelta

import msgspec
import pytest

from fakes.village import START, make_post, make_profile
from ingestor import _compare_py
from ingestor.contract import Page
from ingestor.known import Known
from ingestor.observe import kernel_name
from ingestor.rows import RecordRows
from lake.records import Comment, CommentCounts, Post, Tag, TagCounts

compiled = pytest.importorskip("ingestor._compare_c", reason="no C compiler when it was installed")
EVERY = 3_600_000


async def nothing(_: object) -> dict[str, bytes]:
    return {}


def a_post(rng: random.Random, at: object) -> Post:
    post = make_post(
        rng.randrange(8),
        at=at,  # type: ignore[arg-type] # an instant
        likes=rng.choice([None, 0, 5]),
        text=rng.choice(["a", "b"]),
        author_id=rng.choice([None, "mastodon:@1", "mastodon:@2"]),
        author_handle=rng.choice([None, "ann"]),
        author_followers=rng.choice([None, 7]),
        tags=("nike",),
        created_at=rng.choice([None, START]),
    )
    return msgspec.structs.replace(post, kind=rng.choice(["text", "repost"]))


def a_comment(rng: random.Random, at: object) -> Comment:
    return Comment(
        id=f"mastodon:c{rng.randrange(3)}",
        network="mastodon",
        observed_at=at,  # type: ignore[arg-type] # an instant
        text=rng.choice(["x", "y"]),
        counts=CommentCounts(likes=rng.choice([None, 1])),
        source="village",
        parser_version=1,
    )


def a_page(rng: random.Random, minute: int) -> Page:
    at = START + timedelta(minutes=minute)
    tag = Tag(
        id="mastodon:nike",
        network="mastodon",
        observed_at=at,
        name="nike",
        counts=TagCounts(posts=rng.choice([None, 9, 10])),
        source="village",
        parser_version=1,
    )
    return Page(
        posts=tuple(a_post(rng, at) for _ in range(rng.randrange(5))),
        top=tuple(a_post(rng, at) for _ in range(rng.randrange(3))),
        profiles=tuple(
            make_profile(number, followers=rng.choice([None, 3, 4]), at=at)
            for number in rng.sample([1, 2, 3], rng.randrange(3))
        ),
        tags=(tag,) if rng.random() < 0.5 else (),
        comments=tuple(a_comment(rng, at) for _ in range(rng.randrange(3))),
    )


@pytest.mark.parametrize("seed", range(40))
async def test_both_kernels_agree_page_after_page(seed: int) -> None:
    rng = random.Random(seed)
    ours, theirs = Known(nothing), Known(nothing)
    for minute in sorted(rng.sample(range(200), 25)):
        rows = RecordRows(a_page(rng, minute))
        asked = set(_compare_py.unknown(rows, theirs))
        assert set(compiled.unknown(rows, ours)) == asked >= set(rows.ids) - set(theirs.states)
        left = compiled.compare(rows, ours, observer="o", every=EVERY)
        right = _compare_py.compare(rows, theirs, observer="o", every=EVERY)
        assert left == right
    assert ours.states == theirs.states


def test_the_compiled_kernel_serves() -> None:
    assert kernel_name() == "c"
