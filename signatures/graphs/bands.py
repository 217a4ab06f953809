"""Who is like whom, for all audiences at once: banding of signatures, then their full comparison.

A band is two bins. Two audiences meet if they agree in both bins of some band: with 64 bands a pair
of similarity J meets with a probability of 1 - (1 - J**2)**64, 99.8 % at 0.3 and 47 % at 0.1. Where
audiences are few they all meet, so that weak pairs are not missed.
Source: Chamberlain et al. 2018, after Indyk and Motwani 1998.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from signatures.arrays import F64, I64, U64, Bools
from signatures.hashing import mix64
from signatures.minhash import EMPTY, Signatures, densified, similarities

CROWD = 64  # audiences that share a band; in larger ones each meets only those near it
FEW = 3_000  # audiences that are all compared, in a second and 150 MB
_BLOCK = 1 << 14  # rows densified at once


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """Similar audiences. All arrays have shape (edges,); each pair stands once, source < target.

    weights: the estimated Jaccard similarity, above 0 and up to 1.
    """

    sources: I64
    targets: I64
    weights: F64

    def __len__(self) -> int:
        return len(self.sources)


def neighbours(
    signatures: Signatures,
    *,
    least: float = 0.05,
    most: int = 50,
    few: int = FEW,
    progress: Callable[[int, int], None] | None = None,
) -> Graph:
    """Return the graph of similar audiences: pairs with a similarity of `least` and more.

    Of up to `few` audiences all such pairs, of more those that met in a band. Of each audience the
    `most` strongest pairs are kept, and those that are among the strongest of the other. Audiences
    of nobody have none. O(n * slots + pairs); a million signatures of 128 bins take a minute or two
    and about 2 GB beside them.
    """
    n = len(signatures)
    sources, targets = np.triu_indices(n, 1) if n <= few else _met(signatures, progress)
    weights = similarities(signatures.minima, sources, targets)
    like = weights >= least  # no two audiences of nobody: their similarity is no number
    graph = Graph(sources[like], targets[like], weights[like])
    return _strongest(graph, n, most)


def _met(signatures: Signatures, progress: Callable[[int, int], None] | None) -> tuple[I64, I64]:
    """Return the pairs that agree in a band, each once."""
    bands = signatures.slots // 2
    pairs = np.zeros(0, dtype=np.uint64)
    waiting: list[U64] = []
    for band in range(bands):
        waiting.append(_meeting(_keys(signatures.minima, band), band))
        if band == bands - 1 or sum(map(len, waiting)) > max(len(pairs), 1 << 22):
            pairs = _distinct(np.concatenate([pairs, *waiting]))
            waiting = []
        if progress is not None:
            progress(band + 1, bands)
    sources = (pairs >> np.uint64(32)).astype(np.int64)
    return sources, (pairs & np.uint64(2**32 - 1)).astype(np.int64)


def _keys(minima: U64, band: int) -> U64:
    """Return what each row has in a band, as one number; 0 for a row of nobody."""
    keys = np.empty(len(minima), dtype=np.uint64)
    for start in range(0, len(minima), _BLOCK):
        part = minima[start : start + _BLOCK]
        pair = part[:, 2 * band : 2 * band + 2]
        gaps = (pair == EMPTY).any(axis=1)
        if gaps.any():
            pair = pair.copy()
            pair[gaps] = densified(part[gaps])[:, 2 * band : 2 * band + 2]
        key = mix64(pair[:, 0] ^ mix64(pair[:, 1]))
        keys[start : start + len(part)] = np.where((pair == EMPTY).any(axis=1), 0, key)
    return keys


def _meeting(keys: U64, band: int) -> U64:
    """Return the pairs of rows with the same key, as source * 2**32 + target, source < target."""
    order = np.lexsort((mix64(np.arange(len(keys)) + band), keys))
    order = order[keys[order] != 0].astype(np.uint64)
    sorted_keys = keys[order]
    found = []
    for step in range(1, min(CROWD, len(order))):
        same = sorted_keys[step:] == sorted_keys[:-step]
        if not same.any():
            break
        a, b = order[:-step][same], order[step:][same]
        found.append((np.minimum(a, b) << np.uint64(32)) | np.maximum(a, b))
    return np.concatenate([np.zeros(0, dtype=np.uint64), *found])


def _distinct(pairs: U64) -> U64:
    """Return the pairs in order, each once; sorting beats numpy's hash table ten times here."""
    pairs.sort()
    return pairs[np.concatenate([[True], pairs[1:] != pairs[:-1]])] if len(pairs) else pairs


def _strongest(graph: Graph, n: int, most: int) -> Graph:
    """Return the edges that are among the strongest of one of their ends."""
    ends = np.concatenate([graph.sources, graph.targets])
    if not len(ends) or np.bincount(ends).max() <= most:
        return graph
    edges = np.tile(np.arange(len(graph)), 2)
    order = np.lexsort((edges, -graph.weights[edges], ends))
    place = np.arange(len(ends)) - np.searchsorted(ends[order], np.arange(n))[ends[order]]
    kept: Bools = np.zeros(len(graph), dtype=bool)
    kept[edges[order][place < most]] = True
    return Graph(graph.sources[kept], graph.targets[kept], graph.weights[kept])
