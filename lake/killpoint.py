"""Places at which a test may let this process die, as if the power went: `TAGLAKE_KILL_AT`.

`TAGLAKE_KILL_AT=after_spool:3` ends the process when it gets to that place for the third time.
Unset, as always but in `tests/faults`, a place costs one call of a cached function.
"""

import functools
import os

VARIABLE = "TAGLAKE_KILL_AT"
EXIT = 137  # what a supervisor sees of a process that was killed

POINTS = (
    "after_reserve",  # the request is paid for and has not been sent
    "after_response",  # the answer is here and nothing of it is durable
    "after_spool",  # the page is durable and has not been sent
    "in_send",  # a bulk request is on the wire
    "after_apply",  # the lake has applied it, its answer has not been read
    "after_answer",  # the verdicts are known, the spool has not heard of them
    "in_burial",  # inside the transaction that moves dead letters out of the spool
)


class _Armed:
    """A place and how often it may still be passed."""

    def __init__(self, name: str, passes: int) -> None:
        self.name = name
        self.passes = passes


@functools.cache
def _armed() -> _Armed | None:
    value = os.environ.get(VARIABLE)
    if value is None:
        return None
    name, _, count = value.partition(":")
    if name not in POINTS:
        raise ValueError(f"{VARIABLE}={value}: there are {', '.join(POINTS)}")
    return _Armed(name, int(count or 1))


def reached(name: str) -> None:
    """Die here, if this is the place and the time."""
    armed = _armed()
    if armed is None or armed.name != name:
        return
    armed.passes -= 1
    if armed.passes <= 0:
        os._exit(EXIT)


def armed(name: str) -> bool:
    """Return whether the process is to die at this place: for one that is no line of code."""
    found = _armed()
    return found is not None and found.name == name
