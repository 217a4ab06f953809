from random import Random
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.graphs import planted
from signatures.graphs import _grouping_c, _grouping_py, _parts_c, _parts_py
from signatures.graphs.grouping import kernel_name

# Weights that no binary fraction holds: sums in another order would differ in their last digit.
edge_lists = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.1, 0.3, 1.0, 7.7])),
    max_size=60,
)
Lists = tuple[np.ndarray, np.ndarray, np.ndarray]


def edges(rows: list[tuple[int, int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = [row for row in rows if row[0] != row[1]]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    return (
        np.array(columns[0], np.int32),
        np.array(columns[1], np.int32),
        np.array(columns[2], np.float64),
    )


def strengths(lists: Lists, n: int) -> np.ndarray:
    owners = np.repeat(np.arange(n), np.diff(lists[0]))
    return np.bincount(owners, lists[2], n).astype(np.float64)


def same(one: Lists, other: Lists) -> None:
    for left, right in zip(one, other, strict=True):
        assert left.dtype == right.dtype
        assert left.tolist() == right.tolist()


@pytest.fixture(params=["python", "c"])
def kernels(request: pytest.FixtureRequest) -> tuple[ModuleType, ModuleType]:
    return {"python": (_parts_py, _grouping_py), "c": (_parts_c, _grouping_c)}[request.param]


def test_the_compiled_kernel_serves() -> None:
    assert kernel_name() == "c"


@settings(deadline=None)
@given(edge_lists)
def test_kernels_agree_on_neighbour_lists(rows: list[tuple[int, int, float]]) -> None:
    same(_parts_c.neighbours(*edges(rows), 12), _parts_py.neighbours(*edges(rows), 12))


@settings(deadline=None)
@given(edge_lists, st.randoms(), st.sampled_from([0.5, 1.0, 4.0]))
def test_kernels_agree_on_every_move(
    rows: list[tuple[int, int, float]], dice: Random, resolution: float
) -> None:
    lists = _parts_py.neighbours(*edges(rows), 12)
    weights = strengths(lists, 12)
    labels = np.array([dice.randrange(12) for _ in range(12)], np.int32)
    order = np.array(dice.sample(range(12), 12), np.int32)
    rate = resolution / (weights.sum() or 1.0)
    ours = _grouping_c.settle(lists, weights, labels, order, rate)
    assert ours.tolist() == _grouping_py.settle(lists, weights, labels, order, rate).tolist()


@settings(deadline=None)
@given(edge_lists, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_kernels_agree_on_condensed_graphs_and_parts(
    rows: list[tuple[int, int, float]], groups: list[int]
) -> None:
    lists, labels = _parts_py.neighbours(*edges(rows), 12), np.array(groups, np.int32)
    same(_grouping_c.condense(lists, labels, 4), _grouping_py.condense(lists, labels, 4))
    ours = _parts_c.connected(lists, labels)
    assert ours.tolist() == _parts_py.connected(lists, labels).tolist()


def test_kernels_agree_on_a_graph_of_two_thousand_edges() -> None:
    known = planted(400, 2000, 8, 0.6, seed=3)
    ends = known.sources.astype(np.int32), known.targets.astype(np.int32)
    lists = _parts_c.neighbours(*ends, np.full(len(ends[0]), 0.1), 400)
    weights, alone = strengths(lists, 400), np.arange(400, dtype=np.int32)
    rate = 2.0 / weights.sum()
    ours = _grouping_c.settle(lists, weights, alone, alone[::-1].copy(), rate)
    assert ours.tolist() == (
        _grouping_py.settle(lists, weights, alone, alone[::-1].copy(), rate).tolist()
    )


def test_neighbours_stand_in_edge_order(kernels: tuple[ModuleType, ModuleType]) -> None:
    found = kernels[0].neighbours(
        np.array([2, 0], np.int32), np.array([0, 1], np.int32), np.array([5.0, 7.0]), 3
    )
    assert [part.tolist() for part in found] == [[0, 2, 3, 4], [2, 1, 0, 0], [5.0, 7.0, 7.0, 5.0]]


def test_nodes_join_the_group_they_gain_most_in(kernels: tuple[ModuleType, ModuleType]) -> None:
    ends = np.array([0, 1, 0, 3, 4, 3, 2], np.int32), np.array([1, 2, 2, 4, 5, 5, 3], np.int32)
    lists = kernels[0].neighbours(*ends, np.ones(7), 6)  # two triangles and a bridge
    nodes = np.arange(6, dtype=np.int32)
    found = kernels[1].settle(lists, strengths(lists, 6), nodes, nodes, 1.0 / 14.0)
    assert len(set(found[:3])) == len(set(found[3:])) == 1
    assert found[0] != found[3]


def test_a_condensed_graph_adds_up_links(kernels: tuple[ModuleType, ModuleType]) -> None:
    ends = np.array([0, 0, 1, 2], np.int32), np.array([1, 2, 3, 3], np.int32)
    lists = kernels[0].neighbours(*ends, np.array([1.0, 2.0, 4.0, 8.0]), 4)
    found = kernels[1].condense(lists, np.array([0, 0, 1, 1], np.int32), 2)
    assert [part.tolist() for part in found] == [[0, 1, 2], [1, 0], [6.0, 6.0]]


def test_parts_of_a_group_that_hang_together_by_others_come_apart(
    kernels: tuple[ModuleType, ModuleType],
) -> None:
    ends = np.array([0, 1], np.int32), np.array([1, 2], np.int32)
    lists = kernels[0].neighbours(*ends, np.ones(2), 3)
    assert kernels[0].connected(lists, np.array([0, 1, 0], np.int32)).tolist() == [0, 1, 2]
