"""One batch on its way into a lake: halved until the lake takes it or the culprit is alone."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from lake.contract import STORED, Line, Verdict, Writer
from lake.errors import LakeError, Misplaced, Refused, TooLarge, Unavailable

Batch = Sequence[tuple[int, Line]]

SUSPICIOUS = 20
"""So many lines refused one by one, and not one taken: the lake is not judging lines."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch: the lines with a verdict, those without, and why these have none."""

    verdicts: list[tuple[int, Verdict]]
    outcomes: Counter[str]  # of the verdicts
    left: list[int]
    error: Unavailable | Misplaced | None
    requests: int
    lines: int  # sent, each as often as it was


class _Delivering:
    """The state of one delivery; made for one call of `run`."""

    def __init__(self, writer: Writer, batch: Batch) -> None:
        self._writer = writer
        self._parts: list[Batch] = [batch]  # a stack, the oldest lines on top
        self._verdicts: list[tuple[int, Verdict]] = []
        self._condemned: list[tuple[int, Line, Verdict]] = []
        self._outcomes: Counter[str] = Counter()
        self._taken = False
        self._requests = self._lines = 0

    async def run(self) -> Delivery:
        """Send until every part has its verdicts or the lake gives no more."""
        error: Unavailable | Misplaced | None = None
        while self._parts and error is None:
            part = self._parts.pop()
            try:
                await self._send(part)
            except (Refused, TooLarge) as wrong:
                error = self._split(part, wrong)
            except (Unavailable, Misplaced) as wrong:
                self._parts.append(part)
                error = wrong
        self._outcomes["poison"] += len(self._condemned)
        return Delivery(
            outcomes=self._outcomes,
            verdicts=self._verdicts + [(seq, verdict) for seq, _, verdict in self._condemned],
            left=[seq for part in reversed(self._parts) for seq, _ in part],
            error=error,
            requests=self._requests,
            lines=self._lines,
        )

    async def _send(self, part: Batch) -> None:
        seqs, lines = zip(*part, strict=True)
        self._requests += 1
        self._lines += len(lines)
        found = await self._writer.write(lines)
        self._verdicts += zip(seqs, found, strict=True)
        # Most requests are stored whole, and counting one object is quick.
        stored = found.count(STORED)
        self._outcomes["stored"] += stored
        if stored < len(found):
            self._outcomes.update([each.outcome for each in found if each != STORED])
        self._taken = True

    def _split(self, part: Batch, wrong: LakeError) -> Misplaced | None:
        """Halve a refused part, or condemn a line that was refused alone."""
        if len(part) > 1:
            half = len(part) // 2
            self._parts += [part[half:], part[:half]]
            return None
        seq, line = part[0]
        code = "too large" if isinstance(wrong, TooLarge) else "refused"
        self._condemned.append((seq, line, Verdict(outcome="poison", reason=f"{code}: {wrong}")))
        if self._taken or len(self._condemned) < SUSPICIOUS:
            return None
        self._parts.append([(seq, line) for seq, line, _ in self._condemned])
        self._condemned = []
        return Misplaced("refusing", f"the lake refuses every line: {wrong}")


async def deliver(writer: Writer, batch: Batch) -> Delivery:
    """Write a batch and return what became of each line; no LakeError is raised."""
    return await _Delivering(writer, batch).run()
