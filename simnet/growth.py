"""How the counts of a post grow with its age: any instant is answered directly, nothing is
stepped.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from simnet.rhythm import DAY, HOUR

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

COUNTS: Final = ("likes", "comments", "shares", "views", "quotes")
NEVER: Final = np.iinfo(np.int64).max
_WAVE: Final = 2.0 * HOUR  # a spike takes hours, not seconds
_REGRET: Final = 6.0 * HOUR  # withdrawn likes go in hours: a network purges what was bought
_SWING: Final = 0.6  # people look at posts by day more than by night


def warped(instants: I64 | int) -> F64:
    """Return instants on a clock that runs fast in the evening and slow at night; strictly
    increasing.
    """
    # The derivative is 1 + 0.6 cos: peak at 19 h, low at 7 h UTC.
    angle = 2 * np.pi * (np.asarray(instants, dtype=np.float64) - 19 * HOUR) / DAY
    return np.asarray(np.asarray(instants) + _SWING * DAY / (2 * np.pi) * np.sin(angle))


class Growth:
    """Counts of all posts of one network at any instant; made with the posts, then only read.

    finals: what the organic wave comes to, shape (n, 5) in the order of COUNTS. pace: its time
    scale in
    milliseconds. spike_at: when a second wave starts (NEVER: none), spike: its size as a
    multiple of the
    finals. withdrawn: likes that are taken back, from `withdrawn_at` on.
    """

    def __init__(
        self,
        created: I64,
        *,
        finals: F64,
        pace: F64,
        spike: tuple[I64, F64],
        withdrawn: tuple[I64, F64],
        dither: F64,
    ) -> None:
        spike_at = np.where(spike[0] == NEVER, np.inf, warped(spike[0]))
        withdrawn_at = np.where(withdrawn[0] == NEVER, np.inf, warped(withdrawn[0]))
        columns = (warped(created), pace, spike_at, spike[1], withdrawn_at, withdrawn[1], dither)
        self._table = np.column_stack((finals, *columns))
        self.spike_at, self.spike = spike

    def at(self, posts: list[int] | I64, now: int) -> I64:
        """Return the counts at `now` (milliseconds), shape (posts, 5) in the order of COUNTS."""
        table = self._table[posts]
        clock = float(warped(now))
        age = np.maximum(clock - table[:, 5], 0.0)
        spread = age / table[:, 6]
        # A fast exponential half and a slow hyperbolic one: most comes in hours, some for days.
        share = 0.65 * -np.expm1(-spread) + 0.35 * spread / (spread + 6.0)
        share += table[:, 8] * -np.expm1(-np.maximum(clock - table[:, 7], 0.0) / _WAVE)
        # One dither a post, below 1: monotone, and nothing at age 0.
        counts = np.floor(table[:, :5] * share[:, None] + table[:, 11:12])
        counts[:, 0] -= np.floor(
            table[:, 10] * -np.expm1(-np.maximum(clock - table[:, 9], 0.0) / _REGRET)
        )
        return np.asarray(np.maximum(counts, 0.0), dtype=np.int64)
