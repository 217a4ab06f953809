"""Stores of audiences with literal lists, as a worker would have written them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from insights.audiences.book import Book
from lake.lines import milliseconds
from signatures import Writer
from signatures.hashing import id_of


def shelved(
    folder: Path,
    network: str,
    lists: Mapping[str, Iterable[int]],
    *,
    cut: frozenset[str] = frozenset(),
    read_at: object = None,
) -> Book:
    """Write the audiences of a network by native id and return the book; `cut` are incomplete."""
    names = np.array(sorted(lists, key=id_of), dtype=object)
    with Writer(folder / network, shards=10) as writer, writer.changes() as changes:
        changes.add_accounts(np.array([id_of(name) for name in names], dtype=np.uint64), names)
        for name in names:
            ids = np.fromiter(lists[name], dtype=np.uint64)
            key = np.full(len(ids), id_of(name), dtype=np.uint64)
            changes.add(
                key, ids, lambda places, name=name: np.full(len(places), name, dtype=object)
            )
        at = -1 if read_at is None else milliseconds(read_at)  # type: ignore[arg-type] # a datetime
        writer.apply(changes, read_at=at, complete=[name not in cut for name in names])
        writer.sign()
    return Book(folder)
