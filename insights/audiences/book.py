"""The audiences of all networks, opened: a folder with a store for each network.

Whoever reads keeps one `Book`; it notices when a worker has written, and opens the store anew.
"""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import structlog

from insights.errors import Damaged
from signatures import EdgeStore, Index, Signatures
from signatures.arrays import I64, U64
from signatures.edges.signing import signed_rows, signed_whole
from signatures.edges.store import is_store, stamp
from signatures.errors import BadStore
from signatures.hashing import id_of

log = structlog.get_logger()

COUNTED = 3_000_000  # followers that are counted one by one, in half a second; more are estimated
SLOTS = 1024  # of an estimate made for a question: an error of 3 % at the most


class Shelf:
    """The audiences of one network, as they were when it was opened."""

    def __init__(self, network: str, folder: Path) -> None:
        self.network = network
        self.store = EdgeStore(folder)

    def row(self, account_id: str) -> int | None:
        """Return the row of an account by the lake's id, None if its followers are not known."""
        network, _, native = account_id.partition(":")
        if network != self.network:
            return None
        row = int(self.store.rows_of(np.array([id_of(native)], dtype=np.uint64))[0])
        return None if row < 0 else row

    def ids(self, rows: I64) -> list[str]:
        """Return the lake's ids of some rows."""
        return [f"{self.network}:{name}" for name in self.store.names[rows]]

    def small(self, rows: I64) -> bool:
        """Return whether the followers of some accounts are few enough to be counted."""
        return int(self.store.sizes[rows].sum()) <= COUNTED

    def lists(self, rows: I64) -> list[U64]:
        """Return the followers of some accounts as ascending hashes."""
        return [self.store.hashes(row) for row in rows.tolist()]

    def signatures(self, rows: I64) -> Signatures:
        """Return fine signatures of some accounts, made from their lists."""
        return signed_rows(self.store, rows, SLOTS)

    @cached_property
    def index(self) -> Index:
        """The index of all accounts, in the order of rows; made at the first search."""
        known = self.store.signatures()
        if known is None or not self.store.signed:
            return Index(signed_whole(self.store, 128))
        return Index(known[1])


class Book:
    """All shelves. `folder` may not exist yet: then nobody's followers are known."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, tuple[object, Shelf]] = {}

    @property
    def networks(self) -> list[str]:
        """Return the networks of which audiences are known."""
        if not self._folder.is_dir():
            return []
        return sorted(path.name for path in self._folder.iterdir() if is_store(path))

    def shelf(self, network: str) -> Shelf | None:
        """Return the audiences of a network, as they are now; None if there are none.

        Raises Damaged.
        """
        folder = self._folder / network
        now = stamp(folder)
        if now is None:
            return None
        known = self._open.get(network)
        if known is None or known[0] != now:
            known = now, _opened(network, folder)
            self._open[network] = known
        return known[1]

    def rows(self, account_ids: Sequence[str]) -> dict[str, tuple[Shelf, int]]:
        """Return where the accounts are whose followers are known. Raises Damaged."""
        found = {}
        for account in dict.fromkeys(account_ids):
            shelf = self.shelf(account.partition(":")[0])
            row = None if shelf is None else shelf.row(account)
            if shelf is not None and row is not None:
                found[account] = (shelf, row)
        return found


def _opened(network: str, folder: Path) -> Shelf:
    try:
        return Shelf(network, folder)
    except BadStore as exc:
        log.error("audiences damaged", network=network, reason=str(exc))
        raise Damaged(str(exc)) from exc


NOBODY = Book(Path(os.devnull))
"""A book in which nobody's followers are known."""
