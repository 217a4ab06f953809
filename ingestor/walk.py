"""One poll on its way: where it starts, what it meets, when it ends, where the next starts."""

from datetime import datetime

import msgspec
from xxhash import xxh3_128

from ingestor.breaker import Breaker
from ingestor.contract import Answer, Credential, Page, Request, Rows, Source, Target
from ingestor.lanes import HeldLane
from lake.lines import instant_of, milliseconds

FRONT = 10  # ids; deletions of nine in a row still leave one to recognise the front by
_encode = msgspec.json.Encoder().encode


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the polls of a target have got to, as the spool keeps it."""

    front: tuple[str, ...] = ()  # ids of the newest posts of the last poll that reached an end
    newest: int | None = None  # milliseconds; when the newest of them was made
    polled: int = 0  # milliseconds; the last answered poll
    trail: bytes = b""  # hash of the requests and bodies of that poll
    requests: int = 0  # how many it took


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """What to poll, through what."""

    target: Target
    source: Source
    lane: HeldLane
    credential: Credential
    breaker: Breaker


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


class Walk:
    """One poll on its way from page to page. Made by the pipeline for each poll; no I/O."""

    def __init__(self, poll: Poll, position: Position, *, now: datetime, cap: int) -> None:
        self.poll = poll
        self.position = position
        self.now = now
        self.instant = milliseconds(now)
        self.outcome = Outcome()
        self.observer = f"{poll.source.name}@{_host(poll)}"
        self.may_skip = False
        self.finished = False
        self.counted = False
        self.cut = False  # the budget ended before the walk did
        self.fresh_posts = self.fresh_new = 0
        self._cap = cap
        self._front = frozenset(position.front)
        self._ids: list[str] = []  # of the recent posts, newest first
        self._made: list[int | None] = []  # when, in milliseconds
        self._reached = False
        self._hash = xxh3_128()

    def take(self, page: Page, rows: Rows) -> None:
        """Note one more page and whether it is the last to ask for."""
        self.outcome.pages += 1
        ids = [rows.ids[row] for row in rows.recent]
        made = [rows.created[row] for row in rows.recent]
        self._ids += ids
        self._made += made
        self._reached = not self._front.isdisjoint(ids) or self._passed(made)
        capped = self.outcome.pages >= self._cap
        self.finished = self._reached or capped

    def add(self, posts: int, *, new: int, unchanged: int) -> None:
        """Count what a page showed."""
        self.fresh_posts, self.fresh_new = posts, new
        self.outcome.posts += posts
        self.outcome.new += new
        self.outcome.unchanged += unchanged
        if self.position.polled:
            self.outcome.seconds = (self.instant - self.position.polled) / 1000
        elif made := self._dated():
            # Up to now, not to the newest: a quiet tag's few posts say that it is quiet.
            self.outcome.seconds = max(1.0, (self.instant - min(made)) / 1000)

    def _dated(self) -> list[int]:
        return [made for made in self._made if made is not None]

    def _passed(self, made: list[int | None]) -> bool:
        # By the page's last post: a post that came in late may stand on top with an old date.
        last, newest = made[-1] if made else None, self.position.newest
        return newest is not None and last is not None and last < newest

    def same(self, request: Request, answer: Answer) -> bool:
        """Return whether all requests and bodies of the last poll have come again, none changed."""
        self._hash.update(_encode(request))
        self._hash.update(answer.body)
        same = self.outcome.requests == self.position.requests
        return self.may_skip and same and self._hash.digest() == self.position.trail

    def too_long(self) -> bool:
        """Return whether a walk that ran out of budget would do so again: it ends where it is, or
        it would start from the front for ever.
        """
        requests = self.outcome.requests
        return self.outcome.pages > 0 and 4 * requests >= self.poll.lane.budget.ceiling

    def overflowed(self, page: Page, rows: Rows) -> bool:
        """Return whether posts lie between this poll and the last that no page showed."""
        if not self.position.front or self._reached:
            return False
        full = page.cursor is not None or len(rows.recent) >= self.poll.source.page_size
        more = full or self.cut
        self.outcome.overflow = more and bool(self._ids)
        return self.outcome.overflow

    def unseen(self) -> tuple[datetime, datetime]:
        """Return the stretch in which posts were made that an overflow hid."""
        since = instant_of(self.position.newest or self.position.polled)
        return since, instant_of(min(self._dated(), default=self.instant))

    def reached(self) -> Position:
        """Return the position after this poll."""
        shown = zip(self._made, self._ids, strict=True)
        dated = [(made, key) for made, key in shown if made is not None]
        newest = sorted(dated, reverse=True)[:FRONT]
        return Position(
            front=tuple(key for _, key in newest) or self.position.front,
            newest=newest[0][0] if newest else self.position.newest,
            polled=self.instant,
            trail=self._hash.digest(),
            requests=self.outcome.requests,
        )


def _host(poll: Poll) -> str:
    base = poll.lane.lane.base_url
    return poll.target.host or base.partition("://")[2].partition("/")[0]
