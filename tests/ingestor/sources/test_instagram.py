"""Every generation of Instagram's web JSON, its errors, and how its pages are asked for."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from fakes.told import told
from ingestor.contract import Answer, Credential, Page, Request, Seen, Target
from ingestor.errors import BadAnswer, Gone, IngestError, RateLimited, Refused
from ingestor.sources.instagram import Instagram
from invented import instagram as said
from lake.records import Location

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEN = Seen(observed_at=NOW)
ANYBODY = Credential(account="a", secret="s1d")
NIKE = Target(network="instagram", kind="tag", name="nike")
GALA = Target(network="instagram", kind="profile", name="gala")


def page_of(body: object) -> Page:
    return Instagram().parse(json.dumps(body).encode(), SEEN)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=headers, body=raw)


def judged(body: object, status: int = 200, **headers: str) -> tuple[str, str, float | None]:
    with pytest.raises(IngestError) as caught:
        Instagram().judge(answer(body, status, **headers), NOW)
    error = caught.value
    return error.kind, error.code, getattr(error, "seconds", None)


def test_generation_a_is_read() -> None:
    page = page_of(said.ITEMS_2016)
    first, second = page.posts
    assert (first.id, first.native_id, first.code) == (
        "instagram:2498383483036303865",
        "2498383483036303865",
        "CKsCopzFQH5",
    )
    assert (first.kind, first.author_id, first.author_handle) == (
        "carousel",
        "instagram:501",
        "mira",
    )
    assert (first.text, first.tags, first.mentions) == (
        "Up #Early with @lena.k",
        ("early",),
        ("lena.k",),
    )
    assert (first.counts.likes, first.counts.comments, first.counts.views) == (79, 3, None)
    assert first.created_at == datetime(2016, 2, 25, 5, 31, 8, tzinfo=UTC)
    assert (second.kind, second.text, second.counts.comments) == ("video", None, 0)
    assert second.media[0].url == "https://cdn.example/a.mp4"
    assert page.comments[0].post_id == first.id
    assert (page.comments[0].author_handle, page.comments[0].text) == ("daft", "nice")
    assert page.cursor == "2498383483036303866_501"


def test_generation_b_tag_page_is_read() -> None:
    page = page_of(said.TAG_2017)
    assert [post.native_id for post in page.posts] == ["101", "102"]
    assert [post.native_id for post in page.top] == ["102", "103"]
    assert (page.posts[0].tags, page.posts[1].text) == (("shoes",), None)
    assert (page.posts[0].author_id, page.posts[0].author_handle) == ("instagram:502", None)
    assert (page.top[1].kind, page.top[1].counts.views) == ("video", 9)
    assert (page.tags[0].id, page.tags[0].counts.posts) == ("instagram:nike", 4131750)
    assert (page.cursor, page.section) == ("J0HV_old", "recent")


def test_generation_b_profile_is_read_and_ends_without_next_page() -> None:
    page = page_of(said.USER_2017)
    profile = page.profiles[0]
    assert (profile.handle, profile.name, profile.bio) == ("okki", "Okki O", "Onions")
    assert (profile.counts.followers, profile.counts.following, profile.counts.posts) == (
        986,
        805,
        313,
    )
    assert page.posts[0].created_at == datetime(2017, 11, 30, 15, 50, 6, tzinfo=UTC)
    assert page.cursor is None  # has_next_page is false, though a cursor stands there


@pytest.mark.parametrize("body", [said.TAG_PAGE, said.TAG_QUERY])
def test_generation_c_tag_page_is_read_from_page_and_query(body: dict[str, Any]) -> None:
    page = page_of(body)
    assert [post.native_id for post in page.posts] == ["201", "202"]
    assert [post.native_id for post in page.top] == ["203", "201"]
    assert page.posts[0].tags == ("paris", "été")
    assert (page.posts[1].text, page.posts[1].kind) == (None, "video")
    assert (page.posts[1].counts.likes, page.posts[1].counts.views) == (0, 0)
    assert (page.tags[0].counts.posts, page.tags[0].related) == (125782874, ("louvre", "seine"))
    assert page.cursor == "QVFEYy1"


def test_generation_c_html_page_is_read() -> None:
    shared = json.dumps({"entry_data": {"TagPage": [said.TAG_PAGE]}})
    html = f"<html><script>window._sharedData = {shared};</script><script>x</script></html>"
    page = Instagram().parse(html.encode(), SEEN)
    assert [post.native_id for post in page.posts] == ["201", "202"]
    Instagram().judge(answer(html.encode()), NOW)


def test_html_page_to_log_in_is_no_empty_tag() -> None:
    html = b'<script>window._sharedData = {"entry_data": {"LoginAndSignupPage": [{}]}};</script>'
    error = Instagram().parse(html, SEEN).error
    assert error is not None
    assert error.kind == "login_required"


def test_generation_c_profile_is_read_with_place_children_and_preview() -> None:
    page = page_of(said.PROFILE)
    profile = page.profiles[0]
    assert (profile.id, profile.verified, profile.related) == ("instagram:503", True, ("rival",))
    assert profile.counts.followers == 344415438
    first, second = page.posts
    assert (first.place, first.author_handle, first.counts.comments) == (
        "Cologne, Germany",
        "gala",
        12,
    )
    assert [(media.kind, media.url) for media in second.media] == [
        ("image", "https://cdn.example/1.jpg"),
        ("video", "https://cdn.example/2.mp4"),
    ]
    assert (page.comments[0].id, page.comments[0].post_id) == ("instagram:911", "instagram:301")


def test_generation_e_profile_is_read() -> None:
    page = page_of(said.WEB_PROFILE_2022)
    profile = page.profiles[0]
    assert (profile.link, profile.private, profile.counts.posts) == (
        "https://rob.example",
        True,
        419,
    )
    assert page.cursor == "QVFCdm9"


def test_followers_are_edges_and_profiles() -> None:
    page = page_of(said.FOLLOWERS)
    assert [follow.id for follow in page.follows] == ["instagram:41>?", "instagram:42>?"]
    assert [profile.handle for profile in page.profiles] == ["ann", "ben"]
    assert page.profiles[0].counts.followers is None
    assert page.aside[0].reason == "the answer does not say whose followers these are"


def test_address_of_a_query_names_the_account_followed() -> None:
    url = 'https://www.instagram.com/graphql/query/?variables={"id":"503","first":24}'
    recorded = Answer(status=200, headers={}, body=json.dumps(said.FOLLOWING).encode(), url=url)
    page = Instagram().read(recorded, SEEN)
    assert page.follows[0].id == "instagram:503>41"
    assert (page.follows[0].follower_id, page.follows[0].account_id) == (
        "instagram:503",
        "instagram:41",
    )


def test_comments_and_the_answers_to_them_are_read() -> None:
    page = page_of(said.COMMENTS)
    assert [(c.id, c.counts.likes) for c in page.comments] == [
        ("instagram:17969014687354566", 3),
        ("instagram:17", None),
    ]
    assert (page.posts, page.cursor) == ((), "QVFCbnR")


def test_tagged_posts_are_read() -> None:
    assert [post.text for post in page_of(said.TAGGED).posts] == ["with us"]


def test_posts_of_a_place_bear_its_name_and_point() -> None:
    page = page_of(said.LOCATION)
    assert page.posts[0].place == "Little Bakery"
    assert page.posts[0].location == Location(lat=40.71192, lon=-73.95721)
    assert page.top[0].text == "cake"


def test_generation_d_is_read_with_both_sections() -> None:
    page = page_of(said.SECTIONS_2021)
    assert [post.native_id for post in page.posts] == ["602", "603"]
    assert (page.top[0].place, page.top[0].location) == (
        "Yuen Long",
        Location(lat=22.4446, lon=114.0252),
    )
    assert page.top[0].created_at == datetime(2021, 10, 7, 12, 51, 13, tzinfo=UTC)
    assert [m.kind for m in page.posts[1].media] == ["image", "video"]
    assert (page.tags[0].name, page.tags[0].counts.posts) == ("cocacola", 8139175)
    assert page.tags[0].related == ("pepsi",)
    assert [(c.id, c.counts.likes) for c in page.comments] == [("instagram:17904882728106264", 2)]
    assert (page.cursor, page.section) == ("QVFDOElX", "recent")


def test_hidden_likes_are_unknown_even_with_a_number_there() -> None:
    hidden = page_of(said.SECTIONS_2021).posts[0]
    assert (hidden.counts.likes, hidden.counts.views, hidden.counts.comments) == (None, None, 10)
    minus = page_of({"items": [said.d_media(7, like_count=-1)]})
    assert (minus.posts[0].counts.likes, minus.aside) == (None, ())


def test_generation_d_without_wrapper_is_read() -> None:
    page = page_of(said.SECTIONS_2024)
    assert ([post.native_id for post in page.top], page.posts) == (["601"], ())
    assert (page.cursor, page.section, page.tags[0].counts.posts) == ("8c2e2d02", "top", 7)


def test_answer_to_a_post_for_more_sections_is_read() -> None:
    page = page_of(said.SECTIONS_POST)
    assert ([post.native_id for post in page.posts], page.cursor) == (["604"], None)


def test_phone_answers_are_read() -> None:
    media = page_of(said.MEDIA_INFO)
    assert (media.posts[0].native_id, media.cursor) == ("2317006284167526179", None)
    clips = page_of(said.CLIPS)
    assert (clips.posts[0].native_id, clips.posts[0].counts.views) == (
        "2589531623544609760",
        100856,
    )
    assert (clips.posts[0].media[0].duration, clips.cursor) == (20.433, "QVFDcVky")
    feed = page_of(said.FEED)
    assert ([post.native_id for post in feed.posts], feed.cursor) == (["701"], "KGEAReU")
    assert [note.where for note in feed.aside] == ["feed_items.1"]
    user = page_of(said.USER_INFO).profiles[0]
    assert (user.id, user.counts.followers, user.counts.posts) == ("instagram:506", 50857062, 400)


@pytest.mark.parametrize("pk", [2679246333998407230, "2679246333998407230"])
def test_number_and_text_give_one_id(pk: int | str) -> None:
    (post,) = page_of({"items": [said.d_media(pk)]}).posts
    assert post.id == "instagram:2679246333998407230"
    assert post.url == f"https://www.instagram.com/p/{post.code}/"


def test_absurd_time_is_unknown_and_noted() -> None:
    page = page_of({"items": [said.d_media(7, taken_at=1), said.d_media(8, taken_at=10**12)]})
    assert [post.created_at for post in page.posts] == [None, None]
    assert [(note.where, note.reason) for note in page.aside] == [
        ("items.0.taken_at", "a time in the year 1970"),
        ("items.1.taken_at", "a number that is no time"),
    ]


def test_node_without_id_is_set_aside_and_the_rest_kept() -> None:
    page = page_of({"items": [{"taken_at": 5}, said.d_media(7), 3]})
    assert [post.native_id for post in page.posts] == ["7"]
    assert [(note.where, note.reason) for note in page.aside] == [
        ("items.0", "no id"),
        ("items.2", "a number where an object belongs"),
    ]


def test_raw_is_the_node_of_the_post_itself() -> None:
    (post,) = page_of(said.MEDIA_INFO).posts
    assert post.raw is not None
    assert json.loads(bytes(post.raw)) == said.MEDIA_INFO["items"][0]


GENERIC = {"errors": {"error": ["x"]}, "status": "ok", "error_type": "generic_request_error"}
PAUSE = {
    "message": "Please wait a few minutes before you try again.",
    "require_login": True,
    "status": "fail",
}
CHECKPOINT = {
    "message": "checkpoint_required",
    "checkpoint_url": "/c/",
    "lock": False,
    "status": "fail",
}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (401, PAUSE, "rate_limited", "please_wait"),
        (403, PAUSE, "rate_limited", "please_wait"),
        (429, PAUSE, "rate_limited", "please_wait"),
        (429, b"", "rate_limited", "429"),
        (429, b"<html>slow</html>", "rate_limited", "429"),
        (400, {"error_type": "rate_limit_error"}, "rate_limited", "rate_limit_error"),
        (400, CHECKPOINT, "checkpoint", "checkpoint_required"),
        (400, {"message": "challenge_required"}, "checkpoint", "challenge_required"),
        (400, {"message": "feedback_required", "spam": True}, "checkpoint", "feedback_required"),
        (400, {"message": "", "error_type": "sentry_block"}, "checkpoint", "sentry_block"),
        (200, {"type": "CHALLENGE_REDIRECTION"}, "checkpoint", "CHALLENGE_REDIRECTION"),
        (403, {"message": "login_required", "status": "fail"}, "login_required", "login_required"),
        (200, {"authenticated": False, "user": True}, "login_required", "login_required"),
        (401, b"", "login_required", "401"),
        (404, {}, "gone", "404"),
        (404, b"<html>", "gone", "404"),
        (200, {"data": {"viewer": {}, "user": None}, "status": "ok"}, "unknown", "null"),
        (200, {"graphql": None}, "unknown", "null"),
        (200, b"<html>hello</html>", "unknown", "html"),
        (200, b"{error}", "unknown", "not_json"),
        (200, GENERIC, "unknown", "generic_request_error"),
        (400, {"message": "something else", "status": "fail"}, "bad_request", "400"),
        (502, b"bad gateway", "server", "502"),
    ],
)  # fmt: skip
def test_every_refusal_is_told_apart(status: int, body: object, kind: str, code: str) -> None:
    assert judged(body, status)[:2] == (kind, code)


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        ("https://www.instagram.com/accounts/login/?next=/explore/", "login_required"),
        ("/challenge/1/x/", "checkpoint"),
        ("https://elsewhere.example/", "unknown"),
    ],
)
def test_a_redirect_is_an_answer(location: str, kind: str) -> None:
    assert judged(b"", 302, location=location)[0] == kind


def test_a_pause_is_as_long_as_the_header_says() -> None:
    assert judged(b"", 429, **{"retry-after": "90"})[2] == 90.0
    assert judged(b"", 429)[2] is None


def test_a_recorded_error_gives_an_error_and_nothing_else() -> None:
    page = page_of(PAUSE)
    assert page.error is not None
    assert (page.error.kind, page.posts) == ("rate_limited", ())


class Wire:
    """Answers requests by a function and keeps them."""

    def __init__(self, reply: Callable[[Request], object]) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return answer(self.reply(request))


async def polled(wire: Wire, target: Target, cursor: str | None = None) -> list[Page]:
    pages = Instagram().poll(wire, target, ANYBODY, SEEN, cursor)
    return [told(page) async for page in pages]


async def test_tag_of_sections_goes_on_by_post_with_all_it_was_given() -> None:
    wire = Wire(lambda r: said.SECTIONS_2021 if r.method == "GET" else said.SECTIONS_POST)
    pages = await polled(wire, NIKE)
    assert [[post.native_id for post in page.posts] for page in pages] == [["602", "603"], ["604"]]
    first, second = wire.asked
    assert (first.path, first.params) == ("/explore/tags/nike/", (("__a", "1"), ("__d", "dis")))
    assert dict(first.headers)["cookie"] == "sessionid=s1d"
    assert second.path == "/api/v1/tags/nike/sections/"
    form = dict(second.form or ())
    assert (form["max_id"], form["page"], form["tab"]) == ("QVFDOElX", "1", "recent")
    assert form["next_media_ids"] == "[2682935283782218705]"


async def test_a_poll_goes_on_where_it_was_left() -> None:
    wire = Wire(lambda r: said.SECTIONS_2021 if r.method == "GET" else said.SECTIONS_POST)
    (first, *_) = await polled(wire, NIKE)
    (again,) = await polled(wire, NIKE, first.cursor)
    assert [post.native_id for post in again.posts] == ["604"]


async def test_tag_of_generation_c_goes_on_by_query_and_stops_at_a_repeated_cursor() -> None:
    wire = Wire(lambda r: said.TAG_QUERY if "graphql" in r.path else said.TAG_PAGE)
    pages = await polled(wire, NIKE)
    assert len(pages) == 2
    variables = json.loads(dict(wire.asked[1].params)["variables"])
    assert variables == {"tag_name": "nike", "first": 50, "after": "QVFEYy1"}


async def test_tag_of_generation_b_goes_on_by_its_own_address() -> None:
    wire = Wire(lambda r: said.TAG_2017)
    await polled(wire, NIKE)
    assert dict(wire.asked[1].params)["max_id"] == "J0HV_old"


async def test_profile_goes_on_by_its_number() -> None:
    wire = Wire(lambda r: said.TAGGED if "graphql" in r.path else said.PROFILE)
    pages = await polled(wire, GALA)
    assert pages[0].profiles[0].handle == "gala"
    assert json.loads(dict(wire.asked[1].params)["variables"])["id"] == "503"


async def test_followers_are_asked_for_by_number_and_bear_it() -> None:
    wire = Wire(lambda r: said.FOLLOWERS if "graphql" in r.path else said.PROFILE)
    target = Target(network="instagram", kind="followers", name="gala")
    pages = await polled(wire, target)
    assert pages[0].follows[0].id == "instagram:41>503"
    assert pages[0].aside == ()
    assert [profile.handle for page in pages for profile in page.profiles] == ["gala"]


async def test_a_post_is_asked_for_by_its_short_code() -> None:
    wire = Wire(lambda r: said.MEDIA_INFO)
    target = Target(network="instagram", kind="post", name="2498383483036303865")
    (page,) = await polled(wire, target)
    assert (wire.asked[0].path, len(page.posts)) == ("/p/CKsCopzFQH5/", 1)


async def test_an_error_in_a_long_answer_is_raised_by_the_poll() -> None:
    wire = Wire(lambda r: PAUSE)
    with pytest.raises(RateLimited):
        await polled(wire, NIKE)
    with pytest.raises(Refused):
        await polled(Wire(lambda r: CHECKPOINT), NIKE)
    with pytest.raises(BadAnswer):
        await polled(Wire(lambda r: b"<html>" + b" " * 70_000), NIKE)
    with pytest.raises(Gone):
        await polled(Wire(lambda r: {"message": "Media not found", "status": "fail"}), NIKE)
