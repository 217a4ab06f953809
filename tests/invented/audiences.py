"""Invented audiences: lists of follower ids with a known truth."""

from collections.abc import Sequence

import numpy as np

from signatures.arrays import I64, U64

Random = np.random.Generator


def flat(lists: Sequence[U64]) -> tuple[I64, U64]:
    """Return lists as `sign` takes them."""
    sizes = [len(one) for one in lists]
    indptr = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    return indptr, np.concatenate([np.zeros(0, dtype=np.uint64), *lists])


def pair(rng: Random, n: int, m: int, similarity: float) -> tuple[U64, U64, float]:
    """Return two lists of n and m ids, and their exact Jaccard similarity, near the wanted one."""
    shared = min(round(similarity * (n + m) / (1 + similarity)), n, m)
    ids = rng.integers(0, 2**64, n + m - shared, dtype=np.uint64)
    return ids[:n], ids[n - shared :], shared / (n + m - shared)


def crowd(rng: Random, *, people: int, accounts: int, median: float, skew: float) -> list[U64]:
    """Return the audiences of some accounts among people of whom some follow more than others."""
    weights = np.cumsum((np.arange(people) + 1.0) ** -skew)
    ids = rng.integers(0, 2**64, people, dtype=np.uint64)
    found = []
    for _ in range(accounts):
        size = int(np.clip(median * np.exp(0.8 * rng.standard_normal()), 5, people * 0.3))
        drawn = np.searchsorted(weights / weights[-1], rng.random(2 * size))
        found.append(ids[rng.permutation(np.unique(drawn))[:size]])
    return found
