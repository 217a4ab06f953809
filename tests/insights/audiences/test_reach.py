from datetime import UTC, datetime
from pathlib import Path

import pytest

from fakes.memory_lake import MemoryLake
from fakes.observations import audience, profile
from fakes.shelves import shelved
from insights.audiences import book as book_module
from insights.audiences.book import NOBODY, Book
from insights.audiences.estimates import Interval
from insights.audiences.named import ids_of
from insights.audiences.reach import added, overlaps
from insights.errors import BadRequest
from lake.records import ProfileCounts

READ = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def book(tmp_path: Path) -> Book:
    shelved(tmp_path, "bluesky", {"did:plc:zoe": [1, 2]})
    return shelved(
        tmp_path,
        "mastodon",
        {"ann": [1, 2, 3, 4], "bob": [3, 4, 5], "cy": [9], "nobody": []},
        cut=frozenset({"bob"}),
        read_at=READ,
    )


@pytest.fixture
async def lake() -> MemoryLake:
    lake = MemoryLake()
    ann = profile("mastodon:ann", "Ann@m.example", name="Ann", counts=ProfileCounts(followers=5))
    await lake.append([ann, audience("mastodon:bob", "bob@m.example")])
    return lake


async def test_accounts_reach_each_person_once(lake: MemoryLake, book: Book) -> None:
    found = await overlaps(lake, book, ["mastodon:ann", "mastodon:bob", "mastodon:cy"])
    assert found.people == Interval(value=6, low=6, high=6)
    (part,) = found.networks
    assert part.reach.followers_sum == 8
    assert part.reach.frequency == Interval(value=1.33, low=1.33, high=1.33)
    assert part.reach.follow_percent == (66.67, 33.33)
    assert part.reach.counted
    assert [one.account.id for one in part.members] == [
        "mastodon:ann",
        "mastodon:bob",
        "mastodon:cy",
    ]
    assert [one.exclusive_percent.value for one in part.members if one.exclusive_percent] == [
        *(50.0, 33.33, 100.0)
    ]
    assert part.overlap_percent == ((100.0, 66.67, 0.0), (66.67, 100.0, 0.0), (0.0, 0.0, 100.0))


async def test_an_account_is_listed_with_what_is_known_of_it(lake: MemoryLake, book: Book) -> None:
    found = await overlaps(lake, book, ["mastodon:ann", "mastodon:bob"])
    ann, bob = (one.account for one in found.networks[0].members)
    assert (ann.handle, ann.name, ann.followers, ann.stated) == ("Ann@m.example", "Ann", 4, 5)
    assert (ann.complete, ann.read_at) == (True, READ)
    assert (bob.handle, bob.stated, bob.complete) == (None, None, False)


async def test_networks_are_added_up_and_unknown_accounts_named(
    lake: MemoryLake, book: Book
) -> None:
    found = await overlaps(
        lake, book, ["mastodon:ann", "x:elon", "bluesky:did:plc:zoe", "mastodon:who"]
    )
    assert [one.reach.network for one in found.networks] == ["bluesky", "mastodon"]
    assert found.people == Interval(value=6, low=6, high=6)
    assert found.unknown == ("x:elon", "mastodon:who")


async def test_an_account_without_followers_has_no_shares(lake: MemoryLake, book: Book) -> None:
    found = await overlaps(lake, book, ["mastodon:ann", "mastodon:nobody"])
    (part,) = found.networks
    assert part.members[1].exclusive_percent is None
    assert part.overlap_percent == ((100.0, None), (None, None))
    assert part.reach.people.value == 4


async def test_nobody_known_reaches_nobody_we_know(lake: MemoryLake) -> None:
    found = await overlaps(lake, NOBODY, ["mastodon:ann"])
    assert (found.people, found.networks, found.unknown) == (None, (), ("mastodon:ann",))


async def test_too_many_accounts_are_refused(lake: MemoryLake, book: Book) -> None:
    with pytest.raises(BadRequest, match="accounts: 501 cannot be used; name at most 500"):
        await overlaps(lake, book, [f"mastodon:{number}" for number in range(501)])


async def test_long_lists_are_estimated_within_their_interval(
    lake: MemoryLake, tmp_path: Path
) -> None:
    half = book_module.COUNTED // 2
    book = shelved(
        tmp_path, "x", {"1": range(half), "2": range(half // 2, half // 2 + half), "3": range(9)}
    )
    found = await overlaps(lake, book, ["x:1", "x:2", "x:3"])
    (part,) = found.networks
    assert not part.reach.counted
    assert part.reach.people.low < 1.5 * half < part.reach.people.high
    assert part.reach.people.high < 1.1 * 1.5 * half
    row = part.overlap_percent[0]
    low, high = part.low_percent[0][1], part.high_percent[0][1]
    assert row[1] is not None
    assert low is not None
    assert high is not None
    assert low < 50.0 < high


def test_estimates_of_networks_are_added_as_independent() -> None:
    one = Interval(value=100, low=70, high=130)
    assert added([one, Interval(value=200, low=160, high=240)]) == Interval(
        value=300, low=250, high=350
    )
    assert added([]) is None


async def test_a_book_notices_that_a_worker_has_written(lake: MemoryLake, tmp_path: Path) -> None:
    book = shelved(tmp_path, "mastodon", {"ann": [1]})
    assert book.networks == ["mastodon"]
    before = book.shelf("mastodon")
    assert book.shelf("mastodon") is before
    shelved(tmp_path, "mastodon", {"ann": [2], "bob": [1]})
    assert (await overlaps(lake, book, ["mastodon:ann", "mastodon:bob"])).people == Interval(
        value=2, low=2, high=2
    )


async def test_accounts_are_found_by_id_and_by_handle(lake: MemoryLake, book: Book) -> None:
    names = ["ann", "mastodon:ann", "@Ann@m.example", "@BOB@m.example", "who"]
    assert await ids_of(lake, book, "mastodon", names) == {
        "ann": "mastodon:ann",
        "mastodon:ann": "mastodon:ann",
        "@Ann@m.example": "mastodon:ann",
        "@BOB@m.example": "mastodon:bob",
        "who": "mastodon:who",
    }
