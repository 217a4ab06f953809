"""The arrays that go in and out, and one clear error for one that is not what it should be."""

import numpy as np
import numpy.typing as npt

from signatures.errors import BadArray

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
I32 = npt.NDArray[np.int32]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ends = npt.NDArray[np.uint32] | npt.NDArray[np.int64]


def ids_of(field: str, values: npt.ArrayLike) -> U64:
    """Return ids as contiguous uint64, shape (n,). Raises BadArray for fractions, negative ones
    and for numbers that do not fit: a float has lost the last digits of a long id already.
    """
    array = np.asarray(values)
    if array.size == 0 and array.ndim == 1:
        return np.zeros(0, dtype=np.uint64)
    if array.ndim != 1:
        raise BadArray(field, f"shape {array.shape}", "give one dimension")
    if array.dtype.kind not in "ui":
        raise BadArray(field, f"dtype {array.dtype}", "give whole numbers from 0 to 2**64 - 1")
    if array.dtype.kind == "i" and int(array.min()) < 0:
        place = int(array.argmin())
        raise BadArray(f"{field}[{place}]", array[place], "an id is not negative")
    return np.ascontiguousarray(array, dtype=np.uint64)


def offsets_of(field: str, values: npt.ArrayLike, total: int) -> I64:
    """Return the n + 1 places where n lists start and end in an array of `total`, as int64.

    Raises BadArray unless they start at 0, never fall and end at `total`.
    """
    array = np.asarray(values)
    if array.ndim != 1 or not len(array) or array.dtype.kind not in "ui":
        raise BadArray(field, f"{array.dtype} {array.shape}", "give n + 1 whole numbers")
    found = np.ascontiguousarray(array, dtype=np.int64)
    if found[0] != 0 or found[-1] != total:
        raise BadArray(field, f"{found[0]} to {found[-1]}", f"start at 0 and end at {total}")
    if np.any(found[1:] < found[:-1]):
        place = int(np.argmax(found[1:] < found[:-1])) + 1
        raise BadArray(f"{field}[{place}]", found[place], "a list does not end before it starts")
    return found
