"""Edges on their way between files and a store of audiences."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from insights.errors import BadRequest
from lake.edge_lists import Edges, read_edges
from signatures.arrays import I64, U64, ids_of
from signatures.edges.changes import Changes
from signatures.errors import BadArray, BadEdges
from signatures.hashing import ids_of_text

Told = Callable[[int, int], None]
"""Told how many edges and how many bytes of the file are read."""


class Ids:
    """One column of a batch as 64-bit ids, and the text of each. Raises BadEdges, BadArray."""

    def __init__(self, column: Any) -> None:
        if isinstance(column, np.ndarray) and column.dtype.kind == "U":
            column = pa.array(column)
        elif isinstance(column, pa.Array):
            column = _plain(column)
        self._column = column
        numbers = isinstance(column, np.ndarray)
        self.ids: U64 = ids_of("ids", column) if numbers else ids_of_text(*_buffers(column))

    def names(self, places: I64) -> npt.NDArray[np.object_]:
        """Return the texts at some places."""
        column = self._column
        numbers = isinstance(column, np.ndarray)
        texts = column[places].astype(str) if numbers else column.take(pa.array(places)).to_pylist()
        found = np.empty(len(places), dtype=object)
        found[:] = texts
        return found


def _plain(column: pa.Array) -> Any:
    """Return a column of text, or of numbers as numpy has them. Raises BadEdges for a gap."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if column.null_count:
        raise BadEdges(int(np.argmax(column.is_null().to_numpy(zero_copy_only=False))), "")
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    return column if text else column.to_numpy(zero_copy_only=False)


def _buffers(column: Any) -> tuple[npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Return where each text of an Arrow array starts and ends, and the bytes of all."""
    kind = np.int32 if pa.types.is_string(column.type) else np.int64
    _, places, body = column.buffers()
    offsets = np.frombuffer(places, dtype=kind)[column.offset : column.offset + len(column) + 1]
    text = np.frombuffer(body, dtype=np.uint8) if body is not None else np.zeros(0, dtype=np.uint8)
    return offsets, text


def gather(
    changes: Changes, path: Path, columns: tuple[str, str] | None = None, *, told: Told
) -> int:
    """Put the edges of a file into a change and return how many there were.

    The file is read in one thread while the batch before is sorted in another.
    Raises BadRequest naming the line, the value and the fix; BadQuestion for the file.
    """
    edges = 0
    batches = read_edges(path, columns)
    with ThreadPoolExecutor(1) as reader:
        waiting = reader.submit(_next, path, batches)
        while (read := waiting.result()) is not None:
            batch, accounts, followers = read
            waiting = reader.submit(_next, path, batches)
            changes.add(accounts.ids, followers.ids, accounts.names)
            edges += len(accounts.ids)
            told(edges, batch.read)
    return edges


def _next(path: Path, batches: Iterator[Edges]) -> tuple[Edges, Ids, Ids] | None:
    batch = next(batches, None)
    if batch is None:
        return None
    read = partial(_ids, path, batch.row)
    return batch, read("account", batch.accounts), read("follower", batch.followers)


def _ids(path: Path, row: int, field: str, column: Any) -> Ids:
    try:
        return Ids(column)
    except BadEdges as exc:
        raise BadRequest(f"{path}, row {row + exc.place}, {field}", exc.text, exc.fix) from exc
    except BadArray as exc:
        raise BadRequest(f"{path}, {field}", str(exc), "ids are whole numbers or text") from exc
