"""One-permutation MinHash in numpy: the reference of the compiled kernel, and its stand-in."""

import numpy as np

from signatures.arrays import I32, I64, U64, Ends

EMPTY = np.uint64(2**64 - 1)
_C1, _C2 = np.uint64(0x85EBCA6B), np.uint64(0xBF58476D1CE4E5B9)
_BLOCK = 1 << 20  # edges hashed at once
_PAIRS = 1 << 12  # compared at once


def mix(ids: U64, hashes: U64) -> None:
    """Write the hash of each id."""
    np.bitwise_xor(ids, ids >> np.uint64(32), out=hashes)
    hashes *= _C1
    hashes ^= hashes >> np.uint64(29)
    hashes *= _C2
    hashes ^= hashes >> np.uint64(32)


def sign(indptr: I64, followers: U64, minima: U64) -> None:
    """Write the signature of each list of ids; `indptr` has one number more than `minima` rows."""
    slots = minima.shape[1]
    minima[:] = EMPTY
    bins = minima.reshape(-1)
    for start in range(int(indptr[0]), int(indptr[-1]), _BLOCK):
        end = min(start + _BLOCK, int(indptr[-1]))
        hashes = np.empty(end - start, dtype=np.uint64)
        mix(followers[start:end], hashes)
        lists = np.searchsorted(indptr, np.arange(start, end), side="right") - 1
        places = lists * slots + (hashes & np.uint64(slots - 1)).astype(np.int64)
        np.minimum.at(bins, places, hashes)


def lower(start: int, ends: Ends, hashes: U64, minima: U64, missing: I32) -> int:
    """Fill empty bins from lists of hashes in ascending order; `missing` counts the empty bins.

    The first list starts at `start`, each other where the one before ends. Return how many bins
    are empty yet.
    """
    mask = np.uint64(minima.shape[1] - 1)
    starts = np.concatenate([[start], ends[:-1]]).astype(np.int64)
    for row in np.flatnonzero(missing):
        piece = hashes[starts[row] : int(ends[row])]
        bins, first = np.unique(piece & mask, return_index=True)
        empty = minima[row, bins] == EMPTY
        minima[row, bins[empty]] = piece[first[empty]]
        missing[row] = np.count_nonzero(minima[row] == EMPTY)
    return int(missing.sum())


def agree(minima: U64, a: I64, b: I64, same: I32, there: I32) -> None:
    """Write of each pair of rows in how many bins the minima are the same, and how many are not
    empty in both.
    """
    for start in range(0, len(a), _PAIRS):
        part = slice(start, start + _PAIRS)
        x, y = minima[a[part]], minima[b[part]]
        filled = (x != EMPTY) | (y != EMPTY)
        same[part] = ((x == y) & filled).sum(axis=1)
        there[part] = filled.sum(axis=1)
