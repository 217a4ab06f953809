import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from simnet.brands import Brand, sports_brands
from simnet.clocks import SteppedClock
from simnet.rhythm import DAY
from simnet.simulation import Simulation
from simnet.texts import fold
from simnet.wire import ask
from simnet.world import World, milliseconds

START = datetime(2026, 3, 2, tzinfo=UTC)
URLS = (
    "/instagram.example/explore/tags/nike/?__a=1",
    "/instagram.example/explore/tags/nike/?__a=1&__d=dis",
    "/instagram.example/nike/?__a=1",
    "/graph.example/ig_hashtag_search?user_id=1&q=nike&access_token=EAAsimtoken0001",
    "/mastodon.example/api/v1/timelines/tag/nike?limit=40",
    "/fedi.example/api/v1/timelines/tag/adidas",
    "/bsky.example/xrpc/app.bsky.feed.searchPosts?q=%23puma",
)


def _world(seed: int, **more: float) -> World:
    return World(seed, start=START, days=4, brands=sports_brands(START), people=200, **more)


def _answers(world: World) -> list[bytes]:
    simulation = Simulation(world, now=SteppedClock(START + timedelta(days=3)))
    cookie = {"Cookie": "sessionid=session-0001"}
    return [simulation.answer(ask("GET", url, headers=cookie)).body for url in URLS]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert _answers(_world(1)) == _answers(_world(1))


def test_another_seed_gives_another_world() -> None:
    one, other = _answers(_world(1)), _answers(_world(2))
    # The id of a hashtag is Instagram's, whatever happens in the world.
    differs = [a != b for a, b in zip(one, other, strict=True)]
    assert differs == [True, True, True, False, True, True, True]


def test_the_order_of_questions_changes_no_answer() -> None:
    world = _world(3)
    simulation = Simulation(world, now=SteppedClock(START + timedelta(days=3)))
    cookie = {"Cookie": "sessionid=session-0001"}
    backwards = [simulation.answer(ask("GET", url, headers=cookie)).body for url in reversed(URLS)]
    assert backwards[::-1] == _answers(_world(3))


def test_another_process_gives_the_same_bytes() -> None:
    script = (
        "import sys, hashlib; sys.path.insert(0, sys.argv[1]);"
        "from test_world import _answers, _world;"
        "print(hashlib.sha256(b''.join(_answers(_world(1)))).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    found = {
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert found == {hashlib.sha256(b"".join(_answers(_world(1)))).hexdigest().encode()}


def _per_day(world: World, tag: int) -> np.ndarray:
    """Return the posts of each day from the world's start on, all networks together."""
    found = np.zeros(world.days)
    for posts in world.networks.values():
        created = posts.columns.created[posts.columns.brand == tag]
        days = (created - milliseconds(world.start)) // DAY
        found += np.bincount(days[days >= 0], minlength=world.days)
    return found


def _log_effect(seed: int, lift: float) -> float:
    """Return the log of #nike during the campaign over outside of it, against #adidas."""
    world = World(seed, start=START, days=28, brands=sports_brands(START), lift=lift, people=50)
    inside = np.arange(28)[7:21]
    effects = []
    for tag in (0, 1):
        days = _per_day(world, tag)
        effects.append(np.log(days[inside].mean() / np.delete(days, inside).mean()))
    return float(effects[0] - effects[1])


# The effect of one world has variance 0.0048: Poisson 2/2100 + 2/1400; own days 2 x 0.0008 and
# hourly bursts 2 x 0.0004, weighted by the networks' shares; the days of the market cancel.
# Ten worlds: sd 0.022; four of them: 0.088.
TOLERANCE = 0.088


def test_without_lift_there_is_no_difference_in_expectation() -> None:
    effects = [_log_effect(seed, 0.0) for seed in range(10)]
    assert np.mean(effects) == pytest.approx(0.0, abs=TOLERANCE)


def test_a_lift_of_half_shows_as_half() -> None:
    effects = [_log_effect(seed, 0.5) for seed in range(10)]
    assert np.mean(effects) == pytest.approx(np.log(1.5), abs=TOLERANCE)


def test_lift_adds_posts_and_touches_no_other() -> None:
    brands = sports_brands(START)
    placebo, lifted = (
        World(5, start=START, days=12, brands=brands, lift=lift, people=200) for lift in (0.0, 0.5)
    )
    for network, posts in lifted.networks.items():
        base = {
            (posts.number[post], posts.original(post).text)
            for post in np.flatnonzero(posts.columns.planted == 0)
        }
        other = placebo.networks[network]
        assert base == {(other.number[p], other.original(p).text) for p in range(other.count)}


def test_planted_posts_are_the_campaigns_alone() -> None:
    world = World(5, start=START, days=28, brands=sports_brands(START), lift=0.5, people=200)
    for posts in world.networks.values():
        planted = posts.columns.planted == 1
        created = posts.columns.created[planted]
        assert planted.any()
        assert (created >= milliseconds(START + timedelta(days=7))).all()
        assert (created < milliseconds(START + timedelta(days=21))).all()
        assert (posts.columns.brand[planted] == 0).all()
        assert (posts.columns.second[planted] == -1).all()


def test_days_are_over_dispersed() -> None:
    brand = Brand(tag="nike", posts_per_day=300)
    world = World(1, start=START, days=56, brands=[brand], people=50)
    days = _per_day(world, 0)
    # Poisson alone would give a ratio of 1; days that differ by 13 % add 300 x 0.13^2 = 5.
    assert days.var() / days.mean() > 2


def test_audiences_follow_a_power_law(world: World) -> None:
    people = world.people
    sizes = np.sort(people.followers("instagram", np.arange(3, people.count), world.begin))[::-1]
    assert sizes[: len(sizes) // 10].sum() > 0.6 * sizes.sum()


def test_handles_are_unique_and_plain(world: World) -> None:
    handles = world.people.handles
    assert len(set(handles)) == world.people.count
    assert all(handle.isascii() and handle == handle.lower() for handle in handles)


def test_people_write_in_many_languages_with_emoji(world: World) -> None:
    posts = world.networks["instagram"]
    texts = [posts.original(post).text for post in range(posts.count)]
    assert {posts.lang(post) for post in range(posts.count)} == {
        "en",
        "de",
        "fr",
        "es",
        "pt",
        "it",
        "tr",
        "ja",
    }
    assert sum("🔥" in text for text in texts) > 20


def test_the_tags_of_a_text_are_the_tags_it_is_found_under(world: World) -> None:
    for view in world.views.values():
        posts = view.posts
        for tag in ("nike", "adidas", "running", fold("straßenlauf"), "スニーカー"):
            found = set(view.tag(tag).posts)
            bearing = {p for p in view.everything().posts if tag in posts.original(p).tags}
            assert found == bearing
            assert found


def test_some_posts_bear_the_tags_of_two_brands(world: World) -> None:
    view = world.views["instagram"]
    both = set(view.tag("nike").posts) & set(view.tag("adidas").posts)
    assert 5 < len(both) < 150


def test_one_post_is_seen_on_two_instances(world: World) -> None:
    one, other = (world.views[name] for name in ("mastodon.example", "fedi.example"))
    shared = set(one.tag("nike").posts) & set(other.tag("nike").posts)
    assert len(shared) > 0.6 * len(one.tag("nike").posts)
    differs = [post for post in shared if one.number[post] != other.number[post]]
    assert len(differs) == len(shared)


def test_spammers_repeat_themselves(world: World) -> None:
    posts = world.networks["instagram"]
    spam = [posts.original(p).text.split("\n")[0] for p in range(posts.count) if posts.is_spam(p)]
    assert len(spam) > len(set(spam)) > 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"days": 0}, "days: 0 must be 1 or more"),
        ({"lift": -0.1}, "lift: -0.1 must be 0 or more"),
        ({"people": 3}, "people: 3 must be 10 or more"),
        ({"warmup": -1}, "warmup: -1 must be 0 or more"),
    ],
)
def test_a_world_that_cannot_be_is_refused(wrong: dict[str, float], message: str) -> None:
    arguments = {"days": 4, "people": 50} | wrong
    with pytest.raises(ValueError, match=message):
        World(1, start=START, brands=sports_brands(START), **arguments)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"tag": "#nike"}, "tag: '#nike' must be letters"),
        ({"tag": "Nike"}, "in lower case"),
        ({"tag": "nike", "posts_per_day": -1}, "posts_per_day: -1 must be 0 or more"),
        ({"tag": "nike", "campaign": (START, START)}, "campaign: it must end after its start"),
    ],
)
def test_a_brand_that_cannot_be_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Brand(**wrong)


def test_the_demo_has_the_size_it_promises() -> None:
    world = World(1, start=START, days=28, brands=sports_brands(START))
    begin = milliseconds(START)
    count = sum(int((posts.columns.created >= begin).sum()) for posts in world.networks.values())
    assert 6_000 < count < 12_000
