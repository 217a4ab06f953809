import numpy as np
import pytest

from invented.audiences import crowd, flat, pair
from signatures import Estimate, Signatures, jaccard, overlap, sign, union_size
from signatures.errors import BadArray
from signatures.estimates import shared_size

SEEDS = 200
# The share of 200 seeds that an interval of 95 % covers scatters by 1.5 %: where a claim pools
# cases, three times the error of their number.
SLACK = 3 * np.sqrt(0.95 * 0.05 / SEEDS)


def signed(
    rng: np.random.Generator, n: int, m: int, similarity: float
) -> tuple[Signatures, Signatures, float]:
    """Return pairs of one similarity, with 1,024 slots: fewer are folded from them."""
    pairs = [pair(rng, n, m, similarity) for _ in range(SEEDS)]
    a = sign(*flat([one[0] for one in pairs]), slots=1024)
    b = sign(*flat([one[1] for one in pairs]), slots=1024)
    return a, b, pairs[0][2]


def covered(found: Estimate, truth: float) -> float:
    return float(((found.low <= truth + 1e-9) & (truth - 1e-9 <= found.high)).mean())


@pytest.mark.parametrize(("n", "m"), [(300, 300), (1_500, 1_500), (6_000, 6_000), (300, 3_000)])
def test_the_error_of_a_similarity_is_that_of_theory(n: int, m: int) -> None:
    rng = np.random.default_rng(n + m)
    for slots, (hits, bias, ratios) in judged(rng, n, m).items():
        # An error measured on 200 draws scatters by 1/sqrt(400) = 5 %.
        assert max(ratios) <= 1.15, slots
        assert np.sqrt(np.mean(np.square(ratios))) <= 1.1, slots
        # The mean of 200 draws scatters by up to 0.044 / sqrt(200); over six similarities by less.
        assert abs(np.mean(bias)) < 0.003, slots
        assert np.mean(hits) == pytest.approx(0.95, abs=max(0.02, SLACK / np.sqrt(len(hits))))


def judged(
    rng: np.random.Generator, n: int, m: int
) -> dict[int, tuple[list[float], list[float], list[float]]]:
    """Return for each number of slots the coverage, bias and relative error by similarity."""
    found: dict[int, tuple[list[float], list[float], list[float]]] = {
        slots: ([], [], []) for slots in (128, 256, 1024)
    }
    for similarity in (0.02, 0.1, 0.3, 0.5, 0.7, 0.9):
        if similarity > min(n, m) / max(n, m):
            continue
        a, b, truth = signed(rng, n, m, similarity)
        for slots, (hits, bias, ratios) in found.items():
            estimate = jaccard(a.folded(slots), b.folded(slots))
            error = estimate.value - truth
            ratios.append(float(np.sqrt((error**2).mean() / (truth * (1 - truth) / slots))))
            bias.append(float(error.mean()))
            hits.append(covered(estimate, truth))
            assert ((estimate.low <= estimate.value) & (estimate.value <= estimate.high)).all()
    return found


@pytest.mark.parametrize("n", [30, 100, 1_000])
def test_the_interval_of_an_overlap_covers_the_truth(n: int) -> None:
    rng = np.random.default_rng(n)
    hits = []
    for similarity in (0.05, 0.2, 0.4, 0.6, 0.8):
        a, b, truth = signed(rng, n, n, similarity)
        found = overlap(a.folded(128), b.folded(128))
        hits.append(covered(found, 2 * truth / (1 + truth)))
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_the_interval_of_what_is_shared_covers_the_truth() -> None:
    rng = np.random.default_rng(3)
    a, b, truth = signed(rng, 1_000, 4_000, 0.15)
    found = shared_size(a.folded(256), b.folded(256))
    assert covered(found, truth * 5_000 / (1 + truth)) == pytest.approx(0.95, abs=SLACK)
    assert (found.high <= 1_000).all()


@pytest.mark.parametrize(
    ("people", "accounts", "median", "skew"),
    [
        (100_000, 20, 200, 0.0),  # nearly disjoint
        (50_000, 20, 1_000, 0.5),
        (20_000, 20, 1_500, 0.9),  # a few follow everybody
        (5_000, 12, 1_000, 0.2),
        (300, 6, 40, 0.3),
    ],
)
def test_the_interval_of_a_union_covers_the_truth(
    people: int, accounts: int, median: int, skew: float
) -> None:
    rng = np.random.default_rng(people + accounts)
    errors, hits = [], []
    for _ in range(SEEDS):
        lists = crowd(rng, people=people, accounts=accounts, median=median, skew=skew)
        truth = len(np.unique(np.concatenate(lists)))
        found = union_size(sign(*flat(lists), slots=256))
        errors.append(float(found.value) / truth - 1)
        hits.append(bool(found.low <= truth <= found.high))
    assert np.sqrt(np.mean(np.square(errors))) <= 0.0625  # 1/sqrt(256), the minima alone
    assert abs(np.mean(errors)) < 0.01
    assert np.mean(hits) == pytest.approx(0.95, abs=SLACK)


def test_audiences_of_few_are_known_exactly() -> None:
    a, b = sign([0, 3], [1, 2, 3], slots=1024), sign([0, 2], [3, 4], slots=1024)
    for found in (jaccard(a, b), overlap(a, b)):
        assert found.low.tolist() == found.value.tolist() == found.high.tolist()
    assert jaccard(a, b).value.tolist() == [0.25]
    assert overlap(a, b).value.tolist() == [0.5]
    assert shared_size(a, b).value.tolist() == [1.0]


def test_the_same_audience_is_alike_and_strangers_are_not() -> None:
    ids = np.random.default_rng(1).integers(0, 2**64, 4_000, dtype=np.uint64)
    rows = sign([0, 2_000, 4_000], ids)
    assert jaccard(rows[0], rows).value.tolist() == [1.0, 0.0]
    assert overlap(rows[0], rows).low[0] > 0.97
    assert overlap(rows[0], rows).high[1] < 0.1


def test_nobody_has_no_similarity_to_nobody() -> None:
    rows = sign([0, 0, 0, 2], [1, 2])
    found = jaccard(rows[0], rows)
    assert np.isnan(found.value).tolist() == [True, True, False]
    assert [float(found.low[2]), float(found.value[2]), float(found.high[2])] == [0.0, 0.0, 0.0]
    assert np.isnan(overlap(rows[0], rows).value).all()
    assert shared_size(rows[0], rows).value.tolist() == [0.0, 0.0, 0.0]


def test_a_single_row_is_compared_with_all_of_the_others() -> None:
    rows = sign([0, 2, 4, 6], [1, 2, 2, 3, 3, 4])
    assert jaccard(rows, rows[0]).value.tolist() == jaccard(rows[0], rows).value.tolist()
    assert len(jaccard(rows[:0], rows[0]).value) == 0


def test_a_union_of_one_is_its_size_and_of_none_is_nobody() -> None:
    rows = sign([0, 3, 3], [1, 2, 3])
    for found, size in ((union_size(rows[0]), 3.0), (union_size(rows[:0]), 0.0)):
        assert found.value.shape == ()
        assert [float(found.low), float(found.value), float(found.high)] == [size] * 3
    assert float(union_size(rows).value) == 3.0
    assert float(union_size(rows[1]).value) == 0.0


def test_a_union_is_neither_below_the_largest_nor_above_the_sum() -> None:
    ids = np.random.default_rng(2).integers(0, 2**64, 3_000, dtype=np.uint64)
    inside = union_size(sign(*flat([ids, ids[:1_000], ids[:10]])))
    assert 3_000 <= inside.low <= inside.value <= inside.high <= 4_010
    beside = union_size(sign(*flat([ids[:1_500], ids[1_500:]])))
    assert 1_500 <= beside.low <= beside.value <= beside.high <= 3_000


@pytest.mark.parametrize("ask", [jaccard, overlap, shared_size])
def test_rows_that_do_not_fit_are_refused(ask) -> None:  # type: ignore[no-untyped-def]
    rows: Signatures = sign([0, 1, 2, 3], [1, 2, 3])
    with pytest.raises(BadArray, match="b: 2 rows cannot be used; give 3 rows, as a has, or one"):
        ask(rows, rows[:2])
    with pytest.raises(
        BadArray, match="b: 256 slots cannot be used; fold to 128 or sign with as many"
    ):
        ask(rows, sign([0, 1, 2, 3], [1, 2, 3], slots=256))
