import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fakes.registered import START, lane
from registry.models import WatchedTarget
from registry.pinning import Load, loads, pin


def tag(name: str, *, at: str | None = None, network: str = "mastodon") -> WatchedTarget:
    key = f"{network}/tag/{name}"
    return WatchedTarget(key=key, network=network, kind="tag", name=name, lane=at)


def test_six_hundred_tags_fit_on_twenty_accounts_of_thirty_slots() -> None:
    carried = {one.id: Load(one) for one in (lane(f"{n:02}", slots=30) for n in range(20))}
    pinned = pin([tag(f"tag{number}") for number in range(600)], carried)
    assert None not in pinned.values()
    assert {load.free_slots for load in carried.values()} == {0}
    assert pin([tag("one more")], carried) == {"mastodon/tag/one more": None}


def test_a_tag_goes_where_it_has_a_slot() -> None:
    lanes = [lane(name, slots=2) for name in "abcdef"]
    carried = loads(lanes, watched=[], slots_used={"mastodon/e": {"nike", "puma"}})
    assert pin([tag("nike")], carried) == {"mastodon/tag/nike": "mastodon/e"}


def test_a_target_stays_with_a_usable_lane() -> None:
    carried = loads([lane("a", slots=0), lane("b")], watched=[], slots_used={})
    assert pin([tag("nike", at="mastodon/a")], carried) == {"mastodon/tag/nike": "mastodon/a"}


def test_a_target_of_a_quarantined_lane_moves() -> None:
    ill = msgspec.structs.replace(lane("a"), quarantined_at=START)
    carried = loads([ill, lane("b")], watched=[], slots_used={})
    assert pin([tag("nike", at="mastodon/a")], carried) == {"mastodon/tag/nike": "mastodon/b"}


def test_a_target_stays_on_its_network() -> None:
    carried = loads([lane("a", network="bluesky")], watched=[], slots_used={})
    assert pin([tag("nike")], carried) == {"mastodon/tag/nike": None}


def test_a_lane_takes_no_more_than_it_can_poll_at_the_floor() -> None:
    carried = {"mastodon/a": Load(lane("a", limit=1, window=3600.0))}
    pinned = pin([tag(f"tag{number}") for number in range(6)], carried)
    assert list(pinned.values()).count("mastodon/a") == 4


def test_a_lane_of_twice_the_capacity_gets_twice_the_targets() -> None:
    lanes = [lane("small", limit=300), lane("large", limit=600)]
    pinned = pin([tag(f"tag{number}") for number in range(900)], {x.id: Load(x) for x in lanes})
    share = list(pinned.values()).count("mastodon/large") / 900
    assert abs(share - 2 / 3) < 0.05  # 3 standard deviations of a binomial with n = 900


@given(st.sets(st.text("abcdef", min_size=1), max_size=30), st.integers(1, 5))
def test_a_lane_that_goes_moves_only_its_own(names: set[str], gone: int) -> None:
    lanes = [lane(str(number)) for number in range(6)]
    before = pin(map(tag, names), {one.id: Load(one) for one in lanes})
    left = [one for one in lanes if one.account != str(gone)]
    after = pin(map(tag, names), {one.id: Load(one) for one in left})
    moved = {key for key in before if before[key] != after[key]}
    assert moved == {key for key, place in before.items() if place == f"mastodon/{gone}"}
