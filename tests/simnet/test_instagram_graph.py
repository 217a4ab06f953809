from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from simnet.brands import Brand
from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.ids import pk_of
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import Reply, ask
from simnet.world import World

ROOT = "/graph.example/v19.0"
TOKEN = "access_token=EAAsimtoken0001"
FIELDS = "id,caption,comments_count,like_count,media_type,media_url,permalink,timestamp,children"

Ask = Callable[..., Reply]
AskJson = Callable[..., Any]


def _tag_id(tell_json: AskJson, tag: str = "nike") -> str:
    return tell_json(f"{ROOT}/ig_hashtag_search?user_id=1&q={tag}&{TOKEN}")["data"][0]["id"]


def _pk(media: Any) -> str:
    return str(pk_of(media["permalink"].rstrip("/").rpartition("/")[2]))


def _pages(tell_json: AskJson, url: str) -> list[Any]:
    found, after = [], ""
    while True:
        page = tell_json(f"{url}&after={after}")
        found += page["data"]
        after = page.get("paging", {}).get("cursors", {}).get("after")
        if after is None:
            return found


def test_media_have_the_fields_asked_for_and_no_author(tell_json: AskJson) -> None:
    url = f"{ROOT}/{_tag_id(tell_json)}/recent_media?user_id=1&limit=50&fields={FIELDS}&{TOKEN}"
    media = tell_json(url)["data"][0]
    assert set(FIELDS.split(",")) - media.keys() <= {"children", "like_count"}
    assert "username" not in media
    assert media["timestamp"].endswith("+0000")


def test_recent_media_are_those_of_a_day_each_once(
    tell_json: AskJson, truth: Truth, clock: SteppedClock
) -> None:
    url = f"{ROOT}/{_tag_id(tell_json)}/recent_media?user_id=1&limit=50&fields={FIELDS}&{TOKEN}"
    found = [f"instagram:{_pk(media)}" for media in _pages(tell_json, url)]
    visible = truth.visible("nike", clock(), site="instagram")
    day = truth.posts("nike", clock() - timedelta(days=1), clock(), network="instagram")
    fresh = {post.id for post in day}
    assert found == [one for one in visible if one in fresh]
    assert len(found) > 50


def test_hidden_likes_are_left_out(tell_json: AskJson, world: World) -> None:
    posts = world.networks["instagram"]
    url = f"{ROOT}/{_tag_id(tell_json)}/top_media?user_id=1&limit=50&fields={FIELDS}&{TOKEN}"
    for media in _pages(tell_json, url):
        post = world.views["instagram"].at(int(_pk(media)))
        assert ("like_count" in media) is not bool(posts.hidden[post])


def test_top_media_come_most_engaging_first(tell_json: AskJson) -> None:
    url = f"{ROOT}/{_tag_id(tell_json)}/top_media?user_id=1&limit=20&fields={FIELDS}&{TOKEN}"
    likes = [media["like_count"] for media in tell_json(url)["data"] if "like_count" in media]
    assert likes[0] > 20 * likes[-1]


def test_business_discovery_tells_a_profile_and_its_media(tell_json: AskJson) -> None:
    inner = "id,username,followers_count,media_count,media.limit(2){id,caption,permalink}"
    fields = f"business_discovery.username(nike){{{inner}}}"
    answer = tell_json(f"{ROOT}/17841400900000001?fields={fields}&{TOKEN}")
    found = answer["business_discovery"]
    assert answer["id"] == "17841400900000001"  # the asker's
    assert found["username"] == "nike"
    assert found["followers_count"] > 500_000
    assert len(found["media"]["data"]) == 2
    after = found["media"]["paging"]["cursors"]["after"]
    fields = fields.replace("limit(2)", f"limit(2).after({after})")
    more = tell_json(f"{ROOT}/17841400900000001?fields={fields}&{TOKEN}")["business_discovery"]
    assert {one["id"] for one in more["media"]["data"]}.isdisjoint(
        one["id"] for one in found["media"]["data"]
    )


def test_a_private_persons_account_is_not_discovered(tell: Ask) -> None:
    fields = "business_discovery.username(nobody){id}"
    reply = tell(f"{ROOT}/1?fields={fields}&{TOKEN}")
    assert (reply.status, _code(reply)) == (400, 110)


def _code(reply: Reply) -> int:
    return int(msgspec.json.decode(reply.body)["error"]["code"])


@pytest.fixture
def crowd(clock: SteppedClock) -> Simulation:
    """A world of 32 hashtags, and eight days later to ask it."""
    brands = [Brand(tag=f"tag{at}", posts_per_day=20) for at in range(32)]
    return Simulation(World(1, start=clock(), days=2, brands=brands, people=50), now=clock)


def _search(simulation: Simulation, tag: str, account: int = 1) -> Reply:
    token = f"access_token=EAAsimtoken{account:04d}"
    return simulation.answer(ask("GET", f"{ROOT}/ig_hashtag_search?user_id=1&q={tag}&{token}"))


def test_slots_refuse_the_thirty_first_hashtag(crowd: Simulation, clock: SteppedClock) -> None:
    clock.advance(86_400)
    assert {_search(crowd, f"tag{at}").status for at in range(30)} == {200}
    refusal = _search(crowd, "tag30")
    assert (refusal.status, _code(refusal)) == (400, 18)
    assert _search(crowd, "tag0").status == 200  # asked before: free
    assert _search(crowd, "tag30", account=2).status == 200  # another account
    assert crowd.judge.report().slot_violations == 1
    clock.advance(6 * 86_400)
    assert _search(crowd, "tag30").status == 400
    clock.advance(86_400)
    assert _search(crowd, "tag30").status == 200


def test_media_of_a_hashtag_take_a_slot_too(crowd: Simulation, clock: SteppedClock) -> None:
    clock.advance(86_400)
    tag_id = msgspec.json.decode(_search(crowd, "tag31", account=2).body)["data"][0]["id"]
    for at in range(30):
        _search(crowd, f"tag{at}")
    url = f"{ROOT}/{tag_id}/recent_media?user_id=1&fields=id&{TOKEN}"
    assert _code(crowd.answer(ask("GET", url))) == 18


def test_searched_hashtags_are_told(crowd: Simulation, clock: SteppedClock) -> None:
    clock.advance(86_400)
    for at in range(3):
        _search(crowd, f"tag{at}")
    reply = crowd.answer(ask("GET", f"{ROOT}/1/recently_searched_hashtags?{TOKEN}"))
    names = [one["name"] for one in msgspec.json.decode(reply.body)["data"]]
    assert names == ["tag0", "tag1", "tag2"]


def test_a_hashtag_nobody_used_does_not_exist(tell: Ask) -> None:
    assert _code(tell(f"{ROOT}/ig_hashtag_search?user_id=1&q=neverused&{TOKEN}")) == 24


def test_the_users_budget_refuses_with_code_17(world: World, clock: SteppedClock) -> None:
    limits = Budgets(graph_user=(2, 3600), graph_app=(100, 3600))
    simulation = Simulation(world, now=clock, budgets=limits)
    first, second, third = (_search(simulation, "nike") for _ in range(3))
    assert (first.status, second.status, _code(third)) == (200, 200, 17)
    assert _usage(first) == 50
    assert _usage(second) == _usage(third) == 100
    assert _wait(third) == 60
    clock.advance(3600)
    assert _search(simulation, "nike").status == 200


def _case(reply: Reply) -> Any:
    usage = msgspec.json.decode(dict(reply.headers)["X-Business-Use-Case-Usage"])
    return usage["17841400900000001"][0]


def _usage(reply: Reply) -> int:
    return int(_case(reply)["call_count"])


def _wait(reply: Reply) -> int:
    return int(_case(reply)["estimated_time_to_regain_access"])


def test_the_apps_budget_refuses_every_account_with_code_4(
    world: World, clock: SteppedClock
) -> None:
    limits = Budgets(graph_user=(100, 3600), graph_app=(2, 3600))
    simulation = Simulation(world, now=clock, budgets=limits)
    found = [_search(simulation, "nike", account=at) for at in (1, 2, 3)]
    assert [reply.status for reply in found] == [200, 200, 400]
    assert _code(found[2]) == 4
    assert msgspec.json.decode(dict(found[2].headers)["X-App-Usage"])["call_count"] == 100


def test_a_token_that_is_none_is_refused_with_code_190(tell: Ask) -> None:
    assert _code(tell(f"{ROOT}/ig_hashtag_search?user_id=1&q=nike&access_token=x")) == 190
    assert _code(tell(f"{ROOT}/ig_hashtag_search?user_id=1&q=nike")) == 190


def test_the_token_may_stand_in_the_header(tell: Ask) -> None:
    headers = {"Authorization": "Bearer EAAsimtoken0003"}
    assert tell(f"{ROOT}/ig_hashtag_search?user_id=1&q=nike", headers=headers).status == 200


def test_what_does_not_exist_is_code_100(tell: Ask) -> None:
    assert _code(tell(f"{ROOT}/17841999999999999/recent_media?{TOKEN}")) == 100
    assert _code(tell(f"{ROOT}/no/such/thing?{TOKEN}")) == 100
