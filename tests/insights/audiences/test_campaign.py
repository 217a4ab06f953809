from datetime import timedelta
from pathlib import Path

import pytest

from fakes.campaign_world import NOW, START, campaign
from fakes.memory_lake import MemoryLake
from fakes.shelves import shelved
from insights.audiences.book import NOBODY, Book
from insights.audiences.campaign import campaign_overlap
from insights.audiences.estimates import Interval
from insights.campaigns import before_during_after, summary
from insights.errors import BadRequest
from insights.text import ten_lines


@pytest.fixture
def book(tmp_path: Path) -> Book:
    # Of the campaign's three publishers ann and bob are known, in one network each.
    shelved(tmp_path, "instagram", {"bob": range(50)})
    return shelved(
        tmp_path,
        "mastodon",
        {"ann": range(100), "bob": range(80, 120), "cid": range(10)},
        cut=frozenset({"ann"}),
    )


async def test_publishers_reach_each_person_once(memory: MemoryLake, book: Book) -> None:
    found = await summary(memory, campaign(), now=NOW, audiences=book)
    reach, kpi = found.reach, found.kpis["reach_estimate"]
    assert reach.publishers == 3
    assert reach.publishers_known >= 2
    assert reach.people is not None
    assert kpi.value == reach.people.value
    assert (kpi.low, kpi.high, kpi.known) == (
        reach.people.low,
        reach.people.high,
        reach.publishers_known,
    )
    assert reach.incomplete == 1
    assert reach.note.startswith(f"of {reach.publishers_known} of 3 publishers")
    assert kpi.value <= found.kpis["publishers_followers_sum"].value  # type: ignore[operator] # both known


async def test_reach_is_absent_with_a_reason_when_nobodys_followers_are_known(
    memory: MemoryLake,
) -> None:
    found = await summary(memory, campaign(), now=NOW, audiences=NOBODY)
    assert found.reach.people is None
    assert found.reach.publishers == 3
    assert found.kpis["reach_estimate"].value is None
    assert "no list of followers of these publishers is known" in found.kpis["reach_estimate"].note


async def test_there_is_no_reach_of_the_past(memory: MemoryLake, book: Book) -> None:
    past = NOW - timedelta(days=1)
    found = await summary(memory, campaign(), now=NOW, as_of=past, audiences=book)
    assert found.reach.people is None
    assert "kept as they are now" in found.reach.note


async def test_there_is_no_reach_before_the_campaign(memory: MemoryLake, book: Book) -> None:
    found = await summary(memory, campaign(), now=START - timedelta(days=30), audiences=book)
    assert found.reach.note == "no publisher is known by name"


async def test_publishers_overlap_in_a_matrix(memory: MemoryLake, book: Book) -> None:
    found = await campaign_overlap(memory, campaign(), audiences=book, now=NOW)
    assert (found.side, found.period, found.top, found.publishers) == ("nike", "during", 20, 3)
    members = [one.account.id for part in found.overlaps.networks for one in part.members]
    assert "mastodon:ann" in members
    assert found.note == ""
    assert all(
        part.overlap_percent[place][place] == 100.0
        for part in found.overlaps.networks
        for place in range(len(part.members))
    )


async def test_of_each_network_those_with_the_longest_lists_are_compared(
    memory: MemoryLake, tmp_path: Path
) -> None:
    shelved(tmp_path, "bluesky", {"gus": range(5)})
    book = shelved(tmp_path, "mastodon", {"ann": range(100), "bob": range(20), "cid": range(60)})
    both = campaign(networks=("bluesky", "mastodon"))
    found = await campaign_overlap(memory, both, audiences=book, now=NOW, top=2)
    members = [one.account.id for part in found.overlaps.networks for one in part.members]
    assert sorted(members) == ["bluesky:gus", "mastodon:ann", "mastodon:cid"]


async def test_an_overlap_of_nobody_says_why(memory: MemoryLake) -> None:
    found = await campaign_overlap(memory, campaign(), audiences=NOBODY, now=NOW)
    assert found.overlaps.networks == ()
    assert "taglake audience collect" in found.note


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"top": 1}, "top: 1 cannot be used; use 2 to 100"),
        ({"side": "who"}, "side: 'who' cannot be used"),
        ({"as_of": START}, "as_of: .* leave it out: lists of followers are kept as they are now"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    memory: MemoryLake, book: Book, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        await campaign_overlap(memory, campaign(), audiences=book, now=NOW, **options)  # type: ignore[arg-type]


async def test_the_terminal_tells_reach(memory: MemoryLake, book: Book) -> None:
    text = ten_lines(
        await summary(memory, campaign(), now=NOW, audiences=book),
        await before_during_after(memory, campaign(), now=NOW),
    )
    assert "; reach " in text
    assert " people of " in text


def test_an_interval_is_whole_people() -> None:
    assert Interval(value=1, low=1, high=2).high == 2
