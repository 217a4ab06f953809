"""Bluesky: shapes, errors, headers, paging and sessions."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from ingestor.contract import Allowance, Answer, Credential, Page, Request, Seen, Target
from ingestor.errors import Gone, IngestError, RateLimited, Refused
from ingestor.rows import rows_of
from ingestor.sources.bluesky import Bluesky
from ingestor.sources.sessions import Remembered
from invented import bluesky as said

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEN = Seen(observed_at=NOW)
ANYBODY = Credential(account="anonymous")
ALICE = Credential(account="alice", user="alice.test", secret="app-password")
NIKE = Target(network="bluesky", kind="tag", name="nike")


def page_of(body: object) -> Page:
    return Bluesky().parse(json.dumps(body).encode(), SEEN)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=json.dumps(body).encode())


def test_a_post_is_read_with_facets_in_bytes() -> None:
    page = page_of(said.SEARCH)
    post = page.posts[0]
    assert (post.id, post.native_id) == (f"bluesky:{said.URI}", said.URI)
    assert (post.author_id, post.author_handle) == ("bluesky:did:plc:alice", "alice.test")
    assert (post.tags, post.mentions, post.links) == (
        ("nike", "running"),
        ("bob.test",),
        ("https://go.example",),
    )
    assert (post.text, post.lang, post.kind) == (said.TEXT, "pt", "text")
    assert msgspec.structs.astuple(post.counts) == (4, 3, 2, None, 1)
    assert post.url == "https://bsky.app/profile/did:plc:alice/post/3k7"
    assert page.cursor == "25"


def test_the_earlier_of_claimed_and_seen_is_the_time() -> None:
    claimed = page_of(said.SEARCH).posts[0].created_at
    assert claimed == datetime(2025, 5, 5, 1, 30, 17, 912000, tzinfo=UTC)
    seen = page_of({"posts": [said.post(indexedAt="2025-05-04T00:00:00Z")]}).posts[0]
    assert seen.created_at == datetime(2025, 5, 4, tzinfo=UTC)


def test_an_absurd_claim_leaves_what_the_server_saw() -> None:
    ancient = said.post()
    ancient["record"]["createdAt"] = "1970-01-01T00:00:00Z"
    page = page_of({"posts": [ancient]})
    assert page.posts[0].created_at == datetime(2025, 5, 5, 1, 30, 18, tzinfo=UTC)
    assert [note.where for note in page.aside] == ["posts.0.record.createdAt"]


def test_a_feed_tells_reposts_from_posts_and_pins() -> None:
    first, second, third = page_of(said.FEED).posts
    assert (first.kind, second.kind, third.kind) == ("text", "repost", "text")
    original = f"at://{said.DID}/app.bsky.feed.post/3k9"
    assert second.repost_of == f"bluesky:{original}"
    assert (
        second.native_id
        == "at://did:plc:bob/app.bsky.feed.repost/did:plc:alice/app.bsky.feed.post/3k9"
    )
    assert (second.author_handle, second.counts.likes) == ("bob.test", 4)
    assert second.created_at == datetime(2025, 6, 1, tzinfo=UTC)


def test_a_thread_is_read_above_and_below_and_notes_what_is_missing() -> None:
    page = page_of(said.THREAD)
    assert {post.native_id.rpartition("/")[2] for post in page.posts} == {"root", "r1", "r2"}
    assert sorted((note.where, note.reason) for note in page.aside) == [
        ("thread.parent", "a post that is gone"),
        ("thread.replies.1", "a post that is blocked"),
    ]


def test_profiles_are_read_with_and_without_counts() -> None:
    full = page_of(said.PROFILE).profiles[0]
    assert (full.id, full.name, full.verified) == ("bluesky:did:plc:alice", "Alice A", True)
    assert msgspec.structs.astuple(full.counts) == (48, 5, 3)
    assert full.created_at == datetime(2023, 9, 19, 15, 47, 1, 417000, tzinfo=UTC)
    bob = page_of(said.PROFILES).profiles[1]
    assert (bob.verified, msgspec.structs.astuple(bob.counts)) == (None, (None, None, None))


def test_followers_and_follows_are_edges() -> None:
    page = page_of(said.FOLLOWERS)
    assert [f.id for f in page.follows] == ["bluesky:did:plc:bob>did:plc:alice"]
    assert ([p.handle for p in page.profiles], page.cursor) == (["bob.test"], "3lk")
    assert [f.id for f in page_of(said.FOLLOWS).follows] == ["bluesky:did:plc:alice>did:plc:bob"]
    assert len(page_of(said.RELATIONSHIPS).follows) == 2
    assert [p.handle for p in page_of(said.LIKES).profiles] == ["bob.test"]


def test_bare_records_are_posts_without_counts() -> None:
    page = page_of(said.RECORDS)
    (post,) = page.posts
    assert (post.text, post.author_id, post.author_handle, post.tags) == (
        "plain #x",
        "bluesky:did:plc:alice",
        None,
        (),
    )
    assert set(msgspec.structs.astuple(post.counts)) == {None}
    assert post.created_at == datetime(2023, 7, 21, 1, 33, 51, 481951, tzinfo=UTC)
    assert [note.reason for note in page.aside] == ["a like, which is counted at its post"]


def test_embeds_make_kind_media_and_links() -> None:
    images, video, external, both = page_of(said.EMBEDS).posts
    assert (images.kind, images.media[0].alt, images.media[0].width) == ("carousel", "A cat", 652)
    assert (video.kind, video.media[0].url) == ("video", "https://cdn.example/v.m3u8")
    assert (external.kind, external.links) == (
        "text",
        ("https://go.example", "https://news.example"),
    )
    assert len(both.media) == 2


def test_a_deep_thread_is_an_error_and_no_crash() -> None:
    deep = b'{"thread":' + b'{"replies":[' * 20_000 + b"]}" * 20_000 + b"}"
    error = Bluesky().parse(deep, SEEN).error
    assert error is not None
    assert (error.code, error.reason) == ("not_json", "nests 40001 deep")


@pytest.mark.parametrize(
    ("status", "name", "message", "kind"),
    [
        (400, "InvalidRequest", "Profile not found", "gone"),
        (400, "InvalidRequest", "Actor not found: nobody.test", "gone"),
        (400, "InvalidRequest", "Error: limit can not be greater than 100", "bad_request"),
        (400, "BadQueryString", "x", "bad_request"),
        (400, "ExpiredToken", "Token has expired", "login_required"),
        (401, "AuthMissing", "Authentication Required", "login_required"),
        (429, "RateLimitExceeded", "x", "rate_limited"),
        (501, "MethodNotImplemented", "x", "bad_request"),
        (502, "UpstreamFailure", "x", "server"),
        (500, "SomethingNew", "x", "server"),
        (418, "SomethingNew", "x", "bad_request"),
    ],
)
def test_every_error_is_told_apart(status: int, name: str, message: str, kind: str) -> None:
    with pytest.raises(IngestError) as caught:
        Bluesky().judge(answer({"error": name, "message": message}, status), NOW)
    assert (caught.value.kind, caught.value.code) == (kind, name)


def test_reset_is_epoch_seconds() -> None:
    headers = {
        "ratelimit-limit": "3000",
        "ratelimit-remaining": "0",
        "ratelimit-reset": str(int(NOW.timestamp()) + 90),
        "ratelimit-policy": "3000;w=300",
    }
    assert Bluesky().allowance(answer({}, **headers), NOW) == Allowance(
        limit=3000, remaining=0, reset=90.0
    )
    with pytest.raises(RateLimited) as caught:
        Bluesky().judge(answer({"error": "RateLimitExceeded"}, 429, **headers), NOW)
    assert caught.value.seconds == 90.0
    absurd = {"ratelimit-reset": "9" * 16, "ratelimit-limit": "-1"}
    assert Bluesky().allowance(answer({}, **absurd), NOW) == Allowance()


@pytest.mark.parametrize("body", [b'{"posts": [}', b'{"\\u0065rror": "InvalidRequest"}'])
async def test_an_error_that_a_glance_misses_is_found_by_reading(body: bytes) -> None:
    reply = Answer(status=200, headers={}, body=body)
    Bluesky().judge(reply, NOW)
    with pytest.raises(IngestError):
        await polled(Wire(lambda _: reply), NIKE)


class Wire:
    """Answers requests by a function, judges them as the ingestor does, and keeps them."""

    def __init__(self, reply: Callable[[Request], Answer]) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        reply = self.reply(request)
        Bluesky().judge(reply, NOW)
        return reply

    @property
    def methods(self) -> list[str]:
        return [request.path.rpartition(".")[2] for request in self.asked]


async def polled(
    wire: Wire, target: Target, who: Credential = ANYBODY, source: Bluesky | None = None
) -> list[Page]:
    return [page async for page in (source or Bluesky()).poll(wire, target, who, SEEN, None)]


def search(request: Request) -> Answer:
    pages = {
        None: {**said.SEARCH, "cursor": "a"},
        "a": {"posts": [], "cursor": "b"},
        "b": {"posts": []},
    }
    return answer(pages[dict(request.params).get("cursor")])


async def test_a_tag_is_searched_newest_first_until_no_cursor_comes() -> None:
    wire = Wire(search)
    assert [len(rows_of(page).recent) for page in await polled(wire, NIKE)] == [2, 0, 0]
    assert dict(wire.asked[0].params) == {
        "q": "#nike",
        "tag": "nike",
        "sort": "latest",
        "limit": "100",
    }
    assert wire.asked[0].headers == ()


async def test_a_profile_comes_with_its_first_posts() -> None:
    feed = {"feed": said.FEED["feed"]}
    wire = Wire(lambda r: answer(said.PROFILE if "getProfile" in r.path else feed))
    (page,) = await polled(wire, Target(network="bluesky", kind="profile", name="alice.test"))
    rows = rows_of(page)
    assert (rows.kinds, rows.handles[0], len(rows.recent)) == (b"poro", "alice.test", 3)
    assert wire.methods == ["getProfile", "getAuthorFeed"]


async def test_a_post_left_out_silently_is_gone() -> None:
    target = Target(network="bluesky", kind="post", name=said.URI)
    (page,) = await polled(Wire(lambda r: answer({"posts": [said.post()]})), target)
    assert page.posts[0].native_id == said.URI
    with pytest.raises(Gone):
        await polled(Wire(lambda r: answer({"posts": []})), target)


class Server:
    """An account's own server: logs in, lets tokens expire, renews them."""

    def __init__(self) -> None:
        self.valid = ""
        self.refresh = ""
        self.made = 0

    def __call__(self, request: Request) -> Answer:
        token = dict(request.headers).get("authorization", "").removeprefix("Bearer ")
        if request.path.endswith("createSession"):
            assert request.json == {"identifier": "alice.test", "password": "app-password"}
            return self._session()
        if request.path.endswith("refreshSession"):
            known = bool(token) and token == self.refresh
            return self._session() if known else answer({"error": "ExpiredToken"}, 400)
        known = bool(token) and token == self.valid
        return answer({"posts": []}) if known else answer({"error": "ExpiredToken"}, 400)

    def _session(self) -> Answer:
        self.made += 1
        self.valid, self.refresh = f"a{self.made}", f"r{self.made}"
        return answer({"did": said.DID, "accessJwt": self.valid, "refreshJwt": self.refresh})


async def test_one_log_in_serves_many_polls_and_runs() -> None:
    wire, sessions = Wire(Server()), Remembered()
    for _ in range(3):
        await polled(wire, NIKE, ALICE, Bluesky(sessions))
    assert wire.methods == ["createSession", "searchPosts", "searchPosts", "searchPosts"]


async def test_an_expired_session_is_renewed_and_not_made_anew() -> None:
    server = Server()
    wire, source = Wire(server), Bluesky()
    await polled(wire, NIKE, ALICE, source)
    server.valid = "expired"
    await polled(wire, NIKE, ALICE, source)
    assert wire.methods[2:] == ["searchPosts", "refreshSession", "searchPosts"]


async def test_a_session_that_cannot_be_renewed_is_made_once() -> None:
    server = Server()
    wire, source = Wire(server), Bluesky()
    await polled(wire, NIKE, ALICE, source)
    server.valid = server.refresh = "expired"
    await polled(wire, NIKE, ALICE, source)
    assert wire.methods[2:] == ["searchPosts", "refreshSession", "createSession", "searchPosts"]


async def test_a_refused_log_in_is_not_tried_again() -> None:
    wire = Wire(lambda r: answer({"error": "AuthenticationRequired", "message": "bad"}, 401))
    with pytest.raises(Refused):
        await polled(wire, NIKE, ALICE)
    assert wire.methods == ["createSession"]


async def test_a_session_shows_no_token() -> None:
    sessions = Remembered()
    await polled(Wire(Server()), NIKE, ALICE, Bluesky(sessions))
    assert (
        repr(await sessions.get("alice"))
        == f"Session(user='{said.DID}', access='***', refresh='***')"
    )


# --- followers


async def test_the_first_page_of_followers_brings_counts_and_bio_along_and_nobody_elses() -> None:
    def followers(request: Request) -> Answer:
        if request.path.endswith("getProfile"):
            return answer(said.PROFILE)
        more = "cursor" not in dict(request.params)
        return answer({**said.FOLLOWERS, "cursor": "3lk" if more else None})

    wire = Wire(followers)
    first, second = await polled(
        wire, Target(network="bluesky", kind="followers", name="alice.test")
    )
    (alice,) = first.profiles
    assert (alice.id, alice.counts.followers, alice.bio) == ("bluesky:did:plc:alice", 48, "runs")
    assert second.profiles == ()
    assert [len(page.follows) for page in (first, second)] == [1, 1]
    assert [request.path.rpartition(".")[2] for request in wire.asked] == [
        "getProfile", "getFollowers", "getFollowers",
    ]  # fmt: skip
