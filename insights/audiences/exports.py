"""Audiences out of a store, as Parquet, CSV or npz, for any other tool.

A follower is its number or, if its id was text, the 64-bit hash of that: the text was never kept.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from signatures import EdgeStore
from signatures.arrays import I64, U64

Format = Literal["parquet", "csv", "npz"]
Told = Callable[[int], None]
"""Told how many edges are written."""

_BATCH = 1 << 20  # edges of a row group
_SCHEMA = pa.schema([("account", pa.string()), ("follower", pa.uint64())])


def export_edges(
    store: EdgeStore, rows: I64, path: Path, format: Format, *, told: Told = lambda edges: None
) -> int:
    """Write the audiences of some accounts to a new file, whole or not at all; return the edges.

    parquet, csv: columns account and follower, an edge a row. npz: arrays accounts (n,), indptr
    (n + 1,) and followers, as `signatures.sign` takes them; held in memory. Raises OSError.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        edges = (
            _npz(store, rows, part) if format == "npz" else _table(store, rows, part, format, told)
        )
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    return edges


def _npz(store: EdgeStore, rows: I64, path: Path) -> int:
    lists = [store.followers(row) for row in rows.tolist()]
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists], dtype=np.int64)])
    followers = np.concatenate([np.zeros(0, dtype=np.uint64), *lists])
    with path.open("xb") as file:
        np.savez(file, accounts=store.names[rows].astype(str), indptr=indptr, followers=followers)
    return len(followers)


def _table(store: EdgeStore, rows: I64, path: Path, format: Format, told: Told) -> int:
    edges = 0
    with path.open("xb") as file:
        make = pq.ParquetWriter if format == "parquet" else pc.CSVWriter
        with make(file, _SCHEMA) as writer:
            for name, followers in _batches(store, rows):
                names = pa.array([name]).take(pa.array(np.zeros(len(followers), dtype=np.int32)))
                writer.write(pa.table([names, pa.array(followers)], schema=_SCHEMA))
                edges += len(followers)
                told(edges)
    return edges


def _batches(store: EdgeStore, rows: I64) -> Iterator[tuple[str, U64]]:
    for row in rows.tolist():
        followers = store.followers(row)
        for start in range(0, len(followers), _BATCH):
            yield str(store.names[row]), followers[start : start + _BATCH]
