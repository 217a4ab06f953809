"""The 50 most similar of a million audiences, and the graph of all similar pairs.

    .venv/bin/python benchmarks/similar.py                  # five minutes, 6 GB of memory
    .venv/bin/python benchmarks/similar.py --accounts 100000

A million signatures of 128 slots in planted groups of 50 to 200, similarities up to 0.9. Searched
one after the other, each with a mask that leaves the asked one out; ranked against brute force over
the full signatures. Wall time of a search, with as many threads as cores; its limit: the sum over
the bytes that it has to read. Memory: what the index holds beside the signatures. The graph: 64
bands of two bins, recall over pairs of a similarity of 0.3 and more.
"""

import argparse
import os
import time
from collections.abc import Callable

import numpy as np
from _rig import Goal, alternate, machine, spread, table

from signatures import Index, Signatures
from signatures.graphs.bands import neighbours
from signatures.minhash import similarities

ACCOUNTS, SLOTS, MOST = 1_000_000, 128, 50
_BLOCK = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--accounts", type=int, default=ACCOUNTS)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--no-graph", action="store_true", help="leave the graph out")
    asked = parser.parse_args()
    rng = np.random.default_rng(3)
    rows = planted(rng, asked.accounts)
    queries = rng.integers(0, asked.accounts, asked.searches).tolist()
    goals = searched(rows, queries)
    if not asked.no_graph:
        goals += graph(rows, queries[:100])
    print("", *goals, sep="\n")


def planted(rng: np.random.Generator, accounts: int) -> Signatures:
    """Return audiences of groups: an account shares a bin with its group by its own chance."""
    groups = max(accounts // 100, 1)
    prototypes = rng.integers(0, 2**57, (groups, SLOTS), dtype=np.uint64)
    minima = np.empty((accounts, SLOTS), dtype=np.uint64)
    for start in range(0, accounts, _BLOCK):
        part = minima[start : start + _BLOCK]
        own = rng.integers(0, 2**57, part.shape, dtype=np.uint64)
        near = rng.random(part.shape) < rng.uniform(0.2, 0.95, len(part))[:, None]
        group = prototypes[rng.integers(0, groups, len(part))]
        part[:] = (np.where(near, group, own) << np.uint64(7)) | np.arange(SLOTS, dtype=np.uint64)
    return Signatures(minima, np.full(accounts, 5_000))


def searched(rows: Signatures, queries: list[int]) -> list[Goal]:
    """Measure searches and print them."""
    threads = os.cpu_count() or 1
    start = time.perf_counter()
    index = Index(rows, threads=threads)
    built = time.perf_counter() - start
    held = sum(part.nbytes for part in index._parts)  # its only arrays beside the signatures
    answers: list[tuple[int, list[int]]] = []
    asked = iter(queries)

    def search() -> float:
        query = next(asked)
        allowed = np.ones(len(rows), dtype=bool)
        allowed[query] = False
        begun = time.perf_counter()
        found = index.most_similar(rows[query], most=MOST, allowed=allowed).rows
        took = time.perf_counter() - begun
        answers.append((query, found.tolist()))
        return took * 1e3

    turns: dict[str, Callable[[], float]] = {"search": search, "limit": _limit(index)}
    took = alternate(turns, len(queries))
    # Afterwards: brute force reads a gigabyte, and the next search would start with cold caches.
    recalls = [_recall(rows, *answer) for answer in answers[-30:]]
    p95 = float(np.quantile(took["search"], 0.95))
    lines = [["", "median ms", "p95 ms", "min-max"]]
    for name, values in took.items():
        one = spread(values)
        late = f"{np.quantile(values, 0.95):.2f}"
        lines.append([name, f"{one.median:.2f}", late, f"{one.low:.2f}-{one.high:.2f}"])
    print(f"{len(rows):,} audiences, {SLOTS} slots, {threads} threads; {machine()}")
    print(f"index made in {built:.1f} s\n\n{table(lines)}\n")
    return [
        Goal("top 50, p95, milliseconds", p95, 10.0),
        Goal("top 50, missed of brute force's", 1 - float(np.mean(recalls)), 0.01),
        Goal("memory with the index / signatures", 1 + held / rows.minima.nbytes, 1.3),
    ]


def _limit(index: Index) -> Callable[[], float]:
    """Return a turn that only reads the bytes a search reads, in milliseconds of one thread."""
    words = index._parts[0].reshape(-1).view(np.uint64)

    def turn() -> float:
        begun = time.perf_counter()
        words.sum()
        return (time.perf_counter() - begun) * 1e3

    return turn


def _recall(rows: Signatures, query: int, found: list[int]) -> float:
    """Return which part of brute force's best is among what was found; ties count as found."""
    exact = similarities(rows.minima, np.arange(len(rows)), np.full(len(rows), query))
    exact[query] = -1
    least = np.sort(exact)[-MOST]
    return float(np.mean(exact[found] >= least)) * len(found) / MOST


def graph(rows: Signatures, queries: list[int]) -> list[Goal]:
    """Measure the graph of all pairs and print it."""
    start = time.process_time()
    found = neighbours(rows, most=200)
    took = time.process_time() - start
    print(f"graph of {len(found):,} pairs in {took:.0f} s of CPU\n")
    edges = np.sort(found.sources * len(rows) + found.targets)
    missed = wanted = 0
    for query in queries:
        exact = similarities(rows.minima, np.arange(len(rows)), np.full(len(rows), query))
        alike = np.flatnonzero(exact >= 0.3)
        alike = alike[alike != query]
        keys = np.minimum(alike, query) * len(rows) + np.maximum(alike, query)
        places = np.minimum(np.searchsorted(edges, keys), len(edges) - 1)
        missed += int((edges[places] != keys).sum())
        wanted += len(keys)
    return [Goal("graph, missed of pairs with J >= 0.3", missed / max(wanted, 1), 0.02)]


if __name__ == "__main__":
    main()
