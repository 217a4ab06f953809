"""A queue of lines in memory that behaves as `lake.sender.Outbox` asks, on a clock of its own."""

import asyncio
from collections.abc import Sequence

from lake.contract import Line, Verdict


class Clock:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the seconds pass at once."""
        await asyncio.sleep(0)
        self.now += seconds
        self.naps.append(seconds)


class MemoryOutbox:
    """Keeps every verdict it was told; `waiting` are lines in the queue, `flying` those taken."""

    def __init__(self, lines: Sequence[Line], clock: Clock, *, retry_seconds: float = 1.0) -> None:
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._next = 0
        self._due: dict[int, float] = {}
        self._bell = asyncio.Event()
        self.lines: dict[int, Line] = {}
        self.flying: set[int] = set()
        self.verdicts: dict[int, list[Verdict]] = {}
        self.dead: list[tuple[str, str]] = []
        self.put(lines)

    def put(self, lines: Sequence[Line]) -> None:
        """Queue lines."""
        for line in lines:
            self.lines[self._next] = line
            self._due[self._next] = 0.0
            self._next += 1
        self._bell.set()

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines that are due."""
        batch: list[tuple[int, Line]] = []
        size = 0
        for seq, line in sorted(self.lines.items()):
            if seq in self.flying or self._due[seq] > self._clock():
                continue
            if batch and (size + len(line.body) > max_bytes or len(batch) == max_lines):
                break
            batch.append((seq, line))
            size += len(line.body)
        self.flying.update(seq for seq, _ in batch)
        return batch

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Apply verdicts."""
        for seq, verdict in verdicts:
            assert seq in self.flying, f"{seq} was settled, but not in flight"
            self.flying.discard(seq)
            self.verdicts.setdefault(seq, []).append(verdict)
            if verdict.outcome in ("retry", "parked"):
                self._due[seq] = self._clock() + self._retry_seconds
                continue
            line = self.lines.pop(seq)
            if verdict.outcome == "poison":
                self.dead.append((line.id, verdict.reason))
        self._bell.set()

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """Put lines back."""
        for seq in seqs:
            assert seq in self.flying, f"{seq} was released, but not in flight"
            self.flying.discard(seq)
            self._due[seq] = self._clock() + delay
        self._bell.set()

    async def wait(self) -> None:
        """Return when a line is due; time passes if lines wait for theirs."""
        while True:
            waiting = [self._due[seq] for seq in self.lines if seq not in self.flying]
            if waiting and min(waiting) <= self._clock():
                return
            if waiting:
                await self._clock.sleep(min(waiting) - self._clock())
                continue
            self._bell.clear()
            await self._bell.wait()
