"""The audiences of one network on disk: who follows each account, readable while it is written.

A store is a folder: `store.json` says which segments it consists of (`segments.py`), and which file
holds signatures. Only `writer.py` changes it; a reader keeps what it opened.
"""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, Bools
from signatures.edges import manifest
from signatures.edges.files import ArrayFile
from signatures.edges.lists import Lists, no_lists, one_list, summed
from signatures.edges.segments import UNKNOWN, Segment
from signatures.errors import BadStore, UnknownAccount
from signatures.hashing import id_of, unmix64
from signatures.minhash import Signatures

_TRIES = 5  # a store may be compacted between the reading of its manifest and that of its files


class EdgeStore:
    """The audiences as they were when the store was opened. Accounts are rows, ascending by key.

    Cheap to open: files are mapped, nothing is read before it is asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for _ in range(_TRIES):
            try:
                self.manifest = manifest.load(folder)
                manifest.check_files(folder, self.manifest)
                self.segments = [
                    Segment(folder / name, self.manifest.shards) for name in self.manifest.segments
                ]
                name = self.manifest.signatures
                self._signed = None if name is None else ArrayFile(folder / name, "signatures")
                break
            except FileNotFoundError as exc:
                missing = exc
        else:
            raise BadStore(f"{missing.filename}: is missing; restore it from a copy") from missing
        keys = [np.zeros(0, dtype=np.uint64), *(segment.keys for segment in self.segments)]
        self.keys: U64 = keys[1] if len(keys) == 2 else np.unique(np.concatenate(keys))

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def shards(self) -> int:
        """Return how many shards there are."""
        return self.manifest.shards

    @property
    def generation(self) -> int:
        """Return a number that rises with each change of who follows whom."""
        return self.manifest.generation

    @cached_property
    def sizes(self) -> I64:
        """Return how many followers each account has in the store, shape (n,); exact."""
        sizes = np.zeros(len(self), dtype=np.int64)
        for segment, rows in zip(self.segments, self._rows, strict=True):
            np.add.at(sizes, rows, segment.grown)
        return sizes

    @cached_property
    def names(self) -> npt.NDArray[np.object_]:
        """Return the native id of each account as text, shape (n,)."""
        names = np.empty(len(self), dtype=object)
        for segment, rows in zip(self.segments, self._rows, strict=True):
            names[rows] = segment.names()
        return names

    @cached_property
    def read_at(self) -> I64:
        """Return when each list was last read to its end, in milliseconds; -1 unknown."""
        found = np.full(len(self), UNKNOWN, dtype=np.int64)
        for segment, rows in zip(self.segments, self._rows, strict=True):
            found[rows] = segment.read_at
        return found

    @cached_property
    def complete(self) -> Bools:
        """Return whether each list names all followers there are, as far as is known."""
        found = np.zeros(len(self), dtype=bool)
        for segment, rows in zip(self.segments, self._rows, strict=True):
            found[rows] = segment.complete
        return found

    def row(self, account: str) -> int:
        """Return the row of an account by its native id. Raises UnknownAccount."""
        row = int(self.rows_of(np.array([id_of(account)], dtype=np.uint64))[0])
        if row < 0:
            raise UnknownAccount(f"account {account!r}: its followers are not known here")
        return row

    def rows_of(self, keys: U64) -> I64:
        """Return the rows of accounts by key, -1 for those that are not there."""
        return rows_of(self.keys, keys)

    def hashes(self, row: int, *, shards: int | None = None) -> U64:
        """Return the hashes of an account's followers, ascending; of the first shards only, if
        so many are given. O(its size).
        """
        key, added, gone = self.keys[row : row + 1], [], []
        for segment in self.segments:
            own = int(rows_of(segment.keys, key)[0])
            if own >= 0:
                came, went = segment.account(own, shards or self.shards)
                added.append(one_list(came))
                gone.append(one_list(went))
        return summed(added, gone).hashes

    def followers(self, row: int) -> U64:
        """Return the ids of an account's followers, in the order of their hashes."""
        return unmix64(self.hashes(row))

    def shard(self, shard: int) -> Lists:
        """Return the followers of every account that belong to one shard, as hashes."""
        if not self.segments:
            return no_lists(0)
        added, gone = [], []
        for segment, rows in zip(self.segments, self._rows, strict=True):
            came, went = segment.shard(shard)
            if len(rows) != len(self):
                own = np.full(len(self), -1, dtype=np.int64)
                own[rows] = np.arange(len(rows))
                came, went = came.take(own), went.take(own)
            added.append(came)
            gone.append(went)
        return summed(added, gone)

    def each_shard(self) -> Iterator[Lists]:
        """Yield the lists of each shard; all together, one after the other, are the audiences."""
        for shard in range(self.shards):
            yield self.shard(shard)

    @property
    def signed(self) -> bool:
        """Return whether the stored signatures hold all that the store holds."""
        return self._signed is not None and self.manifest.signed == self.generation

    def signatures(self) -> tuple[U64, Signatures] | None:
        """Return the stored signatures and the keys of their accounts, ascending; None if there
        are none. They may be older than the lists (`signed`). Mapped, not read.
        """
        if self._signed is None:
            return None
        slots = int(self._signed.facts["slots"])
        minima = self._signed.array("minima").reshape(-1, slots)
        return self._signed.array("keys"), Signatures(minima, self._signed.array("sizes"))

    def check(self) -> None:
        """Read every file and raise BadStore if a byte has changed since it was written."""
        for segment in self.segments:
            segment.check()
        if self._signed is not None:
            self._signed.check()

    @cached_property
    def _rows(self) -> list[I64]:
        """The row of each segment's accounts."""
        return [rows_of(self.keys, segment.keys) for segment in self.segments]


def is_store(folder: Path) -> bool:
    """Return whether there is a store in a folder."""
    return (folder / manifest.MANIFEST).is_file()


def stamp(folder: Path) -> tuple[int, ...] | None:
    """Return what changes whenever the store in a folder does, at the cost of one look; None if
    there is none.
    """
    try:
        found = (folder / manifest.MANIFEST).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def rows_of(keys: U64, wanted: U64) -> I64:
    """Return where each wanted key stands among ascending keys, -1 for one that does not."""
    if not len(keys):
        return np.full(len(wanted), -1, dtype=np.int64)
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)
