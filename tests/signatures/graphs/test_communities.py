import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from fakes.graphs import Known, cliques, drawn, planted, public
from signatures.errors import BadArray
from signatures.graphs.communities import Communities, communities
from signatures.graphs.grouping import connected
from signatures.graphs.weighted import edges_of, graph_of, modularity

NOTHING = np.array([], int)
edge_lists = st.lists(
    st.tuples(st.integers(0, 14), st.integers(0, 14), st.sampled_from([0.0, 0.1, 1.0, 3.0])),
    max_size=60,
)


def found(known: Known, **options: int) -> Communities:
    return communities(known.sources, known.targets, n=len(known.groups), **options)


def agreement(known: Known, labels: np.ndarray) -> float:
    return float(adjusted_rand_score(known.groups, labels))


def test_a_ring_of_cliques_is_told_apart() -> None:
    known = cliques(30, 5)  # modularity alone joins them in pairs (Fortunato, Barthelemy 2007)
    result = found(known)
    assert (result.number, agreement(known, result.labels)) == (30, 1.0)
    assert result.stability == 1.0


def test_what_is_told_of_two_cliques_is_known() -> None:
    sources, targets = np.array([(a, b) for a in range(5) for b in range(a)]).T
    result = communities(
        np.concatenate([sources, sources + 5, [0]]),
        np.concatenate([targets, targets + 5, [5]]),
        n=10,
    )
    assert result.labels.tolist() == [0] * 5 + [1] * 5
    assert result.modularity == pytest.approx(20 / 21 - 1 / 2)  # 21 edges, one between
    assert result.conductance.tolist() == pytest.approx([1 / 21, 1 / 21])
    # 21 edges save 20 / 21 log(40 / 21) + 1 / 21 log(2 / 21) each, 10 nodes cost log 2 each
    assert result.evidence == pytest.approx(0.3604, abs=1e-4)


def test_small_groups_in_a_large_graph_stay_apart() -> None:
    # As benchmarks/communities.py at a tenth of the size: 20 groups of 250, 40 links a node.
    known = planted(5_000, 100_000, 20, 0.3, seed=1)
    result = found(known)
    assert agreement(known, result.labels) > 0.98  # some nodes drew more links elsewhere
    assert result.number == 20


def test_large_groups_stay_whole() -> None:
    known = planted(2_000, 20_000, 4, 0.6, seed=2)
    result = found(known)
    # Of 20 links 14 are inside, 2 in each other group: hardly a node has more in another one.
    assert (result.number, agreement(known, result.labels) > 0.99) == (4, True)


def test_groups_of_unequal_sizes_are_found() -> None:
    known = drawn(np.repeat(np.arange(6), [400, 200, 100, 50, 25, 25]), 12_000, 0.6, seed=5)
    # 18 links inside, 12 anywhere: in one's own group more than in any other, nearly always.
    assert agreement(known, found(known).labels) > 0.95


def test_a_random_graph_gives_no_evidence_and_no_stability() -> None:
    result = found(planted(2_000, 20_000, 1, 0.0, seed=3))
    assert result.modularity > 0.15  # Guimera 2004: chance alone
    assert result.evidence < 0.0
    assert result.stability < 0.1


def test_planted_groups_give_evidence() -> None:
    assert found(planted(2_000, 20_000, 4, 0.6, seed=2)).evidence > 1.0


def test_one_seed_gives_one_answer_and_another_nearly_the_same() -> None:
    known = planted(2_000, 20_000, 20, 0.5, seed=4)
    first, second, other = found(known), found(known), found(known, seed=1)
    assert first.labels.tolist() == second.labels.tolist()
    assert first.stability == second.stability
    assert adjusted_rand_score(first.labels, other.labels) > 0.98


def test_a_single_run_tells_no_stability() -> None:
    assert np.isnan(found(cliques(3, 4), runs=1).stability)


def test_compiled_and_python_kernels_give_the_same_communities() -> None:
    code = (
        "from fakes.graphs import planted; from signatures.graphs.communities import communities;"
        "k = planted(300, 2000, 5, 0.5, seed=6);"
        "c = communities(k.sources, k.targets, n=300); print(c.labels.tolist(), c.stability)"
    )
    folder = Path(__file__).parents[1]
    path = os.pathsep.join([str(folder), str(folder.parent)])
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "TAGLAKE_PURE": pure, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for pure in ("0", "1")
    ]
    assert said[0] == said[1]


@settings(deadline=None, max_examples=20)
@given(st.permutations(range(40)), st.booleans())
def test_other_numbers_for_the_nodes_give_the_same_communities(
    numbers: list[int], turned: bool
) -> None:
    known, names = cliques(8, 5), np.array(numbers)
    ends = names[known.sources], names[known.targets]
    result = communities(*(ends[::-1] if turned else ends), n=40)
    assert adjusted_rand_score(known.groups, result.labels[names]) == 1.0


@settings(deadline=None)
@given(edge_lists, st.integers(0, 3))
def test_any_graph_has_a_defined_answer(rows: list[tuple[int, int, float]], seed: int) -> None:
    ends = np.array([row[:2] for row in rows], int).reshape(-1, 2).T
    weights = np.array([row[2] for row in rows], float)
    result = communities(*ends, weights, n=15, seed=seed)
    linked = {node for row in rows if row[2] > 0 and row[0] != row[1] for node in row[:2]}
    assert {node for node in range(15) if result.labels[node] >= 0} == linked
    assert sorted(set(result.labels[list(linked)])) == list(range(result.number))
    assert result.number == len(result.conductance)
    sizes = np.bincount(result.labels[result.labels >= 0], minlength=result.number)
    assert (np.diff(sizes) <= 0).all()
    lists = graph_of(edges_of(*ends, weights, 15)).lists
    parts = connected(lists, np.where(result.labels < 0, 99, result.labels).astype(np.int32))
    assert len(set(parts[list(linked)])) == result.number  # every community hangs together


@settings(deadline=None, max_examples=20)
@given(st.sampled_from([1e-200, 1e-9, 3.7, 1e200]))
def test_the_unit_of_the_weights_does_not_matter(unit: float) -> None:
    known = cliques(4, 4)
    weights = np.where(np.arange(len(known.sources)) % 3 == 0, 1.0, 1.5)
    ours = communities(known.sources, known.targets, weights * unit, n=16)
    assert ours.labels.tolist() == (
        communities(known.sources, known.targets, weights, n=16).labels.tolist()
    )
    assert ours.modularity == pytest.approx(
        modularity(known.sources, known.targets, ours.labels, weights)
    )


@pytest.mark.parametrize("n", [0, 3])
def test_a_graph_without_edges_has_no_communities(n: int) -> None:
    result = communities(NOTHING, NOTHING, n=n)
    assert result.labels.tolist() == [-1] * n
    assert (result.number, result.modularity, result.evidence) == (0, 0.0, 0.0)


def test_a_node_with_a_loop_alone_is_in_no_community() -> None:
    assert communities(np.array([0, 1]), np.array([0, 2]), n=3).labels.tolist() == [-1, 0, 0]


def test_parts_without_a_link_between_them_are_communities_apart() -> None:
    sources, targets = np.array([0, 1, 0, 3, 4]), np.array([1, 2, 2, 4, 5])
    assert len(set(communities(sources, targets, n=6).labels[[0, 3]])) == 2


def test_no_run_is_no_answer() -> None:
    with pytest.raises(BadArray, match="runs: 0 cannot be used"):
        communities(NOTHING, NOTHING, n=0, runs=0)


def test_communities_of_listeners_are_their_countries(public_graphs: Path) -> None:
    known = public(public_graphs, "lastfm_asia")
    labels = found(known).labels
    assert normalized_mutual_info_score(known.groups, labels) >= 0.64
