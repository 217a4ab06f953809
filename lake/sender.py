"""The sender: empties a durable queue into a lake, and forgets a line only after a final verdict.

The queue (`ingestor.spool` has one) shows itself as an `Outbox`; the lake as a `Writer`.
"""

from collections.abc import Sequence
from typing import Protocol

from lake.contract import Line, Verdict


class Outbox(Protocol):
    """A durable queue of lines, each under a sequence number that grows.

    Calls: `wait`, `take`, then for every number taken exactly one of `settle` or `release`. A line that was
    taken and neither settled nor released when the process ended is waiting again at the next start.
    """

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines that are due, up to both limits but at least one if any is due.

        They stay in the queue, marked in flight: no later `take` returns them before `release` or a
        not-final verdict. Empty if nothing is due.
        """
        ...

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Apply verdicts: stored and stale lines leave, poison moves to the dead letters (one transaction),
        retry and parked lines wait again, each a little longer with every attempt."""
        ...

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """Put lines back for which there is no verdict; they are due again in `delay` seconds."""
        ...

    async def wait(self) -> None:
        """Return when a line is due."""
        ...
