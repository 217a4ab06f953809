"""Case 43: hostile answers. No parser raises or takes a second, and no kernel differs from one.

The long form fuzzes each for a minute with atheris, which looks for bodies that go new ways.
"""

import importlib.util
from pathlib import Path

import pytest

from faults import figures
from faults.forms import LONG
from fuzz import run, targets
from servers.requirement import require

SECONDS = 60
BODIES = 150


@pytest.mark.parametrize("target", sorted(targets.TARGETS))
@pytest.mark.timeout(SECONDS + 300)
def test_hostile_answers_are_withstood(target: str, tmp_path: Path) -> None:
    source, check = targets.TARGETS[target]
    for body in (*targets.seeds(source), *targets.mutants(source, 43, BODIES)):
        check(body)
    if LONG:
        fuzzed(target, tmp_path)


def fuzzed(target: str, folder: Path) -> None:
    """Fuzz a target; its figures go into the table."""
    if importlib.util.find_spec("atheris") is None:
        require("atheris is not installed")
    ran = run.fuzz(target, SECONDS, folder)
    figures.record(
        43, target, bodies=ran.executions, per_second=ran.per_second, crashes=int(ran.failed)
    )
    assert not ran.failed, ran.said
    assert ran.executions > 1_000  # or the run shows nothing
