import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signatures.errors import BadArray, SignatureError
from signatures.graphs.weighted import conductance, edges_of, graph_of, modularity

# Two triangles and a bridge: 7 edges, 3 inside each, strengths 7 and 7.
SOURCES, TARGETS = np.array([0, 1, 0, 3, 4, 3, 2]), np.array([1, 2, 2, 4, 5, 5, 3])
HALVES = np.array([0, 0, 0, 1, 1, 1])


def test_modularity_of_two_triangles_is_known() -> None:
    # 6 / 7 of the edges inside less (7 / 14) ** 2 twice
    assert modularity(SOURCES, TARGETS, HALVES) == pytest.approx(6 / 7 - 1 / 2)


def test_a_higher_resolution_expects_more() -> None:
    found = modularity(SOURCES, TARGETS, HALVES, resolution=2)
    assert found == pytest.approx(6 / 7 - 1)


def test_one_group_of_all_has_modularity_0() -> None:
    assert modularity(SOURCES, TARGETS, np.zeros(6, int)) == pytest.approx(0.0)


def test_a_loop_is_one_edge_and_counts_twice_in_its_strength() -> None:
    # 2 edges, both inside; strengths 2 and 2
    found = modularity(np.array([0, 1]), np.array([0, 2]), np.array([0, 1, 1]))
    assert found == pytest.approx(1 - 1 / 2)


def test_a_weight_is_as_many_edges() -> None:
    once = modularity(SOURCES, TARGETS, HALVES, np.array([1, 1, 1, 1, 1, 1, 3]))
    thrice = modularity(np.append(SOURCES, [2, 2]), np.append(TARGETS, [3, 3]), HALVES, np.ones(9))
    assert once == pytest.approx(thrice)


def test_modularity_without_edges_is_0() -> None:
    nothing = np.array([], int)
    assert modularity(nothing, nothing, HALVES) == 0.0


def test_conductance_of_two_triangles_is_a_seventh() -> None:
    assert conductance(SOURCES, TARGETS, HALVES).tolist() == pytest.approx([1 / 7, 1 / 7])


def test_conductance_is_by_the_smaller_side() -> None:
    # Node 5 alone: both of its links leave it. The other five hold 12 of 14.
    found = conductance(SOURCES, TARGETS, np.array([0, 0, 0, 0, 0, 1]))
    assert found.tolist() == [1.0, 1.0]


def test_a_group_apart_has_conductance_0() -> None:
    found = conductance(np.array([0, 2]), np.array([1, 3]), np.array([0, 0, 1, 1]))
    assert found.tolist() == [0.0, 0.0]


def test_nodes_in_no_group_are_outside_of_all() -> None:
    found = conductance(SOURCES, TARGETS, np.array([0, 0, 0, -1, -1, -1]))
    assert found.tolist() == pytest.approx([1 / 7])


def test_conductance_of_everything_is_0() -> None:
    assert conductance(SOURCES, TARGETS, np.zeros(6, int)).tolist() == [0.0]


def test_strengths_count_loops_twice_and_repeats_each_time() -> None:
    graph = graph_of(edges_of(np.array([0, 0, 0]), np.array([0, 1, 1]), None, 3))
    assert graph.strengths.tolist() == [4.0, 2.0, 0.0]
    assert graph.targets.tolist() == [1, 1, 0, 0]


def test_edges_of_weight_0_are_no_edges() -> None:
    found = edges_of(np.array([0, 1]), np.array([1, 2]), np.array([0.0, 2.0]), 3)
    assert (found.sources.tolist(), found.weights.tolist()) == ([1], [2.0])


@pytest.mark.parametrize(
    ("sources", "targets", "weights", "n", "field", "value"),
    [
        ([0], [1], [-1.0], 2, "weights", -1.0),
        ([0], [1], [float("inf")], 2, "weights", float("inf")),
        ([0], [1], [1.0, 2.0], 2, "weights", (2,)),
        ([0], [2], None, 2, "targets", 2),
        ([-1], [1], None, 2, "sources", -1),
        ([0, 1], [1], None, 2, "targets", 1),
        ([0.5], [1], None, 2, "sources", "float64 (1,)"),
        ([], [], None, -1, "n", -1),
    ],
)
def test_what_is_no_edge_is_named(
    sources: list[int], targets: list[int], weights: list[float], n: int, field: str, value: object
) -> None:
    given_weights = None if weights is None else np.array(weights)
    with pytest.raises(BadArray) as caught:
        edges_of(np.array(sources), np.array(targets), given_weights, n)
    assert (caught.value.field, caught.value.value) == (field, value)
    assert isinstance(caught.value, SignatureError)


def test_a_weight_that_is_no_number_is_named() -> None:
    with pytest.raises(BadArray, match="weights: nan cannot be used; give finite weights"):
        edges_of(np.array([0]), np.array([1]), np.array([np.nan]), 2)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0, 9)), max_size=40),
    st.lists(st.integers(-1, 3), min_size=10, max_size=10),
)
def test_modularity_and_conductance_are_what_their_definitions_say(
    rows: list[tuple[int, int, float]], groups: list[int]
) -> None:
    matrix, labels = np.zeros((10, 10)), np.array(groups)
    for one, other, weight in rows:
        matrix[one, other] += weight
        matrix[other, one] += weight
    own = np.where(labels < 0, 100 + np.arange(10), labels)
    together, strengths = own[:, None] == own, matrix.sum(axis=1)
    total = strengths.sum()
    if total > 1e-6:
        edges = np.array([row[:2] for row in rows]).T
        weights = np.array([row[2] for row in rows])
        expected = (matrix - np.outer(strengths, strengths) / total)[together].sum() / total
        assert modularity(*edges, labels, weights) == pytest.approx(expected, abs=1e-9)
        for group, found in enumerate(conductance(*edges, labels, weights)):
            inside = labels == group
            smaller = min(strengths[inside].sum(), strengths[~inside].sum())
            cut = matrix[inside][:, ~inside].sum()
            assert found == pytest.approx(cut / smaller if smaller > 1e-9 else found, abs=1e-6)
