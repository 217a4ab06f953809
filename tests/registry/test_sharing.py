"""How the lanes of a fleet spread over its processes."""

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fakes.registered import lane
from registry.models import Lane
from registry.sharing import to_ask


def leased(*owners: str) -> list[Lane]:
    return [
        msgspec.structs.replace(lane(f"{number:03}"), lease_owner=owner)
        for number, owner in enumerate(owners)
    ]


def test_a_new_process_asks_for_half_of_what_one_holds() -> None:
    assert to_ask(leased(*["one"] * 5), "two") == ["mastodon/004", "mastodon/003"]


def test_an_even_fleet_is_left_alone() -> None:
    assert to_ask(leased("one", "one", "two"), "two") == []
    assert to_ask(leased("one"), "two") == []


def test_what_another_asked_for_is_not_asked_again() -> None:
    lanes = [msgspec.structs.replace(one, wanted_by="two") for one in leased(*["one"] * 4)]
    assert to_ask(lanes, "three") == []


@given(st.lists(st.integers(0, 30), min_size=2, max_size=8))
def test_a_fleet_is_even_after_a_few_rounds(counts: list[int]) -> None:
    names = [f"process {number}" for number in range(len(counts))]
    owners = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
    for _ in range(len(counts) + 2):
        lanes = leased(*owners)
        for name in names:
            for asked in to_ask(lanes, name):
                place = int(asked.rpartition("/")[2])
                lanes[place] = msgspec.structs.replace(lanes[place], wanted_by=name)
        owners = [lane.wanted_by or lane.lease_owner or "" for lane in lanes]
    has = Counter(dict.fromkeys(names, 0))
    has.update(owners)
    assert max(has.values()) - min(has.values()) <= 1
