"""One poll of one target: fetch pages until the known ones, compare, make durable, move the cursor.

    budget -> wire -> judge -> parse (the source) -> observe -> spool

The cursor moves in the transaction that makes the poll's last page durable. So whatever stops a
poll half-way, the next one starts from the old cursor and nothing between them is skipped.
"""

import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from datetime import datetime

import msgspec
import structlog

from ingestor.accounting import Accounts, gap
from ingestor.clock import Clock
from ingestor.contract import Answer, Fault, Page, Request, Rows, Seen, Source
from ingestor.errors import (
    BadAnswer,
    BadRequest,
    Down,
    Gone,
    IngestError,
    NoBudget,
    RateLimited,
    Refused,
)
from ingestor.http import Wire
from ingestor.known import Known
from ingestor.ladder import plan_visits
from ingestor.lanes import Lanes
from ingestor.observe import SNAPSHOT_EVERY, gone, observe, recall
from ingestor.revisit_file import Visit
from ingestor.rows import Observed, rows_of
from ingestor.spool import Spool
from ingestor.spool_file import Append, Full
from ingestor.walk import Outcome, Poll, Position, Walk
from lake.contract import Line
from lake.lines import milliseconds
from lake.records import GapReason, Post

PAGE_CAP = 10
log = structlog.get_logger()

POSITIONS = 10_000  # targets whose position is kept in memory


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How far a poll goes and how often it confirms."""

    page_cap: int = PAGE_CAP  # pages; a target that needs more is told as an overflow
    snapshot_every: float = SNAPSHOT_EVERY  # seconds


class _Same(Exception):
    """Raised through a source: there is nothing to parse."""


_NOTHING = Page()
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Position).decode


class Pipeline:
    """Polls targets. One per ingestor; `poll` may run many times at once."""

    def __init__(
        self,
        *,
        http: Wire,
        lanes: Lanes,
        spool: Spool,
        accounts: Accounts,
        clock: Clock,
        rules: Rules,
    ) -> None:  # fmt: skip
        self._http = http
        self._lanes = lanes
        self._spool = spool
        self._accounts = accounts
        self._clock = clock
        self._page_cap = rules.page_cap
        self._snapshot_every = rules.snapshot_every
        self._known = Known(spool.seen)
        self._positions: OrderedDict[str, Position] = OrderedDict()
        self._put_off: set[str] = set()  # targets whose last poll the budget did not let end
        self.handed: dict[str, str] = {}  # positions of a lane's last holder, until the first poll
        spool.on_refusal = self._known.forget

    async def poll(self, poll: Poll) -> Outcome:
        """Poll one target and return what came of it. Raises IngestError, Full.

        What was fetched before an error is durable; the cursor has not moved.
        """
        position = await self._position(poll.target.key)
        # What was there before the first poll is a gift: it must not eat a small budget up.
        gift = max(1, poll.lane.budget.ceiling // 16)
        cap = self._page_cap if position.polled else min(self._page_cap, gift)
        walk = Walk(poll, position, now=self._clock.now(), cap=cap)
        walk.may_skip = milliseconds(walk.now) - position.polled < self._snapshot_every * 1000
        with contextlib.suppress(_Same), guarded(poll.source):
            await self._walk(walk)
        return walk.outcome

    async def _position(self, key: str) -> Position:
        """Return where to go on: our own position, or that of the lane's last holder if it is
        newer.
        """
        if key in self._positions:
            return self._positions[key]
        stored = await self._spool.position(key)
        own = Position() if stored is None else _decode(stored)
        handed = self.handed.pop(key, None)
        if handed is None:
            return own
        try:
            return max(own, _decode(handed), key=lambda position: position.polled)
        except msgspec.DecodeError:  # of another version of us
            return own

    async def pages(self, walk: Walk, cursor: str | None = None) -> AsyncGenerator[Page]:
        """Yield the pages of the source, an error body as the error it stands for."""
        poll = walk.poll
        seen = Seen(observed_at=walk.now, host=poll.target.host, target=poll.target)

        async def fetch(request: Request) -> Answer:
            return await self._fetch(walk, request)

        pages = poll.source.poll(fetch, poll.target, poll.credential, seen, cursor)
        async with contextlib.aclosing(pages):  # type: ignore[type-var] # a source's poll is an async generator
            async for page in pages:
                if page.error is not None:
                    raise _as_error(page.error)
                yield page

    async def visit(self, poll: Poll, post: Post) -> Outcome:
        """Ask for one post directly; what it shows, or that it is gone, is durable afterwards.

        Raises IngestError but Gone, and Full.
        """
        walk = Walk(poll, Position(), now=self._clock.now(), cap=1)
        try:
            with guarded(poll.source):
                async with contextlib.aclosing(self.pages(walk)) as pages:
                    async for page in pages:
                        rows = rows_of(page)
                        await self._spool.append(await self.observed(walk, page, rows))
        except Gone:
            await self._known.fetch([post.id])
            found = gone(post, self._known, at=walk.now)
            await self._spool.append(_append(walk, found))
        return walk.outcome

    async def last_snapshot(self, subject: str) -> int | None:
        """Return when (milliseconds) the last snapshot of a subject was written, if it is known."""
        await self._known.fetch([subject])
        state = self._known.get(subject)
        return None if state is None else state.at

    async def _walk(self, walk: Walk) -> None:
        try:
            await self._to_the_end(walk)
        except NoBudget as exc:
            if not walk.too_long() and not self._put_off_before(walk):
                budget, now = walk.poll.lane.budget, self._clock.monotonic()
                seconds = max(exc.seconds, budget.wait(now, walk.outcome.requests + 1))
                raise NoBudget(str(exc), seconds=seconds) from exc
            walk.cut = True
            await self._keep(walk, _NOTHING, rows_of(_NOTHING), moved=True)
        self._put_off.discard(walk.poll.target.key)

    def _put_off_before(self, walk: Walk) -> bool:
        """Return whether the budget also ended the target's last poll, and remember this one.

        Starting anew costs the pages already read, and its neighbours' short polls may take each
        request that becomes free: the second time the poll ends where it is, with a gap.
        """
        if not walk.outcome.pages:
            return False
        key = walk.poll.target.key
        before = key in self._put_off
        self._put_off.add(key)
        return before

    async def _to_the_end(self, walk: Walk) -> None:
        moved = False
        async with contextlib.aclosing(self.pages(walk)) as pages:
            async for page in pages:
                rows = rows_of(page)
                walk.take(page, rows)
                moved = walk.finished or page.cursor is None
                await self._keep(walk, page, rows, moved=moved)
                if walk.finished:
                    return
        if not moved:
            await self._keep(walk, _NOTHING, rows_of(_NOTHING), moved=True)

    async def _fetch(self, walk: Walk, request: Request) -> Answer:
        """Spend one request, send it once, and return an answer that the source judged good."""
        poll = walk.poll
        if poll.breaker.peek(self._clock.monotonic()) > 0.0:
            raise Down("the network is down; the breaker is open", code="breaker")
        await self._lanes.reserve(poll.lane, request)
        if poll.target.kind == "followers":  # in budget that no plan needs, as visits are
            poll.lane.visited(self._clock.monotonic())
        poll.breaker.wait(self._clock.monotonic())  # if it is open, this request is the probe
        walk.outcome.requests += 1
        try:
            answer = await self._sent(poll, request)
            self._lanes.heard(poll.lane, poll.source.allowance(answer, walk.now))
            poll.source.judge(answer, walk.now)
        except Down:
            poll.breaker.failed(self._clock.monotonic())
            raise
        except IngestError:
            poll.breaker.succeeded()
            raise
        poll.breaker.succeeded()
        poll.lane.rests = 0
        walk.outcome.bytes += len(answer.body)
        if walk.same(request, answer):
            walk.outcome.same = True
            raise _Same
        return answer

    async def _sent(self, poll: Poll, request: Request) -> Answer:
        """Send what is paid for once; whatever comes of it, its lane is told when it has ended."""
        try:
            return await self._http.ask(poll.lane.lane.base_url, request)
        finally:
            self._lanes.ended(poll.lane)

    async def _keep(self, walk: Walk, page: Page, rows: Rows, *, moved: bool) -> None:
        """Make a page durable, and with the last one the cursor and the hour's numbers."""
        append = await self.observed(walk, page, rows)
        # From here to the spool nothing is awaited: two pages must not count the same growth.
        key, reached = walk.poll.target.key, walk.reached() if moved else None
        position = None if reached is None else _encode(reached)
        append = msgspec.structs.replace(
            append,
            lines=(*append.lines, *self._remarks(walk, page, rows, moved=moved)),
            target=None if position is None else key,
            position=position,
        )
        await self._spool.append(append)
        if reached is not None and position is not None:
            walk.outcome.cursor = position.decode()
            self._remember(key, reached)

    async def observed(self, walk: Walk, page: Page, rows: Rows) -> Append:
        """Return what a page adds to the spool, compared with what is known.

        Nothing is awaited after the comparison: the caller appends at once.
        """
        await recall(rows, self._known)
        every = self._snapshot_every
        found = observe(
            rows,
            self._known,
            observer=walk.observer,
            follows=page.follows,
            snapshot_every=every,
        )
        self._known.trim()
        walk.add(found.posts, new=found.new, unchanged=found.unchanged)
        walk.outcome.lines += len(found.lines)
        return _append(walk, found)

    def _remember(self, key: str, position: Position) -> None:
        """Keep a position that is on disk in memory: an unchanged poll then costs no disk."""
        self._positions[key] = position
        self._positions.move_to_end(key)
        while len(self._positions) > POSITIONS:
            self._positions.popitem(last=False)

    def _remarks(self, walk: Walk, page: Page, rows: Rows, *, moved: bool) -> list[Line]:
        """Return the gaps a page proves, and the hour's account to go with it."""
        key, lines = walk.poll.target.key, []
        account = self._accounts.hour(key, walk.now)
        account.posts_seen += walk.fresh_posts
        account.posts_new += walk.fresh_new
        walk.outcome.aside += len(page.aside)
        if page.aside and not account.told_aside:
            account.told_aside = True
            detail = f"{len(page.aside)} parts set aside: {page.aside[0].reason[:120]}"
            lines.append(_gap(walk, "bad_answer", walk.now, walk.now, detail))
        if moved and not walk.counted:
            walk.counted = True
            account.made += 1
            account.unchanged += walk.outcome.lines == 0
            if walk.overflowed(page, rows):
                lines.append(_gap(walk, "overflow", *walk.unseen(), "posts between two polls"))
        if walk.outcome.lines:  # an unchanged poll writes nothing: its account waits for the report
            lines.append(self._accounts.line(key, walk.now))
        return lines


@contextlib.contextmanager
def guarded(source: Source) -> Iterator[None]:
    """Turn what a source, perhaps a third party's, raises unforeseen into an error of ours."""
    try:
        yield
    except (IngestError, Full, _Same):
        raise
    except Exception as exc:
        log.error("source raised", source=source.name, error=type(exc).__name__)
        raise BadAnswer(f"the source raised {type(exc).__name__}", code="source") from exc


def _append(walk: Walk, found: Observed) -> Append:
    """Return one page of the spool, without a cursor."""
    lane = walk.poll.lane.lane
    visits: tuple[Visit, ...] = ()
    if "post" in walk.poll.source.kinds:
        visits = plan_visits(found.fresh, lane=lane.id, now=walk.now)
    return Append(
        lines=tuple(found.lines),
        seen=tuple(found.seen),
        visits=visits,
        touched=milliseconds(walk.now),
        fence=lane.fence,
    )


def _gap(walk: Walk, reason: GapReason, since: datetime, until: datetime, detail: str) -> Line:
    target = walk.poll.target
    return gap(target, reason, stretch=(since, until), now=walk.now, detail=detail)


def _as_error(fault: Fault) -> IngestError:
    """Return the error that an error body, found only when it was parsed, stands for."""
    match fault.kind:
        case "rate_limited":
            return RateLimited(fault.reason, seconds=fault.retry_after, code=fault.code)
        case "login_required" | "checkpoint":
            return Refused(fault.reason, code=fault.code, checkpoint=fault.kind == "checkpoint")
        case "gone":
            return Gone(fault.reason, code=fault.code)
        case "bad_request":
            return BadRequest(fault.reason, code=fault.code)
        case "server":
            return Down(fault.reason, code=fault.code)
    return BadAnswer(fault.reason or "the answer cannot be read", code=fault.code)
