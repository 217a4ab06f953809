"""Signatures of audiences: one-permutation MinHash with raw bins.

Each follower's id is hashed once; the low bits of the hash choose a bin, and a bin keeps the least
hash that fell into it. An empty bin stays empty (`EMPTY`): so the minimum of two signatures is, bit
for bit, the signature of both lists together. Source: Li, Owen and Zhang, "One permutation
hashing", 2012; Broder 1997 for the estimate.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import F64, I32, I64, U64, Ends, ids_of, offsets_of
from signatures.errors import BadArray
from signatures.hashing import mix64

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures import _minhash_py as _kernel
else:
    try:
        from signatures import _minhash_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures import _minhash_py as _kernel

EMPTY = np.uint64(2**64 - 1)
"""What an empty bin holds. The one id in 2**64 with this hash counts in sizes, never as minimum."""

SLOTS = (16, 4096)


def kernel_name() -> str:
    """Return which kernel signs: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"


@dataclass(frozen=True, eq=False, slots=True)
class Signatures:
    """The signatures of n audiences. Slicing gives Signatures, a single index one of one row.

    minima: uint64, shape (n, slots); the least hash of each bin, `EMPTY` where it has none.
    sizes: int64, shape (n,); how many followers each list held.
    """

    minima: U64
    sizes: I64

    def __post_init__(self) -> None:
        if self.minima.ndim != 2 or self.minima.dtype != np.uint64:
            found = f"{self.minima.dtype} {self.minima.shape}"
            raise BadArray("minima", found, "give uint64, shape (n, slots)")
        check_slots(self.minima.shape[1])
        if self.sizes.shape != self.minima.shape[:1] or self.sizes.dtype != np.int64:
            found = f"{self.sizes.dtype} {self.sizes.shape}"
            raise BadArray("sizes", found, f"give int64, shape ({len(self.minima)},)")

    @property
    def slots(self) -> int:
        """Return how many bins each signature has."""
        return int(self.minima.shape[1])

    def __len__(self) -> int:
        return len(self.minima)

    def __getitem__(self, rows: int | slice | npt.ArrayLike) -> "Signatures":
        chosen = slice(rows, rows + 1 or None) if isinstance(rows, int | np.integer) else rows
        if isinstance(chosen, slice) and not isinstance(rows, slice):
            range(len(self))[rows]  # type: ignore[index] # raises IndexError as a list does
        if not isinstance(chosen, slice):
            chosen = np.asarray(chosen)
            chosen = chosen if chosen.size else chosen.astype(np.int64)
        return Signatures(self.minima[chosen], self.sizes[chosen])

    def folded(self, slots: int) -> "Signatures":
        """Return the same audiences with fewer bins: exactly what signing with `slots` gives."""
        check_slots(slots)
        if slots > self.slots:
            raise BadArray("slots", slots, f"at most {self.slots}, what was signed with")
        parts = self.minima.reshape(len(self), self.slots // slots, slots)
        return Signatures(parts.min(axis=1), self.sizes)


def sign(
    indptr: npt.ArrayLike, followers: npt.ArrayLike, *, slots: int = 128, threads: int = 1
) -> Signatures:
    """Return the signatures of n lists of follower ids.

    indptr: n + 1 places, list i is followers[indptr[i]:indptr[i + 1]]. followers: whole numbers
    from 0 to 2**64 - 1, any order. A list should name nobody twice: repetition changes no bin, but
    `sizes` counts what is listed. An empty list has only empty bins and size 0.
    slots: a power of two from 16 to 4,096. The error of a Jaccard estimate is about
    sqrt(J * (1 - J) / slots): 4.4 % at worst with 128.
    threads: the lists are shared out by edges; the result does not depend on it.
    O(edges); about a nanosecond an edge. Raises BadArray.

    >>> sign([0, 3, 5], [7, 8, 9, 8, 9], slots=16).sizes
    array([3, 2])
    """
    check_slots(slots)
    ids = ids_of("followers", followers)
    places = offsets_of("indptr", indptr, len(ids))
    minima = np.empty((len(places) - 1, slots), dtype=np.uint64)

    def part(first: int, last: int) -> None:
        _kernel.sign(places[first : last + 1], ids, minima[first:last])

    in_parts(places, threads, part)
    return Signatures(minima, np.diff(places))


def merge(a: Signatures, b: Signatures) -> Signatures:
    """Return the signatures of both lists of each row together, row by row.

    The bins are those of the union, bit for bit. `sizes` are added, so they are the union's only
    where no follower is in both, as in parts of one list.
    """
    if a.minima.shape != b.minima.shape:
        raise BadArray("b", f"shape {b.minima.shape}", f"give {a.minima.shape}, as a has")
    return Signatures(np.minimum(a.minima, b.minima), a.sizes + b.sizes)


def lowered(start: int, ends: Ends, hashes: U64, minima: U64, missing: I32) -> int:
    """Fill empty bins, in place, from lists of hashes in ascending order; return how many bins are
    empty yet.

    The first list starts at `start`, each other where the one before ends. missing: how many bins
    of each row are empty; kept up to date. A list is read no further than to the hash that fills
    its last bin. For lists in parts, call it part by part, ascending.
    """
    if not len(hashes):
        return int(missing.sum())
    return _kernel.lower(start, ends, hashes, minima, missing)


def similarities(minima: U64, a: I64, b: I64) -> F64:
    """Return the Jaccard similarity of pairs of rows, shape (len(a),); NaN where both are empty.

    O(pairs * slots), about 0.1 microseconds a pair with 128 slots, less if `a` ascends.
    """
    same = np.empty(len(a), dtype=np.int32)
    there = np.empty(len(a), dtype=np.int32)
    _kernel.agree(minima, a, b, same, there)
    with np.errstate(invalid="ignore"):
        return np.asarray(same / there.astype(np.float64))


def densified(minima: U64) -> U64:
    """Return minima without empty bins: each takes that of the next bin that has one, hashed with
    the distance. Two audiences then agree in a bin with a probability of about their similarity.

    For tables that are looked up, never for merging. Rows of nobody stay empty.
    Source: Shrivastava and Li 2014, densification by rotation.
    """
    n, slots = minima.shape
    filled = minima != EMPTY
    place = np.where(filled, np.arange(slots), 2 * slots)
    twice = np.concatenate([place, place + slots], axis=1)
    nearest = np.minimum.accumulate(twice[:, ::-1], axis=1)[:, ::-1][:, :slots]
    distance = (nearest - np.arange(slots)).astype(np.uint64)
    taken = np.take_along_axis(minima, nearest % slots, axis=1)
    moved = mix64((taken ^ distance).reshape(-1)).reshape(n, slots)
    return np.where(filled | ~filled.any(axis=1, keepdims=True), minima, moved)


def in_parts(indptr: I64, threads: int, work: Callable[[int, int], None]) -> None:
    """Call `work(first, last)` for runs of lists with about the same number of edges, in threads.

    For work that releases the GIL.
    """
    if threads < 1:
        raise BadArray("threads", threads, "at least 1")
    lists = len(indptr) - 1
    cuts = np.searchsorted(indptr, np.linspace(0, indptr[-1], threads + 1)[1:-1])
    bounds = np.unique(np.clip(np.concatenate([[0], cuts, [lists]]), 0, lists)).tolist()
    parts = list(pairwise(bounds))
    if len(parts) <= 1:
        work(0, lists)
        return
    with ThreadPoolExecutor(len(parts)) as pool:
        list(pool.map(lambda part: work(*part), parts))


def check_slots(slots: int) -> None:
    """Raise BadArray unless the number of bins is a power of two in range."""
    least, most = SLOTS
    if not least <= slots <= most or slots & (slots - 1):
        raise BadArray("slots", slots, f"use a power of two from {least} to {most}")
