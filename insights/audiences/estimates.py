"""Estimated numbers as a report shows them: a value with its interval, or unknown with a reason."""

import math

import msgspec
import numpy as np

from signatures import Estimate


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its 95 % interval; low = value = high if it was counted."""

    value: float
    low: float
    high: float


def people(found: Estimate) -> Interval:
    """Return a number of people, in whole ones."""
    parts = (found.value, found.low, found.high)
    value, low, high = (float(part) for part in parts)
    return Interval(value=round(value), low=math.floor(low), high=math.ceil(high))


def percent(found: Estimate, place: tuple[int, ...] = ()) -> Interval | None:
    """Return a share in per cent, None where it has no answer."""
    value, low, high = (float(part[place]) for part in (found.value, found.low, found.high))
    if math.isnan(value):
        return None
    return Interval(
        value=hundredth(100 * value), low=hundredth(100 * low), high=hundredth(100 * high)
    )


def ratio(found: Estimate) -> Interval | None:
    """Return a plain number, None where it has no answer."""
    value, low, high = (float(part) for part in (found.value, found.low, found.high))
    if math.isnan(value):
        return None
    return Interval(value=hundredth(value), low=hundredth(low), high=hundredth(high))


def hundredth(value: float) -> float:
    """Return a number with two decimals."""
    return round(value, 2)


def matrix(square: np.ndarray) -> tuple[tuple[float | None, ...], ...]:
    """Return a matrix of shares in per cent, None where there is no answer."""
    return tuple(
        tuple(None if math.isnan(value) else hundredth(100 * value) for value in row)
        for row in square.tolist()
    )
