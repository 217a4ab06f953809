"""Short forms run with every test run, long ones with TAGLAKE_FAULTS=long (`make faults`)."""

import os
from typing import TypeVar

T = TypeVar("T")

LONG = os.environ.get("TAGLAKE_FAULTS") == "long"


def form(short: T, long: T) -> T:
    """Return what belongs to the form that runs."""
    return long if LONG else short
