"""Our own programs as processes of their own, ended by pid whatever happens to the test."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
TAGLAKE = (sys.executable, "-m", "taglake")


@contextmanager
def started(
    *command: str | Path, out: Path, env: Mapping[str, str] | None = None
) -> "Iterator[subprocess.Popen[bytes]]":
    """Start a program whose words go to the file `out`; what still runs at the end is killed."""
    with out.open("ab") as file:
        process = subprocess.Popen(
            command, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def stopped(process: "subprocess.Popen[bytes]", *, seconds: float) -> int:
    """Ask a program to end as an operator does and return its exit code."""
    process.send_signal(signal.SIGTERM)
    return process.wait(timeout=seconds)


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def eventually(ask: Callable[[], T | None], what: str, *, seconds: float = 30) -> T:
    """Return the first answer that is not None; other processes tell nobody when they are done."""
    until = time.monotonic() + seconds
    while (answer := ask()) is None:
        assert time.monotonic() < until, f"{what}: not within {seconds} s"
        time.sleep(0.1)
    return answer
