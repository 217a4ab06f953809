"""The sender: empties a durable queue into a lake, and forgets a line only after a final verdict.

The queue (`ingestor.spool` is one) shows itself as an `Outbox`, the lake as a `Writer`. Nothing is
kept in memory but what is in flight; while the lake is down the queue fills, not this process.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from lake.contract import Line, Verdict, Writer
from lake.delivery import Batch, Delivery, deliver
from lake.errors import LakeError, Misplaced, Unavailable
from lake.killpoint import reached
from lake.pacing import Pace

PARKED_SECONDS = 20.0  # how long a lake that takes no writes at all is left alone

log = structlog.get_logger()


class Outbox(Protocol):
    """A durable queue of lines, each under a sequence number that grows.

    Calls: `wait`, `take`, then for every number taken exactly one of `settle` or `release`. A line
    that was taken and neither settled nor released when the process ended is waiting again at the
    next start.
    """

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines that are due, up to both limits but at least one if any is due.

        They stay in the queue, marked in flight: no later `take` returns them before `release` or a
        not-final verdict. Empty if nothing is due.
        """
        ...

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Apply verdicts: stored and stale lines leave, poison moves to the dead letters in the
        same transaction, retry and parked lines wait again, a little longer with every attempt.
        """
        ...

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """Put lines back for which there is no verdict; they are due again in `delay` seconds."""
        ...

    async def wait(self) -> None:
        """Return when a line is due. Often cancelled, and must lose nothing by it."""
        ...


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender has done so far; counters only grow."""

    sent: int  # lines in requests, each as often as it was sent
    requests: int
    stored: int
    stale: int
    poison: int
    retried: int
    parked: int
    in_flight: int  # requests now
    width: int  # requests that may be in flight now
    last_error: str | None
    alarm: str | None  # why the lake takes no writes until an operator acts, e.g. "disk"


class Sender:
    """Sends what an outbox holds: `run` until told to stop, or `drain` once; never both at once."""

    def __init__(  # noqa: PLR0913 - one argument a setting
        self,
        outbox: Outbox,
        writer: Writer,
        *,
        rng: random.Random,
        pace: Pace | None = None,
        max_bytes: int = 2 << 20,
        max_lines: int = 5_000,
        linger: float = 0.2,
        flush_seconds: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Make a sender that is at rest.

        max_bytes: of the lines of one request; 1 to 5 MB serve Elasticsearch best.
        linger: seconds a request waits for more lines after the first.
        flush_seconds: after so long readers see what was written, however busy the sender is.
        """
        self._outbox = outbox
        self._writer = writer
        self._rng = rng
        self._pace = pace or Pace(rng=rng)
        self._max_bytes = max_bytes
        self._max_lines = max_lines
        self._linger = linger
        self._flush_seconds = flush_seconds
        self._clock = clock
        self._sleep = sleep
        self._counts: Counter[str] = Counter()
        self._in_flight = 0
        self._freed = asyncio.Event()
        self._resume_at = 0.0
        self._unflushed = False
        self._flushed_at = clock()
        self._last_error: str | None = None
        self._alarms: dict[tuple[str, str], str] = {}

    @property
    def progress(self) -> Progress:
        """Return the counters as they stand."""
        counts = self._counts
        return Progress(
            sent=counts["sent"],
            requests=counts["requests"],
            stored=counts["stored"],
            stale=counts["stale"],
            poison=counts["poison"],
            retried=counts["retry"],
            parked=counts["parked"],
            in_flight=self._in_flight,
            width=self._pace.width,
            last_error=self._last_error,
            alarm=next(iter(self._alarms.values()), None),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, finish what is in flight and flush."""
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                if not await self._may_start(stop):
                    continue
                if not await self._start(group):
                    await self._idle(stop)
        await self._flush()

    async def drain(self) -> None:
        """Send until nothing is due or in flight, then flush; wait while the lake is down.

        Lines that wait for a later attempt (retry, parked) stay in the outbox.
        """
        never = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            while True:
                if not await self._may_start(never):
                    continue
                alone = not self._in_flight  # asked before `take`: what fails meanwhile comes back
                if await self._start(group):
                    continue
                if alone:
                    break
                await self._one_freed()
        await self._flush()

    async def _may_start(self, stop: asyncio.Event) -> bool:
        """Return True when a request may go out; else wait a while for that and return False."""
        pause = self._resume_at - self._clock()
        if pause > 0:
            await self._first(self._pause(pause), stop.wait())
            return False
        if self._in_flight >= self._pace.width:
            await self._one_freed()
            return False
        return True

    async def _one_freed(self) -> None:
        """Return when a request that is in flight now has ended."""
        if self._in_flight:
            self._freed.clear()
            await self._freed.wait()

    async def _pause(self, seconds: float) -> None:
        await self._sleep(seconds)

    async def _start(self, group: asyncio.TaskGroup) -> bool:
        """Put one request on its way; return False if nothing is due."""
        batch = await self._outbox.take(max_bytes=self._max_bytes, max_lines=self._max_lines)
        if batch:
            self._in_flight += 1
            group.create_task(self._deliver(batch))
        return bool(batch)

    async def _idle(self, stop: asyncio.Event) -> None:
        """Return when there may be something to do; let readers see what was written meanwhile."""
        if self._unflushed and not self._in_flight:
            await self._flush()
            return
        ended = self._one_freed() if self._in_flight else asyncio.Event().wait()
        if await self._first(stop.wait(), ended, self._outbox.wait()) == 2:
            await self._first(stop.wait(), self._pause(self._linger))

    @staticmethod
    async def _first(*waits: Coroutine[Any, Any, object]) -> int:
        """Return the place of the wait that ended first; the others are cancelled."""
        tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for task in done:
            task.result()
        return min(tasks.index(task) for task in done)

    async def _deliver(self, batch: Batch) -> None:
        try:
            started_in = self._pace.round
            await self._settle(batch, await self._delivered(batch), started_in)
            await self._flush_in_time()
        finally:
            self._in_flight -= 1
            self._freed.set()

    async def _delivered(self, batch: Batch) -> Delivery:
        try:
            return await deliver(self._writer, batch)
        except BaseException:
            # Cancelled, or a fault of ours: the lines must not stay in flight for ever.
            await self._outbox.release([seq for seq, _ in batch], delay=0.0)
            raise

    async def _settle(self, batch: Batch, delivery: Delivery, started_in: int) -> None:
        if delivery.verdicts:
            reached("after_answer")
            await self._outbox.settle(delivery.verdicts)
        if delivery.left:
            await self._outbox.release(delivery.left, delay=0.0)
        self._count(delivery)
        if self._alarms or delivery.outcomes["parked"]:
            self._judge(dict(batch), delivery.verdicts)
        if delivery.error is not None:
            self._hold(delivery.error, started_in)
        elif delivery.outcomes["retry"]:
            self._pace.overloaded()
        else:
            if self._pace.failing:
                log.info("lake answers again")
            self._pace.succeeded()

    def _count(self, delivery: Delivery) -> None:
        self._counts["sent"] += delivery.lines
        self._counts["requests"] += delivery.requests
        self._counts.update(delivery.outcomes)
        self._unflushed |= delivery.outcomes["stored"] > 0

    def _judge(self, lines: dict[int, Line], verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Raise and clear the alarm of each month of a table, and log only what changed."""
        for seq, verdict in verdicts:
            line = lines[seq]
            if verdict.outcome == "parked":
                self._raise_alarm((line.table, line.month), verdict.reason)
            elif verdict.outcome in ("stored", "stale"):
                self._clear_alarm((line.table, line.month))

    def _raise_alarm(self, place: tuple[str, str], reason: str) -> None:
        cause = reason.partition(":")[0]
        self._last_error = reason
        if cause == "disk":
            self._resume_at = max(self._resume_at, self._clock() + self._jittered(PARKED_SECONDS))
        if self._alarms.get(place) != cause:
            self._alarms[place] = cause
            log.error("lake takes no writes", table=place[0], month=place[1], cause=cause)

    def _clear_alarm(self, place: tuple[str, str]) -> None:
        if not self._alarms:
            return
        for each in (place, _EVERYWHERE):
            if self._alarms.pop(each, None) is not None:
                log.info("lake takes writes again", table=each[0], month=each[1])

    def _hold(self, error: Unavailable | Misplaced, started_in: int) -> None:
        """Leave the lake alone for a while."""
        if isinstance(error, Misplaced):
            seconds = self._jittered(PARKED_SECONDS)
            self._raise_alarm(_EVERYWHERE, f"{error.cause}: {error}")
        else:
            down = self._pace.failing
            seconds = self._pace.failed(started_in, retry_after=error.retry_after)
            if not down:
                log.warning("lake does not answer", reason=str(error), pause=round(seconds, 1))
        self._last_error = str(error)
        self._resume_at = max(self._resume_at, self._clock() + seconds)

    def _jittered(self, seconds: float) -> float:
        return seconds * self._rng.uniform(0.5, 1.0)

    async def _flush_in_time(self) -> None:
        if self._unflushed and self._clock() - self._flushed_at >= self._flush_seconds:
            await self._flush()

    async def _flush(self) -> None:
        """Let readers see what was written; a lake that cannot is asked again later."""
        if not self._unflushed:
            return
        self._unflushed = False
        self._flushed_at = self._clock()
        try:
            await self._writer.flush()
        except (Unavailable, Misplaced) as wrong:
            self._unflushed = True
            self._hold(wrong, self._pace.round)
        except LakeError as wrong:
            self._last_error = str(wrong)
            log.warning("lake cannot flush", reason=str(wrong))


_EVERYWHERE = ("*", "*")
