"""Servers with Mastodon's API: shapes, refusals, headers and paging."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
import pytest

from ingestor.contract import Allowance, Answer, Credential, Page, Request, Seen, Target
from ingestor.errors import BadRequest, IngestError, RateLimited
from ingestor.rows import rows_of
from ingestor.sources.mastodon import Mastodon, next_cursor
from invented import mastodon as said

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEN = Seen(observed_at=NOW, host="one.example")
ANYBODY = Credential(account="anonymous")
NIKE = Target(network="mastodon", kind="tag", name="nike", host="one.example")
ALICE = "https://one.example/users/alice"


def page_of(body: object, seen: Seen = SEEN) -> Page:
    return Mastodon().parse(json.dumps(body).encode(), seen)


def answer(body: object, status: int = 200, url: str = "", **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=headers, body=raw, url=url)


def test_a_status_is_read() -> None:
    post = page_of(said.TIMELINE).posts[0]
    assert (post.id, post.native_id) == (
        "mastodon:https://one.example/users/alice/statuses/103270115826048975",
        "103270115826048975",
    )
    assert post.text == 'Ja "so"\n:blob: #Nike\n\nhttps://shop.example/a'
    assert (post.tags, post.mentions, post.links) == (
        ("nike",),
        ("bob@two.example",),
        ("https://shop.example/a",),
    )
    assert (post.kind, post.lang, post.reply_to) == ("text", "de", None)
    assert (post.author_id, post.author_handle, post.author_followers) == (
        f"mastodon:{ALICE}",
        "alice@one.example",
        320,
    )
    assert msgspec.structs.astuple(post.counts) == (11, 5, 6, None, None)
    assert post.created_at == datetime(2019, 12, 8, 3, 48, 33, 901000, tzinfo=UTC)


def test_an_account_is_read() -> None:
    (profile,) = page_of(said.account()).profiles
    assert (profile.id, profile.native_id, profile.handle) == (
        f"mastodon:{ALICE}",
        "23634",
        "alice@one.example",
    )
    assert (profile.bio, profile.link, profile.private) == (
        "I & you",
        "https://alice.example",
        False,
    )
    assert msgspec.structs.astuple(profile.counts) == (320, 459, 61)


def test_one_post_seen_through_two_servers_is_one() -> None:
    remote = said.status(
        "42",
        uri="https://one.example/users/alice/statuses/103270115826048975",
        account=said.account(acct="alice@one.example", id="999"),
    )
    (there,) = page_of(remote, Seen(observed_at=NOW, host="two.example")).posts
    here = page_of(said.TIMELINE).posts[0]
    assert (there.id, there.author_id, there.author_handle) == (
        here.id,
        here.author_id,
        here.author_handle,
    )
    assert there.native_id == "42"


def test_pictures_make_the_kind_and_bear_their_description() -> None:
    post = page_of(said.TIMELINE).posts[1]
    assert post.kind == "carousel"
    assert [(m.kind, m.alt, m.width) for m in post.media] == [
        ("image", "A cat", 640),
        ("video", None, None),
    ]


def test_a_boost_is_a_repost_with_the_counts_and_words_of_the_original() -> None:
    (post,) = page_of(said.BOOST).posts
    assert (post.kind, post.repost_of) == (
        "repost",
        "mastodon:https://one.example/users/alice/statuses/5",
    )
    assert post.id == "mastodon:https://two.example/users/bob/statuses/9/activity"
    assert (post.author_handle, post.tags) == ("bob@two.example", ("nike",))
    assert msgspec.structs.astuple(post.counts) == (11, 5, 6, None, 2)


def test_answers_of_a_thread_point_at_the_post_they_answer() -> None:
    posts = page_of(said.CONTEXT).posts
    assert [post.reply_to for post in posts] == [
        None,
        "mastodon:https://one.example/users/alice/statuses/1",
        "mastodon:https://one.example/statuses/77",
    ]


def test_search_results_of_all_three_kinds_are_read() -> None:
    page = page_of(said.SEARCH)
    assert (len(page.posts), len(page.profiles)) == (1, 1)
    assert [(tag.name, tag.counts.posts) for tag in page.tags] == [("nike", None)]


def test_uses_of_a_tag_are_text_and_summed() -> None:
    (tag,) = page_of(said.TAG).tags
    assert (tag.id, tag.counts.posts) == ("mastodon:tootsdk", 8)


def test_kin_of_mastodon_are_read() -> None:
    (post,) = page_of(said.PLEROMA).posts
    assert (post.id, post.text, post.kind) == (
        "mastodon:https://pl.example/objects/37125e6c",
        "from @t\n\nx",
        "text",
    )
    assert post.author_id == "mastodon:https://pl.example/users/tech"
    assert post.counts.quotes is None
    (profile,) = page_of(said.PIXELFED_ACCOUNT).profiles
    assert profile.id == "mastodon:https://pix.example/users/technicat"


def test_newer_servers_tell_the_actor_itself() -> None:
    actor = said.account(uri="https://one.example/ap/users/117")
    assert page_of(actor).profiles[0].id == "mastodon:https://one.example/ap/users/117"


def test_a_quote_tells_the_status_quoted() -> None:
    assert page_of(said.QUOTE).posts[0].native_id == "44"
    bare = page_of({"state": "accepted", "quoted_status_id": "1"})
    assert [note.reason for note in bare.aside] == ["a quote that only names its status"]


def test_an_edit_is_dated() -> None:
    edited = said.status(edited_at="2020-01-01T00:00:00.000Z")
    assert page_of(edited).posts[0].edited_at == datetime(2020, 1, 1, tzinfo=UTC)


def test_tags_come_from_the_text_if_the_server_lists_none() -> None:
    plain = said.status(content="<p>go #Läufer #2024</p>")
    del plain["tags"]
    assert page_of(plain).posts[0].tags == ("läufer",)


def test_a_stream_event_carries_a_status_as_text() -> None:
    event = {"stream": ["public"], "event": "update", "payload": json.dumps(said.status())}
    assert page_of(event).posts[0].native_id == "103270115826048975"
    gone = page_of({"stream": ["public"], "event": "delete", "payload": "1"})
    assert [note.reason for note in gone.aside] == [
        "a stream event that tells of no record: delete"
    ]


def test_what_describes_a_server_is_set_aside() -> None:
    page = page_of(said.SERVER)
    assert ([note.reason for note in page.aside], page.error) == (
        ["a description of the server, no record"],
        None,
    )


def test_a_bare_error_is_no_empty_timeline() -> None:
    error = page_of({"error": "Something"}).error
    assert error is not None
    assert error.kind == "unknown"
    told = page_of({"error": "Something", "status": 429}).error
    assert told is not None
    assert told.kind == "rate_limited"


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (401, "The access token is invalid", "login_required"),
        (401, "Unauthorized: token not supplied", "login_required"),
        (403, "This action is not allowed", "login_required"),
        (404, "Record not found", "gone"),
        (410, "Gone", "gone"),
        (422, "バリデーションに失敗しました", "bad_request"),
        (422, "Gültigkeitsprüfung fehlgeschlagen", "bad_request"),
        (429, "rate limit reached", "rate_limited"),
        (503, "Remote data could not be fetched", "server"),
    ],
)
def test_the_status_decides_whatever_the_language(status: int, message: str, kind: str) -> None:
    with pytest.raises(IngestError) as caught:
        Mastodon().judge(answer({"error": message}, status), NOW)
    assert (caught.value.kind, caught.value.code) == (kind, str(status))
    assert message not in str(caught.value)


def test_html_with_status_200_is_no_answer() -> None:
    with pytest.raises(IngestError) as caught:
        Mastodon().judge(answer(b"<html>"), NOW)
    assert (caught.value.kind, caught.value.code) == ("unknown", "html")


def test_without_retry_after_the_reset_says_how_long() -> None:
    limits = {"x-ratelimit-limit": "300", "x-ratelimit-remaining": "0"}
    reset = {**limits, "x-ratelimit-reset": "2026-06-01T00:04:12.000Z"}
    assert Mastodon().allowance(answer([], 429, **reset), NOW) == Allowance(
        limit=300, remaining=0, reset=252.0
    )
    with pytest.raises(RateLimited) as caught:
        Mastodon().judge(answer({"error": "x"}, 429, **reset), NOW)
    assert caught.value.seconds == 252.0
    with pytest.raises(RateLimited) as caught:
        Mastodon().judge(answer({"error": "x"}, 429, **{**reset, "retry-after": "9"}), NOW)
    assert caught.value.seconds == 9.0
    assert Mastodon().allowance(answer([]), NOW) == Allowance()


@pytest.mark.parametrize(
    ("link", "cursor"),
    [
        ('</x?max_id=7>; rel="next", </x?min_id=9>; rel="prev"', "7"),
        ('<https://one.example/x?since_id=3>; rel="prev"', None),
        ("<http://proxy:8080/x?limit=40&max_id=01M7>; rel=next", "01M7"),
        ('<https://one.example/x?offset=40>; rel="next"', "offset=40"),
        ('<https://one.example/x>; rel="next"', None),
        ("", None),
        ("<" * 50_000, None),
    ],
)  # fmt: skip
def test_of_a_link_only_the_query_counts(link: str, cursor: str | None) -> None:
    assert next_cursor(link) == cursor


class Wire:
    """Answers requests by a function and keeps them."""

    def __init__(self, reply: Callable[[Request], Answer]) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return self.reply(request)


def timeline(request: Request) -> Answer:
    """Give a full page, a short one that goes on, and an empty one without cursor."""
    pages = {None: ("a", [said.status("3")]), "a": ("b", [said.status("2")]), "b": (None, [])}
    cursor, statuses = pages[dict(request.params).get("max_id")]
    link = {"link": f'<https://other.example/x?max_id={cursor}>; rel="next"'} if cursor else {}
    return answer(statuses, **link)


async def polled(wire: Wire, target: Target, cursor: str | None = None) -> list[Page]:
    return [page async for page in Mastodon().poll(wire, target, ANYBODY, SEEN, cursor)]


def shown(page: Page) -> list[str]:
    """Return the last parts of the ids of a page's recent posts."""
    rows = rows_of(page)
    return [rows.ids[row].rpartition("/")[2] for row in rows.recent]


async def test_a_poll_ends_without_cursor_and_not_at_a_short_page() -> None:
    wire = Wire(timeline)
    pages = await polled(wire, NIKE)
    assert [shown(page) for page in pages] == [["3"], ["2"], []]
    assert [dict(request.params) for request in wire.asked] == [
        {"limit": "40"},
        {"limit": "40", "max_id": "a"},
        {"limit": "40", "max_id": "b"},
    ]
    assert {request.path for request in wire.asked} == {"/api/v1/timelines/tag/nike"}
    assert wire.asked[0].headers == ()


async def test_a_poll_ends_at_a_repeated_cursor() -> None:
    loop = {"link": '<https://one.example/x?max_id=7>; rel="next"'}
    assert len(await polled(Wire(lambda r: answer([], **loop)), NIKE)) == 2


async def test_a_poll_goes_on_from_a_cursor() -> None:
    assert [shown(page) for page in await polled(Wire(timeline), NIKE, "a")] == [["2"], []]


async def test_a_profile_comes_with_its_first_posts() -> None:
    wire = Wire(lambda r: answer(said.account() if "lookup" in r.path else said.TIMELINE))
    target = Target(network="mastodon", kind="profile", name="@alice")
    (page,) = await polled(wire, target)
    rows = rows_of(page)
    assert (rows.kinds, rows.handles[0]) == (b"poo", "alice@one.example")
    assert [request.path for request in wire.asked] == [
        "/api/v1/accounts/lookup",
        "/api/v1/accounts/23634/statuses",
    ]
    assert wire.asked[0].params == (("acct", "alice"),)


async def test_followers_bear_the_account_they_follow() -> None:
    bob = said.account("bob", host="two.example", acct="bob@two.example", id="8")
    wire = Wire(lambda r: answer(said.account() if "lookup" in r.path else [bob]))
    target = Target(network="mastodon", kind="followers", name="alice")
    (page,) = await polled(wire, target)
    (follow,) = page.follows
    assert follow.id == f"mastodon:https://two.example/users/bob>{ALICE}"
    assert (follow.follower_handle, follow.account_id) == ("bob@two.example", f"mastodon:{ALICE}")


def followers(request: Request) -> Answer:
    """Answer with the account, and with two pages of one follower each."""
    if "lookup" in request.path:
        return answer(said.account(followers_count=2))
    last = dict(request.params).get("max_id") == "77"
    person = said.account("eve" if last else "bob", id="9" if last else "8")
    more = {"link": '<https://one.example/x?max_id=77>; rel="next"'}
    return answer([person], **({} if last else more))


FOLLOWERS = Target(network="mastodon", kind="followers", name="alice@one.example")


async def test_the_first_page_of_followers_brings_the_profile_along_and_nobody_elses() -> None:
    first, second = await polled(Wire(followers), FOLLOWERS)
    assert [profile.id for profile in first.profiles] == [f"mastodon:{ALICE}"]
    assert first.profiles[0].counts.followers == 2
    assert second.profiles == ()
    assert [len(page.follows) for page in (first, second)] == [1, 1]


async def test_followers_go_on_from_a_cursor_without_looking_the_account_up_again() -> None:
    first, second = await polled(Wire(followers), FOLLOWERS)
    wire = Wire(followers)
    assert await polled(wire, FOLLOWERS, first.cursor) == [second]
    assert [request.path for request in wire.asked] == ["/api/v1/accounts/23634/followers"]
    assert wire.asked[0].params == (("limit", "80"), ("max_id", "77"))


@pytest.mark.parametrize("cursor", ["77", "", "a b", "1 https://one.example/users/alice "])
async def test_a_cursor_of_followers_that_is_not_ours_is_a_bad_request(cursor: str) -> None:
    wire = Wire(followers)
    with pytest.raises(BadRequest):
        await polled(wire, FOLLOWERS, cursor)
    assert wire.asked == []


def test_recorded_followers_name_whom_they_follow_as_far_as_the_address_does() -> None:
    url = "https://one.example/api/v1/accounts/23/followers?limit=80"
    bob = said.account("bob", host="two.example", acct="bob@two.example")
    (follow,) = Mastodon().read(answer([bob], url=url), SEEN).follows
    assert follow.account_id == "mastodon:https://one.example/accounts/23"


async def test_a_post_is_asked_for_by_its_id() -> None:
    wire = Wire(lambda r: answer(said.status("5")))
    (page,) = await polled(wire, Target(network="mastodon", kind="post", name="5"))
    assert (wire.asked[0].path, page.posts[0].native_id) == ("/api/v1/statuses/5", "5")
