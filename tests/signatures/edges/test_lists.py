from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invented.audiences import flat
from signatures.edges import _lists_c, _lists_py
from signatures.edges.lists import Lists, lists_of, no_lists, one_list, shared, summed
from signatures.edges.numbering import Numbering

small = st.integers(0, 30)
pairs = st.lists(st.tuples(st.integers(0, 3), small | st.just(2**64 - 1)), max_size=80)
sets = st.lists(st.sets(small, max_size=12), min_size=4, max_size=4)


def made(groups: list[set[int]]) -> Lists:
    return Lists(*flat([np.array(sorted(group), dtype=np.uint64) for group in groups]))


def told(lists: Lists) -> list[list[int]]:
    return [lists[row].tolist() for row in range(len(lists))]


@given(pairs)
def test_pairs_become_ascending_lists_without_repetitions(edges: list[tuple[int, int]]) -> None:
    rows = np.array([row for row, _ in edges], dtype=np.uint32)
    hashes = np.array([one for _, one in edges], dtype=np.uint64)
    wanted = [sorted({one for row, one in edges if row == place}) for place in range(4)]
    assert told(lists_of(rows, hashes, 4)) == wanted


def test_long_lists_are_sorted_too() -> None:
    hashes = np.random.default_rng(1).integers(0, 2**64, 5_000, dtype=np.uint64)
    found = lists_of(np.ones(5_000, dtype=np.uint32), hashes, 3)
    assert found.sizes.tolist() == [0, 5_000, 0]
    assert (found[1] == np.sort(hashes)).all()


@given(sets, sets)
def test_lists_are_compared_one_by_one(some: list[set[int]], others: list[set[int]]) -> None:
    left, right = made(some), made(others)
    both = list(zip(some, others, strict=True))
    assert told(left.without(right)) == [sorted(one - other) for one, other in both]
    assert told(left.common(right)) == [sorted(one & other) for one, other in both]
    assert told(left) == [sorted(one) for one in some]


@given(sets, sets, sets)
def test_what_came_and_went_is_summed(
    first: list[set[int]], went: list[set[int]], again: list[set[int]]
) -> None:
    wanted, gone, back = [], [], []
    for one, out, more in zip(first, went, again, strict=True):
        gone.append(one & out)
        back.append(more - (one - out))
        wanted.append(sorted((one - out) | more))
    found = summed([made(first), no_lists(4), made(back)], [no_lists(4), made(gone), no_lists(4)])
    assert told(found) == wanted


@given(st.sets(small), st.sets(small))
def test_shared_hashes_are_counted(some: set[int], others: set[int]) -> None:
    a, b = made([some])[0], made([others])[0]
    assert shared(a, b) == _lists_py.shared(a, b) == len(some & others)


def test_lists_are_taken_in_any_order_and_minus_one_is_empty() -> None:
    lists = made([{1, 2}, set(), {3}])
    assert told(lists.take(np.array([2, -1, 0, 2]))) == [[3], [], [1, 2], [3]]
    assert told(no_lists(0).take(np.array([-1]))) == [[]]
    assert told(one_list(np.array([5], dtype=np.uint64))) == [[5]]


@pytest.fixture(params=[_lists_py, _lists_c], ids=["python", "cython"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@given(edges=pairs)
def test_both_kernels_group_alike(edges: list[tuple[int, int]]) -> None:
    rows = np.array([row for row, _ in edges], dtype=np.uint32)
    hashes = np.array([one for _, one in edges], dtype=np.uint64)
    found = []
    for one in (_lists_py, _lists_c):
        ends = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=4))])[:-1]
        grouped = np.zeros_like(hashes)
        one.group(rows, hashes, ends, grouped)
        found.append((ends.tolist(), grouped.tolist()))
    assert found[0] == found[1]


@given(st.lists(st.lists(small, max_size=9).map(sorted), max_size=5))
def test_both_kernels_drop_repetitions_alike(lists: list[list[int]]) -> None:
    found = []
    for one in (_lists_py, _lists_c):
        indptr, hashes = flat([np.array(part, dtype=np.uint64) for part in lists])
        left = one.distinct(indptr, hashes)
        found.append((left, indptr.tolist(), hashes[:left].tolist()))
    assert found[0] == found[1]


@given(sets, sets, st.booleans())
def test_both_kernels_compare_alike(
    some: list[set[int]], others: list[set[int]], common: bool
) -> None:
    found, right = [], made(others)
    for one in (_lists_py, _lists_c):
        left = made(some)
        count = one.without(left.indptr, left.hashes, right.indptr, right.hashes, common)
        found.append((count, left.indptr.tolist(), left.hashes[:count].tolist()))
    assert found[0] == found[1]


@given(st.lists(st.lists(st.integers(0, 2**64 - 1) | small, max_size=30), max_size=6))
def test_keys_are_numbered_as_they_come(batches: list[list[int]]) -> None:
    numbering, known = Numbering(), {}
    for batch in batches:
        rows, first = numbering.number(np.array(batch, dtype=np.uint64))
        new = [
            key for place, key in enumerate(batch) if key not in known and key not in batch[:place]
        ]
        assert [batch[place] for place in first.tolist()] == new
        for key in new:
            known[key] = len(known)
        assert rows.tolist() == [known[key] for key in batch]
    assert numbering.keys.tolist() == list(known)


def test_many_keys_are_numbered() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, 100_000, dtype=np.uint64)
    numbering = Numbering()
    for start in range(0, 100_000, 7_000):
        numbering.number(keys[start : start + 7_000])
    assert numbering.number(keys)[0].tolist() == list(range(100_000))


@given(st.lists(st.lists(small, max_size=20), max_size=4))
def test_both_kernels_number_alike(batches: list[list[int]]) -> None:
    found = []
    for one in (_lists_py, _lists_c):
        slots, numbers = np.zeros(256, dtype=np.uint64), np.full(256, -1, dtype=np.int32)
        count, told = 0, []
        for batch in batches:
            keys = np.array(batch, dtype=np.uint64)
            rows, first = np.empty(len(keys), dtype=np.uint32), np.empty(len(keys), dtype=np.int64)
            before, count = count, one.number(keys, slots, numbers, count, rows, first)
            told.append((rows.tolist(), first[: count - before].tolist(), count))
        found.append(told)
    assert found[0] == found[1]
