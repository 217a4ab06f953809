"""Ids to hashes and back. A hash orders audiences, chooses bins and shards; it never changes.

`mix64` is a bijection of 64-bit numbers, so an id can be had back from its hash. It differs from
the finalizers of MurmurHash3 and SplitMix64 in its first constant, of 32 bits: a third cheaper
where a processor multiplies 32 bits at a time, and each input bit still flips each output bit with
a probability of one half (`tests/signatures/test_hashing.py`).
"""

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import U64, ids_of

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures import _minhash_py as _kernel
else:
    try:
        from signatures import _minhash_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures import _minhash_py as _kernel

_INVERSE1 = np.uint64(pow(0x85EBCA6B, -1, 2**64))
_INVERSE2 = np.uint64(pow(0xBF58476D1CE4E5B9, -1, 2**64))


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
