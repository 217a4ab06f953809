import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from invented.audiences import flat
from signatures import Index, Signatures, _scan_c, _scan_py, jaccard, merge, sign
from signatures.errors import BadArray
from signatures.graphs.bands import neighbours
from signatures.minhash import EMPTY


def planted(
    rng: np.random.Generator, accounts: int, *, groups: int, slots: int = 128
) -> Signatures:
    """Audiences of groups: those of one group share some of their minima, others none."""
    own = rng.integers(0, 2**57, (accounts, slots), dtype=np.uint64)
    group = rng.integers(0, 2**57, (groups, slots), dtype=np.uint64)[
        rng.integers(0, groups, accounts)
    ]
    near = rng.random((accounts, slots)) < rng.uniform(0.2, 0.95, accounts)[:, None]
    minima = (np.where(near, group, own) << np.uint64(7)) | np.arange(slots, dtype=np.uint64)
    return Signatures(minima, np.full(accounts, 5_000))


def brute(rows: Signatures, one: Signatures, most: int) -> list[int]:
    value = jaccard(rows, one).value
    order = np.lexsort((np.arange(len(rows)), -value))
    return [int(row) for row in order[:most] if value[row] > 0]


def test_the_most_similar_are_those_of_a_full_comparison() -> None:
    rng = np.random.default_rng(3)
    rows = planted(rng, 40_000, groups=400)
    index = Index(rows, threads=2)
    recalls = []
    for query in rng.integers(0, 40_000, 40).tolist():
        found = index.most_similar(rows[query], most=50).rows.tolist()
        assert found[0] == query
        recalls.append(len(set(found) & set(brute(rows, rows[query], 50))) / 50)
    assert np.mean(recalls) >= 0.99


@pytest.mark.parametrize("slots", [16, 64, 128, 256])
def test_small_audiences_find_each_other(slots: int) -> None:
    rng = np.random.default_rng(slots)
    pools = rng.integers(0, 2**64, (300, 30), dtype=np.uint64)
    rows = sign(
        *flat([rng.permutation(pools[account % 300])[:20] for account in range(3_000)]), slots=slots
    )
    index = Index(rows)
    for query in range(0, 3_000, 300):
        assert index.most_similar(rows[query], most=5).rows.tolist() == brute(rows, rows[query], 5)


def test_a_mask_leaves_rows_out() -> None:
    rows = planted(np.random.default_rng(1), 2_000, groups=10)
    index = Index(rows)
    allowed = np.arange(2_000) % 2 == 1
    found = index.most_similar(rows[0], most=20, allowed=allowed).rows
    assert (found % 2 == 1).all()
    assert found.tolist() == [row for row in brute(rows, rows[0], 60) if row % 2 == 1][:20]
    assert len(index.most_similar(rows[0], allowed=np.zeros(2_000, dtype=bool)).rows) == 0


def test_rows_can_be_added() -> None:
    rows = planted(np.random.default_rng(1), 500, groups=5)
    index = Index(rows[:300])
    assert index.add(rows[300:]).tolist() == list(range(300, 500))
    assert len(index) == 500
    assert index.most_similar(rows[400], most=10).rows.tolist() == brute(rows, rows[400], 10)


def test_similar_rows_come_with_intervals() -> None:
    rows = planted(np.random.default_rng(1), 500, groups=5)
    found = Index(rows).most_similar(rows[0], most=3).similarity
    assert (found.low <= found.value).all()
    assert (found.value <= found.high).all()
    assert found.value[0] == 1.0


def test_nobody_is_like_nobody() -> None:
    rows = sign([0, 0, 0, 1], [5])
    index = Index(rows)
    assert index.most_similar(rows[0]).rows.tolist() == []
    assert index.most_similar(rows[2]).rows.tolist() == [2]
    assert Index(rows[:0]).most_similar(rows[0]).rows.tolist() == []


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.sampled_from([16, 64]), st.booleans(), st.booleans())
def test_both_kernels_score_alike(seed: int, wide: int, partly: bool, some: bool) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 4, (50, wide)).astype(np.uint8)
    rows[rng.random(rows.shape) < 0.2] = 255
    query = rng.integers(0, 4, wide).astype(np.uint8)
    query[rng.random(wide) < (0.3 if partly else 0)] = 254
    scale = (65_535 / np.arange((query != 254).sum(), wide + 1).clip(1)).astype(np.float32)
    chosen = rng.permutation(50)[:20] if some else np.zeros(0, dtype=np.int64)
    allowed = (rng.random(50) < 0.7).astype(np.uint8)
    found = []
    for kernel in (_scan_py, _scan_c):
        scores, counts = (
            np.zeros(len(chosen) or 50, dtype=np.uint16),
            np.zeros(4096, dtype=np.int64),
        )
        kernel.score(
            rows, chosen, query, bool((query == 254).any()), scale, allowed, scores, counts
        )
        best = np.full(10, -1)
        found.append(
            (scores.tolist(), counts.tolist(), kernel.pick(scores, 9_000, best), best.tolist())
        )
    assert found[0] == found[1]


def test_what_does_not_fit_is_refused() -> None:
    rows = sign([0, 1, 2], [1, 2])
    index = Index(rows)
    with pytest.raises(BadArray, match="one: 2 rows of 128 cannot be used; give 1 of 128"):
        index.most_similar(rows)
    with pytest.raises(BadArray, match=r"allowed: shape \(5,\) cannot be used; give \(2,\)"):
        index.most_similar(rows[0], allowed=np.ones(5, dtype=bool))
    with pytest.raises(BadArray, match="signatures: 256 slots cannot be used; sign with 128"):
        index.add(sign([0, 1], [1], slots=256))


def test_the_graph_has_nearly_all_pairs_of_similar_audiences() -> None:
    rows = planted(np.random.default_rng(5), 800, groups=16)
    graph = neighbours(rows, most=800, few=0)
    a, b = np.triu_indices(800, 1)
    alike = jaccard(rows[a], rows[b]).value
    edges = set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))
    wanted = [(int(x), int(y)) for x, y in zip(a[alike >= 0.3], b[alike >= 0.3], strict=True)]
    assert sum(pair in edges for pair in wanted) / len(wanted) >= 0.98
    assert (graph.weights >= 0.05).all()
    assert (graph.sources < graph.targets).all()


def test_the_graph_finds_small_audiences_too() -> None:
    rng = np.random.default_rng(6)
    pools = rng.integers(0, 2**64, (100, 40), dtype=np.uint64)
    rows = sign(*flat([rng.permutation(pools[row % 100])[:30] for row in range(1_000)]))
    graph = neighbours(rows, most=1_000, few=0)
    edges = set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))
    wanted = [(a, b) for a in range(1_000) for b in range(a + 100, 1_000, 100)]
    assert sum(pair in edges for pair in wanted) / len(wanted) >= 0.98


def test_few_audiences_are_all_compared_however_weak_their_pairs() -> None:
    rows = planted(np.random.default_rng(8), 300, groups=3)
    a, b = np.triu_indices(300, 1)
    alike = jaccard(rows[a], rows[b]).value
    graph = neighbours(rows, least=0.01, most=300)
    assert len(graph) == int((alike >= 0.01).sum())
    assert 0.01 <= graph.weights.min() < 0.02
    assert len(neighbours(rows, least=0.01, most=300, few=299)) < len(graph)


def test_each_audience_keeps_its_strongest_pairs() -> None:
    rows = planted(np.random.default_rng(7), 400, groups=2)
    every, graph = neighbours(rows, most=400), neighbours(rows, most=5)
    kept = set(zip(graph.sources.tolist(), graph.targets.tolist(), strict=True))
    assert len(kept) <= 400 * 5 < len(every)
    for row in range(400):
        mine = (every.sources == row) | (every.targets == row)
        best = np.flatnonzero(mine)[np.argsort(-every.weights[mine], kind="stable")[:5]]
        assert all((every.sources[edge], every.targets[edge]) in kept for edge in best)


def test_nobody_has_no_neighbours() -> None:
    empty = Signatures(np.full((3, 128), EMPTY, dtype=np.uint64), np.zeros(3, dtype=np.int64))
    for few in (0, 10):
        assert len(neighbours(empty, few=few)) == 0
        assert len(neighbours(empty[:0], few=few)) == 0
        assert len(neighbours(merge(empty, empty)[:1], few=few)) == 0
