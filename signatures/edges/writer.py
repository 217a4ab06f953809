"""Changes to a store of audiences. One process at a time; readers never wait and see a change
whole or not at all.

A change becomes a new segment, written and on disk before the manifest names it. What is cut short
leaves the store as it was, and files that the next writer removes.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from signatures.arrays import U64
from signatures.edges import manifest
from signatures.edges.applying import SMALL, Applying, Mode
from signatures.edges.changes import Changes
from signatures.edges.files import new_folder, remove, write_file
from signatures.edges.lists import Lists, no_lists
from signatures.edges.manifest import Manifest
from signatures.edges.segments import UNKNOWN, Accounts, write_accounts, write_edges
from signatures.edges.shards import check_shards
from signatures.edges.signing import signed_again, signed_whole
from signatures.edges.store import EdgeStore, is_store
from signatures.hashing import mix64
from signatures.minhash import Signatures, check_slots

Progress = Callable[[int, int], None]
"""Told how many of how many steps are done."""


class Writer:
    """The one who may change a store: `with Writer(folder) as writer`.

    The folder is made, with so many shards, if there is no store. Raises StoreBusy, BadStore.
    """

    def __init__(self, folder: Path, *, shards: int = 100, threads: int = 1) -> None:
        check_shards(shards)
        self.folder = folder
        self._new = Manifest(shards=shards)
        self._threads = threads
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._stack.enter_context(manifest.locked(self.folder))
        try:
            if not is_store(self.folder):
                manifest.save(self.folder, self._new)
            self._tidy()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    @property
    def segments(self) -> int:
        """Return of how many segments the store consists; reading slows down with each."""
        return len(manifest.load(self.folder).segments)

    def changes(self, *, memory: int = 1 << 30) -> Changes:
        """Return an empty collection of edges, to be filled and given to `apply`."""
        shards = manifest.load(self.folder).shards
        return Changes(shards, scratch=self.folder, memory=memory)

    def apply(
        self,
        changes: Changes,
        mode: Mode = "add",
        *,
        read_at: npt.ArrayLike = UNKNOWN,
        complete: npt.ArrayLike = True,
        progress: Progress | None = None,
    ) -> Applying:
        """Write the edges as a new segment and return what changed.

        mode: "add" adds those that are missing, "remove" takes away those that are there,
        "replace" makes each account's audience just what is given.
        read_at, complete: when a list was read to its end, in milliseconds, and whether it names
        everybody; of all lists, or of each in the order of `changes.keys`.
        Raises TooManyEdges, OSError (the disk is full), and changes nothing then.
        """
        store = EdgeStore(self.folder)
        name = f"{store.generation + 1:08}"
        applying = Applying(store, changes, mode, threads=self._threads)
        with new_folder(self.folder / name) as folder:
            applying.write(folder, progress)
            write_accounts(folder, applying.accounts(read_at, complete))
        segments = (*store.manifest.segments, name)
        self._commit(store.manifest.changed(generation=store.generation + 1, segments=segments))
        return applying

    def compact(self, *, progress: Progress | None = None) -> None:
        """Put all segments into one. What was taken away is on no disk any more afterwards.

        Signatures that lack a change are dropped: make them anew. Raises OSError (the disk is
        full: a second copy needs room), and changes nothing then.
        """
        store = EdgeStore(self.folder)
        if len(store.segments) < 2:
            return
        name = f"{store.generation:08}-of-{len(store.segments)}"
        with new_folder(self.folder / name) as folder:
            self._copy(store, folder, progress)
        signed = store.manifest.signatures if store.signed else None
        self._commit(store.manifest.changed(segments=(name,), signatures=signed))

    def _copy(self, store: EdgeStore, folder: Path, progress: Progress | None) -> None:
        """Write all that is there as one segment."""

        def part(shard: int) -> Iterator[tuple[Lists, Lists]]:
            lists = store.shard(shard)
            yield lists, no_lists(len(lists))
            if progress is not None:
                progress(shard + 1, store.shards)

        if store.sizes.sum() <= SMALL:
            shards = range(store.shards)
            write_edges(
                folder, (0, store.shards - 1), (one for shard in shards for one in part(shard))
            )
        else:
            for shard in range(store.shards):
                write_edges(folder, (shard, shard), part(shard))
        write_accounts(
            folder,
            Accounts(
                keys=store.keys,
                names=store.names,
                read_at=store.read_at,
                complete=store.complete,
                grown=store.sizes,
                dirty=np.zeros(len(store), dtype=bool),
            ),
        )

    def sign(self, *, slots: int = 128, progress: Progress | None = None) -> Signatures:
        """Bring the stored signatures up to date and return them, in the order of the accounts.

        Only what changed since they were made is read: a new edge lowers a minimum, an account is
        read anew if a follower went on whose hash its signature may stand. Everything is read if
        there are none, or with other slots.
        """
        check_slots(slots)
        store = EdgeStore(self.folder)
        known = store.signatures()
        if known is not None and known[1].slots == slots:
            if store.signed:
                return known[1]
            found = signed_again(store, *known)
        else:
            found = signed_whole(store, slots, progress=progress)
        name = f"{store.generation:08}-{slots}.signatures"
        remove(self.folder / name)
        arrays = {"minima": found.minima.reshape(-1), "sizes": found.sizes, "keys": store.keys}
        write_file(self.folder / name, "signatures", arrays, slots=slots)
        self._commit(store.manifest.changed(signatures=name, signed=store.generation))
        return found

    def forget(self, followers: U64, *, progress: Progress | None = None) -> int:
        """Remove people from all audiences, from disk too, and return how many edges went.

        followers: their ids. Signatures are made anew if their hashes were in any. O(the store).
        """
        store = EdgeStore(self.folder)
        wanted = np.unique(mix64(followers))
        with self.changes() as changes:
            for shard in range(store.shards):
                _add_held(changes, store, shard, wanted)
            if not changes.edges:
                return 0
            gone = self.apply(changes, "remove").removed
        known = store.signatures()
        if known is not None:
            self.sign(slots=known[1].slots)
        self.compact(progress=progress)
        return gone

    def _commit(self, state: Manifest) -> None:
        """Let a new state be in force, and remove what only the old one needed."""
        paths = [path for name in state.segments for path in sorted((self.folder / name).iterdir())]
        if state.signatures is not None:
            paths.append(self.folder / state.signatures)
        files = tuple((str(path.relative_to(self.folder)), path.stat().st_size) for path in paths)
        old = manifest.load(self.folder)
        manifest.save(self.folder, state.changed(files=files))
        for name in {*old.segments, old.signatures} - {*state.segments, state.signatures, None}:
            remove(self.folder / str(name))

    def _tidy(self) -> None:
        """Remove what a change that was cut short has left."""
        state = manifest.load(self.folder)
        kept = {manifest.MANIFEST, manifest.LOCK, state.signatures, *state.segments}
        for path in self.folder.iterdir():
            if path.name not in kept:
                remove(path)


def _add_held(changes: Changes, store: EdgeStore, shard: int, wanted: U64) -> None:
    """Add the edges of a shard whose follower is one of some hashes."""
    lists = store.shard(shard)
    held = lists.where(np.isin(lists.hashes, wanted))
    rows = held.rows
    changes.add_hashed(store.keys[rows], held.hashes, lambda places: store.names[rows[places]])
