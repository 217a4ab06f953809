"""Many lists of hashes in two arrays: where each starts and ends, and one after the other.

List i is hashes[indptr[i]:indptr[i + 1]]; every list ascends and names nobody twice.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, Bools

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures.edges import _lists_py as _kernel
else:
    try:
        from signatures.edges import _lists_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures.edges import _lists_py as _kernel


def kernel_name() -> str:
    """Return which kernel sorts: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"


@dataclass(frozen=True, eq=False, slots=True)
class Lists:
    """n lists. indptr: int64, shape (n + 1,). hashes: uint64, shape (indptr[-1],)."""

    indptr: I64
    hashes: U64

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def __getitem__(self, row: int) -> U64:
        return self.hashes[self.indptr[row] : self.indptr[row + 1]]

    @property
    def sizes(self) -> I64:
        """Return the length of each list."""
        return np.diff(self.indptr)

    @property
    def rows(self) -> I64:
        """Return the list of each hash."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, rows: npt.NDArray[np.integer]) -> "Lists":
        """Return some of the lists, in the order of `rows`; -1 stands for an empty one."""
        rows = np.asarray(rows, dtype=np.int64)
        sizes = np.where(rows >= 0, self.sizes[rows], 0) if len(self) else np.zeros_like(rows)
        indptr = np.concatenate([[0], np.cumsum(sizes)])
        shift = np.repeat(self.indptr[rows] - indptr[:-1], sizes) if len(self) else sizes[:0]
        return Lists(indptr, self.hashes[shift + np.arange(indptr[-1])])

    def where(self, keep: Bools) -> "Lists":
        """Return the lists with only the hashes that are marked, shape (indptr[-1],)."""
        passed = np.concatenate([[0], np.cumsum(keep)])
        return Lists(passed[self.indptr], self.hashes[keep])

    def without(self, others: "Lists") -> "Lists":
        """Return each list without what the same of `others` has."""
        return self._compared(others, common=False)

    def common(self, others: "Lists") -> "Lists":
        """Return what each list and the same of `others` have in common."""
        return self._compared(others, common=True)

    def _compared(self, others: "Lists", *, common: bool) -> "Lists":
        indptr, hashes = self.indptr.copy(), self.hashes.copy()
        left = _kernel.without(indptr, hashes, others.indptr, others.hashes, common)
        return Lists(indptr, hashes[:left])


def lists_of(rows: npt.NDArray[np.uint32], hashes: U64, n: int) -> Lists:
    """Return n lists from pairs in any order: sorted, repetitions dropped. O(pairs)."""
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))]).astype(np.int64)
    grouped = np.empty_like(hashes)
    _kernel.group(rows, hashes, indptr[:-1].copy(), grouped)
    if _kernel.order(indptr, grouped):
        for row in np.flatnonzero(np.diff(indptr) > _kernel.SHORT):
            grouped[indptr[row] : indptr[row + 1]].sort()
    left = _kernel.distinct(indptr, grouped)
    return Lists(indptr, grouped[:left])


def one_list(hashes: U64) -> Lists:
    """Return a single list."""
    return Lists(np.array([0, len(hashes)], dtype=np.int64), hashes)


def no_lists(n: int) -> Lists:
    """Return n empty lists."""
    return Lists(np.zeros(n + 1, dtype=np.int64), np.zeros(0, dtype=np.uint64))


def summed(added: Sequence[Lists], gone: Sequence[Lists]) -> Lists:
    """Return what is left of lists that were added, and taken away again, any number of times.

    All have the same lists in the same order. A hash is there if it was added once more than it
    was taken away.
    """
    if len(added) == 1 and not any(len(part.hashes) for part in gone):
        return added[0]
    parts = [part for part in (*added, *gone) if len(part.hashes)]
    if not parts:
        return no_lists(len(added[0]))
    signs = [np.int8(1)] * sum(bool(len(part.hashes)) for part in added)
    signs += [np.int8(-1)] * (len(parts) - len(signs))
    rows = np.concatenate([part.rows for part in parts])
    hashes = np.concatenate([part.hashes for part in parts])
    order = np.lexsort((hashes, rows))
    rows, hashes = rows[order], hashes[order]
    change = np.repeat(signs, [len(part.hashes) for part in parts])[order]
    new = (rows[1:] != rows[:-1]) | (hashes[1:] != hashes[:-1])
    first = np.flatnonzero(np.concatenate([[True], new]))
    there = first[np.add.reduceat(change, first, dtype=np.int64) > 0]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows[there], minlength=len(added[0])))])
    return Lists(indptr.astype(np.int64), hashes[there])


def shared(a: U64, b: U64) -> int:
    """Return how many hashes two ascending lists share. O(len(a) + len(b)), about 2 ns each."""
    return _kernel.shared(a, b)
