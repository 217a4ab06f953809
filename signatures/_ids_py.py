"""Ids as text into 64-bit numbers, in Python: the reference of the compiled kernel."""

import re

import numpy as np
import numpy.typing as npt

from signatures import _minhash_py
from signatures.arrays import U64

_SEED = 0x656B616C676174  # "taglake", little-endian
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,19}")
_BAD = re.compile(rb"|-[0-9]+|-?[0-9]+\.[0-9]*(e[+-]?[0-9]+)?|-?[0-9]+e\+[0-9]+", re.IGNORECASE)


def read(offsets: npt.NDArray[np.int64], text: npt.NDArray[np.uint8], ids: U64) -> int:
    """Write the id of each text; return the place of the first that is none, or -1."""
    whole = text.tobytes()
    for i in range(len(ids)):
        one = whole[offsets[i] : offsets[i + 1]]
        if _NUMBER.fullmatch(one) and int(one) < 2**64:
            ids[i] = int(one)
        elif _BAD.fullmatch(one):
            return i
        else:
            ids[i] = _hash(one)
    return -1


def _hash(text: bytes) -> int:
    """Return a hash of eight bytes at a time, and of how many there are."""
    found = _SEED
    words = [text[at : at + 8] for at in range(0, len(text), 8)]
    for number in [*(int.from_bytes(word, "little") for word in words), len(text)]:
        found = _mixed(found ^ number)
    return found


def _mixed(number: int) -> int:
    hashes = np.empty(1, dtype=np.uint64)
    _minhash_py.mix(np.array([number], dtype=np.uint64), hashes)
    return int(hashes[0])
