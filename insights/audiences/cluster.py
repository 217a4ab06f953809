"""Signatures of a store on many machines: Dask carries the shards, the kernel is the same.

Map: each task reads one shard of some accounts and signs what it holds. Reduce: a tree of
elementwise minima for each run of accounts, so that no worker ever holds all of them. The result
is, bit for bit, that of one machine, because a signature is a minimum over any split of a list.
Needs the extra `cluster`, and a store that every worker reads at the same path.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from dask.delayed import Delayed, delayed
from dask.distributed import Client

from signatures import EdgeStore, Signatures, merge
from signatures.minhash import EMPTY, check_slots, lowered

ACCOUNTS = 100_000  # of a task; with 128 slots its minima are 102 MB
FAN = 8  # partial results that one task of the tree joins


def sign_on_cluster(
    client: Client, folder: Path, *, slots: int = 128, accounts: int = ACCOUNTS
) -> Signatures:
    """Return the signatures of all accounts of a store, in its order, made by a cluster's workers.

    A worker holds about (FAN + 1) * accounts * slots * 8 bytes at once. Raises BadStore, BadArray.
    """
    check_slots(slots)
    store = EdgeStore(folder)
    runs = [(first, min(first + accounts, len(store))) for first in range(0, len(store), accounts)]
    joined = [
        _tree([delayed(sign_shard)(folder, shard, run, slots) for shard in range(store.shards)])
        for run in runs
    ]
    parts: list[Signatures] = client.gather(client.compute(joined))  # type: ignore[no-untyped-call] # Dask
    minima = np.concatenate([np.zeros((0, slots), dtype=np.uint64), *(one.minima for one in parts)])
    sizes = np.concatenate([np.zeros(0, dtype=np.int64), *(one.sizes for one in parts)])
    return Signatures(minima, sizes)


def sign_shard(folder: Path, shard: int, run: tuple[int, int], slots: int) -> Signatures:
    """Return the signatures of the part of some accounts' audiences that is in one shard."""
    lists = EdgeStore(folder).shard(shard)
    first, last = run
    minima = np.full((last - first, slots), EMPTY, dtype=np.uint64)
    missing = np.full(last - first, slots, dtype=np.int32)
    start, ends = int(lists.indptr[first]), lists.indptr[first + 1 : last + 1]
    lowered(start, np.ascontiguousarray(ends), lists.hashes, minima, missing)
    return Signatures(minima, np.diff(lists.indptr[first : last + 1]))


def _join(parts: Sequence[Signatures]) -> Signatures:
    """Return the signatures of all parts together: minima of minima, sums of sizes."""
    whole = parts[0]
    for part in parts[1:]:
        whole = merge(whole, part)
    return whole


def _tree(parts: Sequence[Delayed]) -> Delayed:
    """Return the join of all parts, a few at a time."""
    while len(parts) > 1:
        parts = [delayed(_join)(parts[at : at + FAN]) for at in range(0, len(parts), FAN)]
    return parts[0]
