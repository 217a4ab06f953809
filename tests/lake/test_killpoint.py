"""A process dies where a test says, at the pass it says, and nowhere else."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
from lake.killpoint import reached
for name in ("in_send", "after_spool", "after_spool", "after_apply"):
    print(name, flush=True)
    reached(name)
"""


def _run(kill_at: str | None) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "TAGLAKE_KILL_AT"}
    more = {} if kill_at is None else {"TAGLAKE_KILL_AT": kill_at}
    command = [sys.executable, "-c", PROGRAM]
    return subprocess.run(command, env=clean | more, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("kill_at", "passed", "code"),
    [
        (None, 4, 0),
        ("in_send", 1, 137),
        ("after_spool:2", 3, 137),
        ("after_spool:3", 4, 0),
        ("in_burial", 4, 0),
    ],
)
def test_a_process_dies_at_the_pass_it_was_told(
    kill_at: str | None, passed: int, code: int
) -> None:
    done = _run(kill_at)
    assert (len(done.stdout.split()), done.returncode) == (passed, code), done.stderr


def test_a_place_that_is_none_is_refused() -> None:
    done = _run("in_dream")
    assert done.returncode == 1
    assert "in_dream: there are after_reserve, after_response" in done.stderr
