"""What a scheduled target costs: memory beside a goroutine's, CPU and lateness of a fire, and how
long planning keeps the event loop.

Peers, in Go: a goroutine a target that sleeps until its next poll, the obvious way; and a timer of
the runtime a target (`time.AfterFunc`), the thrifty one. Each figure is of a process of its own;
ours and theirs take turns. `--json` prints one line.
"""

import argparse
import asyncio
import ctypes
import gc
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
TARGETS, MANY, LANES, INTERVAL = 100_000, 1_000_000, 20, 60.0
WATCH = 2.0  # seconds
GOALS = {
    "bytes_per_target_to_goroutine": 0.6,
    "bytes_per_target": 250.0,
    "million_megabytes": 400.0,
    "replan_block_ms": 10.0,
}


def resident() -> int:
    """Return the resident bytes of this process, what is free given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def watch_loop(gaps: list[float]) -> None:
    """Note how late each tick of a millisecond is, but no more than our threads computed meanwhile:
    the rest is a machine that has no core for us.
    """
    while True:
        before, used = time.monotonic(), time.process_time()
        await asyncio.sleep(0.001)
        late = time.monotonic() - before - 0.001
        gaps.append(min(late, time.process_time() - used))


def ours(targets: int) -> dict[str, float]:
    """Measure our schedule in this process."""
    from ingestor.schedule import Schedule

    small = Schedule(rng=random.Random(1))
    small.put("mastodon/tag/first", "lane0", now=0.0)
    small.plan("lane0", hourly=1.0, now=0.0)
    base = resident()
    schedule, now = Schedule(rng=random.Random(1)), time.monotonic()
    for number in range(targets):
        lane = f"lane{number % LANES}"
        schedule.put(f"mastodon/tag/name{number}", lane, now=now, tenant=f"client{number % 7}")
    for lane in range(LANES):
        schedule.plan(f"lane{lane}", hourly=targets / LANES * 60, now=now)
    found = {"bytes": (resident() - base) / targets}
    found |= asyncio.run(_fires(schedule))
    found["bytes_after"] = (resident() - base) / targets
    found["replan_ms"] = asyncio.run(_replanned(schedule, targets))
    return found


async def _fires(schedule: Any) -> dict[str, float]:
    """Poll what becomes due for a while, as a dispatcher does but for the polls themselves."""
    late: list[float] = []
    end = time.monotonic() + 0.5 + WATCH  # first what became due while the targets were made
    warm, cpu = end - WATCH, time.process_time()
    while (now := time.monotonic()) < end:
        schedule.ripen(now)
        if warm and now > warm:
            late, warm, cpu = [], 0.0, time.process_time()
        for lane in range(LANES):
            while (due := schedule.pop(f"lane{lane}")) is not None:
                late.append(now - due.since)
                schedule.done(due, now=now, new=1, seconds=60.0, requests=1, overflow=False)
        await asyncio.sleep(max(0.001, (schedule.next_at() or end) - time.monotonic()))
    used = time.process_time() - cpu
    return {
        "fires": float(len(late)),
        "cpu_us": used / max(1, len(late)) * 1e6,
        "p99_ms": statistics.quantiles(late, n=100)[98] * 1e3 if len(late) > 1 else 0.0,
    }


async def _replanned(schedule: Any, targets: int) -> float:
    """Plan all targets in one lane, and much more often than before: all are brought forward.
    Return the longest the loop was kept, in milliseconds.
    """
    from ingestor.schedule import replan

    now = time.monotonic()
    for key in list(schedule):
        schedule.put(key, "one", now=now)
    longest = []
    for hourly in (targets * 0.5, targets * 30.0, targets * 1.0, targets * 59.0):
        gaps: list[float] = []
        ticks = asyncio.create_task(watch_loop(gaps))
        await asyncio.sleep(0.05)
        await replan(schedule, "one", hourly=hourly, page_size=40.0, now=time.monotonic())
        ticks.cancel()
        longest.append(max(gaps))
    return max(longest) * 1e3


def run(*words: str, environment: dict[str, str] | None = None) -> dict[str, float]:
    """Run a measurement in a process of its own and return its figures."""
    done = subprocess.run(
        words, capture_output=True, check=True, timeout=120, env=os.environ | (environment or {})
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def python(targets: int) -> dict[str, float]:
    return run(sys.executable, __file__, "--one", str(targets))


def build(folder: str) -> str:
    program = f"{folder}/goroutines"
    subprocess.run(
        ["go", "build", "-o", program, "./goroutines"], cwd=FOLDER / "go", check=True, timeout=300
    )
    return program


def measure(rounds: int) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {"ours": [], "goroutine": [], "timer": []}
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        for _ in range(rounds):
            found["ours"].append(python(TARGETS))
            for how in ("goroutine", "timer"):
                words = (program, "-targets", str(TARGETS), "-how", how)
                found[how].append(run(*words, environment={"GOMAXPROCS": "1"}))
    found["million"] = [python(MANY) for _ in range(3)]
    return found


def middle(runs: list[dict[str, float]], name: str) -> tuple[float, float]:
    """Return the median of a figure and its spread, as a share of the median."""
    values = [run[name] for run in runs]
    median = statistics.median(values)
    return median, (max(values) - min(values)) / median if median else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(ours(given.one)))
        return
    found = measure(given.rounds)
    figures = {
        "bytes_per_target": middle(found["ours"], "bytes_after")[0],
        "goroutine_bytes": middle(found["goroutine"], "bytes")[0],
        "go_timer_bytes": middle(found["timer"], "bytes")[0],
        "million_megabytes": middle(found["million"], "bytes_after")[0] * MANY / 1e6,
        "replan_block_ms": middle(found["ours"], "replan_ms")[0],
        "cpu_us_per_fire": middle(found["ours"], "cpu_us")[0],
        "lateness_p99_ms": middle(found["ours"], "p99_ms")[0],
    }
    ours_bytes = figures["bytes_per_target"]
    figures["bytes_per_target_to_goroutine"] = ours_bytes / figures["goroutine_bytes"]
    figures["bytes_per_target_to_go_timer"] = ours_bytes / figures["go_timer_bytes"]
    figures = {name: round(value, 3) for name, value in figures.items()}
    good = all(figures[name] <= goal for name, goal in GOALS.items())
    if not given.json:
        show(found, figures)
    line = {"name": "scheduler", "figures": figures, "goals": GOALS, "pass": good}
    print(json.dumps(line | {"load": os.getloadavg()[0]}))
    sys.exit(not good)


def show(found: dict[str, list[dict[str, float]]], figures: dict[str, float]) -> None:
    print(f"{TARGETS} targets every {INTERVAL:.0f} s, median of {len(found['ours'])} runs (spread)")
    print(f"{'':28} {'bytes a target':>16} {'CPU us a fire':>15} {'p99 late ms':>14}")
    names = {"ours": "taglake", "goroutine": "Go, a goroutine each", "timer": "Go, AfterFunc each"}
    for key, name in names.items():
        size = middle(found[key], "bytes_after" if key == "ours" else "bytes")
        cpu, late = middle(found[key], "cpu_us"), middle(found[key], "p99_ms")
        columns = [f"{value:8.1f} ({spread:4.0%})" for value, spread in (size, cpu, late)]
        print(f"{name:28} {columns[0]:>16} {columns[1]:>15} {columns[2]:>14}")
    many = middle(found["million"], "replan_ms")
    print(f"longest block of the loop while all are replanned: {figures['replan_block_ms']:.1f} ms")
    print(f"1,000,000 targets: {figures['million_megabytes']:.0f} MB above idle; "
          f"replanned in one lane they keep the loop {many[0]:.0f} ms")  # fmt: skip
    for name, goal in GOALS.items():
        print(f"  {name:34} {figures[name]:9.2f}  goal <= {goal}")


if __name__ == "__main__":
    main()
