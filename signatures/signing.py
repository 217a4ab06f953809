"""Signatures of a whole store: of all audiences at once, or only of what changed."""

from collections.abc import Callable

import numpy as np

from signatures.arrays import I64, U64
from signatures.lists import Lists, one_list
from signatures.minhash import EMPTY, Signatures, lowered, merge
from signatures.store import EdgeStore, rows_of


def signed_whole(
    store: EdgeStore, slots: int, *, progress: Callable[[int, int], None] | None = None
) -> Signatures:
    """Return the signatures of all accounts.

    Lists ascend by hash, shard by shard: the first hash of a bin is its minimum, and a list is
    read no further than to the one that fills its last bin, about slots * (ln slots + 0.6) hashes.
    """
    minima = np.full((len(store), slots), EMPTY, dtype=np.uint64)
    missing = np.full(len(store), slots, dtype=np.int64)
    for shard in range(store.shards):
        lists = store.shard(shard)
        lowered(lists.indptr, lists.hashes, minima, missing)
        if progress is not None:
            progress(shard + 1, store.shards)
        if not missing.any():
            break
    return Signatures(minima, store.sizes)


def signed_again(store: EdgeStore, keys: U64, known: Signatures) -> Signatures:
    """Return the signatures of all accounts from older ones: `keys` are their accounts.

    What was added since lowers minima; accounts that a segment since calls dirty are read anew.
    """
    minima = np.full((len(store), known.slots), EMPTY, dtype=np.uint64)
    minima[store.rows_of(keys)] = known.minima
    dirty = np.zeros(len(store), dtype=bool)
    for segment in store.segments:
        if _generation(segment.folder.name) <= store.manifest.signed:
            continue
        rows = store.rows_of(segment.keys)
        added = signed_lists(
            [segment.shard(shard)[0] for shard in range(store.shards)], known.slots
        )
        minima[rows] = np.minimum(minima[rows], added)
        dirty[rows] |= segment.dirty
    for row in np.flatnonzero(dirty).tolist():
        minima[row] = signed_lists([one_list(store.hashes(row))], known.slots)[0]
    return Signatures(minima, store.sizes)


def signed_lists(parts: list[Lists], slots: int) -> U64:
    """Return the minima of lists that come in parts, each part above the last."""
    minima = np.full((len(parts[0]), slots), EMPTY, dtype=np.uint64)
    missing = np.full(len(parts[0]), slots, dtype=np.int64)
    for part in parts:
        lowered(part.indptr, part.hashes, minima, missing)
    return minima


def _generation(segment: str) -> int:
    return int(segment.partition("-")[0])
