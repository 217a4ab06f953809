from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.graphs import EMPTY, Known, email, minima
from signatures.errors import BadArray
from signatures.graphs.expansion import Similarity, expand, recall_area, slot_similarity

# A chain: each account is like the next one, 0.5, and a little like all others, 0.1.
CHAIN = np.full((6, 6), 0.1) + 0.4 * (np.eye(6, k=1) + np.eye(6, k=-1)) + 0.9 * np.eye(6)


def test_accounts_are_ranked_by_their_mean_similarity_to_the_seeds() -> None:
    found = expand(CHAIN.__getitem__, np.array([0, 2]), most=3)
    assert found.accounts.tolist() == [1, 3, 4]
    assert found.scores.tolist() == pytest.approx([0.5, 0.3, 0.1])


def test_greedy_expansion_follows_a_chain() -> None:
    found = expand(CHAIN.__getitem__, np.array([0]), most=5, greedy=True)
    assert found.accounts.tolist() == [1, 2, 3, 4, 5]
    assert found.scores.tolist() == pytest.approx([0.5, 0.3, 0.7 / 3, 0.2, 0.9 / 5])


def test_equals_stand_in_the_order_of_their_numbers() -> None:
    found = expand(np.full((5, 5), 0.5).__getitem__, np.array([3]), most=2)
    assert found.accounts.tolist() == [0, 1]


@pytest.mark.parametrize("greedy", [False, True])
def test_no_more_accounts_come_back_than_there_are(greedy: bool) -> None:
    found = expand(CHAIN.__getitem__, np.array([4, 5]), most=100, greedy=greedy)
    assert sorted(found.accounts.tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("seeds", "fix"),
    [
        ([], "give one account or more"),
        ([1, 1], "each once"),
        ([-1], "number the accounts from 0"),
        ([6], "6 cannot be used; give numbers of accounts there are"),
    ],
)
def test_what_is_no_seed_is_refused(seeds: list[int], fix: str) -> None:
    with pytest.raises(BadArray, match=fix):
        expand(CHAIN.__getitem__, np.array(seeds, int))


def test_equal_slots_are_counted_among_those_that_either_account_fills() -> None:
    rows = np.array([[1, 2, EMPTY, EMPTY], [1, 9, EMPTY, 7]], np.uint64)
    assert slot_similarity(rows, rare=False)(0).tolist() == pytest.approx([1.0, 1 / 3])


def test_an_account_without_followers_is_like_none() -> None:
    rows = np.array([[EMPTY, EMPTY], [EMPTY, EMPTY], [1, 2]], np.uint64)
    for rare in (False, True):
        assert slot_similarity(rows, rare=rare)(0).tolist() == [0.0, 0.0, 0.0]


def test_a_follower_whom_few_share_says_more() -> None:
    rows = np.array([[1, 2], [1, 9], [1, 8], [5, 2]], np.uint64)
    weight, other = np.log(4 / 3), np.log(4 / 2)  # 3 accounts share the 1, 2 the 2
    found = slot_similarity(rows)(0)
    assert found.tolist() == pytest.approx(
        [1.0, weight / (weight + other), weight / (weight + other), other / (weight + other)]
    )


def test_signatures_of_another_kind_are_refused() -> None:
    with pytest.raises(BadArray, match=r"minima: int64 \(2, 2\) cannot be used; give uint64"):
        slot_similarity(np.zeros((2, 2), np.int64))


@settings(deadline=None)
@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_slots_estimate_the_jaccard_similarity(both: int, one: int, other: int) -> None:
    accounts = np.repeat([0, 1, 0, 1], [both, both, one, other])
    followers = np.concatenate(
        [np.arange(both), np.arange(both), 100 + np.arange(one), 200 + np.arange(other)]
    )
    rows = minima(accounts, followers, 2, slots=4096)
    true = both / (both + one + other) if both + one + other else 0.0
    # 4096 slots for at most 150 followers: each stands alone in its slot but for a few (the
    # expected number of pairs in one slot is 150 * 149 / 2 / 4096 = 2.7), each changes 1 / n.
    assert slot_similarity(rows, rare=False)(0)[1] == pytest.approx(true, abs=0.1)


def test_recall_area_is_a_half_for_a_perfect_ranking() -> None:
    assert recall_area(np.array([3, 1, 2, 9]), np.array([1, 2, 3])) == pytest.approx(0.5)


def test_recall_area_of_known_rankings() -> None:
    assert recall_area(np.array([8, 9]), np.array([1, 2])) == 0.0
    # recall 0, 1/2, 1/2 after 0, 1, 2 accounts: a quarter, then a half, of one half each
    assert recall_area(np.array([1, 9]), np.array([1, 2])) == pytest.approx(3 / 8)
    assert recall_area(np.array([1]), np.array([1, 2])) == pytest.approx(3 / 8)


def test_recall_of_nobody_is_refused() -> None:
    with pytest.raises(BadArray, match="members"):
        recall_area(np.array([1]), np.array([], int))


def departments() -> Known:
    """Return who writes to whom in 10 departments of 40: 8 letters in three go to one's own, and
    4 in ten go to the 20 people to whom everybody writes.
    """
    dice = np.random.default_rng(7)
    groups = np.repeat(np.arange(10), 40)
    writers = np.repeat(np.arange(400), 30)
    own = groups[writers] * 40 + dice.integers(0, 40, 12_000)
    kind = dice.random(12_000)
    readers = np.where(kind < 0.3, own, dice.integers(0, 400, 12_000))
    readers = np.where(kind > 0.6, dice.integers(0, 20, 12_000) * 20, readers)
    return Known(writers, readers, groups)


def area(known: Known, similarity: Similarity, *, least: int, draws: int, greedy: bool) -> float:
    """Return the mean recall area of groups of `least` or more from 5 seeds each draw."""
    dice, found = np.random.default_rng(0), []
    for group in np.flatnonzero(np.bincount(known.groups) >= least):
        members = np.flatnonzero(known.groups == group)
        for _ in range(draws):
            seeds = dice.choice(members, 5, replace=False)
            rest = np.setdiff1d(members, seeds)
            ranked = expand(similarity, seeds, most=len(rest), greedy=greedy)
            found.append(recall_area(ranked.accounts, rest))
    return float(np.mean(found))


@pytest.mark.parametrize("greedy", [False, True])
def test_departments_are_found_from_five_people(greedy: bool) -> None:
    known = departments()
    rows = minima(known.targets, known.sources, 400)
    found = area(known, slot_similarity(rows), least=20, draws=2, greedy=greedy)
    assert found > 0.3  # by chance 35 of 395: 0.044


def test_departments_of_an_institute_are_found(public_graphs: Path) -> None:
    known = email(public_graphs)
    rows = minima(known.targets, known.sources, len(known.groups))
    similarity = slot_similarity(rows)
    assert area(known, similarity, least=20, draws=20, greedy=False) >= 0.36
    assert area(known, similarity, least=20, draws=4, greedy=True) >= 0.32
