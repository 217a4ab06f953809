"""What benchmarks share: Go programs, alternated rounds, medians with their spread, tables.

A process reports its own CPU for the part that counts; what it took as a whole is read when it
ends (`wait4`), so nothing that runs beside it is counted.
"""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

HERE = Path(__file__).parent
GO = HERE / "go"
SHARED = ("bench", "records")  # packages of more than one program
CACHE = Path.home() / ".cache" / "taglake"
BUILD_SECONDS, RUN_SECONDS = 900, 300

T = TypeVar("T")


class Spread(msgspec.Struct, frozen=True):
    """The median of several rounds, and how far they lie apart."""

    median: float
    low: float
    high: float


class Result(msgspec.Struct, frozen=True):
    """What a process said in its last line, and what it took from start to end."""

    told: dict[str, Any]
    cpu: float  # seconds, user and system
    rss: int  # bytes at the peak


class Goal(msgspec.Struct, frozen=True):
    """A figure that must not be larger than `most`."""

    name: str
    value: float
    most: float

    @property
    def holds(self) -> bool:
        """Return whether the goal is reached."""
        return self.value <= self.most

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "FALLS SHORT"
        return f"{self.name:60} {self.value:7.4g}  goal <= {self.most:<5g} {verdict}"


def has_go() -> bool:
    """Return whether Go programs can be built here."""
    return shutil.which("go") is not None


def built(*names: str) -> bool:
    """Return whether these Go programs are there, as their sources are now."""
    return all(_place(name).exists() for name in names)


def programs(*names: str) -> dict[str, Path]:
    """Return the Go programs of `benchmarks/go`, built anew when their sources have changed."""
    if not has_go():
        sys.exit("this benchmark compares with Go: install Go 1.26 or newer (https://go.dev/dl)")
    for name in names:
        if not built(name):
            print(f"building {name} (the first build takes minutes)", file=sys.stderr)
            command = ["go", "build", "-o", str(_place(name)), f"./{name}"]
            subprocess.run(command, cwd=GO, check=True, timeout=BUILD_SECONDS)
    return {name: _place(name) for name in names}


def _place(name: str) -> Path:
    """Return where a program is, or will be, under a hash of its sources: outside the checkout."""
    found = hashlib.blake2b(digest_size=6)
    for path in [*(GO / part for part in ("go.mod", "go.sum")), *_sources(name, *SHARED)]:
        found.update(path.read_bytes())
    return CACHE / f"bench-{found.hexdigest()}" / name


def _sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((GO / folder).glob("*.go"))]


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> Result:
    """Run a process to its end. Raises RuntimeError if it fails or takes too long."""
    with subprocess.Popen(
        [str(part) for part in command], env=os.environ | dict(env or {}), stdout=subprocess.PIPE
    ) as process:  # fmt: skip
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), True)
        watchdog = _Watchdog(process)
        text = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watchdog.cancel()
    if process.returncode != 0:
        raise RuntimeError(f"{Path(str(command[0])).name} ended with {process.returncode}")
    told = json.loads(text.strip().rpartition(b"\n")[2])
    return Result(told, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)


class _Watchdog:
    """Kills a process that takes too long."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:

        self._timer = threading.Timer(RUN_SECONDS, process.kill)
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Let the process be."""
        self._timer.cancel()


def alternate(variants: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Run every variant once a round, each round beginning with another one."""
    found: dict[str, list[T]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            found[name].append(variants[name]())
    return found


def spread(values: Sequence[float]) -> Spread:
    """Return the median of some values, and the lowest and the highest."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Return ours over theirs, round by round."""
    return spread([a / b for a, b in zip(ours, theirs, strict=True)])


def machine() -> str:
    """Return what a figure depends on besides the code: cores, load, time."""
    now = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {now} UTC"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows as a Markdown table, the first one its head, the first column left."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ) + " |"
        for row in rows
    ]  # fmt: skip
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
