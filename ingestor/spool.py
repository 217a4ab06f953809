"""The spool: what was fetched is durable here before its cursor moves, and leaves after a final
verdict.

The pipeline appends pages; the sender takes lines (`lake.sender.Outbox`). All calls of the file run
in one thread of its own: an fsync takes 4-20 ms and would stall the event loop.
"""

import asyncio
import heapq
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import structlog

from ingestor.clock import Bell, Clock
from ingestor.recent import Recent
from ingestor.revisit_file import Visit
from ingestor.spool_file import LINES, Append, DeadLetter, Full, Report, SpoolFile
from ingestor.spool_rescue import open_spool
from lake.contract import Line, Verdict
from lake.killpoint import reached

T = TypeVar("T")

Level = Literal["open", "slow", "stop"]

SLOW = 0.70
STOP = 0.90
FREE_DISK_BYTES = 256 << 20
GROUP_LINES = 1500  # of one commit, about 1 MB
# In memory for the sender: lines and their bytes; the rest waits on the disk.
HELD_LINES, HELD_BYTES = 50_000, 12 << 20
RETRY_SECONDS, RETRY_CAP = 1.0, 60.0
PARK_SECONDS, PARK_CAP = 30.0, 600.0

log = structlog.get_logger()
_pack_line = msgspec.msgpack.Encoder().encode


class _Held:
    """One page in memory: its lines, how many still lack a final verdict, and which were poison."""

    __slots__ = ("bytes", "dead", "held", "late", "left", "lines")

    def __init__(self, lines: Sequence[Line], size: int) -> None:
        self.lines = lines
        self.left = self.held = len(lines)
        self.late: dict[int, Line] = {}  # by position: what waits for another attempt
        self.bytes = size
        self.dead: list[tuple[DeadLetter, bytes]] = []


Waiter = asyncio.Future[None]


_Queued = tuple[Append, Waiter]  # one page on its way to the disk


class _Written(msgspec.Struct):
    """What one turn of the spool's thread came to."""

    numbers: list[int] = []
    sizes: list[int] = []  # of the pages' bodies
    refused: Full | None = None  # nothing of the pages was kept
    kept: Full | None = None  # the finished pages could not be forgotten
    replayed: int = 0  # dead letters put back


class Spool:
    """The durable queue of one ingestor process.

    Life: `open`, then `append` from pollers and `wait`/`take`/`settle`/`release` from one sender,
    then `close`. Group commit without a delay: whatever queued up while one commit ran goes into
    the next.
    """

    def __init__(
        self, path: Path, *, clock: Clock, cap_bytes: int = 1 << 30, seen_limit: int = 200_000
    ) -> None:
        self.path = path
        self._clock = clock
        self._cap_bytes = cap_bytes
        self._seen_limit = seen_limit
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="spool")
        self._file: SpoolFile
        self._queue: deque[_Queued] = deque()
        self._settled: list[Waiter] = []
        self._known = Recent(seen_limit + seen_limit // 4)  # subjects that have a state
        self._committer: asyncio.Task[None] | None = None
        self._fill = 0.0
        self._free_disk = FREE_DISK_BYTES
        self.starts = 0
        self.on_refusal: Callable[[], None] | None = None  # called before any refused poller wakes
        # For the sender: pages in memory, lines that are due, lines that wait for their time.
        self._pages: dict[int, _Held] = {}
        self._held = 0
        self._held_bytes = 0
        self._loading = 0
        self._last_loaded = 0
        self._more = True
        self._fresh: deque[int] = deque()  # pages of which nothing was taken
        self._ready: deque[int] = deque()  # lines of other pages that are due
        self._later: list[tuple[float, int]] = []
        self._attempts: dict[int, int] = {}
        self._done: list[int] = []
        self._bell = Bell()

    async def open(self) -> None:
        """Open or make the file; a damaged one is rescued and set aside: a start succeeds."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = await self._call(self._open_file)
        self.starts = await self._call(self._file.open_count)
        await self._call(self._look)

    def _look(self) -> None:
        for key in self._file.remembered():
            self._known.add(key)
        self._measure()

    def _open_file(self) -> SpoolFile:
        return open_spool(self.path, cap_bytes=self._cap_bytes, seen_limit=self._seen_limit)

    @property
    def in_use(self) -> bool:
        """Return whether another process has the spool: then nothing can be appended here."""
        return self._file.in_use

    async def close(self) -> None:
        """Commit what is queued and close the file."""
        await self.committed()
        await self._call(self._file.close)
        self._thread.shutdown()

    # --- for the pipeline

    async def append(self, page: Append) -> None:
        """Return when the page, its cursor and what it saw are on disk. Raises Full: nothing of it
        was kept.
        """
        self._known.add(*[key for key, _ in page.seen])
        done: Waiter = asyncio.get_running_loop().create_future()
        self._queue.append((page, done))
        self._commit_soon()
        await done  # whoever waits may be cancelled: the page is written all the same

    def _commit_soon(self) -> None:
        if self._committer is None or self._committer.done():
            self._committer = asyncio.create_task(self._commit_queue())

    async def committed(self) -> None:
        """Return when nothing is queued for the disk."""
        while self._committer is not None and not self._committer.done():
            await asyncio.wait({self._committer})

    async def position(self, target: str) -> bytes | None:
        """Return where the target's polls have got to."""
        return await self._call(self._file.positions, target)

    async def seen(self, ids: Sequence[str]) -> dict[str, bytes]:
        """Return the last known state of those subjects that have one; new ones cost no disk."""
        maybe = [key for key in ids if key in self._known]
        return await self._call(self._file.seen, maybe) if maybe else {}

    async def visits(self, now: int, limit: int, lanes: Sequence[str]) -> list[Visit]:
        """Return the direct visits of posts that are due at `now` (milliseconds) through lanes."""
        return await self._call(self._file.visits, now, limit, lanes)

    async def move_visits(self, steps: Sequence[tuple[str, int | None, int]]) -> None:
        """Move posts to their next visit; without a due time they are not visited again."""
        await self._call(self._file.move_visits, steps)

    @property
    def fill(self) -> float:
        """Return the share of the spool's cap in use, as of the last commit."""
        return self._fill

    @property
    def level(self) -> Level:
        """Return whether fetching may go on: `slow` from 70 % of the cap, `stop` from 90 % or on a
        full disk.
        """
        if self._fill >= STOP or self._free_disk < FREE_DISK_BYTES:
            return "stop"
        return "slow" if self._fill >= SLOW else "open"

    async def _commit_queue(self) -> None:
        while self._queue or self._settled:
            group = self._group()
            settled, self._settled = self._settled, []
            done, self._done = self._done, []
            try:
                written = await self._call(self._write, [page for page, _ in group], done)
            except BaseException as exc:
                self._done[:0] = done  # perhaps not forgotten: once more does no harm
                if self.on_refusal is not None:
                    self.on_refusal()
                for waiter in [*(waiter for _, waiter in group), *settled]:
                    _fail(waiter, exc)
                raise
            self._forget(done, written.kept)
            if written.refused is not None:
                # What is queued may build on what was refused (deltas on its counts): refuse it
                # too.
                self._refuse([*group, *self._queue], written.refused)
                self._queue.clear()
            else:
                self._hold(group, written)
                settled += [waiter for _, waiter in group]
            for waiter in settled:
                if not waiter.done():
                    waiter.set_result(None)

    def _group(self) -> list[_Queued]:
        group: list[_Queued] = []
        lines = 0
        while self._queue and lines < GROUP_LINES:
            group.append(self._queue.popleft())
            lines += len(group[-1][0].lines) + 1
        return group

    def _refuse(self, group: Sequence[_Queued], full: Full) -> None:
        log.warning("spool refused pages", pages=len(group), reason=str(full), fill=self._fill)
        if self.on_refusal is not None:
            self.on_refusal()
        for _, waiter in group:
            _fail(waiter, Full(str(full)))

    def _hold(self, group: Sequence[_Queued], written: _Written) -> None:
        """Keep what was just made durable for the sender, if nothing older waits on the disk."""
        whole = not self._more and not self._loading and not written.replayed
        pages = [page for page, _ in group]
        for page, number, size in zip(pages, written.numbers, written.sizes, strict=True):
            if not number:
                continue
            if whole and not self._crowded():
                self._admit(number, _Held(page.lines, size))
            else:
                whole = False
        self._more = self._more or not whole
        self._bell.ring()

    def _admit(self, number: int, page: _Held) -> None:
        self._pages[number] = page
        self._last_loaded = number
        self._held += page.left
        self._held_bytes += page.bytes
        self._fresh.append(number)

    def _write(self, pages: list[Append], done: list[int]) -> _Written:
        """Forget what is done and make pages durable, with one sync; in the spool's thread."""
        written, logged = _Written(), list[int]()
        dead = [letter for seq in done for letter in self._pages[seq].dead]
        try:
            logged = self._file.forget(done, dead)
        except Full as full:
            written.kept = full
        try:
            if pages or logged:
                written.numbers = self._file.append(pages, logged)
                written.sizes = [_size(page.lines) for page in pages]
            if pages:
                reached("after_spool")
        except Full as full:
            written.refused = full if pages else None  # a mark that is not written costs a replay
        written.replayed = self._replay_wanted()
        self._measure()
        return written

    def _replay_wanted(self) -> int:
        try:
            return self._file.replay_wanted()
        except Full as full:
            log.warning("spool cannot put dead letters back", reason=str(full))
            return 0

    def _measure(self) -> None:
        self._fill = self._file.fill()
        disk = os.statvfs(self.path.parent)
        self._free_disk = disk.f_bavail * disk.f_frsize

    # --- for the sender: lake.sender.Outbox

    async def take(self, *, max_bytes: int, max_lines: int) -> list[tuple[int, Line]]:
        """Return the oldest lines that are due, up to both limits, at least one if any is."""
        self._promote()
        while self._more and not self._crowded() and not self._plenty(max_bytes, max_lines):
            await self._load()
        taken: list[tuple[int, Line]] = []
        size = 0
        while (self._ready or self._fresh) and len(taken) < max_lines:
            if not self._ready:
                page = self._pages[self._fresh[0]]
                first = self._fresh.popleft() * LINES
                if len(taken) + page.left <= max_lines and size + page.bytes <= max_bytes:
                    taken += zip(range(first, first + page.left), page.lines, strict=True)
                    size += page.bytes
                    continue
                self._ready.extend(range(first, first + page.left))
            line = self._line(self._ready[0])
            size += len(line.body)
            if taken and size > max_bytes:
                break
            taken.append((self._ready.popleft(), line))
        return taken

    async def settle(self, verdicts: Sequence[tuple[int, Verdict]]) -> None:
        """Apply verdicts; pages whose lines are all final leave with their poison in one
        transaction.
        """
        done, pages = self._done, self._pages
        for number, verdict in verdicts:
            outcome = verdict.outcome
            if outcome in ("retry", "parked"):
                self._again(number, verdict)
                continue
            page = pages[number // LINES]
            if outcome == "poison":
                page.dead.append(self._dead_letter(number, verdict))
            if self._attempts:
                self._attempts.pop(number, None)
            page.left -= 1
            if page.late:
                page.late.pop(number % LINES, None)
                self._thin(page)
            if not page.left:
                done.append(number // LINES)
        if self._done:
            settled: Waiter = asyncio.get_running_loop().create_future()
            self._settled.append(settled)
            self._commit_soon()
            await settled
        self._bell.ring()

    async def release(self, seqs: Sequence[int], *, delay: float) -> None:
        """Put lines back for which there is no verdict; they are due again in `delay` seconds."""
        due = self._clock.monotonic() + max(0.0, delay)
        for number in seqs:
            heapq.heappush(self._later, (due, number))
        self._bell.ring()

    async def wait(self) -> None:
        """Return when a line is due."""
        while True:
            self._promote()
            if (
                self._ready
                or self._fresh
                or (self._more and not self._crowded() and await self._load())
            ):
                return
            seconds = self._later[0][0] - self._clock.monotonic() if self._later else 3600.0
            await self._clock.sleep(seconds, self._bell)

    async def waiting(self) -> tuple[int, int]:
        """Return how many pages and lines are not yet in the lake."""
        return await self._call(self._file.waiting)

    def _line(self, number: int) -> Line:
        page, position = self._pages[number // LINES], number % LINES
        return page.lines[position] if page.lines else page.late[position]

    def _promote(self) -> None:
        now = self._clock.monotonic()
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[1])

    def _crowded(self) -> bool:
        return self._held >= HELD_LINES or self._held_bytes >= HELD_BYTES

    async def _load(self) -> bool:
        self._more = False  # before the read: an append during it sets it again
        self._loading += 1
        try:
            pages = await self._call(self._file.pages_after, self._last_loaded, 16)
        except asyncio.CancelledError:
            self._more = True  # a cancelled `wait` must not forget what it was about to read
            raise
        finally:
            self._loading -= 1
        for seq, lines in pages:
            if seq > self._last_loaded:  # wait and take may load at once
                self._admit(seq, _Held(lines, _size(lines)))
        self._more = self._more or bool(pages)
        return bool(self._fresh)

    def _plenty(self, max_bytes: int, max_lines: int) -> bool:
        """Return whether a `take` needs no more from the disk."""
        lines, size = len(self._ready), 0
        for number in self._fresh:
            if lines >= max_lines or size >= max_bytes:
                return True
            lines += self._pages[number].left
            size += self._pages[number].bytes
        return lines >= max_lines or size >= max_bytes

    def _again(self, number: int, verdict: Verdict) -> None:
        attempts = self._attempts[number] = self._attempts.get(number, 0) + 1
        parked = verdict.outcome == "parked"
        first, cap = (PARK_SECONDS, PARK_CAP) if parked else (RETRY_SECONDS, RETRY_CAP)
        due = self._clock.monotonic() + min(cap, first * 2.0 ** min(attempts - 1, 10))
        heapq.heappush(self._later, (due, number))
        page = self._pages[number // LINES]
        page.late[number % LINES] = self._line(number)
        self._thin(page)

    def _thin(self, page: _Held) -> None:
        """Let go of the lines that are final when all others of their page wait for later.

        Or one line a page for a closed month would soon keep all other months waiting.
        """
        if page.left != len(page.late) or page.held < 2 * page.left:
            return
        size = sum(len(line.body) for line in page.late.values())
        self._held -= page.held - page.left
        self._held_bytes -= page.bytes - size
        page.held, page.bytes, page.lines = page.left, size, ()

    def _dead_letter(self, number: int, verdict: Verdict) -> tuple[DeadLetter, bytes]:
        line = self._line(number)
        code, _, _ = verdict.reason.partition(":")
        letter = DeadLetter(
            number=number,
            code=code[:80],
            reason=verdict.reason[:300],
            first_seen=self._clock.now().isoformat(),
            table=line.table,
            id=line.id,
        )
        log.warning("dead letter", table=line.table, code=letter.code, number=number)
        return letter, _pack_line(line)

    def _forget(self, done: list[int], kept: Full | None) -> None:
        """Let go of pages that the disk has forgotten."""
        if kept is not None:
            # Everything is in the lake; only forgetting it failed. Try again with the next
            # verdicts.
            self._done += done
            log.warning("spool cannot forget pages", pages=len(done), reason=str(kept))
            return
        for seq in done:
            page = self._pages.pop(seq)
            self._held -= page.held
            self._held_bytes -= page.bytes

    # --- for operators

    async def check(self) -> Report:
        """Read everything and say what is there and what is damaged."""
        return await self._call(self._file.check)

    async def dead_letters(self, limit: int = 1000) -> list[DeadLetter]:
        """Return dead letters, oldest first."""
        return await self._call(self._file.dead_letters, limit)

    async def replay(self, numbers: Sequence[int] | None = None) -> int:
        """Put dead letters (all without `numbers`) back into the queue and return how many."""
        count = await self._call(self._file.replay, numbers)
        self._more = True
        self._bell.ring()
        return count

    async def repair(self) -> int:
        """Drop damaged pages and give free space back; return how many pages went. Raises
        InUse.
        """
        return await self._call(self._file.repair)

    async def _call(self, function: Callable[..., T], *args: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, *args)


def _size(lines: Sequence[Line]) -> int:
    return sum([len(line.body) for line in lines])


def _fail(waiter: Waiter, exc: BaseException) -> None:
    """Hand an exception over; whoever waited may be cancelled, then nobody else reads it."""
    if not waiter.done():
        waiter.set_exception(exc)
        waiter.exception()
