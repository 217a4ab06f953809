import numpy as np
import numpy.typing as npt

from signatures.arrays import I64

def score(
    rows: npt.NDArray[np.uint8],
    chosen: I64,
    query: npt.NDArray[np.uint8],
    partly: bool,
    scale: npt.NDArray[np.float32],
    allowed: npt.NDArray[np.uint8],
    scores: npt.NDArray[np.uint16],
    counts: I64,
) -> None: ...
def pick(scores: npt.NDArray[np.uint16], least: int, found: I64) -> int: ...
