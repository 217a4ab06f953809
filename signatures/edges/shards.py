"""Where a hash belongs: shard s of n holds the hashes from s/n to (s+1)/n of all.

A hash is as good as random, so each shard is a true sample of all people: one of 100 shards holds
the followers of every account that one person in a hundred is.
"""

import numpy as np
import numpy.typing as npt

from signatures.arrays import U64
from signatures.errors import BadArray

MOST = 4096


def check_shards(shards: int) -> None:
    """Raise BadArray unless the number of shards is in range."""
    if not 1 <= shards <= MOST:
        raise BadArray("shards", shards, f"use 1 to {MOST}")


def shards_of(hashes: U64, shards: int) -> npt.NDArray[np.uint8 | np.uint16]:
    """Return the shard of each hash: by its upper half, which is fine enough."""
    upper = hashes >> np.uint64(32)
    # Numpy sorts numbers of 8 and 16 bits by counting.
    kind = np.uint8 if shards <= 256 else np.uint16
    return ((upper * np.uint64(shards)) >> np.uint64(32)).astype(kind)


def first_hash(shard: int, shards: int) -> int:
    """Return the least hash that belongs to a shard; 2**64 for the one behind the last."""
    return -(-(shard << 32) // shards) << 32
