"""Chance that depends on names only: the same seed and names give the same numbers on every
machine.
"""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_MASK = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return a generator of its own for `names`: drawing more for one name never moves
    another's numbers.
    """
    digest = hashlib.blake2b(repr((seed, names)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))


def number(*names: object) -> int:
    """Return a 63-bit number that only `names` decide."""
    digest = hashlib.blake2b(repr(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class Dice:
    """A few cheap rolls from one 64-bit key (splitmix64); made where needed, thrown away after."""

    __slots__ = ("_state",)

    def __init__(self, key: int) -> None:
        self._state = key & _MASK

    def roll(self, sides: int) -> int:
        """Return a number in [0, sides)."""
        self._state = (self._state + _GOLDEN) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % sides

    def pick(self, options: Sequence[T]) -> T:
        """Return one of the options."""
        return options[self.roll(len(options))]

    def happens(self, percent: int) -> bool:
        """Return True in `percent` of all cases."""
        return self.roll(100) < percent
