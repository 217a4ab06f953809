"""Our sources against the simulated networks: whole polls tell what the world's truth tells."""

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import msgspec
import pytest

from fakes.told import told
from ingestor.contract import Answer, Credential, Page, Request, Seen, Target, TargetKind
from ingestor.errors import Gone
from ingestor.sources import SOURCES
from simnet.brands import sports_brands
from simnet.budgets import Budgets
from simnet.instagram_web import Generation
from simnet.logins import Site, login
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import ask
from simnet.world import World

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=9, hours=3)
MANY = (10**6, 3600)
PLENTY = Budgets(
    web=MANY, web_anonymous=MANY, graph_user=MANY, mastodon=MANY, bluesky=MANY
)  # no poll is to be refused here
SITES: dict[str, tuple[str, Site]] = {
    "instagram": ("instagram", "instagram.example"),
    "instagram_graph": ("instagram", "graph.example"),
    "mastodon": ("mastodon.example", "mastodon.example"),
    "bluesky": ("bluesky", "bsky.example"),
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(7, start=START, days=12, brands=sports_brands(START), people=600)


class Net:
    """One source with a login at its simulated site."""

    def __init__(self, world: World, source: str, generation: Generation = "D") -> None:
        self.simulation = Simulation(world, now=lambda: NOW, budgets=PLENTY, generation=generation)
        self.view, self.site = SITES[source]
        self.source = SOURCES[source]()
        one = login(self.site, 1)
        self.asker = Credential(account=one.name, user=one.user, secret=one.secret)
        self.requests = 0

    async def fetch(self, request: Request) -> Answer:
        self.requests += 1
        url = f"{request.path}?{urlencode(request.params)}"
        body = urlencode(request.form or ()).encode() or b""
        if request.json is not None:
            body = msgspec.json.encode(request.json)
        asked = ask(request.method, url, headers=dict(request.headers), body=body)
        reply = self.simulation.answer(asked, site=self.site)
        headers = {"content-type": reply.content_type}
        headers.update((name.lower(), value) for name, value in reply.headers)
        answer = Answer(status=reply.status, headers=headers, body=reply.body, url=url)
        self.source.judge(answer, NOW)
        return answer

    async def poll(self, kind: TargetKind, name: str) -> list[Page]:
        target = Target(network=self.source.network, kind=kind, name=name)
        seen = Seen(observed_at=NOW, host=self.site, target=target)
        pages = self.source.poll(self.fetch, target, self.asker, seen, None)
        return [told(page) async for page in pages]


@pytest.mark.parametrize(
    ("source", "generation"),
    [("instagram", "D"), ("instagram", "C"), ("mastodon", "D"), ("bluesky", "D")],
)
async def test_a_hashtag_is_polled_to_its_end(
    world: World, source: str, generation: Generation
) -> None:
    net = Net(world, source, generation)
    pages = await net.poll("tag", "nike")
    found = [post.id for page in pages for post in page.posts]
    assert found == Truth(world).visible("nike", NOW, site=net.view)
    assert [note for page in pages for note in page.aside] == []


async def test_the_graph_tells_recent_and_top_posts_under_the_same_ids(world: World) -> None:
    net = Net(world, "instagram_graph")
    pages = await net.poll("tag", "nike")
    visible = set(Truth(world).visible("nike", NOW, site="instagram"))
    assert {post.id for page in pages for post in page.posts} <= visible
    assert pages[0].posts
    assert pages[0].top
    assert {post.author_id for page in pages for post in page.posts} == {None}


@pytest.mark.parametrize("source", ["instagram", "mastodon", "bluesky"])
async def test_a_profile_its_followers_and_its_posts_are_polled(world: World, source: str) -> None:
    net = Net(world, source)
    by_tag = (await net.poll("tag", "nike"))[0].posts
    handle = next(post.author_handle for post in by_tag if post.author_handle)
    pages = await net.poll("profile", handle)
    profile = next(p for page in pages for p in page.profiles if p.handle == handle)
    posts = [post for page in pages for post in page.posts]
    assert profile.counts.followers is not None
    assert {post.author_id for post in posts} == {profile.id}
    followers = [f for page in await net.poll("followers", handle) for f in page.follows]
    assert {follow.account_id for follow in followers} <= {profile.id}
    assert len({follow.id for follow in followers}) == len(followers)


@pytest.mark.parametrize("source", ["instagram", "mastodon", "bluesky"])
async def test_one_post_is_asked_for_directly(world: World, source: str) -> None:
    net = Net(world, source)
    post = (await net.poll("tag", "nike"))[0].posts[0]
    (page,) = await net.poll("post", post.native_id)
    assert [(again.id, again.counts) for again in page.posts] == [(post.id, post.counts)]
    absent = {"instagram": "17", "mastodon": "17", "bluesky": "at://did:plc:x/app.bsky.feed.post/y"}
    with pytest.raises(Gone):
        await net.poll("post", absent[source])
