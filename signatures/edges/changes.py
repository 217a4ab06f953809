"""Edges in any order, and far more than memory holds, on their way into a store.

Edges are hashed, numbered by account, put into their shard, and written to one scratch file a
shard whenever memory is full. Afterwards each shard is sorted by itself, in runs of accounts that
fit. So memory bounds what is held at once, not what can be imported.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, ids_of
from signatures.edges.lists import Lists, lists_of
from signatures.edges.numbering import Numbering
from signatures.edges.shards import shards_of
from signatures.errors import BadArray
from signatures.hashing import mix64

EDGE: np.dtype[Any] = np.dtype([("row", "<u4"), ("hash", "<u8")])
_BYTES = 64  # of memory an edge takes while it is sorted, at the most
_LEAST = 1 << 16  # edges

Named = Callable[[I64], npt.NDArray[np.object_]]
"""Gives the names of the accounts at some places of a batch."""


class Changes:
    """Edges gathered for one change of a store.

    Life: made by a writer, `add` any number of times, then the writer's `apply`; as a context it
    removes its scratch files at the end. memory: bytes that may be held, about.
    """

    def __init__(self, shards: int, *, scratch: Path, memory: int = 1 << 30) -> None:
        if memory < 1 << 20:
            raise BadArray("memory", memory, "give at least 2**20 bytes")
        self._shards = shards
        self._most = max(memory // _BYTES, _LEAST)
        self._numbering = Numbering()
        self._names: list[npt.NDArray[np.object_]] = []
        self._batches: list[npt.NDArray[Any]] = []
        self._held = 0
        self._scratch = scratch
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._spilled = np.zeros(shards, dtype=np.int64)
        self.edges = 0  # that were given, repetitions included

    def add(self, accounts: npt.ArrayLike, followers: npt.ArrayLike, names: Named) -> None:
        """Take edges: accounts[i] is followed by followers[i]. Raises BadArray, OSError."""
        keys, ids = ids_of("accounts", accounts), ids_of("followers", followers)
        if len(keys) != len(ids):
            raise BadArray("followers", f"{len(ids)} of them", f"give {len(keys)}, one an account")
        self.add_hashed(keys, mix64(ids), names)

    def add_hashed(self, keys: U64, hashes: U64, names: Named) -> None:
        """Take edges whose followers are hashes already."""
        rows = self._rows(keys, names)
        for start in range(0, len(keys), self._most):
            part = slice(start, start + self._most)
            batch = np.empty(len(rows[part]), dtype=EDGE)
            batch["row"], batch["hash"] = rows[part], hashes[part]
            self._take(batch)

    def add_accounts(self, keys: U64, names: npt.NDArray[np.object_]) -> None:
        """Take accounts that may have no followers."""
        self._rows(keys, lambda places: names[places])

    def _rows(self, keys: U64, names: Named) -> npt.NDArray[np.uint32]:
        rows, first = self._numbering.number(keys)
        if len(first):
            self._names.append(names(first))
        return rows

    def _take(self, batch: npt.NDArray[Any]) -> None:
        self.edges += len(batch)
        self._held += len(batch)
        self._batches.append(batch)
        if self._held >= self._most:
            self._spill()

    def _spill(self) -> None:
        """Append what is held to the scratch file of each shard."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(dir=self._scratch, prefix="scratch-")
        for shard, part in self._in_shards():
            with (Path(self._folder.name) / str(shard)).open("ab") as file:
                part.tofile(file)
            self._spilled[shard] += len(part)
        self._batches, self._held = [], 0

    def _in_shards(self) -> Iterator[tuple[int, npt.NDArray[Any]]]:
        """Yield what is held, shard by shard."""
        batch = np.concatenate(self._batches) if len(self._batches) != 1 else self._batches[0]
        shards = shards_of(batch["hash"], self._shards)
        counts = np.bincount(shards, minlength=self._shards)
        batch = batch[np.argsort(shards, kind="stable")]
        ends = np.cumsum(counts)
        for shard in np.flatnonzero(counts).tolist():
            yield shard, batch[ends[shard] - counts[shard] : ends[shard]]

    @property
    def keys(self) -> U64:
        """Return the accounts by key, ascending."""
        return np.sort(self._numbering.keys)

    @property
    def names(self) -> npt.NDArray[np.object_]:
        """Return the names of the accounts, in the order of `keys`."""
        names = np.concatenate([np.zeros(0, dtype=object), *self._names])
        return names[np.argsort(self._numbering.keys)]

    def settle(self) -> None:
        """Make the gathered edges ready to be read by `runs`; nothing is added afterwards."""
        order = np.argsort(self._numbering.keys)
        self._places = np.empty(len(order), dtype=np.uint32)
        self._places[order] = np.arange(len(order), dtype=np.uint32)
        if self._folder is not None and self._held:
            self._spill()
        self._in_memory = dict(self._in_shards()) if self._held else {}
        self._batches = []

    def runs(self, shard: int, *, at_once: int = 1) -> Iterator[tuple[int, Lists]]:
        """Yield the edges of a shard as lists of runs of accounts, each with its first account.

        A shard that fits into memory, shared by `at_once` callers, is one run.
        """
        most = max(self._most // at_once, _LEAST)
        everybody = (0, len(self._places))
        if self._folder is None or not self._spilled[shard]:
            held = self._in_memory.get(shard, np.zeros(0, dtype=EDGE))
            yield 0, self._sorted(held, everybody)
            return
        path = Path(self._folder.name) / str(shard)
        if self._spilled[shard] <= most:
            yield 0, self._sorted(np.fromfile(path, dtype=EDGE), everybody)
            return
        body = np.memmap(path, dtype=EDGE, mode="r")
        for run in _cuts(body, self._places, most):
            yield run[0], self._sorted(_chosen(body, self._places, run, most), run)

    def _sorted(self, batch: npt.NDArray[Any], run: tuple[int, int]) -> Lists:
        rows = self._places[batch["row"]] - np.uint32(run[0])
        return lists_of(rows, np.ascontiguousarray(batch["hash"]), run[1] - run[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()


def _cuts(
    body: npt.NDArray[Any], places: npt.NDArray[np.uint32], most: int
) -> list[tuple[int, int]]:
    """Return runs of accounts with at most so many edges each, but for a single account."""
    counts = np.zeros(len(places), dtype=np.int64)
    for start in range(0, len(body), most):
        counts += np.bincount(places[body["row"][start : start + most]], minlength=len(places))
    totals = np.cumsum(counts)
    cuts, first = [], 0
    while first < len(places):
        before = totals[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(totals, before + most, side="right")))
        cuts.append((first, last))
        first = last
    return cuts


def _chosen(
    body: npt.NDArray[Any], places: npt.NDArray[np.uint32], run: tuple[int, int], most: int
) -> npt.NDArray[Any]:
    """Return the edges of a run of accounts, read in parts."""
    found = []
    for start in range(0, len(body), most):
        part = body[start : start + most]
        rows = places[part["row"]]
        found.append(part[(rows >= run[0]) & (rows < run[1])])
    return np.concatenate(found)
