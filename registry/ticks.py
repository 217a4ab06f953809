"""The machine's own seconds: no setting of the clock moves them, only a restart ends them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Tick(NamedTuple):
    """An instant as seconds since the machine was started, and which start that was."""

    boot: str
    seconds: float


Ticks = Callable[[], Tick]


def machine_ticks() -> Ticks | None:
    """Return the machine's ticks; None where it does not tell one start from another."""
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return None
    return lambda: Tick(boot, time.clock_gettime(time.CLOCK_BOOTTIME))
