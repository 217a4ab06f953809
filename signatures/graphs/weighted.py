"""Weighted graphs as arrays: checked edges, neighbour lists, modularity and conductance."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signatures.errors import BadArray
from signatures.graphs import grouping

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]
Reals = npt.NDArray[np.number[Any]]

MOST_NODES = 2**31 - 1


class Edges(NamedTuple):
    """Checked edges without direction, each a piece of evidence: a pair given twice counts twice.

    sources, targets: int32 (m,) in [0, n). weights: float64 (m,), above 0.
    """

    sources: I32
    targets: I32
    weights: F64
    n: int


class Graph(NamedTuple):
    """Neighbour lists: those of node i are `targets[starts[i]:starts[i + 1]]`, loops left out.

    strengths: float64 (n,), the sum of a node's weights, a loop's twice. They stay what they were
    when edges are dropped, so what is expected between two groups stays what it was.
    """

    starts: I64
    targets: I32
    weights: F64
    strengths: F64

    @property
    def lists(self) -> tuple[I64, I32, F64]:
        """Return what kernels take."""
        return self.starts, self.targets, self.weights

    @property
    def total(self) -> float:
        """Return the sum of all strengths: twice the weight of all edges."""
        return float(self.strengths.sum())

    @property
    def size(self) -> int:
        """Return the number of nodes."""
        return len(self.strengths)


def edges_of(sources: Ids, targets: Ids, weights: Reals | None, n: int) -> Edges:
    """Return checked edges, those of weight 0 dropped. None: every edge weighs 1. O(edges).

    Raises BadArray for ids outside [0, n), weights below 0 or not finite, unequal lengths.
    """
    if not 0 <= n <= MOST_NODES:
        raise BadArray("n", n, "give the number of nodes, at most 2**31 - 1")
    ends = _ids("sources", sources, n), _ids("targets", targets, n)
    if ends[0].shape != ends[1].shape:
        raise BadArray("targets", len(ends[1]), f"give one for each of {len(ends[0])} sources")
    if weights is None:
        return Edges(*ends, np.ones(len(ends[0])), n)
    values = _weights(weights, len(ends[0]))
    kept = values > 0.0
    if kept.all():
        return Edges(*ends, values, n)
    return Edges(ends[0][kept], ends[1][kept], values[kept], n)


def _ids(field: str, given: Ids, n: int) -> I32:
    """Return node numbers as int32."""
    ids = np.asarray(given)
    if ids.ndim != 1 or (ids.size and ids.dtype.kind not in "iu"):
        raise BadArray(field, f"{ids.dtype} {ids.shape}", "give one row of whole numbers")
    wrong = (ids < 0) | (ids >= n)
    if wrong.any():
        raise BadArray(field, int(ids[wrong][0]), f"number the {n} nodes from 0")
    return np.ascontiguousarray(ids, np.int32)


def _weights(given: Reals, edges: int) -> F64:
    """Return weights as float64."""
    values = np.ascontiguousarray(given, np.float64)
    if values.shape != (edges,):
        raise BadArray("weights", values.shape, f"give one for each of {edges} edges")
    wrong = ~(values >= 0.0) | np.isinf(values)
    if wrong.any():
        raise BadArray("weights", float(values[wrong][0]), "give finite weights, 0 or more")
    return values


def graph_of(edges: Edges) -> Graph:
    """Return the neighbour lists of edges. O(n + edges)."""
    sources, targets, weights, n = edges
    strengths = _sums(sources, weights, n) + _sums(targets, weights, n)
    loops = sources == targets
    if loops.any():
        sources, targets, weights = (part[~loops] for part in (sources, targets, weights))
    starts, ends, values = grouping.neighbours(sources, targets, weights, n)
    return Graph(starts, ends, values, strengths)


def condensed(graph: Graph, labels: I32, groups: int) -> Graph:
    """Return the graph whose nodes are the groups of `labels`, all of them in [0, groups)."""
    starts, ends, values = grouping.condense(graph.lists, labels, groups)
    return Graph(starts, ends, values, _sums(labels, graph.strengths, groups))


def modularity(
    sources: Ids, targets: Ids, labels: Ids, weights: Reals | None = None, *, resolution: float = 1
) -> float:
    """Return the share of edges inside groups less `resolution` times the share expected there.

    labels: the group of every node, shape (n,); a node below 0 is a group of its own. A loop
    counts as one edge, twice in its node's strength. Returns -0.5 to 1 at resolution 1, 0 without
    edges. O(n + edges). Raises BadArray. Source: Newman 2004, with weights and resolution as in
    Reichardt and Bornholdt 2006.
    """
    edges = edges_of(sources, targets, weights, len(labels))
    volumes, cuts = _volumes(edges, _alone(np.asarray(labels)))
    total = float(volumes.sum())
    if total == 0.0:
        return 0.0
    return float(1.0 - cuts.sum() / total - resolution * ((volumes / total) ** 2).sum())


def conductance(sources: Ids, targets: Ids, labels: Ids, weights: Reals | None = None) -> F64:
    """Return what share of each group's links leave it, float64 (groups,), 0 (apart) to 1.

    The weight of the links between a group and the rest over the strengths of the smaller of the
    two sides; 0 where a side has none. labels: shape (n,), in [0, groups), nodes below 0 are in no
    group. O(n + edges). Raises BadArray. Source: Kannan, Vempala and Vetta 2004.
    """
    labels = np.asarray(labels)
    edges = edges_of(sources, targets, weights, len(labels))
    groups = int(labels.max(initial=-1)) + 1
    volumes, cuts = _volumes(edges, _alone(labels))
    smaller = np.minimum(volumes, volumes.sum() - volumes)[:groups]
    found = np.zeros(groups)
    np.divide(cuts[:groups], smaller, out=found, where=smaller > 0.0)
    return found


def _alone(labels: Ids) -> I64:
    """Return labels in which each node without a group has one of its own, after all others."""
    found = labels.astype(np.int64)
    without = np.flatnonzero(found < 0)
    found[without] = found.max(initial=-1) + 1 + np.arange(len(without))
    return found


def _volumes(edges: Edges, labels: I64) -> tuple[F64, F64]:
    """Return the strengths in each group and the weight of the links that leave it."""
    groups = int(labels.max(initial=-1)) + 1
    ends = labels[edges.sources], labels[edges.targets]
    out = edges.weights * (ends[0] != ends[1])
    volumes = _sums(ends[0], edges.weights, groups) + _sums(ends[1], edges.weights, groups)
    return volumes, _sums(ends[0], out, groups) + _sums(ends[1], out, groups)


def _sums(groups: Ids, values: F64, n: int) -> F64:
    """Return the sum of the values in each of n groups; numpy's is of integers for nothing."""
    return np.bincount(groups, values, n).astype(np.float64)
