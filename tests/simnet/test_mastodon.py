import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from simnet.budgets import Budgets
from simnet.clocks import SteppedClock
from simnet.simulation import Simulation
from simnet.truth import Truth
from simnet.wire import Reply, ask
from simnet.world import World, milliseconds, moment

ROOT = "/mastodon.example"
TAG = f"{ROOT}/api/v1/timelines/tag/nike"

Ask = Callable[..., Reply]
AskJson = Callable[..., Any]


def _next(reply: Reply, rel: str = "next") -> str | None:
    """Return the next page's address on our server, as a client reads it from Link."""
    found = re.search(rf'<([^>]+)>; rel="{rel}"', dict(reply.headers).get("Link", ""))
    if found is None:
        return None
    parts = urlsplit(found[1])
    return f"/{parts.netloc}{parts.path}?{parts.query}"


def _all(tell: Ask, url: str | None) -> list[Any]:
    found = []
    while url is not None:
        reply = tell(url)
        found += msgspec.json.decode(reply.body)
        url = _next(reply)
    return found


def test_statuses_have_the_keys_of_the_field_map(tell_json: AskJson) -> None:
    status = tell_json(TAG)[0]
    assert {
        "id", "uri", "url", "created_at", "edited_at", "content", "language", "account", "tags",
        "mentions", "media_attachments", "reblog", "in_reply_to_id", "favourites_count",
        "reblogs_count", "replies_count", "quotes_count",
    } <= status.keys()  # fmt: skip
    assert {
        "id", "username", "acct", "display_name", "note", "url", "uri", "locked", "bot",
        "followers_count", "following_count", "statuses_count", "created_at",
    } <= status["account"].keys()  # fmt: skip
    assert {tag["name"] for tag in status["tags"]} >= {"nike"}
    assert status["content"].startswith("<p>")


def test_link_pages_yield_every_status_once(tell: Ask, truth: Truth, clock: SteppedClock) -> None:
    for host in ("mastodon.example", "fedi.example"):
        statuses = _all(tell, f"/{host}/api/v1/timelines/tag/nike?limit=40")
        found = [f"mastodon:{status['uri']}" for status in statuses]
        assert found == truth.visible("nike", clock(), site=host)
        assert len(found) > 250


def test_an_empty_page_has_no_link_and_every_other_one_has(tell: Ask) -> None:
    last = tell(f"{TAG}?max_id=1")
    assert (last.status, last.body, "Link" in dict(last.headers)) == (200, b"[]", False)
    assert "Link" in dict(tell(f"{TAG}?limit=1").headers)


def test_limits_are_clamped_silently(tell_json: AskJson) -> None:
    assert len(tell_json(f"{TAG}?limit=9999")) == 40
    assert len(tell_json(TAG)) == 20


def test_pages_may_be_kept_small(world: World, truth: Truth, clock: SteppedClock) -> None:
    simulation = Simulation(world, now=clock, budgets=Budgets(page=15))

    def tell(url: str) -> Reply:
        return simulation.answer(ask("GET", url))

    assert len(msgspec.json.decode(tell(f"{TAG}?limit=40").body)) == 15
    found = [f"mastodon:{status['uri']}" for status in _all(tell, f"{TAG}?limit=40")]
    assert found == truth.visible("nike", clock(), site="mastodon.example")


def test_since_id_gives_the_newest_and_min_id_the_next(tell_json: AskJson) -> None:
    ids = [status["id"] for status in tell_json(f"{TAG}?limit=40")]
    since = [status["id"] for status in tell_json(f"{TAG}?limit=5&since_id={ids[20]}")]
    following = [status["id"] for status in tell_json(f"{TAG}?limit=5&min_id={ids[20]}")]
    assert since == ids[:5]
    assert following == ids[15:20]


def test_a_timeline_can_be_narrowed(tell_json: AskJson) -> None:
    local = tell_json(f"{TAG}?local=true")
    assert {status["account"]["acct"].count("@") for status in local} == {0}
    remote = tell_json(f"{TAG}?remote=true")
    assert {status["account"]["acct"].count("@") for status in remote} == {1}
    assert all(status["media_attachments"] for status in tell_json(f"{TAG}?only_media=true"))
    both = tell_json(f"{TAG}?all[]=running")
    assert all({"nike", "running"} <= {t["name"] for t in status["tags"]} for status in both)
    none = tell_json(f"{TAG}?none[]=running")
    assert all("running" not in {t["name"] for t in status["tags"]} for status in none)


def test_one_post_has_one_uri_and_two_ids(tell: Ask) -> None:
    here, there = (
        {status["uri"]: status["id"] for status in _all(tell, f"/{host}/api/v1/timelines/tag/puma")}
        for host in ("mastodon.example", "fedi.example")
    )
    shared = here.keys() & there.keys()
    assert len(shared) > 30
    assert all(here[uri] != there[uri] for uri in shared)


def test_a_remote_instance_has_seen_fewer_favourites(
    world: World, truth: Truth, clock: SteppedClock
) -> None:
    post = max(
        truth.posts("nike", world.start, clock(), network="mastodon"),
        key=lambda one: truth.counts(one.id, clock()).likes or 0,
    )
    home = "mastodon.example" if "//mastodon.example/" in post.id else "fedi.example"
    away = "fedi.example" if home == "mastodon.example" else "mastodon.example"
    at_home, seen = (truth.counts(post.id, clock(), observer=host).likes for host in (home, away))
    assert at_home is not None
    assert seen is not None
    assert 0.3 * at_home < seen < at_home


def test_an_account_is_looked_up_by_its_local_name(tell: Ask, tell_json: AskJson) -> None:
    account = tell_json(f"{ROOT}/api/v1/accounts/lookup?acct=nike")
    assert (account["acct"], account["username"]) == ("nike", "nike")
    remote = tell_json("/fedi.example/api/v1/accounts/lookup?acct=nike@mastodon.example")
    assert remote["acct"] == "nike@mastodon.example"
    assert remote["uri"] == account["uri"]
    assert tell(f"{ROOT}/api/v1/accounts/lookup?acct=nobody").status == 404


def test_an_accounts_statuses_are_its_own(tell: Ask, tell_json: AskJson) -> None:
    account = tell_json(f"{ROOT}/api/v1/accounts/lookup?acct=nike")
    statuses = _all(tell, f"{ROOT}/api/v1/accounts/{account['id']}/statuses?limit=10")
    assert len(statuses) == len({status["id"] for status in statuses}) > 3
    assert {status["account"]["acct"] for status in statuses} == {"nike"}


def test_boosts_hold_the_original(world: World, tell: Ask, clock: SteppedClock) -> None:
    now = milliseconds(clock())
    person, (_, post) = next(
        (who, boosted[0]) for who, boosted in world.boosts.items()
        if boosted[0][0] < now < world.networks["mastodon"].deleted[boosted[0][1]]
        and world.people.home[who] == 0
    )  # fmt: skip
    account = world.people.mastodon_id(person, 0)
    statuses = _all(tell, f"{ROOT}/api/v1/accounts/{account}/statuses")
    boosts = [status for status in statuses if status["reblog"]]
    assert boosts
    assert all(boost["id"] != boost["reblog"]["id"] for boost in boosts)
    originals = {boost["reblog"]["uri"] for boost in boosts}
    author = world.people.handles[world.networks["mastodon"].person[post]]
    assert any(author in uri for uri in originals)
    plain = _all(tell, f"{ROOT}/api/v1/accounts/{account}/statuses?exclude_reblogs=true")
    assert all(status["reblog"] is None for status in plain)


def test_followers_are_paged_by_the_link_alone(world: World, tell: Ask) -> None:
    people = world.people
    person = next(
        p for p in range(3, people.count)
        if 90 < people.followers("mastodon", [p], world.end)[0] < 300
        and people.home[p] == 0 and not people.hides(p)
    )  # fmt: skip
    account = people.mastodon_id(person, 0)
    found = _all(tell, f"{ROOT}/api/v1/accounts/{account}/followers?limit=80")
    assert len(found) == len({one["acct"] for one in found}) > 90


def test_a_status_is_found_by_its_number_until_it_is_deleted(world: World) -> None:
    view, posts = world.views["mastodon.example"], world.networks["mastodon"]
    post = min(view.everything().posts, key=lambda p: posts.deleted[p])
    clock = SteppedClock(moment(posts.deleted[post] - 1))
    simulation = Simulation(world, now=clock)
    url = f"{ROOT}/api/v1/statuses/{view.number[post]}"
    assert simulation.answer(ask("GET", url)).status == 200
    clock.advance(0.001)
    gone = simulation.answer(ask("GET", url))
    assert (gone.status, gone.body) == (404, b'{"error":"Record not found"}')


def test_a_tags_history_is_seven_days_of_strings(tell_json: AskJson) -> None:
    tag = tell_json(f"{ROOT}/api/v1/tags/Nike")
    assert tag["name"] == "nike"
    assert len(tag["history"]) == 7
    assert {type(value) for day in tag["history"] for value in day.values()} == {str}
    assert int(tag["history"][1]["uses"]) >= int(tag["history"][1]["accounts"]) > 5


def test_an_unused_tag_is_an_empty_timeline(tell_json: AskJson) -> None:
    assert tell_json(f"{ROOT}/api/v1/timelines/tag/neverused") == []


def test_the_budget_refuses_with_the_instant_of_the_reset(
    world: World, clock: SteppedClock
) -> None:
    simulation = Simulation(world, now=clock, budgets=Budgets(mastodon=(2, 300)))
    found = [simulation.answer(ask("GET", TAG)) for _ in range(3)]
    assert [reply.status for reply in found] == [200, 200, 429]
    assert [dict(reply.headers)["X-RateLimit-Remaining"] for reply in found] == ["1", "0", "0"]
    headers = dict(found[2].headers)
    assert headers["X-RateLimit-Reset"] == "2026-03-11T03:05:00.000000Z"
    assert "Retry-After" not in headers
    assert found[2].body == b'{"error":"Too many requests"}'


def test_a_token_has_a_budget_of_its_own(world: World, clock: SteppedClock) -> None:
    simulation = Simulation(world, now=clock, budgets=Budgets(mastodon=(1, 300)))
    bearer = {"Authorization": "Bearer mastodon-token-0001"}
    assert simulation.answer(ask("GET", TAG)).status == 200
    assert simulation.answer(ask("GET", TAG, headers=bearer)).status == 200
    assert simulation.answer(ask("GET", TAG)).status == 429


def test_an_invalid_token_is_refused(tell: Ask) -> None:
    reply = tell(TAG, headers={"Authorization": "Bearer wrong"})
    assert (reply.status, reply.body) == (401, b'{"error":"The access token is invalid"}')


def test_the_instance_tells_its_version(tell_json: AskJson) -> None:
    assert tell_json(f"{ROOT}/api/v2/instance")["version"] == "4.5.2"
