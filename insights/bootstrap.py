"""Intervals for daily means and for how two groups of days changed: pure, seeded, small-sample
honest.

Studentised (bootstrap-t) intervals, symmetric, over blocks of days: the plain percentile interval
covers 83-92 % instead of 95 % at the 4 to 14 days a campaign's period has, this one 93-97 %
(measured on simulated campaigns, see tests/insights/test_bootstrap.py). Brand and competitors are
drawn together day by day, so what moves both (weekday, holiday, outage) cancels. Days that
resemble the day before widen the interval by the factor of an AR(1) process, sqrt((1 + r) / (1 -
r)).
"""

import hashlib
from math import ceil, sqrt

import msgspec
import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

LEVEL = 0.95
DRAWS = 2000
FEWEST_DAYS = 4  # with fewer there is hardly anything to draw from


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A natural logarithm of a ratio of changes and its interval."""

    log: float
    low: float
    high: float


def seed_of(campaign_id: str) -> int:
    """Return the seed of a campaign's intervals: the same campaign gives the same bytes."""
    return int.from_bytes(hashlib.sha256(campaign_id.encode()).digest()[:8], "big")


def mean_interval(days: F64, *, seed: int, draws: int = DRAWS) -> tuple[float, float] | None:
    """Return the 95 % interval of the mean of some days; None for fewer than 4 days or no spread.

    days: one number a day, in order, shape (n,).
    """
    n = len(days)
    if n < FEWEST_DAYS:
        return None
    error = float(np.std(days, ddof=1)) / sqrt(n)
    drawn = days[_blocks(np.random.default_rng(seed), n, draws)]
    errors = drawn.std(axis=1, ddof=1) / sqrt(n)
    quantile = _quantile(drawn.mean(axis=1) - days.mean(), errors)
    if error == 0.0 or quantile is None:
        return None
    width = quantile * error * _inflation([days - days.mean()])
    return float(days.mean()) - width, float(days.mean()) + width


def change(
    before: tuple[F64, F64], during: tuple[F64, F64], *, seed: int, draws: int = DRAWS
) -> Change | None:
    """Return log((brand during / before) / (competitors during / before)) with its 95 % interval.

    before, during: (brand, competitors), one number a day each, in order, equal shapes (n,)
    inside a pair. None with fewer than 4 days in a period, without a mean above 0, or if too few
    days hold anything to tell an interval.
    """
    if min(len(before[0]), len(during[0])) < FEWEST_DAYS:
        return None
    if min(float(days.mean()) for days in (*before, *during)) <= 0.0:
        return None
    log, error = _log_ratio(before, during)
    generator = np.random.default_rng(seed)
    first = _blocks(generator, len(before[0]), draws)
    second = _blocks(generator, len(during[0]), draws)
    logs, errors = _log_ratio(_drawn(before, first), _drawn(during, second))
    quantile = _quantile(logs - log, errors)
    if quantile is None:
        return None
    width = quantile * float(error) * _inflation([_influence(before), _influence(during)])
    return Change(log=float(log), low=float(log) - width, high=float(log) + width)


def _drawn(pair: tuple[F64, F64], index: npt.NDArray[np.int64]) -> tuple[F64, F64]:
    """Return both sides of the drawn days."""
    return pair[0][index], pair[1][index]


def _influence(pair: tuple[F64, F64]) -> F64:
    """Return what each day adds to log(brand mean / competitors' mean), last axis days."""
    brand, rivals = pair
    with np.errstate(divide="ignore", invalid="ignore"):
        ours: F64 = brand / brand.mean(axis=-1, keepdims=True)
        theirs: F64 = rivals / rivals.mean(axis=-1, keepdims=True)
    return ours - theirs


def _log_ratio(before: tuple[F64, F64], during: tuple[F64, F64]) -> tuple[F64, F64]:
    """Return the log ratio of changes and its standard error by the delta method."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.log(during[0].mean(axis=-1) / during[1].mean(axis=-1)) - np.log(
            before[0].mean(axis=-1) / before[1].mean(axis=-1)
        )
    variance = 0.0
    for pair in (before, during):
        n = pair[0].shape[-1]
        variance = variance + (_influence(pair) ** 2).sum(axis=-1) / (n * (n - 1))
    return np.asarray(log), np.sqrt(variance)


def _blocks(generator: np.random.Generator, n: int, draws: int) -> npt.NDArray[np.int64]:
    """Return indices of days, shape (draws, n): circular blocks of 1 day, 2 from n = 14 on."""
    length = 2 if n >= 14 else 1
    starts = generator.integers(0, n, (draws, ceil(n / length), 1))
    index: npt.NDArray[np.int64] = (starts + np.arange(length)) % n
    return index.reshape(draws, -1)[:, :n]


def _quantile(deviations: F64, errors: F64) -> float | None:
    """Return the 95 % quantile of |deviation / error|; None if it is not finite.

    A draw without spread or without a single post says nothing and counts as the farthest.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.abs(deviations / errors)
    sizes = np.sort(np.where(np.isfinite(sizes), sizes, np.inf))
    quantile = float(sizes[min(len(sizes), ceil(LEVEL * (len(sizes) + 1))) - 1])
    return quantile if np.isfinite(quantile) else None


def _inflation(residuals: list[F64]) -> float:
    """Return the factor by which days that resemble the day before widen an interval, at least 1.

    r is the lag-1 correlation inside the periods, freed of its downward bias, (1 + 4 r) / n a mean.
    """
    n = sum(len(days) for days in residuals)
    lagged = sum(float((days[1:] * days[:-1]).sum()) for days in residuals)
    squares = sum(float((days**2).sum()) * (len(days) - 1) / len(days) for days in residuals)
    if squares == 0.0:
        return 1.0
    r = lagged / squares
    r = min(0.8, max(0.0, r + (len(residuals) + 4 * r) / n))
    return sqrt((1 + r) / (1 - r))
