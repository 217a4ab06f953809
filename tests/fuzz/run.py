"""Fuzzes every target with atheris, each in a process of its own.

Run as `python -m fuzz.run [SECONDS]`; every target gets 60 seconds if not told otherwise.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from hashlib import blake2b
from pathlib import Path

import msgspec

from fuzz import targets

TESTS = Path(__file__).parents[1]
_STAT = re.compile(r"stat::(\w+):\s+(\d+)")


class Ran(msgspec.Struct, kw_only=True):
    """What came of fuzzing one target."""

    target: str
    executions: int
    per_second: int
    failed: bool
    said: str  # the last words of a target that failed


def fuzz(target: str, seconds: int, folder: Path) -> Ran:
    """Fuzz one target; `folder` keeps the body that made it fail."""
    source, _ = targets.TARGETS[target]
    for body in targets.seeds(source):
        (folder / blake2b(body, digest_size=8).hexdigest()).write_bytes(body)
    command = [sys.executable, "-m", "fuzz.one", target, str(seconds), str(folder)]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds + 240,
        cwd=TESTS.parent,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        check=False,
    )
    told = {name: int(number) for name, number in _STAT.findall(done.stderr)}
    return Ran(
        target=target,
        executions=told.get("number_of_executed_units", 0),
        per_second=told.get("average_exec_per_sec", 0),
        failed=done.returncode != 0,
        said=(done.stdout + done.stderr)[-2_000:] if done.returncode else "",
    )


def main(seconds: int) -> int:
    """Fuzz all targets and print a line for each; return 1 if one failed."""
    failed = 0
    for target in targets.TARGETS:
        folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
        ran = fuzz(target, seconds, folder)
        failed |= ran.failed
        if not ran.failed:
            shutil.rmtree(folder)
        verdict = f"FAILED, see {folder}\n{ran.said}" if ran.failed else "0 failures"
        print(f"{target:22} {ran.executions:9} bodies {ran.per_second:6}/s  {verdict}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 60))
