from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import Reply, ask
from simnet.world import World, milliseconds, moment

WEB = {"Cookie": "sessionid=session-0001; csrftoken=x"}
APP = {"x-ig-app-id": "936619743392459"}
ROOT = "/instagram.example"

Ask = Callable[..., Reply]
AskJson = Callable[..., Any]


def _hashtag(tell_json: AskJson, tag: str = "nike", cursor: str = "") -> Any:
    url = f"{ROOT}/explore/tags/{quote(tag)}/?__a=1&max_id={quote(cursor)}"
    return tell_json(url, headers=WEB)["graphql"]["hashtag"]


def _graphql(tell_json: AskJson, query_hash: str = "", **variables: Any) -> Any:
    packed = quote(msgspec.json.encode(variables).decode())
    url = f"{ROOT}/graphql/query/?query_hash={query_hash}&variables={packed}"
    return tell_json(url, headers=WEB)["data"]


def _visible(truth: Truth, clock: SteppedClock, tag: str) -> list[str]:
    return [one.partition(":")[2] for one in truth.visible(tag, clock(), site="instagram")]


def test_generation_c_has_the_keys_of_the_field_map(tell_json: AskJson) -> None:
    hashtag = _hashtag(tell_json)
    assert {
        "id", "name", "edge_hashtag_to_media", "edge_hashtag_to_top_posts",
        "edge_hashtag_to_related_tags", "edge_hashtag_to_content_advisory",
        "edge_hashtag_to_null_state",
    } <= hashtag.keys()  # fmt: skip
    assert hashtag["edge_hashtag_to_media"].keys() == {"count", "page_info", "edges"}
    node = hashtag["edge_hashtag_to_media"]["edges"][0]["node"]
    assert {
        "__typename", "id", "shortcode", "edge_media_to_caption", "edge_media_to_comment",
        "edge_liked_by", "edge_media_preview_like", "taken_at_timestamp", "owner", "location",
        "is_video", "display_url",
    } <= node.keys()  # fmt: skip
    assert node["owner"].keys() == {"id"}  # a tag page tells no handle
    assert hashtag["edge_hashtag_to_related_tags"]["edges"][0]["node"]["name"] == "running"


def test_generation_d_has_the_keys_of_the_field_map(tell_json: AskJson) -> None:
    data = tell_json(f"{ROOT}/explore/tags/nike/?__a=1&__d=dis", headers=WEB)["data"]
    assert {"id", "name", "media_count", "top", "recent"} <= data.keys()
    assert isinstance(data["id"], int)
    recent = data["recent"]
    assert {
        "sections", "more_available", "next_max_id", "next_page", "next_media_ids"
    } <= recent.keys()  # fmt: skip
    media = recent["sections"][0]["layout_content"]["medias"][0]["media"]
    assert {
        "pk", "id", "code", "taken_at", "device_timestamp", "media_type", "user", "caption",
        "like_count", "comment_count", "preview_comments", "like_and_view_counts_disabled",
    } <= media.keys()  # fmt: skip
    assert media["id"] == f"{media['pk']}_{media['user']['pk']}"


def test_pages_of_generation_c_yield_every_post_once(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    found, cursor = [], ""
    while True:
        media = _hashtag(tell_json, cursor=cursor)["edge_hashtag_to_media"]
        found += [edge["node"]["id"] for edge in media["edges"]]
        if not media["page_info"]["has_next_page"]:
            break
        cursor = media["page_info"]["end_cursor"]
    assert found == _visible(truth, clock, "nike")
    assert len(found) > 600


def test_pages_of_generation_d_yield_every_post_once(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    wall = tell_json(f"{ROOT}/explore/tags/nike/?__a=1&__d=dis", headers=WEB)["data"]["recent"]
    found = _pks(wall)
    while wall["more_available"]:
        form = {"max_id": wall["next_max_id"], "page": wall["next_page"], "tab": "recent"}
        url, body = f"{ROOT}/api/v1/tags/nike/sections/", urlencode(form).encode()
        wall = tell_json(url, "POST", headers=WEB, body=body)
        found += _pks(wall)
    assert found == _visible(truth, clock, "nike")


def _pks(wall: Any) -> list[str]:
    rows = [section["layout_content"]["medias"] for section in wall["sections"]]
    return [str(one["media"]["pk"]) for row in rows for one in row]


def test_graphql_pages_yield_every_post_once(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    found, cursor = [], None
    while True:
        hashtag = _graphql(tell_json, tag_name="puma", first=50, after=cursor)["hashtag"]
        media = hashtag["edge_hashtag_to_media"]
        found += [edge["node"]["id"] for edge in media["edges"]]
        cursor = media["page_info"]["end_cursor"]
        if cursor is None:
            break
    assert found == _visible(truth, clock, "puma")


def test_a_last_full_page_has_a_cursor_and_an_empty_page_behind_it(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    tag = "スニーカー"
    count = len(_visible(truth, clock, tag))
    assert 0 < count <= 50
    media = _graphql(tell_json, tag_name=tag, first=count)["hashtag"]["edge_hashtag_to_media"]
    assert media["page_info"]["has_next_page"]
    after = media["page_info"]["end_cursor"]
    rest = _graphql(tell_json, tag_name=tag, first=count, after=after)["hashtag"]
    assert rest["edge_hashtag_to_media"]["edges"] == []
    assert not rest["edge_hashtag_to_media"]["page_info"]["has_next_page"]


def _media(tell_json: AskJson, pk: int) -> Any:
    return tell_json(f"{ROOT}/api/v1/media/{pk}/info/", headers=WEB)["items"][0]


def test_hidden_likes_are_no_likes(
    tell_json: AskJson, world: World, truth: Truth, clock: SteppedClock
) -> None:
    posts = world.networks["instagram"]
    hidden = next(p for p in range(posts.count) if posts.hidden[p] and posts.deleted[p] > 2**62)
    pk = posts.number[hidden]
    media = _media(tell_json, pk)
    assert media["like_and_view_counts_disabled"] is True
    assert media["like_count"] == 3
    node = tell_json(f"{ROOT}/p/{media['code']}/?__a=1", headers=WEB)["graphql"]["shortcode_media"]
    assert node["edge_liked_by"]["count"] == -1
    assert truth.counts(f"instagram:{pk}", clock()).likes is None


def test_counts_are_the_truths(
    tell_json: AskJson, world: World, truth: Truth, clock: SteppedClock
) -> None:
    posts = world.networks["instagram"]
    now = milliseconds(clock())
    open_ = [p for p in range(200) if not posts.hidden[p] and posts.deleted[p] > now]
    for post in open_:
        media, true = _media(tell_json, posts.number[post]), truth.counts(
            f"instagram:{posts.number[post]}", clock()
        )  # fmt: skip
        assert (media["like_count"], media["comment_count"], media.get("view_count")) == (
            true.likes,
            true.comments,
            true.views,
        )


def test_a_deleted_post_is_gone(world: World) -> None:
    posts = world.networks["instagram"]
    post = min(range(posts.count), key=lambda p: posts.deleted[p])
    before = SteppedClock(moment(posts.deleted[post] - 1))
    simulation = Simulation(world, now=before)
    url = f"{ROOT}/api/v1/media/{posts.number[post]}/info/"
    assert simulation.answer(ask("GET", url, headers=WEB)).status == 200
    before.advance(0.001)
    assert simulation.answer(ask("GET", url, headers=WEB)).status == 404


def test_an_edited_post_changes_its_text_and_keeps_its_tags(world: World) -> None:
    posts = world.networks["instagram"]
    now = world.end
    post = next(p for p in range(posts.count) if posts.edited[p] < now < posts.deleted[p])
    clock = SteppedClock(moment(posts.edited[post] - 1_000))
    simulation = Simulation(world, now=clock)
    url = f"{ROOT}/api/v1/media/{posts.number[post]}/info/"
    texts, marks = [], []
    for _ in range(2):
        body = simulation.answer(ask("GET", url, headers=WEB)).body
        media = msgspec.json.decode(body)["items"][0]
        texts.append(media["caption"]["text"])
        marks.append(media["caption_is_edited"])
        clock.advance(2)
    assert marks == [False, True]
    assert texts[1].startswith(texts[0])
    assert len(texts[1]) > len(texts[0])


def test_comments_are_previewed(tell_json: AskJson) -> None:
    top = _hashtag(tell_json)["edge_hashtag_to_top_posts"]["edges"]
    edges = [edge for one in top for edge in one["node"]["edge_media_to_comment"]["edges"]]
    assert edges
    assert {"id", "text", "created_at", "owner"} <= edges[0]["node"].keys()


def test_a_profile_of_generation_c_tells_counts_and_posts(tell_json: AskJson) -> None:
    user = tell_json(f"{ROOT}/nike/?__a=1", headers=WEB)["graphql"]["user"]
    assert user["username"] == "nike"
    assert user["is_verified"] is True
    assert user["edge_followed_by"]["count"] > 500_000
    timeline = user["edge_owner_to_timeline_media"]
    assert timeline["edges"][0]["node"]["owner"] == {"id": user["id"], "username": "nike"}
    related = user["edge_related_profiles"]["edges"]
    assert [edge["node"]["username"] for edge in related] == ["adidas", "puma"]


def test_the_timeline_goes_on_by_graphql(tell_json: AskJson, world: World) -> None:
    user = tell_json(f"{ROOT}/nike/?__a=1", headers=WEB)["graphql"]["user"]
    first = user["edge_owner_to_timeline_media"]
    cursor = first["page_info"]["end_cursor"]
    more = _graphql(tell_json, id=user["id"], first=50, after=cursor)["user"]
    codes = [
        edge["node"]["shortcode"]
        for page in (first, more["edge_owner_to_timeline_media"])
        for edge in page["edges"]
    ]
    assert len(codes) == len(set(codes)) > 12


def test_a_profile_of_generation_e_needs_the_apps_header(tell: Ask, tell_json: AskJson) -> None:
    url = f"{ROOT}/api/v1/users/web_profile_info/?username=nike"
    user = tell_json(url, headers=APP)["data"]["user"]
    assert {"fbid", "category_name", "is_professional_account", "bio_links"} <= user.keys()
    assert tell(url).status == 400


def test_a_private_account_shows_no_posts(tell_json: AskJson, world: World) -> None:
    private = int(world.people.private.argmax())
    handle = world.people.handles[private]
    user = tell_json(f"{ROOT}/{handle}/?__a=1", headers=WEB)["graphql"]["user"]
    assert user["is_private"] is True
    assert user["edge_owner_to_timeline_media"]["edges"] == []


def test_followers_come_in_pages_without_repeats(tell_json: AskJson, world: World) -> None:
    people = world.people
    person = next(
        p for p in range(3, people.count)
        if not people.private[p] and 120 < people.followers("instagram", [p], world.end)[0] < 400
    )  # fmt: skip
    found, cursor = [], None
    while True:
        edge = _graphql(
            tell_json, "37479f2b8209594dde7facb0d904896a",
            id=str(people.instagram_pk(person)), first=50, after=cursor,
        )["user"]["edge_followed_by"]  # fmt: skip
        found += [one["node"]["id"] for one in edge["edges"]]
        if not edge["page_info"]["has_next_page"]:
            break
        cursor = edge["page_info"]["end_cursor"]
    assert len(found) == len(set(found)) == edge["count"]


def test_who_is_unknown_is_not_found(tell: Ask) -> None:
    assert tell(f"{ROOT}/nobody_at_all/?__a=1").status == 404
    assert tell(f"{ROOT}/explore/tags/neverused/?__a=1", headers=WEB).status == 404
    missing = tell(f"{ROOT}/api/v1/users/web_profile_info/?username=nobody", headers=APP)
    assert (missing.status, missing.body) == (404, b'{"data":{"user":null},"status":"ok"}')


def test_a_tag_page_without_session_leads_to_the_log_in(tell: Ask) -> None:
    reply = tell(f"{ROOT}/explore/tags/nike/?__a=1")
    assert reply.status == 302
    assert dict(reply.headers)["Location"] == "/accounts/login/?next=/explore/tags/nike/"


def test_a_foreign_cursor_is_refused(tell: Ask) -> None:
    reply = tell(f"{ROOT}/explore/tags/nike/?__a=1&max_id=nonsense", headers=WEB)
    assert (reply.status, reply.body) == (400, b'{"message":"invalid max_id","status":"fail"}')


def test_the_budget_of_a_session_refuses_without_a_header(world: World) -> None:
    clock = SteppedClock(world.start)
    simulation = Simulation(world, now=clock, budgets=Budgets(web=(3, 3600)))
    asking = ask("GET", f"{ROOT}/explore/tags/nike/?__a=1", headers=WEB)
    assert [simulation.answer(asking).status for _ in range(4)] == [200, 200, 200, 429]
    refusal = simulation.answer(asking)
    assert refusal.headers == ()
    assert msgspec.json.decode(refusal.body)["require_login"] is True
    clock.advance(3600)
    assert simulation.answer(asking).status == 200


def test_generation_c_can_be_asked_for(world: World, clock: SteppedClock) -> None:
    simulation = Simulation(world, now=clock, generation="C")
    reply = simulation.answer(ask("GET", f"{ROOT}/explore/tags/nike/?__a=1&__d=dis", headers=WEB))
    assert msgspec.json.decode(reply.body).keys() == {"graphql"}
