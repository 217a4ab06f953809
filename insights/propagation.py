"""What an account's surroundings say of an attribute: known values spread along a graph's edges."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]

# How much of a value goes on at each step. Several, since nobody knows beforehand how far an
# attribute reaches in a graph: the pool weighs them.
REACHES = (0.3, 0.5, 0.8)
STEPS = 20  # 0.8 ** 20 = 1 %: what comes from farther does not count
AVERAGES = 15  # of repeated averaging over neighbours; it has converged
SMOOTHING = 0.01  # weight of the shares among all accounts beside what the surroundings say


class Surroundings:
    """A graph ready to spread values: made once for a graph, `evidence` called for each set of
    known values.
    """

    def __init__(self, sources: Ids, targets: Ids, weights: F64 | None, n: int) -> None:
        """Take edges without direction; loops are left out, repeated edges add up. O(edges)."""
        values = np.ones(len(sources)) if weights is None else np.asarray(weights, np.float64)
        kept = np.asarray(sources) != np.asarray(targets)
        ends = np.asarray(sources)[kept], np.asarray(targets)[kept]
        one_way = sparse.coo_array((values[kept], ends), shape=(n, n))
        links = (one_way + one_way.T).tocsr()
        strengths = np.asarray(links.sum(axis=1)).ravel()
        divided = np.divide(1.0, strengths, out=np.zeros(n), where=strengths > 0.0)
        mean, root = sparse.diags_array(divided), sparse.diags_array(np.sqrt(divided))
        self._mean = (mean @ links).tocsr()
        # Three ways to count a neighbour with many neighbours: as any other, less, much less.
        self._ways = (self._mean, (root @ links @ root).tocsr(), (links @ mean).tocsr())
        self.neighbours: I64 = np.diff(links.indptr).astype(np.int64)

    def evidence(self, known: F64, prior: F64) -> F64:
        """Return what each way and reach says of each value, shape (10, n, values).

        known: one row an account, 1 at its value, all 0 where it is unknown, shape (n, values).
        prior: the share of each value, above 0. Natural logarithms of how much likelier a value
        is than at random; 0 where the known values are out of reach. 75 products of the graph
        with `known`. Sources: Zhu 2003 (averages), Zhou 2004 (spread with restart).
        """
        spreads = [spread for way in self._ways for spread in _spreads(way, known)]
        spreads.append(self._averages(known, prior))
        return np.stack([_surplus(spread, prior) for spread in spreads])

    def _averages(self, known: F64, prior: F64) -> F64:
        """Return each account's mean over its neighbours', again and again, known values kept."""
        fixed = known.sum(axis=1) > 0.0
        found: F64 = np.where(fixed[:, None], known, prior)
        for _ in range(AVERAGES):
            found = self._mean @ found
            found[fixed] = known[fixed]
        return found


def _spreads(way: "sparse.csr_array[Any, Any]", known: F64) -> list[F64]:
    """Return how much of each value arrives at each account, for each reach."""
    arriving, found = known, [(1.0 - reach) * known for reach in REACHES]
    for step in range(1, STEPS + 1):
        arriving = way @ arriving
        for at, reach in enumerate(REACHES):
            found[at] = found[at] + (1.0 - reach) * reach**step * arriving
    return found


def _surplus(spread: F64, prior: F64) -> F64:
    """Return the logarithm of the shares over the prior's, drawn to it where little arrives."""
    arrived = spread.sum(axis=1, keepdims=True)
    found: F64 = np.log((spread / prior + SMOOTHING) / (arrived + SMOOTHING))
    return found
