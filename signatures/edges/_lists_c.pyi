import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64

SHORT: int

def number(
    keys: U64,
    slots: U64,
    numbers: npt.NDArray[np.int32],
    count: int,
    rows: npt.NDArray[np.uint32],
    first: I64,
) -> int: ...
def group(rows: npt.NDArray[np.uint32], hashes: U64, ends: I64, grouped: U64) -> None: ...
def order(indptr: I64, hashes: U64) -> bool: ...
def distinct(indptr: I64, hashes: U64) -> int: ...
def without(indptr: I64, hashes: U64, others: I64, gone: U64, common: bool) -> int: ...
def shared(a: U64, b: U64) -> int: ...
