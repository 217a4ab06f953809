"""Synthetic audiences: sizes by a power law, planted communities, random 64-bit ids, seed 7."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

GRAPHS = {  # accounts, median of their sizes, spread of its logarithm, people, groups
    "g40": (10_000, 1_825, 1.158, 4_000_000, 100),
    "g80": (2_000, 19_133, 1.137, 20_000_000, 40),
}
_BATCH = 4_000_000  # edges


def sizes(rng: np.random.Generator, accounts: int, median: float, spread: float) -> I64:
    """Return how many follow each account."""
    drawn = median * np.exp(spread * rng.standard_normal(accounts))
    return np.maximum(drawn, 30).astype(np.int64)


def grouped(name: str) -> tuple[I64, U64]:
    """Return a graph's edges account by account, as `sign` takes them."""
    accounts, median, spread, people, groups = GRAPHS[name]
    rng = np.random.default_rng(7)
    indptr = np.concatenate([[0], np.cumsum(sizes(rng, accounts, median, spread))])
    ids = rng.integers(0, 2**64, people, dtype=np.uint64)
    followers = np.empty(indptr[-1], dtype=np.uint64)
    owner = np.repeat(np.arange(accounts), np.diff(indptr))
    for start in range(0, len(followers), _BATCH):
        part = slice(start, start + _BATCH)
        followers[part] = ids[_people(rng, owner[part], people, groups)]
    return indptr, followers


def _people(rng: np.random.Generator, owner: I64, people: int, groups: int) -> I64:
    """Return who follows: six in ten are of the account's group."""
    pool = people // groups
    own = (owner % groups) * pool + rng.integers(0, pool, len(owner))
    return np.where(rng.random(len(owner)) < 0.6, own, rng.integers(0, people, len(owner)))


def write_csv(path: Path, edges: int) -> int:
    """Write a list of edges in no order, with the sizes of g40, and return how many accounts."""
    _, median, spread, people, groups = GRAPHS["g40"]
    rng = np.random.default_rng(7)
    drawn = sizes(rng, round(edges / 3_570), median, spread)
    drawn = np.round(drawn * (edges / drawn.sum())).astype(np.int64)
    owner = np.repeat(np.arange(len(drawn), dtype=np.int32), drawn)
    rng.shuffle(owner)
    accounts = rng.integers(0, 2**62, len(drawn), dtype=np.uint64)
    ids = rng.integers(0, 2**64, people, dtype=np.uint64)
    with path.open("wb") as file:
        file.write(b"account,follower\n")
        for part in _parts(owner):
            who = ids[_people(rng, part.astype(np.int64), people, groups)]
            rows = pa.table({"account": accounts[part], "follower": who})
            pc.write_csv(rows, file, write_options=pc.WriteOptions(include_header=False))
    return len(drawn)


def _parts(array: npt.NDArray[np.int32]) -> Iterator[npt.NDArray[np.int32]]:
    for start in range(0, len(array), _BATCH):
        yield array[start : start + _BATCH]
