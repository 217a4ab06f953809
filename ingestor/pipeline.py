"""One poll of one target: fetch pages until the known ones, compare, make durable, move the cursor.

    budget -> wire -> judge -> parse (the source) -> observe -> spool

The cursor moves in the transaction that makes the poll's last page durable. So whatever stops a
poll half-way, the next one starts from the old cursor and nothing between them is skipped.
"""

from collections import OrderedDict
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from ingestor.accounting import Accounts, gap
from ingestor.breaker import Breaker
from ingestor.clock import Clock
from ingestor.contract import Answer, Credential, Fault, Page, Request, Seen, Source, Target
from ingestor.errors import (
    BadAnswer,
    BadRequest,
    Down,
    Gone,
    IngestError,
    RateLimited,
    Refused,
)
from ingestor.http import Http
from ingestor.known import Known
from ingestor.lanes import HeldLane, Lanes
from ingestor.observe import SNAPSHOT_EVERY, observe, subjects
from ingestor.spool import Spool
from ingestor.spool_file import Append
from lake.contract import Line
from lake.lines import milliseconds
from lake.records import GapReason, Post

PAGE_CAP = 10
POSITIONS = 10_000  # targets whose position is kept in memory
FRONT = 10  # ids; deletions of nine in a row still leave one to recognise the front by
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the polls of a target have got to, as the spool keeps it."""

    front: tuple[str, ...] = ()  # ids of the newest posts of the last poll that reached an end
    newest: int | None = None  # milliseconds; when the newest of them was made
    polled: int = 0  # milliseconds; the last answered poll
    trail: bytes = b""  # hash of the requests and bodies of that poll
    requests: int = 0  # how many it took
    resume: str | None = None  # where a list too long for one poll goes on (followers)


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """What to poll, through what."""

    target: Target
    source: Source
    lane: HeldLane
    credential: Credential
    breaker: Breaker


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How far a poll goes and how often it confirms."""

    page_cap: int = PAGE_CAP  # pages; a target that needs more is told as an overflow
    snapshot_every: float = SNAPSHOT_EVERY  # seconds


class Outcome(msgspec.Struct, kw_only=True):
    """What an answered poll came to."""

    requests: int = 0
    bytes: int = 0
    pages: int = 0
    posts: int = 0
    new: int = 0
    unchanged: int = 0
    lines: int = 0
    seconds: float = 3600.0  # the stretch in which the new posts were made
    overflow: bool = False
    same: bool = False  # every byte as in the last poll: nothing was parsed
    aside: int = 0  # parts that could not be read
    cursor: str | None = None  # where the next poll starts; None: where this one did


class _Same(Exception):
    """Raised through a source: there is nothing to parse."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Position).decode


class Pipeline:
    """Polls targets. One per ingestor; `poll` may run many times at once."""

    def __init__(
        self,
        *,
        http: Http,
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
        self.handed: dict[str, str] = {}  # positions of a lane's last holder, until the first poll
        spool.on_refusal = self._known.forget

    async def poll(self, poll: Poll) -> Outcome:
        """Poll one target and return what came of it. Raises IngestError, Full.

        What was fetched before an error is durable; the cursor has not moved.
        """
        position = await self._position(poll.target.key)
        walk = _Walk(poll, position, now=self._clock.now(), cap=self._page_cap)
        walk.may_skip = milliseconds(walk.now) - position.polled < self._snapshot_every * 1000
        try:
            await self._walk(walk)
        except _Same:
            walk.outcome.same = True
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

    async def _walk(self, walk: "_Walk") -> None:
        poll = walk.poll
        seen = Seen(observed_at=walk.now, host=poll.target.host, target=poll.target)

        async def fetch(request: Request) -> Answer:
            return await self._fetch(walk, request)

        pages = poll.source.poll(fetch, poll.target, poll.credential, seen, walk.position.resume)
        moved = False
        async with aclosing(pages):  # type: ignore[type-var] # a source's poll is an async generator
            async for page in pages:
                if page.error is not None:
                    raise _as_error(page.error)
                walk.take(page)
                moved = walk.finished or page.cursor is None
                await self._keep(walk, page, moved=moved)
                if walk.finished:
                    return
        walk.ended = True
        if not moved:
            await self._keep(walk, Page(), moved=True)

    async def _fetch(self, walk: "_Walk", request: Request) -> Answer:
        """Spend one request, send it once, and return an answer that the source judged good."""
        poll = walk.poll
        if poll.breaker.peek(self._clock.monotonic()) > 0.0:
            raise Down("the network is down; the breaker is open", code="breaker")
        await self._lanes.reserve(poll.lane, request)
        poll.breaker.wait(self._clock.monotonic())  # if it is open, this request is the probe
        walk.outcome.requests += 1
        try:
            answer = await self._http.ask(poll.lane.lane.base_url, request)
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
            raise _Same
        return answer

    async def _keep(self, walk: "_Walk", page: Page, *, moved: bool) -> None:
        """Make a page durable, and with the last one the cursor and the hour's numbers."""
        ids = subjects(page)
        while not self._known.holds(ids):  # a refusal meanwhile makes memory forget
            await self._known.fetch(ids)
        # From here to `append` nothing is awaited: two pages must not count the same growth.
        found = observe(
            page, self._known, observer=walk.observer, snapshot_every=self._snapshot_every
        )
        walk.add(found.posts, new=found.new, unchanged=found.unchanged)
        walk.outcome.lines += len(found.lines)
        lines = [*found.lines, *self._remarks(walk, page, moved=moved)]
        reached = walk.reached() if moved else None
        position = None if reached is None else _encode(reached)
        append = Append(
            lines=tuple(lines),
            seen=tuple(found.seen),
            touched=milliseconds(walk.now),
            target=walk.poll.target.key if moved else None,
            position=position,
            fence=walk.poll.lane.lane.fence,
        )
        self._known.trim()
        await self._spool.append(append)
        if reached is not None and position is not None:
            walk.outcome.cursor = position.decode()
            self._remember(walk.poll.target.key, reached)

    def _remember(self, key: str, position: Position) -> None:
        """Keep a position that is on disk in memory: an unchanged poll then costs no disk at all."""
        self._positions[key] = position
        self._positions.move_to_end(key)
        while len(self._positions) > POSITIONS:
            self._positions.popitem(last=False)

    def _remarks(self, walk: "_Walk", page: Page, *, moved: bool) -> list[Line]:
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
            if walk.overflowed(page):
                lines.append(_gap(walk, "overflow", *walk.unseen(), "posts between two polls"))
        if walk.outcome.lines:  # an unchanged poll writes nothing: its account waits for the report
            lines.append(self._accounts.line(key, walk.now))
        return lines


class _Walk:
    """One poll on its way from page to page."""

    def __init__(self, poll: Poll, position: Position, *, now: datetime, cap: int) -> None:
        self.poll = poll
        self.position = position
        self.now = now
        self.outcome = Outcome()
        self.observer = f"{poll.source.name}@{_host(poll)}"
        self.may_skip = False
        self.finished = False
        self.ended = False
        self.counted = False
        self.fresh_posts = self.fresh_new = 0
        self._cap = cap
        self._posts: list[Post] = []
        self._reached = False
        self._cursor: str | None = None
        self._hash = blake2b(digest_size=16)

    def take(self, page: Page) -> None:
        """Note one more page and whether it is the last to ask for."""
        self.outcome.pages += 1
        self._cursor = page.cursor
        self._posts.extend(page.posts)
        front = set(self.position.front)
        self._reached = any(post.id in front for post in page.posts) or self._passed(page)
        capped = self.outcome.pages >= self._cap
        self.finished = self._reached or capped

    def add(self, posts: int, *, new: int, unchanged: int) -> None:
        """Count what a page showed."""
        self.fresh_posts, self.fresh_new = posts, new
        self.outcome.posts += posts
        self.outcome.new += new
        self.outcome.unchanged += unchanged
        made = [post.created_at for post in self._posts if post.created_at is not None]
        if self.position.polled:
            self.outcome.seconds = (milliseconds(self.now) - self.position.polled) / 1000
        elif len(made) > 1:
            self.outcome.seconds = (max(made) - min(made)).total_seconds()

    def _passed(self, page: Page) -> bool:
        # By the page's last post: a post that came in late may stand on top with an old date.
        last = page.posts[-1].created_at if page.posts else None
        return (
            self.position.newest is not None
            and last is not None
            and milliseconds(last) < self.position.newest
        )

    def same(self, request: Request, answer: Answer) -> bool:
        """Return whether all requests and bodies of the last poll have come again, none changed."""
        self._hash.update(_encode(request))
        self._hash.update(answer.body)
        return (
            self.may_skip
            and self.outcome.requests == self.position.requests
            and self._hash.digest() == self.position.trail
        )

    def overflowed(self, page: Page) -> bool:
        """Return whether posts lie between this poll and the last that no page showed."""
        if not self.position.front or self._reached:
            return False
        more = page.cursor is not None or len(page.posts) >= self.poll.source.page_size
        self.outcome.overflow = more and bool(self._posts)
        return self.outcome.overflow

    def unseen(self) -> tuple[datetime, datetime]:
        """Return the stretch in which posts were made that an overflow hid."""
        since = _EPOCH + timedelta(milliseconds=self.position.newest or self.position.polled)
        made = [post.created_at for post in self._posts if post.created_at is not None]
        return since, min(made, default=self.now)

    def reached(self) -> Position:
        """Return the position after this poll."""
        dated = [(post.created_at, post.id) for post in self._posts if post.created_at is not None]
        newest = sorted(dated, reverse=True)[:FRONT]
        followers = self.poll.target.kind == "followers"
        return Position(
            front=tuple(key for _, key in newest) or self.position.front,
            newest=milliseconds(newest[0][0]) if newest else self.position.newest,
            polled=milliseconds(self.now),
            trail=self._hash.digest(),
            requests=self.outcome.requests,
            resume=self._cursor if followers and not self.ended else None,
        )


def _gap(walk: _Walk, reason: GapReason, since: datetime, until: datetime, detail: str) -> Line:
    target = walk.poll.target
    return gap(target, reason, stretch=(since, until), now=walk.now, detail=detail)


def _host(poll: Poll) -> str:
    base = poll.lane.lane.base_url
    return poll.target.host or base.partition("://")[2].partition("/")[0]


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
