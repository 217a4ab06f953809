"""What signatures say of audiences: similarity, overlap and the size of a union, with intervals.

The minima of a union's bins are as many different members of it, each set of so many equally
likely. So the share of bins that two audiences have in common is a share of a sample drawn without
putting back, and an audience no larger than there are bins is known almost exactly. All intervals
hold 95 % and assume `sizes` to be exact.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from signatures.arrays import F64, I64, Bools
from signatures.errors import BadArray
from signatures.minhash import EMPTY, Signatures

Z = 1.959964  # two-sided 95 % of a normal distribution


@dataclass(frozen=True, eq=False, slots=True)
class Estimate:
    """Estimated numbers: arrays of one shape; low <= value <= high.

    NaN in all three where the question has no answer, such as the overlap with nobody.
    """

    value: F64
    low: F64
    high: F64


def jaccard(a: Signatures, b: Signatures) -> Estimate:
    """Return the Jaccard similarity |A & B| / |A | B| of each pair of rows, shape (n,).

    One of both may have a single row, which is compared with all of the other's. The value is the
    share of bins with the same minimum among those that are not empty in both; its error is at
    most sqrt(J * (1 - J) / slots). NaN where both lists are empty. Raises BadArray.
    """
    a, b = _paired(a, b)
    same, only_a, only_b = _bins(a, b)
    there, total = same + only_a + only_b, (a.sizes + b.sizes).astype(np.float64)
    value = _ratio(same, there)
    low, high = wilson(value, _drawn(there, total / (1 + np.nan_to_num(value))))
    # Whoever is seen in both is shared, whoever is seen in one alone is not.
    least, most = same, np.minimum(a.sizes - only_a, b.sizes - only_b)
    low = np.minimum(np.maximum(low, _ratio(least, total - least)), value)
    high = np.maximum(np.minimum(high, _ratio(most, total - most)), value)
    return Estimate(value, low, high)


def overlap(a: Signatures, b: Signatures) -> Estimate:
    """Return the overlap |A & B| / min(|A|, |B|) of each pair of rows, shape (n,), from 0 to 1.

    The field calls it containment or overlap coefficient: the part of the smaller audience that
    the larger one holds. From the Jaccard similarity and the exact sizes. NaN where one is empty.
    """
    a, b = _paired(a, b)
    least = np.minimum(a.sizes, b.sizes).astype(np.float64)
    total, found = a.sizes + b.sizes, jaccard(a, b)

    def of(similarity: F64) -> F64:
        return np.clip(_ratio(_shared(similarity, total), least), 0, 1)

    return Estimate(of(found.value), of(found.low), of(found.high))


def shared_size(a: Signatures, b: Signatures) -> Estimate:
    """Return how many followers each pair of rows shares, |A & B|, shape (n,)."""
    a, b = _paired(a, b)
    total, most = a.sizes + b.sizes, np.minimum(a.sizes, b.sizes).astype(np.float64)
    found = jaccard(a, b)

    def of(similarity: F64) -> F64:
        return np.minimum(np.nan_to_num(_shared(similarity, total)), most)

    return Estimate(of(found.value), of(found.low), of(found.high))


def union_size(rows: Signatures) -> Estimate:
    """Return how many different followers all rows have together; arrays of shape ().

    Two independent estimates, weighed by their variances: how small the union's minima are, and
    how many of the audiences hold each of them (the sizes add up to the union times the mean). The
    error is at most 1/sqrt(slots), 6.3 % at 256, and far less where audiences share little.
    Exact for one row, and between the largest size and the sum of all.
    Source: Chassaing and Gerin 2006 for the minima.
    """
    if not len(rows):
        return _scalar(0.0, 0.0, 0.0)
    total, most = float(rows.sizes.sum()), float(rows.sizes.max())
    minima, held = held_by(rows)
    there = minima != EMPTY
    if not there.any() or most == total:
        return _scalar(total, total, total)
    by_minima, spread = _by_minima(minima, there)
    by_holders, low, high, error = _by_holders(held[:, there].sum(axis=0), total)
    weight = error**2 / (error**2 + spread**2) if error else 0.0
    value = by_minima**weight * by_holders ** (1 - weight)
    sure = np.sqrt(1 - weight)  # both together are surer than the second alone
    ends = [value * (low / by_holders) ** sure, value, value * (high / by_holders) ** sure]
    return _scalar(*np.clip(ends, max(most, there.sum()), total)[[1, 0, 2]])


def held_by(rows: Signatures) -> tuple[np.ndarray, Bools]:
    """Return the minima of the union, shape (slots,), and which rows hold each, (n, slots)."""
    minima = rows.minima.min(axis=0, initial=EMPTY)
    return minima, (rows.minima == minima) & (minima != EMPTY)


def wilson(share: F64, trials: F64) -> tuple[F64, F64]:
    """Return Wilson's 95 % interval of a share; NaN without trials, a point at infinitely many."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tail = Z**2 / trials
        middle = (share + tail / 2) / (1 + tail)
        half = Z * np.sqrt(share * (1 - share) / trials + tail / (4 * trials)) / (1 + tail)
    return middle - half, middle + half


def _by_minima(minima: np.ndarray, there: Bools) -> tuple[float, float]:
    """Return the size of a union by how small its minima are, and the relative error of that.

    Within a bin the least of m hashes is above x with probability about exp(-m * x); an empty bin
    says that it is above 1. The sum over bins is a gamma variable.
    """
    slots, seen = len(minima), int(there.sum())
    exposure = float((minima[there] / 2.0**64).sum()) + (slots - seen)
    size = (slots - 1) * seen / exposure
    return size, float(np.sqrt(max(1 / seen - 1 / max(size, seen), 0.0) + 0.5 / slots))


def _by_holders(counts: I64, total: float) -> tuple[float, float, float, float]:
    """Return the size of a union by how many audiences hold its minima, its 95 % interval and its
    relative error.

    The interval is the score interval of the mean number of further holders, a count that may be
    rare, with the spread that was seen.
    """
    seen, further = len(counts), float(counts.mean()) - 1
    size = total / (1 + further)
    left = max(size - seen, 0.0) / max(size - 1, 1.0)  # a sample that is not put back
    spread = float(counts.var(ddof=min(seen - 1, 1))) / further if further else 1.0
    slack = Z**2 * spread * left / seen
    half = np.sqrt(slack * further + slack**2 / 4)
    least, most = further + slack / 2 - half, further + slack / 2 + half
    error = float(np.sqrt(spread * left / seen * (further + slack / 2))) / (1 + further)
    return size, total / (1 + most), total / (1 + least), error


def _paired(a: Signatures, b: Signatures) -> tuple[Signatures, Signatures]:
    """Return both with the same number of rows, a single one repeated. Raises BadArray."""
    if a.slots != b.slots:
        raise BadArray(
            "b", f"{b.slots} slots", f"fold to {min(a.slots, b.slots)} or sign with as many"
        )
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise BadArray("b", f"{len(b)} rows", f"give {len(a)} rows, as a has, or one")
    n = 0 if 0 in (len(a), len(b)) else max(len(a), len(b))
    return _stretched(a, n), _stretched(b, n)


def _stretched(rows: Signatures, n: int) -> Signatures:
    if len(rows) == n:
        return rows
    shape = (n, rows.slots)
    return Signatures(
        np.broadcast_to(rows.minima[:1], shape), np.broadcast_to(rows.sizes[:1], (n,))
    )


def _bins(a: Signatures, b: Signatures) -> tuple[F64, F64, F64]:
    """Return how many of the union's minima are in both lists, in A's and in B's alone."""
    same = (a.minima == b.minima) & (a.minima != EMPTY)
    only_a, only_b = a.minima < b.minima, b.minima < a.minima
    return tuple(part.sum(axis=1).astype(np.float64) for part in (same, only_a, only_b))


def _drawn(there: F64, union: F64) -> F64:
    """Return how many independent draws are worth as much as `there` draws without putting back."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(union > there, there * (union - 1) / (union - there), np.inf)


def _shared(similarity: F64, total: npt.NDArray[np.int64]) -> F64:
    return np.asarray(similarity * total / (1 + similarity))


def _ratio(part: npt.ArrayLike, whole: npt.ArrayLike) -> F64:
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.asarray(part, dtype=np.float64) / np.asarray(whole, dtype=np.float64)
    return np.where(np.asarray(whole) == 0, np.nan, found)


def _scalar(value: float, low: float, high: float) -> Estimate:
    return Estimate(np.asarray(value), np.asarray(low), np.asarray(high))
