"""How many posts a second become durable, what a page costs in CPU, and how long the spool keeps
the event loop.

Pages go in from many pollers, each waits until its page is on the disk (with a real sync), and a
sender takes and settles them meanwhile. Each run is a process of its own; the kinds take turns.
`--json` prints one line.
"""

import argparse
import asyncio
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import uvloop
from _spool_load import Pages

from ingestor import spool_file, spool_log
from ingestor.clock import SystemClock
from ingestor.spool import Spool
from ingestor.spool_file import Append, SpoolFile
from lake.contract import STORED

# posts of a page, pages, pollers, visits planned, posts with the network's own JSON
KINDS = {
    "100 posts": (100, 400, 16, False, False),
    "100 posts, visits": (100, 400, 16, True, False),
    "20 posts with raw": (20, 2000, 16, False, True),
    "20 posts with raw, visits": (20, 2000, 16, True, True),
    "20 posts with raw, 2 pollers": (20, 1000, 2, False, True),
}
RATED = "100 posts"
GOALS = {"posts_per_second": 20_000.0, "longest_block_ms": 10.0}
PARTS = ("pack", "compress", "write", "sync", "sqlite")


class Parts:
    """CPU seconds of the spool's thread by what it did."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(PARTS, 0.0)
        self._inner = [0.0]

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, counted; what it calls that is counted too is taken off."""

        def call(*args: Any, **more: Any) -> Any:
            self._inner.append(0.0)
            begin = time.thread_time()
            try:
                return function(*args, **more)
            finally:
                used = time.thread_time() - begin
                self.seconds[part] += used - self._inner.pop()
                self._inner[-1] += used

        return call

    def watch(self) -> None:
        """Count from now on, in this process."""
        spool_file.pack = self.timed("pack", spool_file.pack)
        os.fdatasync = self.timed("sync", os.fdatasync)
        for owner, name, part in (
            (spool_log.SpoolLog, "write", "write"),
            (SpoolFile, "_retire", "sqlite"),
            (spool_file, "compress", "compress"),
        ):
            setattr(owner, name, self.timed(part, getattr(owner, name)))


async def watch_loop(gaps: list[float]) -> None:
    """Note how late each tick of a millisecond is, but no more than our threads computed meanwhile:
    the rest is a machine that has no core for us.
    """
    while True:
        before, used = time.monotonic(), time.process_time()
        await asyncio.sleep(0.001)
        late = time.monotonic() - before - 0.001
        gaps.append(min(late, time.process_time() - used))


async def send(spool: Spool, lines: int) -> None:
    """Take and settle lines as the sender of a lake that keeps up does."""
    left = lines
    while left:
        batch = await spool.take(max_bytes=2 << 20, max_lines=5000)
        if not batch:
            await spool.wait()
            await asyncio.sleep(0.05)
            continue
        await asyncio.sleep(0.02)  # the lake
        await spool.settle([(number, STORED) for number, _ in batch])
        left -= len(batch)


async def play(kind: str, folder: Path, *, parts: bool, ticks: bool) -> dict[str, float]:
    """Run one kind and return its figures."""
    posts, count, pollers, visits, raw = KINDS[kind]
    spool = Spool(folder / "spool.db", clock=SystemClock())
    await spool.open()
    pages = Pages(posts, visits=visits, raw=raw)
    await run(spool, pages.make(count // 4), pollers)  # files are made, caches warm
    work = pages.make(count)
    gc.collect()
    gc.freeze()
    split, gaps = Parts(), [0.0]
    if parts:
        split.watch()
    watching = asyncio.create_task(watch_loop(gaps)) if ticks else None
    cpu, loop_cpu, begin = time.process_time(), time.thread_time(), time.monotonic()
    durable = await run(spool, work, pollers)
    used, looped = time.process_time() - cpu, time.thread_time() - loop_cpu
    drained = time.monotonic() - begin
    if watching is not None:
        watching.cancel()
    await spool.close()
    found = {
        "posts_per_second": posts * count / durable,
        "drained_per_second": posts * count / drained,
        "cpu_us": used / count * 1e6,
        "loop_us": looped / count * 1e6,
        "block_ms": max(gaps) * 1e3,
        "kilobytes": sum(len(line.body) for page in work for line in page.lines) / count / 1e3,
    }
    return found | {part: split.seconds[part] / count * 1e6 for part in PARTS}


async def run(spool: Spool, pages: list[Append], pollers: int) -> float:
    """Put pages through the spool; return in how many seconds all were durable."""
    left, begin = iter(pages), time.monotonic()

    async def poll() -> None:
        for page in left:
            await spool.append(page)

    sender = asyncio.create_task(send(spool, sum(len(page.lines) for page in pages)))
    await asyncio.gather(*(poll() for _ in range(pollers)))
    durable = time.monotonic() - begin
    await sender
    return durable


def one(kind: str, how: str, folder: str) -> dict[str, float]:
    """Measure in a process of its own: speed, the loop's ticks, or the parts of the CPU."""
    words = [sys.executable, __file__, "--one", kind, "--how", how, "--folder", folder]
    done = subprocess.run(words, capture_output=True, check=True, timeout=180)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def measure(rounds: int, folder: str) -> dict[str, dict[str, list[float]]]:
    found: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    for _ in range(rounds):
        for kind in KINDS:
            figures = one(kind, "speed", folder)
            figures["block_ms"] = one(kind, "ticks", folder)["block_ms"]
            parts = one(kind, "parts", folder)
            for name, value in (figures | {part: parts[part] for part in PARTS}).items():
                found[kind].setdefault(name, []).append(value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="on the disk to measure")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--how", default="speed", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        with tempfile.TemporaryDirectory(dir=given.folder) as folder:
            how = {"parts": given.how == "parts", "ticks": given.how == "ticks"}
            print(json.dumps(uvloop.run(play(given.one, Path(folder), **how))))
        return
    found = measure(given.rounds, given.folder)
    medians = {
        kind: {name: statistics.median(values) for name, values in of.items()}
        for kind, of in found.items()
    }
    figures = {
        "posts_per_second": round(medians[RATED]["posts_per_second"]),
        "longest_block_ms": round(max(of["block_ms"] for of in medians.values()), 1),
        "cpu_us_per_page_of_20": round(medians["20 posts with raw"]["cpu_us"]),
        "cpu_us_per_page_of_20_with_visits": round(medians["20 posts with raw, visits"]["cpu_us"]),
    }
    good = figures["posts_per_second"] >= GOALS["posts_per_second"]
    good &= figures["longest_block_ms"] <= GOALS["longest_block_ms"]
    if not given.json:
        show(found, medians)
    line = {"name": "spool", "figures": figures, "goals": GOALS, "pass": good}
    print(json.dumps(line | {"load": os.getloadavg()[0]}))
    sys.exit(not good)


def show(found: dict[str, dict[str, list[float]]], medians: dict[str, dict[str, float]]) -> None:
    columns = ["kB", "posts/s", "spread", "block ms", "CPU us", "loop", *PARTS]
    print(f"{'a page of':30} " + " ".join(f"{name:>8}" for name in columns))
    for kind, of in medians.items():
        rates = found[kind]["posts_per_second"]
        spread = (max(rates) - min(rates)) / of["posts_per_second"]
        values = [of["kilobytes"], of["posts_per_second"]]
        rest = [of[name] for name in ("cpu_us", "loop_us", *PARTS)]
        row = [f"{value:8.0f}" for value in values] + [f"{spread:8.0%}", f"{of['block_ms']:8.1f}"]
        print(f"{kind:30} " + " ".join(row + [f"{value:8.0f}" for value in rest]))
    print("CPU in microseconds a page: of the process, its loop, and parts of the spool's thread")


if __name__ == "__main__":
    main()
