"""How numbers of a report are rounded, in one place: equal content has to give equal bytes.

Sums over floats differ in their last digits from engine to engine. So sums are taken over
integers, and what is divided afterwards keeps four decimals.
"""

from typing import TypeGuard

DECIMALS = 4

Known = int | float


def known(value: object) -> TypeGuard[Known]:
    """Tell whether a number of a lake is known and a number (not a time)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def whole(value: object) -> int | None:
    """Return a count or a sum of counts as an integer; engines answer 12.0 for 12."""
    return round(value) if known(value) else None


def ratio(part: Known | None, of: Known | None, *, times: float = 1.0) -> float | None:
    """Return part / of x times, rounded; None if either is unknown or `of` is 0."""
    if part is None or not of:
        return None
    return round(part / of * times, DECIMALS)


def change_percent(value: Known | None, base: Known | None) -> float | None:
    """Return by how many percent `value` is above `base`; None if unknown or the base is 0."""
    if value is None or not base:
        return None
    return round((value / base - 1) * 100, DECIMALS)


def total(*parts: Known | None) -> int | None:
    """Return the sum of the known parts; None if none is known."""
    numbers = [part for part in parts if part is not None]
    return round(sum(numbers)) if numbers else None
