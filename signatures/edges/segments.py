"""Segments of a store: what one change added and took away, in a folder that never changes again.

    accounts         keys (ascending), names, how much each list grew, when it was read
    0000-0000.edges  the hashes that were added and those that went, shard by shard, in each shard
                     account by account, ascending; of the shards from first to last

The first segment of a large store has a file for each shard; a small change has one for all.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from signatures.arrays import I64, U64, Bools
from signatures.edges.files import ArrayFile, write_file
from signatures.edges.lists import Lists
from signatures.errors import BadStore, TooManyEdges

ACCOUNTS = "accounts"
UNKNOWN = -1  # no time


@dataclass(frozen=True, eq=False, slots=True)
class Accounts:
    """The accounts of a segment, ascending by key. All arrays have shape (n,)."""

    keys: U64
    names: npt.NDArray[np.object_]  # str
    read_at: I64  # milliseconds; when the list was last read to its end, -1 unknown
    complete: Bools  # whether the list names all followers there are
    grown: I64  # followers that came minus those that went
    dirty: Bools  # whether a follower went that the signature of the account may stand on

    def __len__(self) -> int:
        return len(self.keys)


class Segment:
    """A segment for reading; all files are mapped at once, so that it stays readable when it has
    been replaced.
    """

    def __init__(self, folder: Path, shards: int) -> None:
        self.folder, self.shards = folder, shards
        self.generation = int(folder.name.partition("-")[0])
        self._accounts = ArrayFile(folder / ACCOUNTS, ACCOUNTS)
        self._files: list[tuple[int, int, ArrayFile]] = []
        for path in sorted(folder.glob("*.edges")):
            file = ArrayFile(path, "edges")
            self._files.append((int(file.facts["first"]), int(file.facts["last"]), file))
        covered = [shard for first, last, _ in self._files for shard in range(first, last + 1)]
        if covered != list(range(shards)):
            raise BadStore(f"{folder}: some of {shards} shards are missing; restore it from a copy")
        self.keys: U64 = self._accounts.array("keys")
        self.grown: I64 = self._accounts.array("grown")
        self.dirty: Bools = self._accounts.array("dirty")
        self.read_at: I64 = self._accounts.array("read_at")
        self.complete: Bools = self._accounts.array("complete")
        self.takes = any(len(file.array("gone")) for _, _, file in self._files)

    def names(self, rows: npt.NDArray[np.integer] | None = None) -> npt.NDArray[np.object_]:
        """Return the names of all accounts or of some."""
        ends, text = self._accounts.array("name_ends"), self._accounts.array("name_text").tobytes()
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        chosen = range(len(ends)) if rows is None else rows.tolist()
        found = np.empty(len(chosen), dtype=object)
        found[:] = [text[starts[row] : ends[row]].decode() for row in chosen]
        return found

    def shard(self, shard: int) -> tuple[Lists, Lists]:
        """Return what is added and what goes in one shard."""
        first, _, file = next(one for one in self._files if one[0] <= shard <= one[1])
        return self._part(file, "added", shard - first), self._part(file, "gone", shard - first)

    def added(self, shard: int) -> tuple[int, npt.NDArray[np.uint32], U64]:
        """Return what is added in one shard as it lies on disk: the hashes of a file, where the
        shard's first list starts among them, and where each list ends.
        """
        first, _, file = next(one for one in self._files if one[0] <= shard <= one[1])
        place, ends = (shard - first) * len(self.keys), file.array("added_ends")
        start = int(ends[place - 1]) if place else 0
        return start, ends[place : place + len(self.keys)], file.array("added")

    def _part(self, file: ArrayFile, name: str, place: int) -> Lists:
        n, ends = len(self.keys), file.array(f"{name}_ends")
        start = int(ends[place * n - 1]) if place * n else 0
        indptr = np.zeros(n + 1, dtype=np.int64)
        np.subtract(ends[place * n : (place + 1) * n], start, out=indptr[1:], dtype=np.int64)
        return Lists(indptr, file.array(name)[start : start + indptr[-1]])

    def account(self, row: int, shards: int) -> tuple[U64, U64]:
        """Return what was added to an account and what went in the first shards, ascending."""
        return self._account("added", row, shards), self._account("gone", row, shards)

    def _account(self, name: str, row: int, shards: int) -> U64:
        n, parts = len(self.keys), [np.zeros(0, dtype=np.uint64)]
        for first, last, file in self._files:
            if first >= shards:
                break
            ends, hashes = file.array(f"{name}_ends"), file.array(name)
            places = np.arange(min(last + 1, shards) - first) * n + row
            stops = ends[places].tolist()
            starts = np.where(places > 0, ends[places - 1], 0).tolist()
            parts += [hashes[a:b] for a, b in zip(starts, stops, strict=True) if a < b]
        return np.concatenate(parts)

    def check(self) -> None:
        """Read everything and raise BadStore if a byte has changed."""
        for file in (self._accounts, *(file for _, _, file in self._files)):
            file.check()


def write_accounts(folder: Path, accounts: Accounts) -> None:
    """Write the accounts of a segment."""
    texts = [str(name).encode() for name in accounts.names]
    write_file(
        folder / ACCOUNTS,
        ACCOUNTS,
        {
            "keys": accounts.keys,
            "grown": accounts.grown,
            "dirty": accounts.dirty,
            "read_at": accounts.read_at,
            "complete": accounts.complete,
            "name_ends": np.cumsum([len(text) for text in texts], dtype=np.int64),
            "name_text": np.frombuffer(b"".join(texts), dtype=np.uint8),
        },
    )


def write_edges(
    folder: Path, shards: tuple[int, int], parts: Iterable[tuple[Lists, Lists]]
) -> None:
    """Write what is added and what goes in the shards from first to last.

    parts: shard by shard, each of all accounts or of runs of them in order, so that a shard larger
    than memory can be written. Raises TooManyEdges for more than a file can count.
    """
    first, last = shards
    ends: dict[str, list[I64]] = {"added": [], "gone": []}
    gone: list[U64] = []

    def added() -> Iterator[U64]:
        totals = {"added": 0, "gone": 0}
        for part in parts:
            for name, lists in zip(totals, part, strict=True):
                ends[name].append(totals[name] + lists.indptr[1:])
                totals[name] += int(lists.indptr[-1])
                if totals[name] >= 2**32:
                    raise TooManyEdges(f"shard {first}: 2**32 edges and more: make more shards")
            gone.append(part[1].hashes)
            yield part[0].hashes

    def later(parts: list[npt.NDArray[Any]], kind: type[np.generic]) -> Iterator[npt.NDArray[Any]]:
        yield np.concatenate([part[:0] for part in parts] + parts).astype(kind)

    arrays = {
        "added": added(),
        "gone": later(gone, np.uint64),
        "added_ends": later(ends["added"], np.uint32),
        "gone_ends": later(ends["gone"], np.uint32),
    }
    write_file(folder / edges_name(shards), "edges", arrays, first=first, last=last)


def edges_name(shards: tuple[int, int]) -> str:
    """Return the name of the file of the shards from first to last."""
    return f"{shards[0]:04}-{shards[1]:04}.edges"
