"""Lists of hashes in numpy: the reference of the compiled kernel, and its stand-in."""

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, Bools

SHORT = 0  # every list is left to numpy's sort


def number(
    keys: U64,
    slots: U64,
    numbers: npt.NDArray[np.int32],
    count: int,
    rows: npt.NDArray[np.uint32],
    first: I64,
) -> int:
    """Write the number of each key, as they come; return how many different ones there are now.

    The known keys are the first `count` of `slots`, their numbers their places.
    """
    seen, places, which = np.unique(keys, return_index=True, return_inverse=True)
    order = np.argsort(slots[:count], kind="stable")
    known = np.searchsorted(slots[:count], seen, sorter=order)
    old = np.zeros(len(seen), dtype=bool)
    if count:
        nearest = order[np.minimum(known, count - 1)]
        old = slots[nearest] == seen
    new = np.flatnonzero(~old)
    new = new[np.argsort(places[new], kind="stable")]
    told = np.empty(len(seen), dtype=np.int64)
    if count:
        told[old] = nearest[old]
    told[new] = count + np.arange(len(new))
    slots[count : count + len(new)] = seen[new]
    numbers[count : count + len(new)] = told[new]
    first[: len(new)] = places[new]
    rows[:] = told[which]
    return count + len(new)


def group(rows: npt.NDArray[np.uint32], hashes: U64, ends: I64, grouped: U64) -> None:
    """Write the hashes list by list, in their order; `ends` holds where each list starts, and
    where it ends afterwards.
    """
    order = np.argsort(rows, kind="stable")
    sizes = np.bincount(rows, minlength=len(ends))
    starts = np.repeat(ends - (np.cumsum(sizes) - sizes), sizes)
    grouped[starts + np.arange(len(rows))] = hashes[order]
    ends += sizes


def order(indptr: I64, hashes: U64) -> bool:
    """Sort each short list in place, here none; return whether some are longer."""
    return len(hashes) > 0


def distinct(indptr: I64, hashes: U64) -> int:
    """Drop repetitions in ascending lists, in place; `indptr` follows. Return what is left."""
    keep = np.ones(int(indptr[-1]), dtype=bool)
    keep[1:] = hashes[1 : len(keep)] != hashes[: len(keep) - 1]
    keep[indptr[:-1][indptr[:-1] < indptr[1:]]] = True
    return _kept(indptr, hashes, keep)


def without(indptr: I64, hashes: U64, others: I64, gone: U64, common: bool) -> int:
    """Keep in each ascending list what the same list of `gone` lacks or, if `common`, has; in
    place, `indptr` follows. Return what is left.
    """
    keep = np.zeros(int(indptr[-1]), dtype=bool)
    for row in range(len(indptr) - 1):
        start, end = indptr[row], indptr[row + 1]
        there = np.isin(hashes[start:end], gone[others[row] : others[row + 1]])
        keep[start:end] = there if common else ~there
    return _kept(indptr, hashes, keep)


def shared(a: U64, b: U64) -> int:
    """Return how many numbers two ascending lists without repetitions share."""
    return len(np.intersect1d(a, b, assume_unique=True))


def _kept(indptr: I64, hashes: U64, keep: Bools) -> int:
    """Move what is kept to the front and let `indptr` follow; return how much that is."""
    left = hashes[: len(keep)][keep]
    hashes[: len(left)] = left
    indptr[1:] = np.concatenate([[0], np.cumsum(keep)])[indptr[1:]]
    return len(left)
