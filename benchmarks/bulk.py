"""Bulk indexing into a real Elasticsearch: our sender against Elastic's own clients and the node.

    .venv/bin/python benchmarks/bulk.py                     # some minutes; needs Java 17, Maven, Go

`ours`: the shipped sender and lake at their own settings, from lines in memory;
`bodies`: bodies of one megabyte that were made before, posted four at once: what the node can take;
`helpers`: `elasticsearch.helpers.async_bulk`, from the same documents as dicts;
`go`: `esutil.BulkIndexer` with FilterPath, four workers, from the same documents as bytes,
GOMAXPROCS=1 GOGC=400.

Every client is a process of its own that reads its documents before the clock starts; CPU is that
process's alone. Variants alternate, each round on fresh indices with our mappings, and a round
counts only if every document is there afterwards. Disk is measured after a merge to one segment,
against an index of the same documents whose fields Elasticsearch maps by itself.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import uvloop

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from _bulk_documents import Files, documents, posts, written

from lake.contract import Line
from lake.elastic import ElasticLake
from lake.entries import kernel_name
from servers import elastic
from servers.requirement import Missing

ROOT = Path(__file__).parents[1]
PREFIX = "bulk"
SETS = ("comments", "slim posts", "posts")
VARIANTS = ("bodies", "ours", "go", "helpers")
GO = {"GOMAXPROCS": "1", "GOGC": "400"}
SECONDS = 180  # for one client
SETTINGS = {  # of every index, whoever maps its fields
    "index.number_of_replicas": 0,
    # Else bytes on disk are those of some seconds ago, before the merge.
    "index.store.stats_refresh_interval": "0s",
}

GOALS = {  # of every set of documents
    "cpu_of_helpers": ("<=", 0.12),
    "cpu_of_go": ("<=", 0.50),
    "rate_of_bodies": (">=", 0.85),
    "disk_of_dynamic": ("<=", 0.40),
}


class Run(msgspec.Struct, frozen=True):
    """What one client took: CPU and wall seconds, and how many documents it believes stored."""

    cpu: float
    wall: float
    stored: int


class Node:
    """The Elasticsearch under test."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        asked = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            return json.load(answer)

    def forget(self) -> None:
        """Delete all indices of the benchmark."""
        names = [row["index"] for row in self.ask("GET", "/_cat/indices?format=json&h=index")]
        ours = [name for name in names if name.startswith(PREFIX)]
        if ours:
            self.ask("DELETE", "/" + ",".join(ours))

    def fresh(self, indices: set[str]) -> None:
        """Make empty indices: making one takes longer than a request."""
        self.forget()
        for index in sorted(indices):
            self.ask("PUT", f"/{index}", {"settings": SETTINGS})
        self.ask("GET", "/_cluster/health?wait_for_status=green&timeout=30s")

    def count(self) -> int:
        """Return how many documents there are."""
        self.ask("POST", f"/{PREFIX}-*/_refresh")
        return int(self.ask("GET", f"/{PREFIX}-*/_count")["count"])

    def bytes_a_document(self) -> float:
        """Return what a document takes on disk, all segments merged into one an index."""
        self.ask("POST", f"/{PREFIX}-*/_forcemerge?max_num_segments=1")
        self.ask("POST", f"/{PREFIX}-*/_flush")
        count = self.count()
        total = self.ask("GET", f"/{PREFIX}-*/_stats/store,segments")["_all"]["total"]
        return float(total["store"]["size_in_bytes"]) / count


def command(variant: str, node: Node, files: Files, binary: Path) -> list[str]:
    """Return how a client is started."""
    if variant == "go":
        return [str(binary), node.url, str(files.pairs)]
    file = {"ours": files.lines, "bodies": files.bodies, "helpers": files.pairs}[variant]
    client = Path(__file__).with_name("_bulk_clients.py")
    return [sys.executable, str(client), variant, node.url, PREFIX, str(file)]


def run(variant: str, node: Node, files: Files, binary: Path) -> Run:
    """Let one client write and see that everything is there. Raises SystemExit if not."""
    done = subprocess.run(
        command(variant, node, files, binary),
        env=os.environ | GO,
        cwd=ROOT,
        capture_output=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{variant} failed:\n{done.stderr.decode()[-3000:]}")
    result = msgspec.json.decode(done.stdout, type=Run)
    if not result.stored == node.count() == files.count:
        raise SystemExit(f"{variant}: {files.count} sent, {result.stored} stored, {node.count()}")
    return result


def alternate(
    node: Node, files: Files, indices: set[str], binary: Path, rounds: int
) -> dict[str, list[Run]]:
    """Return the runs of each variant; the first round warms the node up and is forgotten."""
    runs: dict[str, list[Run]] = {variant: [] for variant in VARIANTS}
    for number in range(rounds + 1):
        shift = number % len(VARIANTS)
        for variant in VARIANTS[shift:] + VARIANTS[:shift]:
            node.fresh(indices)
            runs[variant].append(run(variant, node, files, binary))
    return {variant: each[1:] for variant, each in runs.items()}


def disk(node: Node, files: Files, indices: set[str], binary: Path) -> tuple[float, float]:
    """Return bytes a document with our mappings and with dynamic ones."""
    node.fresh(indices)
    run("bodies", node, files, binary)
    ours = node.bytes_a_document()
    templates = f"/_index_template/{PREFIX}-*"
    node.ask("DELETE", templates)
    try:
        node.fresh(indices)
        run("bodies", node, files, binary)
        return ours, node.bytes_a_document()
    finally:
        uvloop.run(install(node.url))


async def install(url: str) -> None:
    """Install our mappings."""
    lake = ElasticLake(url, prefix=PREFIX)
    await lake.open()
    await lake.close()


def spread(values: list[float], form: str) -> str:
    """Return a median and, in brackets, the least and the most."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:{form}} ({least:{form}} to {most:{form}})"


def ratio(ours: list[float], theirs: list[float]) -> list[float]:
    """Return the ratio in each round."""
    return [one / other for one, other in zip(ours, theirs, strict=True)]


def told(name: str, files: Files, runs: dict[str, list[Run]]) -> dict[str, list[float]]:
    """Print what each client took and return the ratios of each round."""
    print(f"\n{name}: {files.count:,} documents of {files.size // files.count:,} bytes")
    print(f"  {'client':10} {'CPU s a 100,000 documents':28} documents a second")
    cpu = {key: [one.cpu / files.count * 1e5 for one in each] for key, each in runs.items()}
    rate = {key: [files.count / one.wall for one in each] for key, each in runs.items()}
    for variant in VARIANTS:
        print(f"  {variant:10} {spread(cpu[variant], '.3f'):28} {spread(rate[variant], ',.0f')}")
    return {
        "cpu_of_helpers": ratio(cpu["ours"], cpu["helpers"]),
        "cpu_of_go": ratio(cpu["ours"], cpu["go"]),
        "rate_of_bodies": ratio(rate["ours"], rate["bodies"]),
    }


def met(figure: str, value: float) -> bool:
    """Return whether a figure reaches its goal."""
    sign, goal = GOALS[figure]
    return value <= goal if sign == "<=" else value >= goal


def measure(
    name: str, lines: list[Line], node: Node, folder: Path, options: argparse.Namespace
) -> dict[str, float]:
    """Measure one set of documents and return its figures."""
    files = written(lines, PREFIX, folder / name.replace(" ", "_"))
    indices = {f"{PREFIX}-{line.table}-{line.month}" for line in lines}
    runs = alternate(node, files, indices, options.binary, options.rounds)
    ratios = told(name, files, runs)
    ours, dynamic = disk(node, files, indices, options.binary)
    ratios["disk_of_dynamic"] = [ours / dynamic]
    print(f"  on disk {ours:,.1f} bytes a document, mapped dynamically {dynamic:,.1f}")
    for figure, values in ratios.items():
        sign, goal = GOALS[figure]
        reached = "met" if met(figure, statistics.median(values)) else "SHORT"
        print(f"  {figure:16} {spread(values, '.3f'):26} goal {sign} {goal:.2f}  {reached}")
    return {key: round(statistics.median(values), 3) for key, values in ratios.items()}


def build(folder: Path) -> Path:
    """Compile the Go client. Raises Missing without Go."""
    if not shutil.which("go"):
        raise Missing("no go: the client to compare with is compiled (https://go.dev/dl)")
    binary = folder / "bulk"
    made = ["go", "build", "-o", str(binary), "./bulk"]
    subprocess.run(made, cwd=ROOT / "benchmarks" / "go", check=True, timeout=600)
    return binary


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="of which medians are taken")
    parser.add_argument("--documents", type=int, default=100_000, help="comments; fewer posts")
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=SETS)
    parser.add_argument("--heap", default="1g", help="of Elasticsearch")
    options = parser.parse_args()
    wanted = {
        "comments": options.documents,
        "slim posts": options.documents * 4 // 10,
        "posts": options.documents * 4 // 10,
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        options.binary = build(folder)
        parsed = posts(wanted["posts"])
        node = Node(stack.enter_context(elastic.running(folder, heap=options.heap)))
        uvloop.run(install(node.url))
        stack.callback(node.forget)
        print(f"kernel: {kernel_name()}; {options.rounds} rounds, load {os.getloadavg()[0]:.1f}")
        figures: dict[str, float] = {}
        for name in options.sets:
            lines = documents(name, wanted[name], parsed)
            found = measure(name, lines, node, folder, options)
            figures |= {f"{name.replace(' ', '_')}_{key}": value for key, value in found.items()}
    goals = {key: GOALS[figure] for key in figures for figure in GOALS if key.endswith(figure)}
    passed = all(
        met(figure, value)
        for key, value in figures.items()
        for figure in GOALS
        if key.endswith(figure)
    )
    print(json.dumps({"name": "bulk", "figures": figures, "goals": goals, "pass": passed}))


if __name__ == "__main__":
    try:
        main()
    except Missing as missing:
        print(f"bulk: {missing}")
