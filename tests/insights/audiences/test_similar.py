from pathlib import Path

import pytest

from fakes.memory_lake import MemoryLake
from fakes.shelves import shelved
from insights.audiences.book import Book
from insights.audiences.estimates import Interval
from insights.audiences.similar import EXACT, similar
from insights.errors import BadRequest


@pytest.fixture
def book(tmp_path: Path) -> Book:
    lists = {"ann": range(100), "bob": range(50, 150), "cy": range(90, 110), "dan": range(500, 600)}
    return shelved(tmp_path, "mastodon", lists)


async def test_the_most_similar_come_first_and_are_counted(book: Book) -> None:
    found = await similar(MemoryLake(), book, "mastodon:ann")
    assert found.account is not None
    assert (found.account.id, found.account.followers, found.compared_with) == (
        "mastodon:ann",
        100,
        3,
    )
    assert [one.account.id for one in found.similar] == ["mastodon:bob", "mastodon:cy"]
    bob, cy = found.similar
    assert bob.similarity_percent == Interval(value=33.33, low=33.33, high=33.33)  # 50 of 150
    assert bob.overlap_percent == Interval(value=50.0, low=50.0, high=50.0)
    assert cy.similarity_percent.value == 9.09  # 10 of 110
    assert cy.overlap_percent is not None
    assert cy.overlap_percent.value == 50.0  # 10 of 20
    assert bob.counted
    assert cy.counted


async def test_beyond_the_best_similarities_are_estimated(tmp_path: Path) -> None:
    lists = {str(number): range(20 * number, 20 * number + 2_000) for number in range(1, 60)}
    found = await similar(MemoryLake(), shelved(tmp_path, "x", lists), "x:1", most=40)
    assert [one.counted for one in found.similar] == [True] * EXACT + [False] * 20
    counted = [one.similarity_percent.value for one in found.similar[:EXACT]]
    assert counted == sorted(counted, reverse=True)
    for one in found.similar[EXACT:]:
        assert (
            one.similarity_percent.low
            <= one.similarity_percent.value
            <= one.similarity_percent.high
        )


async def test_an_unknown_account_has_nobody_similar(book: Book) -> None:
    found = await similar(MemoryLake(), book, "mastodon:who")
    assert (found.account, found.compared_with, found.similar) == (None, 4, ())
    assert (await similar(MemoryLake(), book, "x:who")).compared_with == 0


@pytest.mark.parametrize("most", [0, 501])
async def test_a_limit_out_of_range_is_refused(book: Book, most: int) -> None:
    with pytest.raises(BadRequest, match=f"limit: {most} cannot be used; use 1 to 500"):
        await similar(MemoryLake(), book, "mastodon:ann", most=most)
