"""Communities of a whole graph: found at the scale the graph speaks for, with how sure they are.

Three things trouble modularity alone, and each has one answer here:
1. It merges small groups in large graphs (its resolution limit) and splits large ones: several
   resolutions are tried, and the partition wins that describes the edges shortest.
2. It merges groups for a chance surplus of links: two groups become one only if their links exceed
   what is expected by more than three standard errors.
3. Another seed gives another partition: three runs are made, what they agree on is kept together,
   and how far they agree is told.
"""

from dataclasses import dataclass
from math import log

import numpy as np

from signatures.errors import BadArray
from signatures.graphs import grouping
from signatures.graphs.weighted import (
    F64,
    I32,
    I64,
    Edges,
    Graph,
    Ids,
    Reals,
    condensed,
    conductance,
    edges_of,
    graph_of,
    modularity,
)

# Groups of nodes are first formed at the middle one; the shortest description picks among all.
RESOLUTIONS = (1.0, 2.0, 4.0, 8.0)
FIRST_RESOLUTION = 2.0
# Two groups are one if their links are this many times as dense as links between groups are on
# average; never asked for more than modularity asks, the density expected by chance.
DENSER = 5.0
ERRORS = 3.0  # standard errors of a count of links; a pair of groups is one of many tried
ROUNDS = 3  # of merging groups and moving nodes; a second one changes little, a third next to none


@dataclass(frozen=True, slots=True, kw_only=True)
class Communities:
    """The communities of a graph, the largest first.

    labels: int32 (n,), the community of every node, -1 for one without a link to another node.
    conductance: float64 (number,), the share of each one's links that leave it.
    stability: how far independent runs agree, their mean adjusted Rand index in pairs: 1 the same,
    0 no more than by chance; nan for a single run. The communities given are the runs' consensus,
    and agree more with those of another seed than this says.
    evidence: natural units (nats) saved per node by describing the edges with these communities
    instead of without; at 0 or below they are no better than chance, and should not be shown.
    """

    labels: I32
    number: int
    modularity: float
    conductance: F64
    stability: float
    evidence: float


def communities(
    sources: Ids,
    targets: Ids,
    weights: Reals | None = None,
    *,
    n: int,
    seed: int = 0,
    runs: int = 3,
) -> Communities:
    """Return the communities of a graph without directions.

    sources, targets: the nodes of each edge, in [0, n), shape (m,); loops and repeated edges are
    allowed, their weights add up. weights: 0 or more, e.g. Jaccard similarities; None for all 1.
    Every community is connected. The same arguments give the same bytes: one thread, no clock.
    About 0.3 s of CPU a run for a million edges. Raises BadArray.
    Sources: Blondel 2008 (Louvain), Traag 2019 (visits), Newman 2016 and Zhang and Peixoto 2020
    (description length of a planted partition), Ovelgönne and Geyer-Schulz 2012 (consensus).
    """
    if runs < 1:
        raise BadArray("runs", runs, "make one run or more")
    edges = edges_of(sources, targets, weights, n)
    graph = graph_of(_scaled(edges))
    dice = np.random.default_rng(seed)
    found = [_run(graph, dice) for _ in range(runs)]
    labels = _consensus(graph, found, dice) if runs > 1 else found[0]
    labels = _ordered(graph, grouping.connected(graph.lists, labels))
    return Communities(
        labels=labels,
        number=int(labels.max(initial=-1)) + 1,
        modularity=modularity(edges.sources, edges.targets, labels, edges.weights),
        conductance=conductance(edges.sources, edges.targets, labels, edges.weights),
        stability=_agreement(found),
        evidence=_evidence(graph, labels),
    )


def _scaled(edges: Edges) -> Edges:
    """Return edges whose weights count: their sum is the number of equal edges that says as much.

    Noise and description lengths are about counts; and no answer depends on the weights' unit.
    """
    total = float(edges.weights.sum())
    if total == 0.0:
        return edges
    largest = float(edges.weights.max())  # squares of tiny weights would be 0
    shares = edges.weights / largest
    return edges._replace(weights=shares * (shares.sum() / (shares**2).sum()))


def _run(graph: Graph, dice: np.random.Generator) -> I32:
    """Return one partition: groups of nodes, groups of groups at the best resolution, mended."""
    alone = np.arange(graph.size, dtype=np.int32)
    first = _settled(graph, alone, FIRST_RESOLUTION / _unit(graph), dice)
    return _mended(graph, _grown(graph, first, dice), dice)


def _consensus(graph: Graph, found: list[I32], dice: np.random.Generator) -> I32:
    """Return the partition of what all runs keep together: nodes that no run has parted."""
    cores = np.zeros(graph.size, np.int32)
    for labels in found:
        pairs = cores.astype(np.int64) * graph.size + labels
        cores = np.unique(pairs, return_inverse=True)[1].astype(np.int32)
    return _mended(graph, _grown(graph, cores, dice), dice)


def _grown(graph: Graph, labels: I32, dice: np.random.Generator) -> I32:
    """Return groups of groups: the resolution's that describes the graph shortest."""
    base = condensed(graph, labels, _count(labels))
    sizes = np.bincount(labels)
    tried = [_levels(base, resolution, dice) for resolution in RESOLUTIONS]
    saved = [_saved(base, groups, sizes) for groups in tried]
    best: I32 = tried[int(np.argmax(saved))][labels]
    return best


def _levels(graph: Graph, resolution: float, dice: np.random.Generator) -> I32:
    """Return a partition by local moves of nodes, then of groups, then of groups of groups."""
    labels, level = np.arange(graph.size, dtype=np.int32), graph
    rate = resolution / _unit(graph)
    while True:
        alone = np.arange(level.size, dtype=np.int32)
        groups = _settled(level, alone, rate, dice)
        if _count(groups) == level.size:
            return labels
        labels = groups[labels]
        level = condensed(level, groups, _count(groups))


def _mended(graph: Graph, labels: I32, dice: np.random.Generator) -> I32:
    """Return a partition after merging what belongs together and moving nodes in between."""
    for _ in range(ROUNDS):
        groups = condensed(graph, labels, _count(labels))
        inside, expected = _shares(groups)
        density = (1.0 - inside) / (1.0 - expected) if expected < 1.0 else 0.0
        rate = min(1.0, DENSER * density) / _unit(graph)
        merged = _merged(groups, rate, dice)[labels]
        labels = _settled(graph, merged, rate, dice)
        if _count(labels) == groups.size:
            break
    return labels


def _merged(groups: Graph, rate: float, dice: np.random.Generator) -> I32:
    """Return which groups are one: their links exceed what is expected by more than chance."""
    labels, level = np.arange(groups.size, dtype=np.int32), groups
    while True:
        alone = np.arange(level.size, dtype=np.int32)
        found = _settled(_certain(level), alone, rate, dice)
        if _count(found) == level.size:
            return labels
        labels = found[labels]
        level = condensed(level, found, _count(found))


def _certain(groups: Graph) -> Graph:
    """Return groups with the links between two that are certain: a count's lower bound.

    The square root of a Poisson count has a standard error of 1/2 whatever its mean (Anscombe
    1948), so the bound is as good for 10 links as for 10,000.
    """
    roots = np.sqrt(groups.weights + 0.375) - ERRORS / 2.0
    least = np.maximum(roots, 0.0) ** 2 - 0.375
    kept = least > 0.0
    starts = np.concatenate([[0], np.cumsum(kept)])[groups.starts].astype(np.int64)
    return Graph(starts, groups.targets[kept], least[kept], groups.strengths)


def _settled(graph: Graph, labels: I32, rate: float, dice: np.random.Generator) -> I32:
    """Return labels after local moves, numbered without holes."""
    order = dice.permutation(graph.size).astype(np.int32)
    return _renumbered(grouping.settle(graph.lists, graph.strengths, labels, order, rate))


def _shares(groups: Graph) -> tuple[float, float]:
    """Return the share of links inside groups, and the one expected by the strengths."""
    total = _unit(groups)
    return 1.0 - float(groups.weights.sum()) / total, float(((groups.strengths / total) ** 2).sum())


def _saved(base: Graph, groups: I32, sizes: I64) -> float:
    """Return the nats saved by describing the edges with these groups, their own cost taken off.

    base: a graph of parts of the groups. sizes: the nodes in each part. The edges are drawn with
    one density inside groups and one between them, at the nodes' strengths.
    """
    inside, expected = _shares(condensed(base, groups, _count(groups)))
    if not 0.0 < expected < inside:
        return 0.0 if expected >= 1.0 else float("-inf")
    gain = inside * log(inside / expected)
    if inside < 1.0:
        gain += (1.0 - inside) * log((1.0 - inside) / (1.0 - expected))
    nodes = np.bincount(groups, sizes)
    nodes = nodes[nodes > 0]
    return base.total / 2.0 * gain - float((nodes * np.log(nodes.sum() / nodes)).sum())


def _evidence(graph: Graph, labels: I32) -> float:
    """Return the nats saved per node that has links; 0 for a graph without."""
    linked = labels >= 0
    if not linked.any():
        return 0.0
    own = np.where(linked, labels, labels.max() + 1).astype(np.int32)
    return _saved(graph, own, linked.astype(np.int64)) / int(linked.sum())


def _agreement(found: list[I32]) -> float:
    """Return the mean adjusted Rand index of all pairs of partitions; nan for one alone."""
    pairs = [_rand(one, other) for at, one in enumerate(found) for other in found[at + 1 :]]
    return float(np.mean(pairs)) if pairs else float("nan")


def _rand(one: I32, other: I32) -> float:
    """Return the adjusted Rand index of two partitions. Source: Hubert and Arabie 1985."""
    n = len(one)
    together = one.astype(np.int64) * (int(other.max(initial=0)) + 1) + other
    both, first, second = (_pairs(labels) for labels in (together, one, other))
    chance = first * second / (n * (n - 1) / 2.0) if n > 1 else 0.0
    most = (first + second) / 2.0
    return 1.0 if most == chance else (both - chance) / (most - chance)


def _pairs(labels: Ids) -> float:
    """Return in how many pairs of nodes both have one label."""
    counts = np.unique(labels, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1.0) / 2.0).sum())


def _ordered(graph: Graph, labels: I32) -> I32:
    """Return labels numbered by size, equals by their first node; -1 for nodes without links."""
    linked = np.diff(graph.starts) > 0
    found = np.full(graph.size, -1, np.int32)
    _, first, inverse, counts = np.unique(
        labels[linked], return_index=True, return_inverse=True, return_counts=True
    )
    rank = np.empty(len(counts), np.int32)
    rank[np.lexsort((first, -counts))] = np.arange(len(counts))
    found[linked] = rank[inverse]
    return found


def _renumbered(labels: I32) -> I32:
    """Return labels in [0, n) numbered without holes, in their order."""
    used = np.bincount(labels, minlength=len(labels)) > 0
    return (np.cumsum(used) - 1).astype(np.int32)[labels]


def _count(labels: I32) -> int:
    """Return the number of groups, numbered without holes."""
    return int(labels.max(initial=-1)) + 1


def _unit(graph: Graph) -> float:
    """Return the sum of all strengths, 1 for a graph without edges: nothing is then divided."""
    return graph.total or 1.0
