from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from invented.audiences import flat
from signatures import _minhash_c, _minhash_py
from signatures.arrays import U64
from signatures.errors import BadArray
from signatures.hashing import mix64, unmix64
from signatures.minhash import (
    EMPTY,
    Signatures,
    densified,
    kernel_name,
    lowered,
    merge,
    sign,
    similarities,
)

Sign = Callable[..., None]
KERNELS: dict[str, Sign] = {
    "python": _minhash_py.sign,
    "cython": _minhash_c.sign,
    "cython, narrow": _minhash_c.sign_narrow,
}
numbers = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 20), max_size=60)
lists = st.lists(numbers.map(lambda one: np.array(one, dtype=np.uint64)), max_size=5)
slots = st.sampled_from([16, 128, 256, 1024])
RNG = np.random.default_rng(4)


def signed(by: Sign, audiences: list[U64], bins: int) -> U64:
    indptr, ids = flat(audiences)
    minima = np.zeros((len(audiences), bins), dtype=np.uint64)
    by(indptr, ids, minima)
    return minima


def test_the_compiled_kernel_serves() -> None:
    assert kernel_name() == "c"


def test_this_machine_uses_its_vectors() -> None:
    about = Path("/proc/cpuinfo")
    if not about.exists() or " avx2 " not in about.read_text():
        pytest.skip("no AVX2 here")
    assert _minhash_c.is_wide()


@given(lists, slots)
def test_kernels_agree_on_any_input(audiences: list[U64], bins: int) -> None:
    found = [signed(by, audiences, bins).tolist() for by in KERNELS.values()]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("bins", [16, 128, 4096])
@pytest.mark.parametrize("size", [63, 64, 65, 255, 257, 1_600, 1_617, 5_000, 60_001])
def test_kernels_agree_on_long_lists(bins: int, size: int) -> None:
    ids = RNG.integers(0, 2**64, size, dtype=np.uint64)
    found = [signed(by, [ids[:7], ids, ids[:3]], bins) for by in KERNELS.values()]
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_kernels_agree_where_a_filter_leaves_bins_empty() -> None:
    few = np.tile(RNG.integers(0, 2**64, 40, dtype=np.uint64), 5_000)
    found = [signed(by, [few], 128) for by in KERNELS.values()]
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()
    assert (found[0] == EMPTY).sum() > 80


def test_a_bin_keeps_its_least_hash() -> None:
    hashes = np.array([5 + 16, 5 + 32, 7, 2**63 + 15], dtype=np.uint64)
    row = sign([0, 4], unmix64(hashes), slots=16).minima[0]
    assert {bin_: int(row[bin_]) for bin_ in range(16) if row[bin_] != EMPTY} == {
        5: 21,
        7: 7,
        15: 2**63 + 15,
    }


def test_an_account_without_followers_has_empty_bins() -> None:
    found = sign([0, 0, 2], [1, 2])
    assert (found.minima[0] == EMPTY).all()
    assert found.sizes.tolist() == [0, 2]


def test_the_id_whose_hash_means_empty_counts_and_leaves_its_bin_empty() -> None:
    odd = unmix64(np.array([EMPTY], dtype=np.uint64))
    found = sign([0, 1], odd)
    assert (found.minima == EMPTY).all()
    assert found.sizes.tolist() == [1]


@given(numbers, st.randoms(use_true_random=False), slots)
def test_merging_any_split_gives_the_whole(ids: list[int], random: object, bins: int) -> None:
    rng = np.random.default_rng(len(ids))
    array = np.array(ids, dtype=np.uint64)
    mine = rng.random(len(array)) < 0.5
    parts = [sign(*flat([part]), slots=bins) for part in (array[mine], array[~mine])]
    joined, whole = merge(*parts), sign(*flat([array]), slots=bins)
    assert (joined.minima == whole.minima).all()
    assert joined.sizes.tolist() == whole.sizes.tolist()


@given(lists, st.sampled_from([16, 32, 128]))
def test_folding_gives_what_fewer_slots_give(audiences: list[U64], bins: int) -> None:
    whole = sign(*flat(audiences), slots=256)
    assert (whole.folded(bins).minima == sign(*flat(audiences), slots=bins).minima).all()


def test_threads_change_nothing() -> None:
    audiences = [
        RNG.integers(0, 2**64, int(n), dtype=np.uint64) for n in RNG.integers(0, 3_000, 50)
    ]
    one, three = (sign(*flat(audiences), threads=threads) for threads in (1, 3))
    assert (one.minima == three.minima).all()


@given(lists)
def test_reading_ascending_parts_gives_the_signature(audiences: list[U64]) -> None:
    ids = [np.unique(one) for one in audiences]
    for kernel in (_minhash_py, _minhash_c):
        minima = np.full((len(ids), 16), EMPTY, dtype=np.uint64)
        missing = np.full(len(ids), 16, dtype=np.int32)
        for low, high in ((0, 2**62), (2**62, 2**64)):
            part = [np.sort(mix64(one)) for one in ids]
            part = [one[(one >= low) & (one <= high - 1)] for one in part]
            indptr, hashes = flat(part)
            if len(hashes):
                left = kernel.lower(0, indptr[1:], hashes, minima, missing)
                assert left == int((minima == EMPTY).sum())
        assert (minima == sign(*flat(ids), slots=16).minima).all()


def test_ends_of_32_bits_are_read_from_a_start() -> None:
    hashes = np.array([1, 2, 16, 33], dtype=np.uint64)
    minima = np.full((2, 16), EMPTY, dtype=np.uint64)
    missing = np.full(2, 16, dtype=np.int32)
    left = lowered(1, np.array([2, 4], dtype=np.uint32), hashes, minima, missing)
    assert [row[row != EMPTY].tolist() for row in minima] == [[2], [16, 33]]
    assert (left, missing.tolist()) == (29, [15, 14])


def test_slicing_gives_signatures() -> None:
    found = sign([0, 1, 3, 6], [1, 2, 3, 4, 5, 6])
    assert found[1].sizes.tolist() == [2]
    assert found[-1].sizes.tolist() == [3]
    assert found[:2].sizes.tolist() == [1, 2]
    assert found[[2, 0]].sizes.tolist() == [3, 1]
    assert found[found.sizes > 1].sizes.tolist() == [2, 3]
    assert len(found[[]]) == 0
    assert isinstance(found[np.int64(0)], Signatures)
    with pytest.raises(IndexError):
        found[3]


def test_similarities_of_pairs_are_those_of_the_reference() -> None:
    audiences = [RNG.integers(0, 300, int(n), dtype=np.uint64) for n in RNG.integers(0, 200, 30)]
    minima = sign(*flat(audiences), slots=16).minima
    a, b = np.triu_indices(30, 1)
    found = [np.empty(len(a), dtype=np.int32) for _ in range(4)]
    _minhash_py.agree(minima, a, b, found[0], found[1])
    _minhash_c.agree(minima, a, b, found[2], found[3])
    assert found[0].tolist() == found[2].tolist()
    assert found[1].tolist() == found[3].tolist()
    with np.errstate(invalid="ignore"):
        assert np.array_equal(similarities(minima, a, b), found[0] / found[1], equal_nan=True)


def test_densified_audiences_agree_as_often_as_they_are_similar() -> None:
    rng = np.random.default_rng(8)
    agreed = []
    for _ in range(300):
        ids = rng.integers(0, 2**64, 60, dtype=np.uint64)
        rows = densified(sign(*flat([ids[:40], ids[20:]])).minima)  # 20 of 60 are shared
        assert (rows != EMPTY).all()
        agreed.append(float((rows[0] == rows[1]).mean()))
    # Bins that borrow from one neighbour agree together: the spread of the mean is measured.
    assert np.mean(agreed) == pytest.approx(1 / 3, abs=4 * np.std(agreed) / np.sqrt(300))


def test_nobody_is_not_densified() -> None:
    assert (densified(sign([0, 0], []).minima) == EMPTY).all()


@pytest.mark.parametrize(
    ("indptr", "followers", "options", "message"),
    [
        ([0, 2], [1.5, 2.5], {}, "followers: dtype float64 cannot be used; give whole numbers"),
        ([0, 2], [1, -2], {}, r"followers\[1\]: -2 cannot be used; an id is not negative"),
        ([0, 3], [1, 2], {}, "indptr: 0 to 3 cannot be used; start at 0 and end at 2"),
        ([1, 2], [1, 2], {}, "indptr: 1 to 2 cannot be used; start at 0 and end at 2"),
        (
            [0, 2, 1, 2],
            [1, 2],
            {},
            r"indptr\[2\]: 1 cannot be used; a list does not end before it starts",
        ),
        ([], [], {}, "indptr: .* cannot be used; give n"),
        ([0.0, 2.0], [1, 2], {}, "indptr: float64"),
        (
            [0, 2],
            [1, 2],
            {"slots": 100},
            "slots: 100 cannot be used; use a power of two from 16 to 4096",
        ),
        ([0, 2], [1, 2], {"slots": 8192}, "slots: 8192 cannot be used; use a power of two"),
        ([0, 2], [1, 2], {"threads": 0}, "threads: 0 cannot be used; at least 1"),
    ],
)
def test_bad_input_is_named(
    indptr: list[int], followers: list[float], options: dict[str, int], message: str
) -> None:
    with pytest.raises(BadArray, match=message):
        sign(indptr, followers, **options)


def test_signatures_of_other_shapes_are_refused() -> None:
    a, b = sign([0, 1], [1]), sign([0, 1], [1], slots=256)
    with pytest.raises(
        BadArray, match=r"b: shape \(1, 256\) cannot be used; give \(1, 128\), as a has"
    ):
        merge(a, b)
    with pytest.raises(BadArray, match="slots: 256 cannot be used; at most 128"):
        a.folded(256)
    with pytest.raises(BadArray, match="sizes: int64"):
        Signatures(a.minima, np.zeros(2, dtype=np.int64))
    with pytest.raises(BadArray, match="minima: int64"):
        Signatures(np.zeros((1, 16), dtype=np.int64), np.zeros(1, dtype=np.int64))
