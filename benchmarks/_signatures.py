"""How fast audiences are signed, beside the fastest library, the talk's kernel and the limit.

Edges grouped by account, 128 slots, one thread. Peers: rensa 0.5.0 from flat hashes (one thread),
datasketch from raw ids, the design of the talk's Cython kernel with 128 hashes. Limit: the plain
sum over the same array. CPU time of this process; variants alternate, medians with the spread.
`narrow` is our portable loop without AVX2, which the wheel takes where a processor has none.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable
from types import ModuleType

import numpy as np
from _graphs import GRAPHS, I64, U64, grouped
from _rig import CACHE, HERE, Goal, alternate, machine, ratio, spread, table
from datasketch import MinHash

from signatures import _minhash_c, sign

os.environ["RAYON_NUM_THREADS"] = "1"  # read when rensa is imported; it would take all cores
rensa = importlib.import_module("rensa")

FEW = 200_000  # edges that the slow peers get
GOALS = {  # at most, as a ratio of rates turned round
    "rensa": 1 / 1.8,
    "limit": 1 / 0.33,
    "talk": 1 / 500,
    "datasketch": 1 / 1000,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    talk, goals = talk_kernel(), []
    rows = [["graph", "variant", "M edges/s", "min-max", "x ours"]]
    for name in GRAPHS:
        indptr, followers = grouped(name)
        found = alternate(variants(indptr, followers, talk), rounds)
        rows += lines(name, found)
        goals += judged(name, found)
    print(f"128 slots, one thread, CPU time; vectors: {_minhash_c.is_wide()}; {machine()}\n")
    print(table(rows), "", *goals, sep="\n")


def variants(indptr: I64, followers: U64, talk: ModuleType) -> dict[str, Callable[[], float]]:
    """Return each variant as a turn that returns edges per second."""
    rows = indptr.astype(np.uint64)
    minima = np.empty((len(indptr) - 1, 128), dtype=np.uint64)
    few = int(np.searchsorted(indptr, FEW))
    edges, some = len(followers), int(indptr[few])

    def narrow() -> None:
        _minhash_c.sign_narrow(indptr, followers, minima)

    def limit() -> None:
        followers.sum()

    def peer() -> None:
        rensa.RMinHash.digest_matrix_from_flat_token_hashes(followers, rows, 128, 42)

    turns = {
        "sign": _turn(lambda: sign(indptr, followers), edges),
        "narrow": _turn(narrow, edges),
        "rensa": _turn(peer, edges),
        "limit": _turn(limit, edges),
        "datasketch": _turn(lambda: sketched(indptr[: few + 1], followers), some),
    }
    by_follower = sorted_by_follower(indptr[: few + 1], followers[:some])
    return turns | {"talk": _turn(lambda: _talk(talk, few, by_follower), some)}


def _turn(work: Callable[[], object], edges: int) -> Callable[[], float]:
    def turn() -> float:
        start = time.process_time()
        work()
        return edges / (time.process_time() - start)

    return turn


def sketched(indptr: I64, followers: U64) -> list[MinHash]:
    """Sign with datasketch, from ids as numbers."""
    found = []
    for first, last in zip(indptr[:-1].tolist(), indptr[1:].tolist(), strict=True):
        one = MinHash(num_perm=128)
        one.update_batch(
            [number.to_bytes(8, "little") for number in followers[first:last].tolist()]
        )
        found.append(one)
    return found


def sorted_by_follower(indptr: I64, followers: U64) -> tuple[I64, np.ndarray, U64]:
    """Return the edges as the talk's kernel wants them, 30 a follower as on a real network.

    The sorting is not counted.
    """
    people, which = np.unique(followers % np.uint64(FEW // 30), return_inverse=True)
    accounts = np.repeat(np.arange(len(indptr) - 1, dtype=np.uint32), np.diff(indptr))
    order = np.argsort(which, kind="stable")
    ends = np.concatenate([[0], np.cumsum(np.bincount(which))])
    return ends, accounts[order], people


def _talk(kernel: ModuleType, accounts: int, edges: tuple[I64, np.ndarray, U64]) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.integers(1, 2**32, (2, 128), dtype=np.uint64)
    signatures = np.full((accounts, 128), 2**32 - 1, dtype=np.uint32)
    kernel.sign(edges[0], edges[1], edges[2], a, b, signatures)


def talk_kernel() -> ModuleType:
    """Return the talk's kernel, compiled for this machine outside the checkout."""
    folder = CACHE / "bench-talk"
    folder.mkdir(parents=True, exist_ok=True)
    source, library = folder / "_talk_kernel.c", folder / "_talk_kernel.so"
    pyx = HERE / "_talk_kernel.pyx"
    subprocess.run([sys.executable, "-m", "cython", "-3", pyx, "-o", source], check=True)
    include = sysconfig.get_path("include")
    flags = ["-O3", "-march=native", "-shared", "-fPIC", f"-I{include}"]
    subprocess.run(["cc", *flags, source, "-o", library], check=True)
    spec = importlib.util.spec_from_file_location("_talk_kernel", library)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(name: str, found: dict[str, list[float]]) -> list[list[str]]:
    """Return the table's rows of one graph."""
    rows = []
    for variant, rates in found.items():
        rate, times = spread(rates), ratio(rates, found["sign"])
        digits = 0 if rate.median > 1e7 else 2
        told = [f"{one / 1e6:,.{digits}f}" for one in (rate.median, rate.low, rate.high)]
        rows.append([name, variant, told[0], f"{told[1]}-{told[2]}", f"{times.median:.5f}"])
    return rows


def judged(name: str, found: dict[str, list[float]]) -> list[Goal]:
    """Return the goals: each peer's rate over ours."""
    goals = [
        Goal(f"{name}: {peer} / sign", ratio(found[peer], found["sign"]).median, most)
        for peer, most in GOALS.items()
    ]
    portable = ratio(found["rensa"], found["narrow"]).median
    return [*goals, Goal(f"{name}: rensa / narrow (no AVX2)", portable, 1.0)]
