from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec

from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import Reply, ask
from simnet.world import World

ROOT = "/bsky.example/xrpc"
SEARCH = f"{ROOT}/app.bsky.feed.searchPosts?q=%23nike"
LOGIN = b'{"identifier":"reader-0001.bsky.example","password":"app-password-0001"}'

Ask = Callable[..., Reply]
AskJson = Callable[..., Any]


def _pages(tell_json: AskJson, url: str, key: str) -> list[list[Any]]:
    pages, cursor = [], ""
    while True:
        page = tell_json(f"{url}&cursor={quote(cursor)}")
        pages.append(page[key])
        if "cursor" not in page:
            return pages
        cursor = page["cursor"]


def test_posts_have_the_keys_of_the_field_map(tell_json: AskJson) -> None:
    post = tell_json(SEARCH)["posts"][0]
    assert {
        "uri", "cid", "author", "record", "likeCount", "repostCount", "replyCount", "quoteCount",
        "indexedAt",
    } <= post.keys()  # fmt: skip
    assert {"text", "facets", "langs", "createdAt"} <= post["record"].keys()


def test_facets_count_bytes(tell_json: AskJson) -> None:
    for post in tell_json(f"{SEARCH}&limit=100")["posts"]:
        text = post["record"]["text"].encode()
        for facet in post["record"]["facets"]:
            piece = text[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode()
            feature = facet["features"][0]
            if feature["$type"].endswith("#tag"):
                assert piece == "#" + feature["tag"]


def test_search_yields_every_post_once_and_ends_with_an_empty_page(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    pages = _pages(tell_json, f"{SEARCH}&limit=100&sort=latest", "posts")
    found = [f"bluesky:{post['uri']}" for page in pages for post in page]
    assert found == truth.visible("nike", clock(), site="bluesky")
    assert pages[-1] == []
    assert len(pages[-2]) > 0


def test_search_takes_times_and_several_tags(tell_json: AskJson, truth: Truth) -> None:
    url = f"{SEARCH}&tag=running&limit=100&since=2026-03-05T00:00:00Z&until=2026-03-08T00:00:00Z"
    posts = tell_json(url)["posts"]
    assert posts
    assert all("2026-03-05" <= post["record"]["createdAt"] < "2026-03-08" for post in posts)
    texts = [post["record"]["text"].lower() for post in posts]
    assert all("#nike" in text and "#running" in text for text in texts)


def test_who_is_unknown_is_a_bad_request(tell: Ask) -> None:
    reply = tell(f"{ROOT}/app.bsky.actor.getProfile?actor=nobody.test")
    assert (reply.status, reply.body) == (
        400,
        b'{"error":"InvalidRequest","message":"Profile not found"}',
    )


def test_unknown_actors_are_silently_missing(tell_json: AskJson) -> None:
    url = f"{ROOT}/app.bsky.actor.getProfiles?actors=nike.bsky.example&actors=nobody.test"
    profiles = tell_json(url)["profiles"]
    assert [profile["handle"] for profile in profiles] == ["nike.bsky.example"]
    assert {"followersCount", "followsCount", "postsCount"} <= profiles[0].keys()


def test_too_large_a_limit_is_refused(tell: Ask) -> None:
    reply = tell(f"{SEARCH}&limit=101")
    assert reply.status == 400
    assert b"limit can not be greater than 100" in reply.body


def test_a_missing_question_is_refused(tell: Ask) -> None:
    assert tell(f"{ROOT}/app.bsky.feed.searchPosts").status == 400
    assert tell(f"{ROOT}/app.bsky.no.suchMethod").status == 501


def test_an_author_feed_is_the_authors(tell_json: AskJson) -> None:
    url = f"{ROOT}/app.bsky.feed.getAuthorFeed?actor=nike.bsky.example&limit=3"
    posts = [one["post"] for page in _pages(tell_json, url, "feed") for one in page]
    assert {post["author"]["handle"] for post in posts} == {"nike.bsky.example"}
    uris = [post["uri"] for post in posts]
    assert len(uris) == len(set(uris)) > 3
    wanted = "&".join(f"uris={quote(uri)}" for uri in [*uris[:2], "at://did:plc:x/a/zzz"])
    assert len(tell_json(f"{ROOT}/app.bsky.feed.getPosts?{wanted}")["posts"]) == 2


def test_followers_come_in_pages(tell_json: AskJson, world: World) -> None:
    people = world.people
    person = next(
        p for p in range(3, people.count)
        if 120 < people.followers("bluesky", [p], world.end)[0] < 300
    )  # fmt: skip
    url = f"{ROOT}/app.bsky.graph.getFollowers?actor={people.did(person)}&limit=50"
    found = [one["did"] for page in _pages(tell_json, url, "followers") for one in page]
    assert len(found) == len(set(found)) > 120


def test_a_session_is_made_used_expires_and_is_refreshed(tell: Ask, clock: SteppedClock) -> None:
    session = msgspec.json.decode(
        tell(f"{ROOT}/com.atproto.server.createSession", "POST", body=LOGIN).body
    )
    bearer = {"Authorization": f"Bearer {session['accessJwt']}"}
    assert tell(SEARCH, headers=bearer).status == 200
    clock.advance(2 * 3600)
    expired = tell(SEARCH, headers=bearer)
    assert (expired.status, msgspec.json.decode(expired.body)["error"]) == (400, "ExpiredToken")
    refresh = {"Authorization": f"Bearer {session['refreshJwt']}"}
    renewed = tell(f"{ROOT}/com.atproto.server.refreshSession", "POST", headers=refresh)
    bearer = {"Authorization": f"Bearer {msgspec.json.decode(renewed.body)['accessJwt']}"}
    assert tell(SEARCH, headers=bearer).status == 200


def test_a_wrong_password_is_refused(tell: Ask) -> None:
    body = LOGIN.replace(b'0001"}', b'9999"}')
    reply = tell(f"{ROOT}/com.atproto.server.createSession", "POST", body=body)
    assert reply.status == 401


def test_log_ins_are_scarce(tell: Ask) -> None:
    url = f"{ROOT}/com.atproto.server.createSession"
    statuses = [tell(url, "POST", body=LOGIN).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]


def test_the_budget_refuses_with_the_reset_in_epoch_seconds(
    world: World, clock: SteppedClock
) -> None:
    simulation = Simulation(world, now=clock, budgets=Budgets(bluesky=(1, 300)))
    assert simulation.answer(ask("GET", SEARCH)).status == 200
    refusal = simulation.answer(ask("GET", SEARCH))
    assert refusal.status == 429
    assert dict(refusal.headers)["RateLimit-Reset"] == str(int(clock().timestamp()) + 300)
    assert dict(refusal.headers)["RateLimit-Policy"] == "1;w=300"
