"""Whose followers the demo reads: brands and publishers, as many of each group."""

from collections import Counter
from datetime import timedelta

import pytest

from simnet.brands import sports_brands
from simnet.interests import GROUPS
from simnet.people import INSTANCES
from simnet.world import World, milliseconds
from taglake.demo import DAYS, START
from taglake.demo_audiences import Read, choice, told


@pytest.fixture(scope="module", params=[7, 3])
def world(request: pytest.FixtureRequest) -> World:
    return World(request.param, start=START, days=DAYS, brands=sports_brands(START), lift=0.5)


def chosen(world: World) -> list[tuple[str, int]]:
    """Return networks and accounts."""
    people = world.people
    by_name = {people.bluesky_handle(one): one for one in range(people.count)} | {
        f"{people.handles[one]}@{INSTANCES[people.home[one]]}": one for one in range(people.count)
    }
    end = milliseconds(START + timedelta(days=DAYS))
    return [(network, by_name[handle]) for network, handle in choice(world, end)]


def test_publishers_are_of_all_groups_alike_and_the_brands_are_among_them(world: World) -> None:
    people = world.people
    found = chosen(world)
    assert len(found) == len(set(found))
    for network, each, apart in (("mastodon", 4, 2), ("bluesky", 7, 0)):
        ours = [one for name, one in found if name == network]
        assert ours[:3] == [0, 1, 2]
        groups = Counter(GROUPS[people.group[one]] for one in ours[3 : len(ours) - apart])
        assert set(groups) == set(GROUPS)
        assert max(groups.values()) == each
        assert sum(groups.values()) >= 8 * each  # not every group has so many


def test_publishers_spoke_about_the_brands_and_have_middling_audiences(world: World) -> None:
    people, end = world.people, milliseconds(START + timedelta(days=DAYS))
    for network, one in chosen(world):
        if one >= len(world.brands):
            assert one in set(world.networks[network].columns.person.tolist())
            assert 300 <= people.followers(network, [one], end)[0] <= 2_000


def test_one_hides_his_list_and_one_lives_on_another_server(world: World) -> None:
    people = world.people
    on_mastodon = [one for network, one in chosen(world) if network == "mastodon"]
    assert sum(people.hides(one) for one in on_mastodon) == 1
    assert sum(bool(people.home[one]) for one in on_mastodon) == 1


def test_what_was_read_is_one_line() -> None:
    read = Read(audiences=58, whole=50, followers=41_672, reading=("nike@mastodon.example",))
    assert told(read) == (
        "followers of 58 accounts: 41,672 listed, 50 lists whole, 1 not yet at their end"
    )
