"""Seed expansion: from a few accounts of a community to the others, by who follows them.

As in Chamberlain et al., PLoS ONE 13(1):e0188702 (2018): accounts by their mean similarity to the
seeds (MS), or one at a time by their mean similarity to all found so far (AC). The paper finds
each best in half of its communities; on the public graph of an institute's e-mail MS is better.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from signatures.errors import BadArray

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
F64 = npt.NDArray[np.float64]
Ids = npt.NDArray[np.integer[Any]]

# The similarities of one account to all n, shape (n,), 0 to 1.
Similarity = Callable[[int], F64]

EMPTY = np.uint64(2**64 - 1)  # a slot that no follower fell into
ROWS = 8192  # compared at once: 8 MB of 128 slots stay in the cache


class Ranked(NamedTuple):
    """Accounts, the best first, and their scores; the seeds are not among them."""

    accounts: I64
    scores: F64


def expand(similarity: Similarity, seeds: Ids, *, most: int = 100, greedy: bool = False) -> Ranked:
    """Return the accounts most like the seeds, at most `most`.

    similarity: e.g. `slot_similarity(minima)`, or a matrix's `__getitem__`. seeds: different
    account numbers, 1 or more. greedy: take one account at a time, each joins the seeds (AC): it
    finds long-drawn communities and strays from blurred ones. Score: the mean similarity to the
    seeds, for AC to all members when it was taken. Equals stand in the order of their numbers.
    One call a seed; for AC one more an account found. Raises BadArray.
    """
    start = np.asarray(seeds, np.int64)
    if start.ndim != 1 or start.size == 0 or len(np.unique(start)) < start.size:
        raise BadArray("seeds", start.tolist(), "give one account or more, each once")
    if start.min() < 0:
        raise BadArray("seeds", int(start.min()), "number the accounts from 0")
    try:
        total = sum((similarity(int(seed)) for seed in start), np.zeros(1))
    except IndexError as exc:
        raise BadArray("seeds", int(start.max()), "give numbers of accounts there are") from exc
    total[start] = -np.inf
    most = min(most, len(total) - len(start))
    if greedy:
        return _grown(similarity, total, len(start), most)
    best = _best(total, most)
    return Ranked(best, total[best] / len(start))


def _best(total: F64, most: int) -> I64:
    """Return the places of the largest numbers, equals by place. O(n + most log most)."""
    if most <= 0:
        return np.empty(0, np.int64)
    least = np.partition(total, len(total) - most)[len(total) - most]
    near = np.flatnonzero(total >= least)
    return near[np.argsort(-total[near], kind="stable")][:most]


def _grown(similarity: Similarity, total: F64, members: int, most: int) -> Ranked:
    """Return accounts in the order in which they join."""
    accounts, scores = np.empty(most, np.int64), np.empty(most)
    for place in range(most):
        best = int(total.argmax())
        accounts[place], scores[place] = best, total[best] / (members + place)
        total += similarity(best)  # what has joined is at minus infinity and stays there
        total[best] = -np.inf
    return Ranked(accounts, scores)


def slot_similarity(minima: U64, *, rare: bool = True) -> Similarity:
    """Return the similarity of one account's audience to all others', from signatures.

    minima: shape (n, slots), an empty slot 2**64 - 1. Estimates the Jaccard similarity: the share
    of equal slots among those that are not empty in both. rare: a slot weighs log(n / accounts
    that have this account's value in it), for a follower whom many share says little; it is then
    not symmetric, and no Jaccard similarity, but finds more: recall area .367 instead of .361 in
    benchmarks/communities.py. One pass over the signatures a call: 0.2 s of CPU for a million
    accounts of 128 slots. An account without followers is like none.
    """
    if minima.ndim != 2 or minima.dtype != np.uint64:
        raise BadArray("minima", f"{minima.dtype} {minima.shape}", "give uint64 (accounts, slots)")

    def to_all(account: int) -> F64:
        own = minima[account]
        filled = own != EMPTY
        rows, slots = _matches(minima, own, filled)
        weights = np.ones(len(own))
        if rare:
            shared = np.maximum(np.bincount(slots, minlength=len(own)), 1)
            weights[filled] = np.log(len(minima) / shared[filled])
            weights[~filled] = weights[filled].mean() if filled.any() else 1.0
        found = np.bincount(rows, weights[slots], len(minima)).astype(np.float64)
        possible = weights[filled].sum() + (minima[:, ~filled] != EMPTY) @ weights[~filled]
        np.divide(found, possible, out=found, where=possible > 0.0)
        return found

    return to_all


def _matches(minima: U64, own: U64, filled: npt.NDArray[np.bool_]) -> tuple[I64, I64]:
    """Return the accounts and slots that hold what one account's filled slots hold."""
    found: list[I64] = []
    for start in range(0, len(minima), ROWS):
        equal = minima[start : start + ROWS] == own
        equal &= filled
        found.append(np.flatnonzero(equal) + start * len(own))
    at = np.concatenate(found) if found else np.empty(0, np.int64)
    rows, slots = np.divmod(at, len(own))
    return rows, slots


def recall_area(ranked: Ids, members: Ids) -> float:
    """Return the area under the recall curve of a ranking: 0.5 is perfect, 0 finds nobody.

    ranked: accounts, the best first. members: those to be found, without the seeds. Recall is the
    share of the members found among the first 0, 1, ... accounts, as many as there are members.
    Raises BadArray without members. Source: table 5 of the paper.
    """
    if len(members) == 0:
        raise BadArray("members", 0, "give the accounts that should be found")
    hits = np.zeros(len(members) + 1)
    right = np.isin(ranked[: len(members)], members)
    hits[1 : len(right) + 1] = right
    recall = np.cumsum(hits) / len(members)
    return float((recall[1:] + recall[:-1]).mean() / 2.0)
