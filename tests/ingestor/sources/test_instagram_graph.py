"""The Graph API: shapes, error codes, usage headers, slots and paging."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ingestor.contract import Allowance, Answer, Credential, Page, Request, Seen, Target
from ingestor.errors import Gone, IngestError, NoBudget, RateLimited
from ingestor.sources.instagram_graph import InstagramGraph
from invented import graph as said

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SEEN = Seen(observed_at=NOW)
ASKER = Credential(account="a", user="1784", secret="t0k")
NIKE = Target(network="instagram", kind="tag", name="#Nike")


def page_of(body: object) -> Page:
    return InstagramGraph().parse(json.dumps(body).encode(), SEEN)


def answer(body: object, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers=headers, body=raw)


def test_media_of_a_hashtag_are_read_without_author() -> None:
    page = page_of(said.RECENT)
    first, second = page.posts
    assert (first.id, first.native_id) == ("instagram:2498383483036303865", "18088158883149835")
    assert (first.code, first.author_id, first.author_handle) == ("CKsCopzFQH5", None, None)
    assert (first.text, first.tags) == ("run #Nike #12", ("nike", "12"))
    assert first.created_at == datetime(2020, 5, 12, 10, tzinfo=UTC)
    assert (first.counts.likes, first.counts.comments) == (804, 8)
    assert (second.id, second.counts.likes) == ("instagram:17842849828991925", None)
    assert [media.kind for media in second.media] == ["video", "image"]
    assert page.cursor == "QVFIU"


def test_business_discovery_tells_a_profile_and_its_posts_but_not_the_asker() -> None:
    page = page_of(said.DISCOVERY)
    (profile,) = page.profiles
    assert (profile.id, profile.handle, profile.link) == (
        "instagram:17841407673135339",
        "shoes",
        "https://shoes.example",
    )
    assert (profile.counts.followers, profile.counts.following, profile.counts.posts) == (
        64976,
        3,
        436,
    )
    (post,) = page.posts
    assert (post.native_id, post.kind, post.author_handle) == (
        "17885103395504675",
        "video",
        "shoes",
    )
    assert (post.author_followers, post.id) == (64976, "instagram:2642468740567312952")
    assert page.cursor == "QVFI2"


def test_objects_keyed_by_id_are_read_with_their_comments() -> None:
    page = page_of(said.BY_ID)
    (post,) = page.posts
    assert (post.author_id, post.author_handle, post.text) == (
        "instagram:17841406338772941",
        "ikros",
        "Peach",
    )
    assert [(c.id, c.post_id, c.author_handle) for c in page.comments] == [
        ("instagram:179", post.id, "u")
    ]


def test_comments_and_replies_are_read() -> None:
    page = page_of(said.COMMENTS)
    assert [(c.id, c.text, c.counts.likes) for c in page.comments] == [
        ("instagram:17858154961981086", "Beautiful!", 0),
        ("instagram:5", "thanks", None),
    ]
    assert page.cursor == "c2"


def test_hashtags_and_stories_are_read_and_figures_set_aside() -> None:
    assert [(tag.id, tag.counts.posts) for tag in page_of(said.TAGS).tags] == [
        ("instagram:love", None)
    ]
    assert page_of(said.STORY).posts[0].id == "instagram:2643655939345226184"
    assert [note.where for note in page_of(said.INSIGHTS).aside] == ["data.0"]


def test_address_of_an_answer_says_that_posts_are_the_top_ones() -> None:
    recorded = Answer(
        status=200, headers={}, body=json.dumps(said.RECENT).encode(), url="/17/top_media?limit=5"
    )
    page = InstagramGraph().read(recorded, SEEN)
    assert (len(page.posts), len(page.top)) == (0, 2)


def test_a_batch_is_read_part_by_part() -> None:
    parts = [
        {"code": 200, "body": json.dumps(said.TAGS)},
        {"code": 400, "body": json.dumps(said.error(190))},
    ]
    page = page_of(parts)
    assert ([tag.name for tag in page.tags], page.error) == (["love"], None)
    assert [(note.where, note.reason) for note in page.aside] == [
        ("1", "the token is invalid or expired")
    ]
    dead = page_of(parts[1:]).error
    assert dead is not None
    assert dead.kind == "login_required"


@pytest.mark.parametrize(
    ("code", "more", "kind"),
    [
        (4, {}, "rate_limited"),
        (17, {}, "rate_limited"),
        (32, {}, "rate_limited"),
        (613, {}, "rate_limited"),
        (80002, {}, "rate_limited"),
        (18, {}, "rate_limited"),
        (9, {"error_subcode": 2207034}, "rate_limited"),
        (190, {"error_subcode": 463}, "login_required"),
        (10, {}, "bad_request"),
        (100, {}, "bad_request"),
        (200, {}, "bad_request"),
        (24, {}, "gone"),
        (1, {}, "server"),
        (2, {}, "server"),
        (999, {"is_transient": True}, "server"),
        (999, {}, "unknown"),
    ],
)
def test_code_decides_what_an_error_is(code: int, more: dict[str, object], kind: str) -> None:
    with pytest.raises(IngestError) as caught:
        InstagramGraph().judge(answer(said.error(code, **more), 400), NOW)
    assert (caught.value.kind, caught.value.code) == (kind, str(code))


def test_other_envelope_of_the_log_in_is_an_error_too() -> None:
    body = {"error_type": "OAuthException", "code": 400, "error_message": "words"}
    error = page_of(body).error
    assert error is not None
    assert (error.kind, error.code) == ("login_required", "400")


def test_code_4_throttles_the_whole_app_and_the_header_tells_minutes() -> None:
    use = {"17": [{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 7}]}
    headers = {"x-business-use-case-usage": json.dumps(use)}
    with pytest.raises(RateLimited) as caught:
        InstagramGraph().judge(answer(said.error(4), 400, **headers), NOW)
    assert (caught.value.whole_app, caught.value.seconds) == (True, 420.0)
    with pytest.raises(RateLimited) as caught:
        InstagramGraph().judge(answer(said.error(17), 400), NOW)
    assert (caught.value.whole_app, caught.value.seconds) == (False, None)


def test_usage_is_percent_and_the_business_header_wins() -> None:
    app = {"x-app-usage": '{"call_count":28,"total_time":25,"total_cputime":31}'}
    read = InstagramGraph().allowance
    assert read(answer({}, **app), NOW) == Allowance(used_percent=31.0)
    use = {"1": [{"call_count": 5, "total_time": 9, "estimated_time_to_regain_access": 0}]}
    both = {**app, "x-business-use-case-usage": json.dumps(use)}
    assert read(answer({}, **both), NOW) == Allowance(used_percent=9.0)
    assert read(answer({}, **{"x-app-usage": "nonsense"}), NOW) == Allowance()


class Wire:
    """Answers requests by a function and keeps them."""

    def __init__(self, reply: Callable[[Request], object]) -> None:
        self.reply = reply
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> Answer:
        self.asked.append(request)
        return answer(self.reply(request))


def hashtag(request: Request) -> object:
    if request.path == "/ig_hashtag_search":
        return said.SEARCH
    if "after" in dict(request.params):
        return {"data": []}
    return said.RECENT


async def polled(source: InstagramGraph, wire: Wire, target: Target) -> list[Page]:
    return [page async for page in source.poll(wire, target, ASKER, SEEN, None)]


async def test_a_hashtag_is_looked_up_once_for_ever_and_every_request_names_its_slot() -> None:
    source, wire = InstagramGraph(), Wire(hashtag)
    pages = await polled(source, wire, NIKE)
    await polled(source, wire, NIKE)
    assert [request.path for request in wire.asked] == [
        "/ig_hashtag_search",
        *["/17843826142012701/recent_media", "/17843826142012701/top_media"] * 1,
        *["/17843826142012701/recent_media"] * 3,
    ]
    assert {request.slot for request in wire.asked} == {"nike"}
    assert (len(pages[0].posts), len(pages[0].top), len(pages[1].posts)) == (2, 2, 0)
    assert dict(wire.asked[1].headers)["authorization"] == "Bearer t0k"
    assert "t0k" not in str(wire.asked[1].params)


async def test_top_posts_are_asked_for_every_six_hours() -> None:
    source, wire = InstagramGraph(), Wire(hashtag)
    tops = []
    for hours in (0, 2, 5.9, 6, 8, 11.9, 12.1):
        seen = Seen(observed_at=SEEN.observed_at + timedelta(hours=hours))
        pages = [page async for page in source.poll(wire, NIKE, ASKER, seen, None)]
        tops.append(len(pages[0].top))
    assert tops == [2, 0, 0, 2, 0, 0, 2]


async def test_without_budget_for_the_top_posts_the_recent_ones_are_kept() -> None:
    def poor(request: Request) -> object:
        if "top_media" in request.path:
            raise NoBudget("the budget is spent", seconds=60.0)
        return hashtag(request)

    source = InstagramGraph()
    pages = await polled(source, Wire(poor), NIKE)
    assert (len(pages[0].posts), len(pages[0].top)) == (2, 0)
    wire = Wire(hashtag)
    assert len((await polled(source, wire, NIKE))[0].top) == 2


async def test_a_hashtag_the_network_does_not_know_is_gone() -> None:
    with pytest.raises(Gone):
        await polled(InstagramGraph(), Wire(lambda r: {"data": []}), NIKE)


async def test_a_profile_is_asked_for_through_the_asker_and_goes_on_inside_the_field() -> None:
    wire = Wire(lambda r: said.DISCOVERY)
    target = Target(network="instagram", kind="profile", name="shoes")
    pages = await polled(InstagramGraph(), wire, target)
    first, second = (dict(request.params)["fields"] for request in wire.asked)
    assert wire.asked[0].path == "/1784"
    assert first.startswith("business_discovery.username(shoes){id,username,")
    assert "media.limit(50){id," in first
    assert "media.limit(50).after(QVFI2){id," in second
    assert len(pages) == 2  # the same cursor again ends the poll
