"""How many different people a set of accounts reaches together, and how their audiences overlap."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from signatures.arrays import F64, I64, U64
from signatures.edges.lists import shared
from signatures.errors import BadArray
from signatures.estimates import Estimate, held_by, overlap, union_size, wilson
from signatures.minhash import EMPTY, Signatures

MOST = 500  # accounts; their overlap is a matrix


@dataclass(frozen=True, eq=False, slots=True)
class Together:
    """How many people n accounts reach together.

    sizes: followers of each, shape (n,). union: how many different people follow one of them at
    least, shape (). frequency: how many of the accounts each of these follows, on average, shape
    (); NaN if there is nobody. repeated: which share of them follows 1, 2, ... n accounts, shape
    (n,). exact: whether lists were counted; then low = value = high.
    """

    sizes: I64
    union: Estimate
    frequency: Estimate
    repeated: F64
    exact: bool

    @property
    def gross(self) -> int:
        """Return the sum of all sizes, in which a person counts once for each account."""
        return int(self.sizes.sum())


@dataclass(frozen=True, eq=False, slots=True)
class Reach:
    """What n accounts reach together, and each of them beside the others, as shares from 0 to 1.

    exclusive: the share of each audience that follows no other of them; shape (n,).
    matrix: the overlap |A & B| / min(|A|, |B|) of each pair; shape (n, n), 1 on the diagonal.
    Both are NaN for an account without followers.
    """

    together: Together
    exclusive: Estimate
    matrix: Estimate


def estimated_together(rows: Signatures) -> Together:
    """Return how many people accounts reach together, from their signatures. O(n * slots)."""
    minima, held = held_by(rows)
    holders = held[:, minima != EMPTY].sum(axis=0)
    return _together(rows.sizes, union_size(rows), holders, exact=False)


def counted_together(lists: Sequence[U64]) -> Together:
    """Return how many people accounts reach together, counted from ascending lists of their
    followers' hashes. O(edges * log(edges)).
    """
    sizes, _, holders = _counted(lists)
    return _together(sizes, _exactly(np.asarray(float(len(holders)))), holders, exact=True)


def estimated_reach(rows: Signatures) -> Reach:
    """Return what accounts reach together, from their signatures. O(n * n * slots).

    Raises BadArray for more than 500 accounts.
    """
    _check(len(rows))
    minima, held = held_by(rows)
    held = held[:, minima != EMPTY]
    alone, seen = (held & (held.sum(axis=0) == 1)).sum(axis=1), held.sum(axis=1)
    return Reach(estimated_together(rows), _share(alone, seen, rows.sizes), _matrix(rows))


def counted_reach(lists: Sequence[U64]) -> Reach:
    """Return what accounts reach together, counted from ascending lists of their followers' hashes.

    O(edges * n): each pair of lists is compared. Raises BadArray for more than 500 accounts.
    """
    _check(len(lists))
    sizes, owners, holders = _counted(lists)
    alone = np.bincount(owners[holders == 1], minlength=len(lists))
    with np.errstate(invalid="ignore"):
        exclusive = alone / np.where(sizes, sizes, np.nan)
    union = _exactly(np.asarray(float(len(holders))))
    return Reach(
        _together(sizes, union, holders, exact=True),
        _exactly(exclusive),
        _exactly(_counted_matrix(lists)),
    )


def _counted(lists: Sequence[U64]) -> tuple[I64, I64, I64]:
    """Return the sizes of lists, and of each different hash one that has it and how many do."""
    sizes = np.array([len(one) for one in lists], dtype=np.int64)
    hashes = np.concatenate([np.zeros(0, dtype=np.uint64), *lists])
    order = np.argsort(hashes, kind="stable")
    hashes = hashes[order]
    new = np.ones(len(hashes), dtype=bool)
    new[1:] = hashes[1:] != hashes[:-1]
    first = np.flatnonzero(new)
    owners = np.repeat(np.arange(len(lists)), sizes)[order[first]]
    return sizes, owners, np.diff(np.concatenate([first, [len(hashes)]]))


def _together(sizes: I64, union: Estimate, holders: I64, *, exact: bool) -> Together:
    gross = float(sizes.sum())
    return Together(sizes, union, _frequency(gross, union), _repeated(holders, len(sizes)), exact)


def _check(accounts: int) -> None:
    if accounts > MOST:
        raise BadArray("accounts", accounts, f"give at most {MOST}")


def _frequency(gross: float, union: Estimate) -> Estimate:
    def of(size: F64) -> F64:
        return np.asarray(gross / size if size else np.nan)

    return Estimate(of(union.value), of(union.high), of(union.low))


def _share(alone: I64, seen: I64, sizes: I64) -> Estimate:
    """Return the share of each audience that only it holds, of its members that the union's minima
    show: a sample that is not put back.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(sizes, alone / seen, np.nan)
        trials = np.where(sizes > seen, seen * (sizes - 1) / (sizes - seen), np.inf)
    low, high = wilson(value, np.where(seen, trials, 0))
    unknown = (sizes > 0) & (seen == 0)  # too small beside the others to be seen at all
    value, low, high = (
        np.where(unknown, blank, np.clip(part, 0, 1))
        for part, blank in ((value, 0.5), (low, 0.0), (high, 1.0))
    )
    return Estimate(value, np.minimum(low, value), np.maximum(high, value))


def _matrix(rows: Signatures) -> Estimate:
    n = len(rows)
    a, b = np.triu_indices(n, 1)
    pairs = overlap(rows[a], rows[b])
    own = np.where(rows.sizes > 0, 1.0, np.nan)
    return Estimate(*(_square(part, n, own) for part in (pairs.value, pairs.low, pairs.high)))


def _counted_matrix(lists: Sequence[U64]) -> F64:
    n, sizes = len(lists), np.array([len(one) for one in lists], dtype=np.float64)
    a, b = np.triu_indices(n, 1)
    common = [shared(lists[i], lists[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True)]
    with np.errstate(invalid="ignore"):
        parts = np.array(common, dtype=np.float64) / np.minimum(sizes[a], sizes[b])
    return _square(parts, n, np.where(sizes > 0, 1.0, np.nan))


def _square(pairs: F64, n: int, diagonal: F64) -> F64:
    """Return a symmetric matrix from what stands above its diagonal."""
    square = np.zeros((n, n))
    square[np.triu_indices(n, 1)] = pairs
    square += square.T
    np.fill_diagonal(square, diagonal)
    return square


def _repeated(holders: I64, n: int) -> F64:
    """Return the shares of people who follow 1, 2, ... n accounts."""
    counts = np.bincount(holders, minlength=n + 1)[1 : n + 1].astype(np.float64)
    return counts / counts.sum() if counts.sum() else counts


def _exactly(value: F64) -> Estimate:
    return Estimate(value, value, value)
