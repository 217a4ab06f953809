"""When people post: hours of the day, days of the week, good days and bad days, campaigns."""

from typing import Final

import numpy as np
import numpy.typing as npt

from simnet.chance import stream

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

HOUR: Final = 3_600_000  # milliseconds
DAY: Final = 24 * HOUR

# Mean 1 over the day: a low at four, a shoulder at noon, the peak in the evening.
_HOURS: Final = np.array(
    (
        0.55, 0.4, 0.3, 0.25, 0.25, 0.35, 0.6, 0.85, 1.0, 1.05, 1.1, 1.2,
        1.35, 1.3, 1.15, 1.1, 1.15, 1.3, 1.6, 1.8, 1.85, 1.6, 1.15, 0.75,
    )
)  # fmt: skip
# Mean 1 over the week, from Monday.
_WEEK: Final = np.array([1.0, 1.02, 1.03, 1.04, 1.06, 0.95, 0.9])

MARKET_SPREAD: Final = 0.12  # log scale; days that are good or bad for every brand alike
OWN_SPREAD: Final = 0.06  # log scale; days of one brand on one network
MEMORY: Final = 0.6  # correlation of a day with the day before
_GAMMA_SHAPE: Final = 8.0  # hours are over-dispersed: variance of a count = mean + mean^2 / 8


def days(seed: int, name: str, *, count: int, spread: float) -> F64:
    """Return the factor of each day, mean 1: the exponential of an AR(1) with the given
    marginal spread.
    """
    shocks = stream(seed, "days", name).standard_normal(count)
    level = np.empty(count)
    level[:1] = shocks[:1]
    for day in range(1, count):
        level[day] = MEMORY * level[day - 1] + np.sqrt(1 - MEMORY**2) * shocks[day]
    factors: F64 = np.exp(spread * level - spread**2 / 2)
    return factors


def hourly(seed: int, name: str, *, per_day: float, begin: int, market: F64) -> F64:
    """Return how many posts each hour expects, from `begin` (milliseconds), one day a factor of
    `market`.
    """
    hours = np.arange(len(market) * 24)
    stamp = begin + hours * HOUR
    week = _WEEK[(stamp // DAY + 3) % 7]  # 1970-01-01 was a Thursday
    clock = _HOURS[(stamp // HOUR) % 24] / _HOURS.mean()
    own = days(seed, name, count=len(market), spread=OWN_SPREAD)
    bursts = stream(seed, "bursts", name).gamma(_GAMMA_SHAPE, 1 / _GAMMA_SHAPE, len(hours))
    return np.asarray(per_day / 24 * week * clock * np.repeat(market * own, 24) * bursts)


def arrivals(rng: np.random.Generator, expected: F64, *, begin: int) -> I64:
    """Return the instants (milliseconds, ascending) of a Poisson process with these hourly
    expectations.
    """
    counts = rng.poisson(expected)
    hours = np.repeat(np.arange(len(expected)), counts)
    within = rng.integers(0, HOUR, len(hours))
    return np.sort(begin + hours * HOUR + within).astype(np.int64)


def within(instants: I64, period: tuple[int, int]) -> I64:
    """Return the instants inside [start, end)."""
    return instants[(instants >= period[0]) & (instants < period[1])]
