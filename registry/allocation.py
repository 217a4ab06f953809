"""How often each target deserves a request when the budget is smaller than the wish."""

import numpy as np
import numpy.typing as npt

F64 = npt.NDArray[np.float64]

FLOOR = 0.25  # polls per hour: a quiet target is still seen every four hours
# Polls per hour: more than one a minute is impolite and finds little, unless a page is full sooner.
CEILING = 60.0
# Share of a budget that is planned: the rest pays for second pages and for visits of single posts.
HEADROOM = 0.9
PAGE_FILL = 0.7  # of a page of 50, the mean of a Poisson count that overflows once in 150 polls
UNKNOWN_RATE = 1.0  # posts per hour of a new target among none that are known
QUIET_RATE = 0.01  # posts per hour: below it a rate is noise, and a weight of 0 could never recover


def allocate(
    rates: npt.ArrayLike,
    *,
    capacity: float,
    priorities: npt.ArrayLike = 1.0,
    floor: float = FLOOR,
    ceiling: float = CEILING,
    page_size: float = np.inf,
) -> F64:
    """Return polls per hour for each target, in proportion to priority * sqrt(rate) between bounds.

    rates: new posts per hour, shape (n,); NaN: not known yet, counts as the median.
    capacity: requests per hour; the sum of the result never exceeds it.
    priorities: weights, shape (n,) or one for all, > 0.
    page_size: posts of a full page; a target is polled before its page overflows, if that fits, be
    it above the ceiling: a later poll would ask as many pages, or lose posts.
    Where the bounds below do not fit, the page guard goes first, then the floor. O(n).

    The square root minimises the posts' mean delay at a given budget: sum(rate / polls) is least
    where polls ~ sqrt(rate) (Lagrange). 1.8-2.7 times fresher than equal shares; shares in
    proportion to the rate gain nothing.

    >>> allocate([1.0, 4.0], capacity=3.0).tolist()
    [1.0, 2.0]
    """
    known = _known(np.asarray(rates, dtype=np.float64))
    weights = np.broadcast_to(np.asarray(priorities, dtype=np.float64), known.shape) * np.sqrt(
        known
    )
    guard = np.maximum(known / (page_size * PAGE_FILL), min(floor, ceiling))
    upper = np.maximum(guard, ceiling)
    for lower in (guard, np.full_like(known, min(floor, ceiling)), np.zeros_like(known)):
        if lower.sum() <= capacity:
            return _fill(weights, lower=lower, upper=upper, capacity=capacity)
    return np.zeros_like(known)  # no capacity at all


def delays(polls: npt.ArrayLike) -> F64:
    """Return the mean seconds from a post's birth to its detection: half an interval; inf if never.

    polls: per hour, shape (n,).
    """
    hourly = np.asarray(polls, dtype=np.float64)
    with np.errstate(divide="ignore"):
        return 1800.0 / hourly


def _known(rates: F64) -> F64:
    """Return rates without gaps, none so small that its target is forgotten."""
    unknown = np.isnan(rates)
    typical = UNKNOWN_RATE if unknown.all() else float(np.median(rates[~unknown]))
    return np.maximum(np.where(unknown, typical, rates), QUIET_RATE)


def _fill(weights: F64, *, lower: F64, upper: F64, capacity: float) -> F64:
    """Return the clipped shares clip(level * weights) whose sum is just within capacity."""
    if not len(weights) or upper.sum() <= capacity:
        return upper
    low, high = 0.0, float((upper / weights).max())
    for _ in range(80):  # halving: past 80 the bounds are neighbouring floats
        level = (low + high) / 2
        if np.clip(level * weights, lower, upper).sum() <= capacity:
            low = level
        else:
            high = level
    return np.clip(low * weights, lower, upper)
