"""Ids to hashes and back. A hash orders audiences, chooses bins and shards; it never changes.

An id that is a whole number below 2**64 stays that number, any other text becomes a 64-bit hash of
its bytes: among a billion ids two are the same with a probability of 3 %, and an audience is off by
one then.

`mix64` is a bijection of 64-bit numbers, so an id can be had back from its hash. It differs from
the finalizers of MurmurHash3 and SplitMix64 in its first constant, of 32 bits: a third cheaper
where a processor multiplies 32 bits at a time, and each input bit still flips each output bit with
a probability of one half (`tests/signatures/test_hashing.py`).
"""

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, ids_of
from signatures.errors import BadEdges

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures import _ids_py as _texts
    from signatures import _minhash_py as _kernel
else:
    try:
        from signatures import _ids_c as _texts
        from signatures import _minhash_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures import _ids_py as _texts
        from signatures import _minhash_py as _kernel

_INVERSE1 = np.uint64(pow(0x85EBCA6B, -1, 2**64))
_INVERSE2 = np.uint64(pow(0xBF58476D1CE4E5B9, -1, 2**64))


def kernel_name() -> str:
    """Return which kernel reads ids: "c" or "python"."""
    return "c" if _texts.__name__.endswith("_c") else "python"


def mix64(ids: npt.ArrayLike) -> U64:
    """Return the hash of each id, shape (n,).

    >>> int(mix64([0])[0]), hex(int(mix64([1])[0]))
    (0, '0xe0cf8294c29917a3')
    """
    array = ids_of("ids", ids)
    hashes = np.empty_like(array)
    _kernel.mix(array, hashes)
    return hashes


def unmix64(hashes: U64) -> U64:
    """Return the id that has each hash; the inverse of `mix64`."""
    found = (hashes ^ (hashes >> np.uint64(32))) * _INVERSE2
    found ^= (found >> np.uint64(29)) ^ (found >> np.uint64(58))
    found *= _INVERSE1
    return found ^ (found >> np.uint64(32))


def ids_of_text(offsets: npt.NDArray[np.integer], text: npt.NDArray[np.uint8]) -> U64:
    """Return the id of each text, shape (n,).

    offsets: n + 1 places in `text`, bytes of UTF-8. "42" is the number 42, "042" is text.
    Raises BadEdges for an empty text, a negative number and one with a fraction or an exponent:
    it has gone through a float, which has lost the last digits of a long id.
    """
    ids = np.empty(len(offsets) - 1, dtype=np.uint64)
    kind = np.int32 if offsets.dtype == np.int32 else np.int64
    places: I64 = np.ascontiguousarray(offsets, dtype=kind)
    bad = _texts.read(places, np.ascontiguousarray(text, dtype=np.uint8), ids)
    if bad >= 0:
        word = text[offsets[bad] : offsets[bad + 1]].tobytes().decode(errors="replace")
        raise BadEdges(bad, word)
    return ids


def id_of(text: str) -> int:
    """Return the id of one text; see `ids_of_text`.

    >>> id_of("42"), id_of("did:plc:ewvi7nxzyoun6zhxrhs64oiz")
    (42, 8921817034490949079)
    """
    body = np.frombuffer(text.encode(), dtype=np.uint8)
    return int(ids_of_text(np.array([0, len(body)], dtype=np.int64), body)[0])
