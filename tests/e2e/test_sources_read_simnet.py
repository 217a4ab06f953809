"""What the simulated networks tell arrives in records as it was meant, by every parser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestServer

from fakes.told import told
from ingestor.contract import Answer, Credential, Fetch, Page, Request, Seen, Target
from ingestor.http import Http
from ingestor.sources import SOURCES
from lake.records import Post
from simnet import SteppedClock, Truth, World, make_app
from simnet.brands import sports_brands
from simnet.instagram_web import Generation
from simnet.logins import Login, Site, login
from simnet.truth import TruePost

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=8, hours=19)
NETWORK = {"instagram": "instagram", "instagram_graph": "instagram"}
WAYS = [
    ("instagram", "instagram.example", "D"),
    ("instagram", "instagram.example", "C"),
    ("instagram_graph", "graph.example", "D"),
    ("mastodon", "mastodon.example", "D"),
    ("mastodon", "fedi.example", "D"),
    ("bluesky", "bsky.example", "D"),
]
IDS = ["web-d", "web-c", "graph", "mastodon", "fedi", "bluesky"]


@pytest.fixture(scope="module")
def world() -> World:
    return World(11, start=START, days=9, brands=sports_brands(START), people=400)


@pytest.fixture(scope="module")
def truth(world: World) -> Truth:
    return Truth(world)


@asynccontextmanager
async def _fetching(
    world: World, source: str, site: Site, generation: Generation
) -> AsyncIterator[Fetch]:
    """Yield a fetch as the ingestor has it: real HTTP, real judging, without budgets."""
    reader = SOURCES[source]()
    server = TestServer(make_app(world, now=SteppedClock(NOW), generation=generation))
    async with server, Http() as http:
        base = f"{str(server.make_url('/')).rstrip('/')}/{site}"

        async def fetch(request: Request) -> Answer:
            answer = await http.ask(base, request)
            reader.judge(answer, NOW)
            return answer

        yield fetch


def _credential(found: Login) -> Credential:
    anonymous = found.site in ("mastodon.example", "fedi.example", "bsky.example")
    secret = None if anonymous else found.secret
    return Credential(account=found.name, user=found.user, secret=secret)


async def _pages(
    world: World, way: tuple[str, Site, Generation], kind: str, name: str
) -> list[Page]:
    source, site, generation = way
    target = Target(network=NETWORK.get(source, source), kind=kind, name=name)  # type: ignore[arg-type]  # parametrised
    seen = Seen(observed_at=NOW, host=site, target=target)
    async with _fetching(world, source, site, generation) as fetch:
        reading = SOURCES[source]().poll(fetch, target, _credential(login(site, 1)), seen, None)
        return [told(page) async for page in reading]


def _expected(truth: Truth, way: tuple[str, str, str], tag: str) -> list[str]:
    """Return the ids a complete walk through a tag must yield, newest first."""
    source, site, _ = way
    server = {
        "instagram.example": "instagram",
        "graph.example": "instagram",
        "bsky.example": "bluesky",
    }
    visible = truth.visible(tag, NOW, site=server.get(site, site))
    if source == "instagram_graph":
        day = truth.posts(tag, NOW - timedelta(days=1), NOW, network="instagram")
        fresh = {post.id for post in day}
        return [one for one in visible if one in fresh]
    return visible


def _true(truth: Truth) -> dict[str, TruePost]:
    posts = [
        post
        for tag in ("nike", "adidas", "puma")
        for post in truth.posts(tag, START - timedelta(days=3), NOW)
    ]
    return {post.id: post for post in posts}


@pytest.mark.parametrize("way", WAYS, ids=IDS)
async def test_every_post_of_a_tag_arrives_once(
    world: World, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    pages = await _pages(world, way, "tag", "nike")
    found = [post.id for page in pages for post in page.posts]
    assert found == _expected(truth, way, "nike")
    assert len(found) > 60
    assert [page.aside for page in pages if page.aside] == []


@pytest.mark.parametrize("way", WAYS, ids=IDS)
async def test_every_post_arrives_as_it_is(
    world: World, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    true = _true(truth)
    pages = await _pages(world, way, "tag", "adidas")
    for post in (post for page in pages for post in (*page.posts, *page.top)):
        _assert_true(post, true[post.id], truth, way)


def _assert_true(
    post: Post, true: TruePost, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    source, site, generation = way
    exact = true.created_at if source in ("mastodon", "bluesky") else _second(true.created_at)
    assert post.created_at == exact
    assert post.text == truth.text(post.id, NOW)
    assert post.tags == true.tags
    assert post.counts == truth.counts(post.id, NOW, observer=site)
    assert post.kind == true.kind
    assert post.network == true.network
    author = None if source == "instagram_graph" else true.author_id
    assert post.author_id == author
    tells_handle = source in ("mastodon", "bluesky") or (source, generation) == ("instagram", "D")
    assert post.author_handle == (true.author_handle if tells_handle else None)
    if source in ("mastodon", "bluesky"):
        assert post.lang == true.lang
    if source == "mastodon":
        edited = true.edited_at if true.edited_at and true.edited_at <= NOW else None
        assert post.edited_at == edited


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


@pytest.mark.parametrize("way", WAYS, ids=IDS)
async def test_a_profile_arrives_with_its_counts_and_posts(
    world: World, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    source = way[0]
    handle = {"mastodon": "nike@mastodon.example", "bluesky": "nike.bsky.example"}.get(
        source, "nike"
    )
    pages = await _pages(world, way, "profile", handle)
    profile = next(one for page in pages for one in page.profiles if one.handle == handle)
    network = NETWORK.get(source, source)
    author = {
        post.author_id for post in _true(truth).values()
        if post.network == network and post.author_handle == handle
    }  # fmt: skip
    assert len(author) == 1
    assert profile.counts.followers == truth.followers(author.pop(), NOW)
    assert profile.counts.posts is not None
    posts = [post for page in pages for post in page.posts if post.kind != "repost"]
    assert len(posts) == len({post.id for post in posts}) > 3
    assert {post.id for post in posts} <= set(_true(truth))


@pytest.mark.parametrize("way", [WAYS[0], WAYS[3], WAYS[5]], ids=["web", "mastodon", "bluesky"])
async def test_followers_arrive_each_once(
    world: World, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    network, people = way[0], world.people
    person = next(
        p for p in range(3, people.count)
        if not people.private[p] and people.home[p] == 0
        and 120 < truth.followers(truth.author_id(network, p), NOW) < 400
    )  # fmt: skip
    handle = people.bluesky_handle(person) if network == "bluesky" else people.handles[person]
    pages = await _pages(world, way, "followers", handle)
    follows = [follow for page in pages for follow in page.follows]
    assert len(follows) == len({follow.id for follow in follows})
    assert len(follows) == truth.followers(truth.author_id(network, person), NOW)


async def test_related_tags_comments_and_top_posts_arrive(world: World, truth: Truth) -> None:
    for way in WAYS[:2]:
        page = (await _pages(world, way, "tag", "nike"))[0]
        assert page.tags[0].name == "nike"
        assert page.tags[0].counts.posts is not None
        assert page.tags[0].related[:2] == ("running", "sneakers")
        assert 8 <= len(page.top) <= 9  # of nine; those that are recent too count as recent
        assert page.comments
        assert {comment.post_id for comment in page.comments} <= set(_true(truth))


@pytest.mark.parametrize("way", [WAYS[0], WAYS[3], WAYS[5]], ids=["web", "mastodon", "bluesky"])
async def test_a_post_is_read_again_by_its_own_number(
    world: World, truth: Truth, way: tuple[str, Site, Generation]
) -> None:
    first = (await _pages(world, way, "tag", "puma"))[0].posts[5]
    again = (await _pages(world, way, "post", first.native_id))[0].posts
    assert [post.id for post in again] == [first.id]
    _assert_true(again[0], _true(truth)[first.id], truth, way)
