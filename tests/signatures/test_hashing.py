from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signatures import _ids_c, _ids_py, _minhash_c, _minhash_py
from signatures.arrays import U64
from signatures.errors import BadArray, BadEdges
from signatures.hashing import id_of, ids_of_text, mix64, unmix64

ids = st.integers(0, 2**64 - 1)
texts = st.one_of(st.text(max_size=40), ids.map(str), st.from_regex(r"-?[0-9]{0,3}[.eE+]?[0-9]*"))


def columns(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    bodies = [word.encode() for word in words]
    ends = np.cumsum([0, *map(len, bodies)], dtype=np.int64)
    return ends, np.frombuffer(b"".join(bodies), dtype=np.uint8)


@pytest.mark.parametrize(
    ("number", "hashed"),
    [(0, 0), (1, 0xE0CF8294C29917A3), (2**64 - 1, 0xE3273D056ACF306D)],
)
def test_hashes_never_change(number: int, hashed: int) -> None:
    assert int(mix64([number])[0]) == hashed


@given(st.lists(ids))
def test_an_id_comes_back_from_its_hash(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint64)
    assert unmix64(mix64(array)).tolist() == numbers


@given(st.lists(ids))
def test_both_kernels_mix_alike(numbers: list[int]) -> None:
    array = np.array(numbers, dtype=np.uint64)
    found = [np.empty_like(array), np.empty_like(array)]
    _minhash_py.mix(array, found[0])
    _minhash_c.mix(array, found[1])
    assert found[0].tolist() == found[1].tolist()


@pytest.mark.parametrize("bits", [64, 30])  # random ids, and small ones as servers count them
def test_every_bit_of_an_id_flips_every_bit_of_its_hash_half_of_the_time(bits: int) -> None:
    numbers = np.random.default_rng(1).integers(0, 2**bits, 40_000, dtype=np.uint64)
    for bit in range(64):
        changed = mix64(numbers) ^ mix64(numbers ^ np.uint64(1 << bit))
        flips = np.unpackbits(changed.view(np.uint8)).reshape(-1, 64).mean(axis=0)
        # 4,096 shares of 40,000 draws: the largest error is about 4 sigma, 4 * 0.5 / sqrt(40,000).
        assert np.abs(flips - 0.5).max() < 0.0125


@pytest.mark.parametrize("step", [1, 2**7, 2**22, 2**40])  # counters, snowflakes
def test_numbers_in_steps_fill_all_bins_alike(step: int) -> None:
    hashes = mix64(np.arange(128_000, dtype=np.uint64) * np.uint64(step))
    counts = np.bincount((hashes & np.uint64(127)).astype(np.int64), minlength=128)
    # Chi-square with 127 degrees of freedom: 99.99 % lie below 193.
    assert ((counts - 1000.0) ** 2 / 1000.0).sum() < 193


@pytest.fixture(params=[_ids_py, _ids_c], ids=["python", "cython"])
def kernel(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("42", 42),
        ("18446744073709551615", 2**64 - 1),
        ("did:plc:ewvi7nxzyoun6zhxrhs64oiz", 8921817034490949079),
        ("https://mastodon.example/users/nike", 15590091442678037635),
    ],
)
def test_a_text_has_an_id_that_never_changes(kernel: ModuleType, text: str, number: int) -> None:
    found = np.zeros(1, dtype=np.uint64)
    assert kernel.read(*columns([text]), found) == -1
    assert int(found[0]) == number


@pytest.mark.parametrize(
    "text",
    [
        *("18446744073709551616", "042", "é", "-", ".5", "1.2.3", "1.5e", "1.5e+"),
        "4e12",  # an id in hexadecimal
    ],
)
def test_what_is_no_number_is_hashed(kernel: ModuleType, text: str) -> None:
    found = np.zeros(1, dtype=np.uint64)
    assert kernel.read(*columns([text]), found) == -1
    assert int(found[0]) > 2**32


@pytest.mark.parametrize("text", ["", "-5", "1.0", "1.", "1.5e18", "1.5E+18", "1e+18", "-1.5"])
def test_what_went_through_a_float_is_no_id(kernel: ModuleType, text: str) -> None:
    assert kernel.read(*columns(["7", text, "8"]), np.zeros(3, dtype=np.uint64)) == 1


@given(st.lists(texts, max_size=6))
def test_both_kernels_read_texts_alike(words: list[str]) -> None:
    found = [np.zeros(len(words), dtype=np.uint64) for _ in range(2)]
    places = [one.read(*columns(words), out) for one, out in zip((_ids_py, _ids_c), found)]  # noqa: B905
    assert places[0] == places[1]
    read = len(words) if places[0] < 0 else places[0]
    assert found[0][:read].tolist() == found[1][:read].tolist()


def test_texts_that_differ_have_different_ids() -> None:
    words = [f"did:plc:{number:024}" for number in range(50_000)] + ["a", "a\0", "a\0\0", "aa"]
    assert len(np.unique(ids_of_text(*columns(words)))) == len(words)


def test_an_error_names_the_place_and_the_text() -> None:
    with pytest.raises(BadEdges, match=r"edge 2: '-5' is no id: give whole numbers"):
        ids_of_text(*columns(["1", "x", "-5"]))


def test_offsets_of_32_bits_are_read_too() -> None:
    ends, text = columns(["7", "x"])
    assert ids_of_text(ends.astype(np.int32), text).tolist() == [7, id_of("x")]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], "ids: dtype float64 cannot be used; give whole numbers from 0 to"),
        ([3, -7, -9], r"ids\[2\]: -9 cannot be used; an id is not negative"),
        ([[1], [2]], r"ids: shape \(2, 1\) cannot be used; give one dimension"),
        (["a"], "ids: dtype <U1 cannot be used; give whole numbers"),
    ],
)
def test_what_is_no_id_is_refused(values: list[object], message: str) -> None:
    with pytest.raises(BadArray, match=message):
        mix64(values)


def test_no_ids_have_no_hashes() -> None:
    none: U64 = mix64([])
    assert none.dtype == np.uint64
    assert len(none) == 0
