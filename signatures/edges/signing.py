"""Signatures of a whole store: of all audiences at once, or only of what changed.

Lists ascend by hash, shard by shard. So the first hash of a bin is its minimum, and a list is read
no further than to the hash that fills its last bin: after about slots * (ln slots + 0.6) hashes.
"""

from collections.abc import Callable

import numpy as np

from signatures.arrays import I32, I64, U64
from signatures.edges.segments import Segment
from signatures.edges.store import EdgeStore
from signatures.minhash import EMPTY, Signatures, lowered

_BLOCK = 512  # accounts whose minima stay in the processor's cache while their lists are read


def signed_whole(
    store: EdgeStore, slots: int, *, progress: Callable[[int, int], None] | None = None
) -> Signatures:
    """Return the signatures of all accounts."""
    minima, missing = _empty(len(store), slots)
    if len(store.segments) == 1:
        _lower_by_blocks(store.segments[0], minima, missing, progress)
    else:
        for shard in range(store.shards):
            lists = store.shard(shard)
            lowered(0, lists.indptr[1:], lists.hashes, minima, missing)
            if progress is not None:
                progress(shard + 1, store.shards)
    return Signatures(minima, store.sizes)


def signed_again(store: EdgeStore, keys: U64, known: Signatures) -> Signatures:
    """Return the signatures of all accounts from older ones; `keys` are their accounts.

    What was added since lowers minima; accounts that a segment since calls dirty are read anew.
    """
    minima, _ = _empty(len(store), known.slots)
    minima[store.rows_of(keys)] = known.minima
    dirty = np.zeros(len(store), dtype=bool)
    for segment in store.segments:
        if segment.generation > store.manifest.signed:
            rows = store.rows_of(segment.keys)
            added, missing = _empty(len(rows), known.slots)
            _lower_by_blocks(segment, added, missing)
            minima[rows] = np.minimum(minima[rows], added)
            dirty[rows] |= segment.dirty
    for row in np.flatnonzero(dirty).tolist():
        whole, missing = _empty(1, known.slots)
        hashes = store.hashes(row)
        lowered(0, np.array([len(hashes)], dtype=np.int64), hashes, whole, missing)
        minima[row] = whole[0]
    return Signatures(minima, store.sizes)


def signed_rows(store: EdgeStore, rows: I64, slots: int) -> Signatures:
    """Return the signatures of some accounts, with any number of slots.

    Of a long list only the first shards are read, as many as are likely to fill all bins.
    """
    minima, missing = _empty(len(rows), slots)
    enough = slots * (np.log(slots) + 6)
    for place, row in enumerate(rows.tolist()):
        size = int(store.sizes[row])
        shards = int(np.ceil(store.shards * min(enough / max(size, 1), 1)))
        for few in sorted({shards, store.shards}):
            hashes = store.hashes(row, shards=few)
            one = slice(place, place + 1)
            ends = np.array([len(hashes)], dtype=np.int64)
            if not lowered(0, ends, hashes, minima[one], missing[one]):
                break
    return Signatures(minima, store.sizes[rows])


def _lower_by_blocks(
    segment: Segment,
    minima: U64,
    missing: I32,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Lower minima by all that a segment adds, some accounts at a time, through all shards."""
    shards = [segment.added(shard) for shard in range(segment.shards)]
    for first in range(0, len(minima), _BLOCK):
        block = slice(first, first + _BLOCK)
        for start, ends, hashes in shards:
            begin = int(ends[first - 1]) if first else start
            if not lowered(begin, ends[block], hashes, minima[block], missing[block]):
                break
        if progress is not None:
            progress(min(first + _BLOCK, len(minima)), len(minima))


def _empty(rows: int, slots: int) -> tuple[U64, I32]:
    """Return signatures of nobody, and how many bins of each are empty."""
    minima = np.full((rows, slots), EMPTY, dtype=np.uint64)
    return minima, np.full(rows, slots, dtype=np.int32)
