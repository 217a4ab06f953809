"""Reading lists of followers in what budget the campaigns leave: a page at a time, for as long as
it takes, from where the last page ended.

Which list comes next: the one that has the fewest left to tell, so that most are whole soon and a
giant waits for nobody but its likes. A list nobody has asked for yet comes first, for one page: it
says how long it is. A reading ends where the network gives no cursor, or an empty page, and rests
until its refresh is due. What it takes never touches the tenth of a budget that pays for second
pages and visits, nor a quarter of the rest: a campaign may begin at any moment.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import msgspec
import structlog

from ingestor.accounting import gap
from ingestor.audience_position import AudiencePosition, decoded
from ingestor.contract import Page, Target
from ingestor.dispatch import DAY, Parts
from ingestor.errors import (
    BadAnswer,
    BadRequest,
    Gone,
    IngestError,
    NoBudget,
    RateLimited,
    Refused,
)
from ingestor.lanes import HeldLane
from ingestor.pipeline import guarded
from ingestor.rows import rows_of
from ingestor.schedule import BACK_OFF, BACK_OFF_CAP
from ingestor.spool_file import Append, Full
from ingestor.walk import Poll, Position, Walk
from lake.lines import instant_of, line_of, milliseconds
from registry.allocation import HEADROOM
from registry.models import Progress, WatchedTarget

log = structlog.get_logger()

AT_ONCE = 50  # pages of one lane in one step
PAUSE = 5.0  # seconds between steps while some list is due
SHARE = 0.75  # of the planned budget that no target needs
FIRST = 2  # requests of a first page: whose it is, and the page
NOTHING_WANTED = DAY


def for_followers(ceiling: float, planned: float) -> float:
    """Return how many requests of a budget may go to followers, where targets need `planned`.

    >>> for_followers(300, 70)
    150.0
    """
    return max(0.0, SHARE * (HEADROOM * ceiling - planned))


FASTEST = 10_000.0
"""Pages an hour that a lane comes to at most, however large its budget: they are asked for one
after the other, a quarter of a second each, and a step of fifty is followed by a pause.
"""


class Audiences:
    """Reads the lists that are wanted. Life: `put` as they come and go, `step` from one task, after
    `pause` seconds each time.
    """

    def __init__(
        self,
        parts: Parts,
        *,
        poll_of: Callable[[HeldLane, Target], Poll],
        spare: Callable[[HeldLane, int], bool],
        failed: Callable[[HeldLane, IngestError], Awaitable[float | None]],
        told: Callable[[str, Progress], None],
        at_once: int,
    ) -> None:  # fmt: skip
        self._parts = parts
        self._clock = parts.clock
        self._poll_of = poll_of
        self._spare = spare
        self._failed = failed
        self._told = told
        self._room = asyncio.Semaphore(at_once)  # lanes that are read through at once
        self._wanted: dict[str, WatchedTarget] = {}
        self._positions: dict[str, AudiencePosition] = {}
        self._rests: dict[str, float] = {}  # until when a list is left alone
        self._failures: Counter[str] = Counter()  # in a row
        self.handed: dict[str, str] = {}  # positions of a lane's last holder, until the first page

    def __contains__(self, key: str) -> bool:
        return key in self._wanted

    def put(self, wanted: Iterable[WatchedTarget]) -> bool:
        """Read these lists from now on, and no others; return whether that is anything new."""
        before, self._wanted = self._wanted, {one.key: one for one in wanted}
        for kept in (self._positions, self._rests, self._failures):
            for key in [key for key in kept if key not in self._wanted]:
                del kept[key]
        return self._wanted != before

    def pause(self) -> float:
        """Return the seconds until a step may find something to do."""
        now, at = milliseconds(self._clock.now()), self._clock.monotonic()
        waits = [self._wait(one, now, at) for one in self._wanted.values()]
        return max(PAUSE, min(waits, default=NOTHING_WANTED))

    def _wait(self, wanted: WatchedTarget, now: int, at: float) -> float:
        """Return the seconds until a list is due; one whose position is not loaded yet may be."""
        position = self._positions.get(wanted.key, AudiencePosition())
        due = position.due(wanted.every_days)
        if due is None:
            return NOTHING_WANTED
        return max((due - now) / 1000, self._rests.get(wanted.key, 0.0) - at, 0.0)

    async def step(self) -> int:
        """Read some pages of what is due, through each lane that has budget to spare; return how
        many.
        """
        lanes = {one.lane for one in self._wanted.values()}
        held = [lane for name, lane in self._parts.lanes.held.items() if name in lanes]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._read_lane(lane)) for lane in held]
        return sum(task.result() for task in tasks)

    async def _read_lane(self, held: HeldLane) -> int:
        """Read pages through one lane while it has budget to spare; return how many."""
        read = 0
        async with self._room:
            # Once more behind the last: lists that told their length are due again, sorted by it.
            while read < AT_ONCE and (due := await self._due(held)):
                for wanted in due:
                    if read >= AT_ONCE or not self._spare(held, FIRST):
                        return read
                    pages = await self._read(held, wanted, AT_ONCE - read)
                    if pages is None:
                        return read
                    read += pages
        return read

    async def _due(self, held: HeldLane) -> list[WatchedTarget]:
        """Return the lists of a lane that are due, the fewest followers left to tell first."""
        now, at = milliseconds(self._clock.now()), self._clock.monotonic()
        due: list[tuple[int, str]] = []
        for key, wanted in list(self._wanted.items()):
            if wanted.lane == held.id:
                position = await self._position(key)
                if self._wait(wanted, now, at) <= 0.0:
                    due.append((position.left, key))
        return [self._wanted[key] for _, key in sorted(due) if key in self._wanted]

    async def _position(self, key: str) -> AudiencePosition:
        """Return how far a list is read: our own position, or that of the lane's last holder if it
        is newer.
        """
        known = self._positions.get(key)
        if known is None:
            stored = await self._parts.spool.position(key)
            handed = self.handed.pop(key, None)
            both = [_kept(stored), _kept(handed)]
            known = self._positions[key] = max(both, key=lambda position: position.polled)
        return known

    async def _read(self, held: HeldLane, wanted: WatchedTarget, most: int) -> int | None:
        """Read up to `most` pages of one list; return how many, None if the lane can do no more.

        A failure counts as a page, and the list rests.
        """
        target = Target(network=wanted.network, kind="followers", name=wanted.name)
        poll = self._poll_of(held, target)
        try:
            return await self._pages(poll, most)
        except (NoBudget, Full):
            return None  # still due
        except IngestError as exc:
            log.info(
                "followers not read", target=target.key, lane=held.id, kind=exc.kind, code=exc.code
            )
            with contextlib.suppress(Full):
                await self._consequence(poll, exc)
            return None if isinstance(exc, RateLimited | Refused) else 1

    async def _consequence(self, poll: Poll, exc: IngestError) -> None:
        """Draw the consequences of a failure for the lane and the list. Raises Full."""
        key = poll.target.key
        position = await self._position(key)
        if isinstance(exc, BadRequest | Gone) and position.resume is not None:
            # The network takes an old cursor no longer. Where none lasts, no reading would end.
            self._rest(key, DAY if position.restarts else 0.0)
            await self._save(poll, Append(), position.refused(milliseconds(self._clock.now())))
            return
        rest = await self._failed(poll.lane, exc)
        self._rest(key, self._back_off(key) if rest is None else rest)
        if isinstance(exc, BadRequest | Gone):
            await self._tell(poll, position, exc)

    async def _pages(self, poll: Poll, most: int) -> int:
        """Read pages on from where the last one ended; each is durable with its position."""
        key, read = poll.target.key, 0
        now = self._clock.now()
        position = await self._position(key)
        position = position.begun(milliseconds(now), through=poll.lane.lane.base_url)
        # Of a list that begins one page, which tells its length: perhaps another one comes first.
        most = most if position.resume else 1
        walk = Walk(poll, Position(), now=now, cap=most)
        pages = self._parts.pipeline.pages(walk, position.resume)
        with guarded(poll.source):
            async with contextlib.aclosing(pages):
                async for page in pages:
                    position = await self._keep(walk, page, position)
                    read += 1
                    if position.ended or read >= most or not self._spare(poll.lane, 1):
                        break
                else:
                    await self._give_up(poll, position)
        self._failures.pop(key, None)
        return read

    async def _give_up(self, poll: Poll, position: AudiencePosition) -> None:
        """End a reading whose source asks no further: a cursor came again. Raises BadAnswer if no
        page came at all.
        """
        if position.resume is None:
            raise BadAnswer("the source gave no page", code="nothing")
        await self._save(poll, Append(), position.circled(milliseconds(self._clock.now())))

    async def _keep(self, walk: Walk, page: Page, position: AudiencePosition) -> AudiencePosition:
        """Make a page's edges durable together with how far that is; return the new position."""
        poll = walk.poll
        after = position.turned(page, milliseconds(self._clock.now()))
        # The account's own profile is kept; a million of its followers' are not.
        own = tuple(profile for profile in page.profiles if profile.id == after.account)
        shown = Page(profiles=own, follows=page.follows)
        append = await self._parts.pipeline.observed(walk, shown, rows_of(shown))
        self._parts.metrics.follows += len(page.follows)
        self._parts.metrics.set_aside += len(page.aside)
        await self._save(poll, append, after)
        return after

    async def _save(self, poll: Poll, append: Append, position: AudiencePosition) -> None:
        """Make a position durable with what belongs to it and its audience, then believe it."""
        key, encoded = poll.target.key, position.encoded()
        # The audience last: a lake that takes lines in order has the edges when it learns of them.
        audience = line_of(position.audience(poll.target, poll.source))
        moved = msgspec.structs.replace(
            append,
            lines=(*append.lines, audience),
            target=key,
            position=encoded,
            fence=poll.lane.lane.fence,
        )
        await self._parts.spool.append(moved)
        self._positions[key] = position
        at = instant_of(position.polled)
        self._told(poll.lane.id, Progress(target=key, cursor=encoded.decode(), polled_at=at))

    async def _tell(self, poll: Poll, position: AudiencePosition, exc: BadRequest | Gone) -> None:
        """Write that a list cannot be read for a day, and of an account that is gone that it is."""
        now = self._clock.now()
        detail = f"{exc.code}: {exc}"[:200]
        stretch = (now, now + timedelta(seconds=DAY))
        line = gap(poll.target, "failed", stretch=stretch, now=now, detail=detail)
        self._parts.metrics.gaps += 1
        if isinstance(exc, Gone) and position.account:
            await self._save(poll, Append(lines=(line,)), position.gone(milliseconds(now)))
        else:
            await self._parts.spool.append(Append(lines=(line,)))

    def _back_off(self, key: str) -> float:
        self._failures[key] = min(20, self._failures[key] + 1)
        return min(BACK_OFF_CAP, BACK_OFF * 2.0 ** (self._failures[key] - 1))

    def _rest(self, key: str, seconds: float) -> None:
        self._rests[key] = self._clock.monotonic() + seconds


def _kept(stored: bytes | str | None) -> AudiencePosition:
    try:
        return AudiencePosition() if stored is None else decoded(stored)
    except msgspec.DecodeError:  # of another version of us
        return AudiencePosition()
