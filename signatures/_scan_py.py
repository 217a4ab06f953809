"""The scan over all signatures in numpy: the reference of the compiled kernel."""

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64

Bytes = npt.NDArray[np.uint8]

_NOBODY, _ASKED = 255, 254
_STEP = 16  # scores that are counted together
_BLOCK = 1 << 16  # rows at once


def score(
    rows: Bytes,
    chosen: I64,
    query: Bytes,
    partly: bool,
    scale: npt.NDArray[np.float32],
    allowed: Bytes,
    scores: npt.NDArray[np.uint16],
    counts: I64,
) -> None:
    """Write how much rows agree with the query, from 0 to 65,535, and count how often each score
    occurs in steps of 16. `chosen` are the rows; empty: as many of the first as there are scores.
    `allowed` is 0 for a row to leave out; empty: none is.
    """
    asked = query == _ASKED
    for start in range(0, len(scores), _BLOCK):
        places = np.arange(start, min(start + _BLOCK, len(scores)))
        places = chosen[places] if len(chosen) else places
        part = rows[places]
        same = (part == query).sum(axis=1).astype(np.float32)
        more = (part[:, asked] != _NOBODY).sum(axis=1) if partly else np.zeros(len(part), np.int64)
        if len(allowed):
            same *= allowed[places] > 0
        scores[start : start + _BLOCK] = same * scale[more] + np.float32(0.5)
    counts += np.bincount(scores // _STEP, minlength=len(counts))


def pick(scores: npt.NDArray[np.uint16], least: int, found: I64) -> int:
    """Write the rows with at least some score, ascending, as many as have room; return how many."""
    rows = np.flatnonzero(scores >= least)[: len(found)]
    found[: len(rows)] = rows
    return len(rows)
