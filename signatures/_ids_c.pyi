import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64

def read(offsets: I64, text: npt.NDArray[np.uint8], ids: U64) -> int: ...
