import numpy as np
import pytest

from invented.audiences import crowd, flat
from signatures import Estimate, sign
from signatures.arrays import U64
from signatures.errors import BadArray
from signatures.hashing import mix64
from signatures.reach import (
    Reach,
    counted_reach,
    counted_together,
    estimated_reach,
    estimated_together,
)

FEW = [np.array(one, dtype=np.uint64) for one in ([1, 2, 3, 4], [3, 4, 5], [9], [])]


def hashed(lists: list[U64]) -> list[U64]:
    return [np.sort(mix64(one)) for one in lists]


def parts(reach: Reach) -> dict[str, Estimate]:
    return {
        "union": reach.together.union,
        "frequency": reach.together.frequency,
        "exclusive": reach.exclusive,
        "matrix": reach.matrix,
    }


def test_lists_are_counted_exactly() -> None:
    reach = counted_reach(hashed(FEW))
    assert reach.together.exact
    assert reach.together.gross == 8
    union = reach.together.union
    assert float(union.value) == float(union.low) == float(union.high) == 6.0
    assert float(reach.together.frequency.value) == 8 / 6
    assert reach.exclusive.value[:3].tolist() == [0.5, 1 / 3, 1.0]
    assert np.isnan(reach.exclusive.value[3])
    assert reach.matrix.value[0].tolist()[:3] == [1.0, 2 / 3, 0.0]
    assert np.isnan(reach.matrix.value[3]).all()
    assert reach.together.repeated.tolist() == [4 / 6, 2 / 6, 0.0, 0.0]


def test_few_followers_are_estimated_exactly() -> None:
    counted, found = counted_reach(hashed(FEW)), estimated_reach(sign(*flat(FEW), slots=1024))
    assert not found.together.exact
    for name, wanted in parts(counted).items():
        np.testing.assert_allclose(parts(found)[name].value, wanted.value, rtol=1e-9)
    assert found.together.repeated.tolist() == counted.together.repeated.tolist()


def test_estimates_cover_what_is_counted() -> None:
    rng = np.random.default_rng(9)
    hits: dict[str, list[float]] = {"union": [], "frequency": [], "exclusive": [], "matrix": []}
    errors, apart = [], ~np.eye(10, dtype=bool)
    for _ in range(200):
        lists = crowd(rng, people=8_000, accounts=10, median=600, skew=0.4)
        counted, found = (
            counted_reach(hashed(lists)),
            estimated_reach(sign(*flat(lists), slots=256)),
        )
        for name, covered in hits.items():
            truth, range_ = parts(counted)[name].value, parts(found)[name]
            inside = (range_.low <= truth + 1e-9) & (truth - 1e-9 <= range_.high)
            covered.append(float(inside[apart].mean() if name == "matrix" else inside.mean()))
        errors.append(float(found.together.union.value / counted.together.union.value) - 1)
    # 200 draws of a coverage of 95 % scatter by 1.5 %; the matrix's 45 pairs by far less.
    assert {name: float(np.mean(covered)) for name, covered in hits.items()} == pytest.approx(
        dict.fromkeys(hits, 0.95), abs=0.025
    )
    assert np.sqrt(np.mean(np.square(errors))) <= 0.065


def test_an_audience_too_small_to_be_seen_beside_a_large_one_says_so() -> None:
    ids = np.random.default_rng(1).integers(0, 2**64, 300_000, dtype=np.uint64)
    found = estimated_reach(sign(*flat([ids, ids[:3]])))
    assert [float(found.exclusive.low[1]), float(found.exclusive.high[1])] == [0.0, 1.0]


def test_nobody_reaches_nobody() -> None:
    for reach in (counted_reach([]), estimated_reach(sign([0], []))):
        assert float(reach.together.union.value) == 0.0
        assert np.isnan(reach.together.frequency.value)
        assert reach.matrix.value.shape == (0, 0)


def test_too_many_accounts_are_refused() -> None:
    with pytest.raises(BadArray, match="accounts: 501 cannot be used; give at most 500"):
        estimated_reach(sign([0] * 502, []))


def test_any_number_of_accounts_reaches_people_together() -> None:
    rng = np.random.default_rng(2)
    lists = crowd(rng, people=3_000, accounts=600, median=30, skew=0.3)
    counted, found = (
        counted_together(hashed(lists)),
        estimated_together(sign(*flat(lists), slots=1024)),
    )
    assert float(counted.union.value) == len(np.unique(np.concatenate(lists)))
    assert found.union.low <= counted.union.value <= found.union.high
    assert found.gross == counted.gross == sum(map(len, lists))
