"""The audiences that are planted: groups that share fans, whatever the size."""

import itertools
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest

from simnet.audiences import Audience, Follower
from simnet.interests import GROUPS, INTERESTS
from simnet.people import NETWORKS
from simnet.truth import Truth
from simnet.wire import Reply
from simnet.world import World, milliseconds

Ask = Callable[..., Reply]
SIZES = (200, 5_000, 60_000)


def numbers(audience: Audience, person: int, size: int) -> set[int]:
    return {audience.member(person, rank).number for rank in range(size)}


def jaccard(one: set[int], other: set[int]) -> float:
    return len(one & other) / len(one | other)


def of_group(world: World, group: int, count: int) -> list[int]:
    found: list[int] = np.flatnonzero(world.people.group == group).tolist()
    return found[:count]


@pytest.mark.parametrize("size", SIZES)
def test_accounts_of_one_group_and_size_share_a_fifth_of_their_followers(
    world: World, size: int
) -> None:
    audience = Audience(world.people, "mastodon")
    found = [numbers(audience, person, size) for person in of_group(world, 3, 5)]
    shares = [jaccard(one, other) for one, other in itertools.combinations(found, 2)]
    # .12 to .27 by the strides; three deviations of a count of 200 * .42 are .07 of similarity.
    assert all(0.1 - 0.07 * (200 / size) ** 0.5 < share < 0.35 for share in shares)
    assert 0.1 < sum(shares) / len(shares) < 0.3


@pytest.mark.parametrize("size", SIZES)
def test_accounts_of_two_groups_share_next_to_nobody(world: World, size: int) -> None:
    audience = Audience(world.people, "bluesky")
    found = [numbers(audience, of_group(world, group, 1)[0], size) for group in range(6)]
    assert max(jaccard(one, other) for one, other in itertools.combinations(found, 2)) < 0.02


@pytest.mark.parametrize("network", NETWORKS)
def test_nobody_follows_twice_nor_himself(world: World, network: str) -> None:
    audience = Audience(world.people, network)
    for person in range(0, world.people.count, 40):
        found = [audience.member(person, rank).number for rank in range(3_000)]
        assert len(set(found)) == len(found)
        assert person not in found


def test_a_member_is_the_account_of_its_number_and_some_are_of_the_world(world: World) -> None:
    audience = Audience(world.people, "mastodon")
    found = [audience.member(7, rank) for rank in range(300)]
    assert [audience.account(one.number) for one in found] == found
    assert 10 < sum(one.person is not None for one in found) < 60
    assert len({one.handle for one in found}) == 300


def test_ranks_never_move_while_a_list_grows(world: World) -> None:
    audience, people = Audience(world.people, "mastodon"), world.people
    begin, end = world.begin, world.end
    person = max(range(people.count), key=lambda p: audience.size(p, end) - audience.size(p, begin))
    grown = audience.size(person, end) - audience.size(person, begin)
    early = audience.page(person, now=begin, limit=50, below=None)
    late = audience.page(person, now=end, limit=grown + 50, below=None)
    assert grown > 0
    assert late[grown:] == early


def test_a_page_of_those_shown_goes_on_where_it_ended(world: World) -> None:
    audience = Audience(world.people, "mastodon")

    def even(one: Follower) -> bool:
        return one.number % 2 == 0

    person = next(p for p in range(3, 600) if audience.size(p, world.end) > 200)
    whole = audience.page(person, now=world.end, limit=10**6, below=None, shown=even)
    first = audience.page(person, now=world.end, limit=20, below=None, shown=even)
    rest = audience.page(person, now=world.end, limit=10**6, below=first[-1][0], shown=even)
    assert first + rest == whole
    assert all(even(one) for _, one in whole)


def test_a_small_account_has_the_followers_it_states(world: World) -> None:
    audience, people = Audience(world.people, "bluesky"), world.people
    smallest = int(np.argmin(people.followers("bluesky", np.arange(people.count), world.end)))
    size = audience.size(smallest, world.end)
    assert 0 < size < 40
    assert len(audience.page(smallest, now=world.end, limit=100, below=None)) == size


def test_the_words_of_a_group_stand_in_the_bios_of_its_people_only(world: World) -> None:
    people = world.people
    for person in range(people.count):
        own = GROUPS[people.group[person]]
        said = people.bio(person).replace(",", "").split()
        named = {name for name, words in INTERESTS.items() if set(words) & set(said)}
        assert named == {own}, people.bio(person)


def test_every_group_has_people_and_the_brands_have_theirs(world: World) -> None:
    sizes = np.bincount(world.people.group, minlength=len(GROUPS))
    assert sizes.min() > 35  # of 600 in ten groups
    assert [GROUPS[group] for group in world.people.group[:3]] == ["running", "running", "football"]


def test_the_truth_tells_audiences_their_union_and_what_they_share(
    world: World, truth: Truth
) -> None:
    now, audience = world.start, Audience(world.people, "bluesky")
    instant = milliseconds(now)
    pair = [p for p in of_group(world, 4, 40) if 100 < audience.size(p, instant) < 2_000][:2]
    one, other = (truth.author_id("bluesky", person) for person in pair)
    mine, theirs = truth.audience(one, now), truth.audience(other, now)
    assert len(mine) == truth.followers(one, now)
    assert truth.overlap(one, other, now) == len(mine & theirs) > 0
    assert truth.reach([one, other], now) == len(mine | theirs)
    assert truth.group_of(one) == GROUPS[4]


# --- as Mastodon's instances show them


def _uris(tell: Ask, host: str, number: int) -> Iterator[str]:
    url: str | None = f"/{host}/api/v1/accounts/{number}/followers?limit=80"
    while url is not None:
        reply = tell(url)
        yield from (one["uri"] for one in msgspec.json.decode(reply.body))
        link = dict(reply.headers).get("Link", "").partition(">")[0].lstrip("<")
        parts = urlsplit(link)
        url = f"/{parts.netloc}{parts.path}?{parts.query}" if link else None


def test_home_lists_all_followers_and_another_instance_only_its_own(
    world: World, truth: Truth, tell: Ask
) -> None:
    people, now = world.people, world.start
    person = next(
        p for p in range(3, people.count)
        if people.home[p] == 0 and not people.hides(p)
        and 150 < people.followers("mastodon", [p], world.end)[0] < 400
    )  # fmt: skip
    at_home = set(_uris(tell, "mastodon.example", people.mastodon_id(person, 0)))
    elsewhere = set(_uris(tell, "fedi.example", people.mastodon_id(person, 1)))
    assert elsewhere == {uri for uri in at_home if uri.startswith("https://fedi.example/")}
    assert 0.3 * len(at_home) < len(elsewhere) < 0.7 * len(at_home)
    known = truth.audience(truth.author_id("mastodon", person), now)
    shared = {f"mastodon:{uri}" for uri in at_home} & known
    assert len(shared) > 0.9 * len(known)


def test_an_account_that_hides_its_list_shows_an_empty_one_and_its_count(
    world: World, tell: Ask
) -> None:
    people = world.people
    hiding = [p for p in range(people.count) if people.hides(p) and people.home[p] == 0]
    number = people.mastodon_id(hiding[0], 0)
    reply = tell(f"/mastodon.example/api/v1/accounts/{number}/followers?limit=80")
    account = msgspec.json.decode(tell(f"/mastodon.example/api/v1/accounts/{number}").body)
    assert (reply.body, "Link" in dict(reply.headers)) == (b"[]", False)
    assert account["followers_count"] > 0
    assert 5 < len(hiding) < 40  # of about 300 at home there
