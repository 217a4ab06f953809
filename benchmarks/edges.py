"""From an unsorted list of 100 million edges on disk to searchable signatures.

    .venv/bin/python benchmarks/edges.py                    # two minutes, and 8 GB of disk
    .venv/bin/python benchmarks/edges.py --edges 10000000   # a tenth

The list is a CSV of 28,000 accounts in no order, 40 bytes an edge. Measured is the import as
`taglake audience import` does it (read, hash, sort on disk, write, sync), then signing; in a
process of its own that may take 2 GB. The limit beside it: reading the same file with Arrow alone.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
from _graphs import write_csv
from _rig import Goal, machine, run, table

from insights.audiences.edges import gather
from signatures import EdgeStore, Writer
from signatures.edges.signing import signed_whole
from signatures.search import Index

EDGES = 100_000_000
MEMORY = 2 << 30
GOAL_SECONDS, GOAL_SIGN = 90.0, 0.2
# Arrow's own allocator reserves a gigabyte of addresses, of which it takes 20 MB: the limit on data
# would count them. 1.2 GB are resident with either.
PLAIN = {"ARROW_DEFAULT_MEMORY_POOL": "system"}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--edges", type=int, default=EDGES)
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    parser.add_argument("--one", choices=["ours", "arrow"], help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(ours(asked.folder) if asked.one == "ours" else arrow(asked.folder)))
        return
    with tempfile.TemporaryDirectory(dir=asked.folder, prefix="taglake-edges-") as name:
        folder = Path(name)
        print(f"writing {asked.edges:,} edges", file=sys.stderr)
        write_csv(folder / "edges.csv", asked.edges)
        told = {one: _measured(one, folder) for one in ("arrow", "ours")}
    _print(asked.edges, told)


def _measured(one: str, folder: Path) -> dict[str, Any]:
    result = run([sys.executable, __file__, "--one", one, "--folder", folder], PLAIN)
    return result.told | {"cpu": result.cpu, "rss": result.rss}


def arrow(folder: Path) -> dict[str, float]:
    """Read the file and do nothing with it."""
    start = time.perf_counter()
    for _ in pc.open_csv(folder / "edges.csv", convert_options=pc.ConvertOptions(
        column_types={"account": pa.string(), "follower": pa.string()}
    )):  # fmt: skip
        pass
    return {"seconds": time.perf_counter() - start}


def ours(folder: Path) -> dict[str, float]:
    """Import, sign and make searchable."""
    # Pages of mapped files are not counted: they are the system's, which takes them back at need.
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    laps, store = {}, folder / "store"
    start = time.perf_counter()
    with Writer(store, threads=2) as writer:
        with writer.changes() as changes:
            gather(changes, folder / "edges.csv", told=lambda edges, read: None)
            laps["read"] = time.perf_counter() - start
            applied = writer.apply(changes)
            laps["sorted"] = time.perf_counter() - start
        index = Index(writer.sign())
    laps["seconds"] = time.perf_counter() - start
    opened, cpu = EdgeStore(store), time.process_time()
    signed_whole(opened, 128)
    laps["sign"] = time.process_time() - cpu
    return laps | {"edges": applied.added, "accounts": len(index)}


def _print(edges: int, told: dict[str, dict[str, Any]]) -> None:
    found, limit = told["ours"], told["arrow"]
    rows = [["step", "seconds", "edges/s"]]
    for name, seconds in (
        ("read, hashed, partitioned", found["read"]),
        ("sorted, written", found["sorted"]),
        ("signed, indexed", found["seconds"]),
        ("limit: Arrow reads the file", limit["seconds"]),
    ):
        rows.append([name, f"{seconds:.1f}", f"{edges / seconds:,.0f}"])
    what = f"{edges:,} edges, {found['accounts']:,} accounts, {found['edges']:,} different"
    print(f"{what}; {machine()}")
    print(f"CPU {found['cpu']:.0f} s, peak of the resident set {found['rss'] / 1e6:,.0f} MB\n")
    share = edges / EDGES
    goals = (
        Goal("CSV to searchable signatures, seconds", found["seconds"], GOAL_SECONDS * share),
        Goal("peak of the resident set, GB", found["rss"] / 2**30, 2.0),
        Goal("sign from the store, seconds of CPU", found["sign"], GOAL_SIGN * share),
    )
    print(table(rows), "", *goals, sep="\n")


if __name__ == "__main__":
    main()
