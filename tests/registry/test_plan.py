import msgspec
import pytest

from fakes.registered import START, draft, lane
from registry import Registry
from registry.errors import BadField
from registry.models import CampaignDraft, Competitor, Lane, WatchedTarget
from registry.plan import Misfit, Plan, PlannedTarget, Room, plan


def planned(
    wish: CampaignDraft,
    lanes: list[Lane],
    *,
    watched: list[WatchedTarget] | None = None,
    rates: dict[str, float] | None = None,
    slots_used: dict[str, set[str]] | None = None,
) -> Plan:
    return plan(
        wish, lanes=lanes, watched=watched or [], rates=rates or {}, slots_used=slots_used or {}
    )


def known(name: str, at: str, *, network: str = "mastodon") -> WatchedTarget:
    key = f"{network}/tag/{name}"
    return WatchedTarget(key=key, network=network, kind="tag", name=name, lane=at)


def test_one_tag_on_one_lane_is_polled_each_minute() -> None:
    found = planned(draft(), [lane("a")])
    assert found.targets == (
        PlannedTarget(
            target="mastodon/tag/nike",
            network="mastodon",
            kind="tag",
            name="nike",
            lane="mastodon/a",
            polls_per_hour=60.0,
            freshness=30.0,
            slot=False,
            shared=False,
        ),
    )
    assert (found.fits, found.requests_per_hour, found.capacity_per_hour) == (True, 60.0, 3600.0)
    assert (found.reasons, found.would_fit) == ((), ())


def test_rates_decide_who_is_polled_how_often() -> None:
    rates = {"mastodon/tag/nike": 16.0, "mastodon/tag/adidas": 1.0}
    found = planned(
        draft(hashtags=("nike", "adidas")), [lane("a", limit=50, window=3600.0)], rates=rates
    )
    polls = {target.name: target.polls_per_hour for target in found.targets}
    assert polls == pytest.approx({"nike": 36.0, "adidas": 9.0})
    freshness = {target.name: target.freshness for target in found.targets}
    assert freshness == pytest.approx({"nike": 50.0, "adidas": 200.0})
    # Posts weigh alike: (16 * 50 + 1 * 200) / 17.
    assert found.networks[0].freshness == pytest.approx(1000 / 17)


def test_a_target_that_is_watched_already_costs_nothing() -> None:
    found = planned(draft(), [lane("a")], watched=[known("nike", "mastodon/a")])
    assert [(target.shared, target.slot) for target in found.targets] == [(True, False)]
    assert found.requests_per_hour == 0.0


def test_what_others_lose_is_told() -> None:
    small = lane("a", limit=40, window=3600.0)
    found = planned(
        draft(hashtags=("nike", "puma", "fila")), [small], watched=[known("adidas", "mastodon/a")]
    )
    (network,) = found.networks
    assert (network.others_freshness, network.others_freshness_after) == (50.0, 200.0)


def test_hashtag_slots_are_counted() -> None:
    lanes = [lane("a", network="instagram", slots=30, limit=200, window=3600.0)]
    found = planned(
        draft(networks=("instagram",), hashtags=("nike", "old"), profiles=("nike",)),
        lanes,
        watched=[known("puma", "instagram/a", network="instagram")],
        slots_used={"instagram/a": {"old", "older"}},
    )
    assert (found.slots_needed, found.slots_free) == (1, 27)
    assert {target.target: target.slot for target in found.targets} == {
        "instagram/profile/nike": False,
        "instagram/tag/nike": True,
        "instagram/tag/old": False,
    }
    (used,) = found.lanes
    assert (used.lane, used.slots, used.slots_needed, used.slots_free) == ("instagram/a", 30, 1, 27)


def test_too_many_hashtags_are_refused_with_what_would_fit() -> None:
    lanes = [lane("a", network="instagram", slots=30, limit=200, window=3600.0)]
    tags = tuple(f"tag{number}" for number in range(35))
    found = planned(draft(networks=("instagram",), hashtags=tags), lanes)
    assert not found.fits
    assert found.reasons == (
        Misfit(
            field="hashtags",
            value=35,
            limit=30,
            why="instagram has 30 hashtag slots free, and 30 of these fit",
        ),
    )
    assert found.would_fit == (Room(network="instagram", lanes=1, hashtags=30, profiles=0),)
    assert (found.slots_needed, found.slots_free) == (35, 30)


def test_a_network_without_a_lane_is_named() -> None:
    found = planned(draft(networks=("mastodon", "bluesky")), [lane("a")])
    (reason,) = found.reasons
    assert (reason.field, reason.value, reason.limit) == ("networks[1]", "bluesky", 0)
    assert found.would_fit == (
        Room(network="mastodon", lanes=1, hashtags=1, profiles=0),
        Room(network="bluesky", lanes=0, hashtags=0, profiles=0),
    )


def test_a_lane_in_quarantine_is_no_lane() -> None:
    ill = msgspec.structs.replace(lane("a"), quarantined_at=START)
    assert planned(draft(), [ill]).reasons[0].field == "networks[0]"


def test_more_profiles_than_can_be_polled_are_refused() -> None:
    slow = lane("a", limit=1, window=3600.0)
    found = planned(draft(hashtags=(), profiles=tuple("abcdef")), [slow])
    assert found.reasons == (
        Misfit(
            field="profiles",
            value=6,
            limit=4,
            why="mastodon has room for 4 at 0.25 polls an hour each",
        ),
    )


def test_competitors_count_too() -> None:
    rival = Competitor(name="Adidas", hashtags=("adidas",), profiles=("adidas",))
    found = planned(draft(competitors=(rival,)), [lane("a")])
    assert [target.target for target in found.targets] == [
        "mastodon/profile/adidas",
        "mastodon/tag/adidas",
        "mastodon/tag/nike",
    ]


def test_a_plan_never_asks_for_more_than_the_lanes_have() -> None:
    lanes = [lane(name, limit=20, window=3600.0) for name in "abc"]
    found = planned(draft(hashtags=tuple(f"t{n}" for n in range(100))), lanes)
    assert found.fits
    assert found.requests_per_hour <= 60.0 * (1 + 1e-9)
    assert all(used.requests <= 20.0 * (1 + 1e-9) for used in found.lanes)


def test_a_bad_draft_is_no_plan() -> None:
    with pytest.raises(BadField, match="networks is"):
        planned(draft(networks=()), [lane("a")])


def test_a_plan_is_json() -> None:
    found = planned(draft(), [lane("a")])
    assert msgspec.json.decode(msgspec.json.encode(found), type=Plan) == found


async def test_the_registry_plans_beside_all_that_is_watched(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a", network="instagram", slots=3)])
    client = await registry.clients.create("Acme")
    instagram = draft(networks=("instagram",), hashtags=("puma", "fila"))
    await registry.campaigns.create(client.id, instagram)
    found = await registry.plan(draft(networks=("instagram",), hashtags=("puma", "nike")))
    assert (found.fits, found.slots_needed, found.slots_free) == (True, 1, 1)


async def test_what_is_planned_is_what_is_pinned(registry: Registry) -> None:
    await registry.lanes.upsert([lane(name, slots=10) for name in "abcd"])
    client = await registry.clients.create("Acme")
    wish = draft(hashtags=tuple(f"t{number}" for number in range(40)))
    promised = {target.target: target.lane for target in (await registry.plan(wish)).targets}
    await registry.campaigns.create(client.id, wish)
    pinned = {target.key: target.lane for target in await registry.targets.watched(START)}
    assert promised == pinned
