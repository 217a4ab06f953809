"""The audiences most like one, among millions: a scan of short forms, then the full signatures.

Bins are shortened to bytes, so that half a signature is one line of the processor's cache and a
million are read in a few milliseconds; the best are compared by more bytes, the best few hundred
of these by the full minima. No index is built that would have to be tended: adding a row is writing
it, and any filter is a mask.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, Bools
from signatures.errors import BadArray
from signatures.estimates import Estimate, jaccard
from signatures.minhash import EMPTY, Signatures

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures import _scan_py as _kernel
else:
    try:
        from signatures import _scan_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures import _scan_py as _kernel

SHORT = 200  # rows that the scan passes on, at least; four times as many as are asked for
_NOBODY, _ASKED = 255, 254  # bytes of an empty bin: in a row, and in what is asked for
_HALF = 64  # bins; a line of the processor's cache
_BLOCK = 1 << 14  # rows shortened at once
_STEP, _STEPS = 16, 4096  # scores that are counted together, and how many such steps there are
_FEW = 10_000  # rows; not worth a thread
_EVERY, _ALL = np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=np.int64)

Bytes = npt.NDArray[np.uint8]


def kernel_name() -> str:
    """Return which kernel scans: "c" or "python"."""
    return "c" if _kernel.__name__.endswith("_c") else "python"


@dataclass(frozen=True, eq=False, slots=True)
class Found:
    """Rows with their Jaccard similarity to what was asked for, the most similar first."""

    rows: I64
    similarity: Estimate


class Index:
    """Finds similar audiences. Holds the signatures it was made with, and a byte for each of their
    first 128 bins beside them.

    One object serves many searches at once, but none while rows are added.
    """

    def __init__(self, signatures: Signatures, *, threads: int = 1) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads)
        self._known = signatures
        self._parts = _shortened(signatures.minima)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def signatures(self) -> Signatures:
        """Return what is searched."""
        return self._known

    def add(self, signatures: Signatures) -> I64:
        """Add rows and return their numbers. O(the index): its arrays grow."""
        if signatures.slots != self._known.slots:
            raise BadArray(
                "signatures", f"{signatures.slots} slots", f"sign with {self._known.slots}"
            )
        first = len(self)
        self._known = Signatures(
            np.concatenate([self._known.minima, signatures.minima]),
            np.concatenate([self._known.sizes, signatures.sizes]),
        )
        more = _shortened(signatures.minima)
        self._parts = tuple(np.concatenate(pair) for pair in zip(self._parts, more, strict=True))
        return np.arange(first, len(self))

    def most_similar(
        self, one: Signatures, *, most: int = 50, allowed: Bools | None = None
    ) -> Found:
        """Return up to `most` rows that share somebody with one audience, the most similar first,
        ties by row.

        allowed: shape (n,), False for rows to leave out, such as the audience itself. Reads 64
        bytes a row; about 5 ms for a million. The ranking is that of the full signatures but for
        rows that the scan has missed: fewer than one in a hundred where a tenth of the bins agree.
        Raises BadArray.
        """
        if len(one) != 1 or one.slots != self._known.slots:
            raise BadArray(
                "one", f"{len(one)} rows of {one.slots}", f"give 1 of {self._known.slots}"
            )
        if allowed is not None and allowed.shape != (len(self),):
            raise BadArray("allowed", f"shape {allowed.shape}", f"give ({len(self)},)")
        chosen = _EVERY if allowed is None else np.ascontiguousarray(allowed).view(np.uint8)
        rows = self._scanned(one.minima, chosen, max(SHORT, 4 * most))
        similarity = jaccard(self._known[rows], one)
        order = np.lexsort((rows, -similarity.value))[:most]
        order = order[similarity.value[order] > 0]
        parts = (part[order] for part in (similarity.value, similarity.low, similarity.high))
        return Found(rows[order], Estimate(*parts))

    def _scanned(self, minima: U64, allowed: Bytes, most: int) -> I64:
        """Return the rows that agree best by their bytes, ascending: by half of the bytes, then by
        all. A row that agrees in ten of 128 bins agrees in two of 64 in 99 of 100 cases.
        """
        query = _shortened(minima, nobody=_ASKED)
        scores, above = self._scored(0, query[0][0], _ALL, allowed)
        if len(query) == 1:
            return _picked(scores, above, _least(above, at_least=most, room=0))
        rows = _ALL
        if (minima != EMPTY).sum() >= _HALF:  # half of what a small audience has says too little
            rows = _picked(scores, above, _least(above, at_least=most, room=len(self) // 16))
            if not len(rows):
                return rows
            scores = scores[rows]
        behind, _ = self._scored(1, query[1][0], rows, _EVERY if len(rows) else allowed)
        scores = (scores >> 1) + (behind >> 1)
        above = np.cumsum(np.bincount(scores // _STEP, minlength=_STEPS)[::-1])[::-1]
        best = _picked(scores, above, _least(above, at_least=most, room=0))
        return rows[best] if len(rows) else best

    def _scored(
        self, half: int, query: Bytes, chosen: I64, allowed: Bytes
    ) -> tuple[npt.NDArray[np.uint16], I64]:
        """Return how much rows agree with half a query, from 0 to 65,535, and how many rows have
        each step of scores or more. chosen: the rows; empty: all.
        """
        rows, filled = self._parts[half], int((query != _ASKED).sum())
        scale = (65_535 / np.arange(filled, len(query) + 1).clip(1)).astype(np.float32)
        scores = np.empty(len(chosen) or len(rows), dtype=np.uint16)

        def score(part: slice) -> I64:
            counts = np.zeros(_STEPS, dtype=np.int64)
            mine, some = (rows, chosen[part]) if len(chosen) else (rows[part], chosen)
            there = allowed[part] if len(allowed) else allowed
            partly = filled < len(query)
            _kernel.score(mine, some, query, partly, scale, there, scores[part], counts)
            return counts

        counts = sum(self._in_parts(len(scores), score), np.zeros(_STEPS, dtype=np.int64))
        return scores, np.cumsum(counts[::-1])[::-1]

    def _in_parts(self, rows: int, work: Callable[[slice], I64]) -> list[I64]:
        """Do some work on each thread's share of the rows."""
        threads = self._threads if rows > _FEW else 1
        cuts = np.linspace(0, rows, threads + 1).astype(np.int64).tolist()
        parts = [slice(first, last) for first, last in pairwise(cuts)]
        return [work(parts[0])] if threads == 1 else list(self._pool.map(work, parts))


def _least(above: I64, *, at_least: int, room: int) -> int:
    """Return the step of scores that as many rows reach as have room, but at least so many, if so
    many agree at all.
    """
    fewest = int(np.searchsorted(-above, -at_least, side="right")) - 1
    return max(min(fewest, int(np.searchsorted(-above, -room, side="left"))), 0)


def _picked(scores: npt.NDArray[np.uint16], above: I64, step: int) -> I64:
    """Return the places of the scores that reach a step and are not 0, ascending."""
    found = np.empty(int(above[step]), dtype=np.int64)
    return found[: _kernel.pick(scores, max(step * _STEP, 1), found)]


def _shortened(minima: U64, nobody: int = _NOBODY) -> tuple[Bytes, ...]:
    """Return the first 128 bins in two halves, a byte a bin: 0 to 253 from the bits above those
    that chose the bin, which are as good as random, and `nobody` for an empty bin.
    """
    bits = np.uint64(minima.shape[1].bit_length() - 1)
    wide = min(minima.shape[1], 2 * _HALF)
    short = np.empty((len(minima), wide), dtype=np.uint8)
    for start in range(0, len(minima), _BLOCK):
        part = minima[start : start + _BLOCK, :wide]
        byte = (((part >> bits) & np.uint64(0xFF)) * np.uint64(254)) >> np.uint64(8)
        short[start : start + len(part)] = np.where(part == EMPTY, np.uint64(nobody), byte)
    halves = (short[:, :_HALF], short[:, _HALF:])
    return tuple(np.ascontiguousarray(half) for half in halves if half.shape[1])
