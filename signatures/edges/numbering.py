"""Numbers for keys in the order they come: millions of accounts, each met many times."""

import os
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64

if TYPE_CHECKING or os.environ.get("TAGLAKE_PURE") == "1":
    from signatures.edges import _lists_py as _kernel
else:
    try:
        from signatures.edges import _lists_c as _kernel
    except ImportError:  # no C compiler when it was installed
        from signatures.edges import _lists_py as _kernel


class Numbering:
    """Gives each 64-bit key a number. Grows as needed; 24 to 48 bytes a key."""

    def __init__(self) -> None:
        self._keys = np.zeros(0, dtype=np.uint64)
        self._table(1 << 10)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def keys(self) -> U64:
        """Return the keys by number."""
        return self._keys

    def number(self, keys: U64) -> tuple[npt.NDArray[np.uint32], I64]:
        """Return the number of each key, and where in `keys` each new one stands first."""
        if 2 * (len(self._keys) + len(keys)) >= len(self._slots):
            self._table(len(self._keys) + len(keys))
        rows, first = self._number(keys, len(self._keys))
        self._keys = np.concatenate([self._keys, keys[first]])
        return rows, first

    def _table(self, keys: int) -> None:
        """Make the table large enough for so many keys, and put the known ones in."""
        size = 1 << (2 * keys).bit_length()
        self._slots = np.zeros(size, dtype=np.uint64)
        self._numbers = np.full(size, -1, dtype=np.int32)
        self._number(self._keys, 0)

    def _number(self, keys: U64, known: int) -> tuple[npt.NDArray[np.uint32], I64]:
        rows = np.empty(len(keys), dtype=np.uint32)
        first = np.empty(len(keys), dtype=np.int64)
        count = _kernel.number(keys, self._slots, self._numbers, known, rows, first)
        return rows, first[: count - known]
