"""One change on its way to disk: what it really adds to each list, and what it takes away."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, Bools
from signatures.edges.changes import Changes
from signatures.edges.lists import Lists, no_lists
from signatures.edges.segments import Accounts, write_edges
from signatures.edges.store import EdgeStore, rows_of

Mode = Literal["add", "remove", "replace"]
SMALL = 1 << 21  # edges; a segment of so many is one file


class Applying:
    """Compares the edges of a change with a store. Made and used by a writer; a caller reads what
    changed: `accounts` that were named, edges `given`, `added` and `removed`.
    """

    def __init__(self, store: EdgeStore, changes: Changes, mode: Mode, *, threads: int) -> None:
        changes.settle()
        self._store, self._changes, self._mode, self._threads = store, changes, mode, threads
        self._keys = changes.keys
        self._rows = store.rows_of(self._keys)
        self._grown: I64 = np.zeros(len(self._keys), dtype=np.int64)
        self._dirty: Bools = np.zeros(len(self._keys), dtype=bool)
        self._lock = threading.Lock()
        known = store.signatures()
        self._signed = None if known is None else known[1].minima
        self._signed_rows = rows_of(known[0], self._keys) if known is not None else self._rows[:0]
        self.given = changes.edges
        self.added = self.removed = 0

    def __len__(self) -> int:
        return len(self._keys)

    def write(self, folder: Path, progress: Callable[[int, int], None] | None) -> None:
        """Write the edges of the segment."""
        shards, done = self._store.shards, 0

        def one(shard: int) -> None:
            nonlocal done
            write_edges(folder, (shard, shard), self._parts(shard))
            with self._lock:
                done += 1
                if progress is not None:
                    progress(done, shards)

        if self.given <= SMALL:
            every = (part for shard in range(shards) for part in self._parts(shard))
            write_edges(folder, (0, shards - 1), every)
            return
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(one, range(shards)))

    def accounts(self, read_at: npt.ArrayLike, complete: npt.ArrayLike) -> Accounts:
        """Return the accounts of the segment, after `write`."""
        n = len(self._keys)
        return Accounts(
            keys=self._keys,
            names=self._changes.names,
            read_at=np.broadcast_to(np.asarray(read_at, dtype=np.int64), n),
            complete=np.broadcast_to(np.asarray(complete, dtype=bool), n),
            grown=self._grown,
            dirty=self._dirty,
        )

    def _parts(self, shard: int) -> Iterator[tuple[Lists, Lists]]:
        """Yield what is added and what goes, run by run of accounts."""
        there = self._store.shard(shard) if (self._rows >= 0).any() else None
        for first, lists in self._changes.runs(shard, at_once=self._threads):
            run = slice(first, first + len(lists))
            old = no_lists(len(lists)) if there is None else there.take(self._rows[run])
            added, gone = self._compared(lists, old)
            self._count(run, added, gone)
            yield added, gone

    def _compared(self, lists: Lists, old: Lists) -> tuple[Lists, Lists]:
        nothing = no_lists(len(lists))
        if self._mode == "remove":
            return nothing, lists.common(old)
        if not len(old.hashes):
            return lists, nothing
        return lists.without(old), old.without(lists) if self._mode == "replace" else nothing

    def _count(self, run: slice, added: Lists, gone: Lists) -> None:
        dirty = self._stood_on(run, gone)
        with self._lock:
            self._grown[run] += added.sizes - gone.sizes
            self._dirty[run] |= dirty
            self.added += len(added.hashes)
            self.removed += len(gone.hashes)

    def _stood_on(self, run: slice, gone: Lists) -> Bools:
        """Return the accounts whose stored signature may stand on a hash that goes.

        One at the stored minimum of its bin does, one below came after the signature was made and
        may be a minimum of what came since; one above cannot be a minimum.
        """
        dirty = np.zeros(len(gone), dtype=bool)
        if self._signed is None or not len(gone.hashes):
            return dirty
        rows = gone.rows
        signed = self._signed_rows[run][rows]
        bins = (gone.hashes & np.uint64(self._signed.shape[1] - 1)).astype(np.int64)
        dirty[rows[(signed >= 0) & (gone.hashes <= self._signed[signed, bins])]] = True
        return dirty
