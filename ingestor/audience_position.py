"""How far the list of one account's followers is read: between pages, after a crash, in other
hands. Pure; instants are milliseconds.
"""

from datetime import datetime

import msgspec

from ingestor.contract import Page, Source, Target
from ingestor.errors import BadAnswer, BadRequest
from lake.lines import instant_of
from lake.records import Audience, AudienceReason

# Networks count accounts that they no longer list (suspended, moved, left half-way), a few in a
# hundred. Beyond that, or one of a handful, the list was cut: a remote server knows only some
# followers, and a list can be hidden.
UNLISTED = 0.05
# A list that goes on so far beyond what was stated does not end: its cursors run in a circle.
TOO_MANY, AND_MORE = 2, 1_000
DAY = 86_400_000
_encode = msgspec.json.Encoder().encode


class AudiencePosition(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the reading of a list stands, as the spool and the registry keep it.

    A reading is under way while there is a cursor to go on from: only its first and last pages
    are without.
    """

    polled: int = 0  # the last page, later than the one before; the newest position counts
    account: str = ""  # its id, "" before the first page
    through: str = ""  # the server that was asked: another one has other cursors
    resume: str | None = None
    started: int = 0  # of the present reading, or the last one
    ended: int = 0  # 0: it goes on, or has to begin anew
    pages: int = 0
    seen: int = 0
    stated: int | None = None
    whole_from: int = 0  # start of the last reading that listed everyone; 0: none did
    reason: AudienceReason | None = "reading"  # why the last one that ended was not whole
    restarts: int = 0  # cursors refused since the last end

    @property
    def left(self) -> int:
        """Return how many followers are still to be listed, as far as is known."""
        return max(0, (self.stated or 0) - (self.seen if self.resume else 0))

    def due(self, every_days: int | None) -> int | None:
        """Return when a page is to be read: 0 for now, None for never again."""
        if self.resume is not None or not self.ended:
            return 0
        if every_days is None:
            return None
        return max(self.ended, self.started + every_days * DAY)

    def begun(self, now: int, *, through: str) -> "AudiencePosition":
        """Return the position from which the next page is asked for: of the reading under way, if
        its cursor is that server's, or of a new one.
        """
        if self.resume is not None and self.through == through:
            return self
        fresh = {"resume": None, "ended": 0, "pages": 0, "seen": 0}
        return msgspec.structs.replace(self, started=now, through=through, **fresh)

    def turned(self, page: Page, now: int) -> "AudiencePosition":
        """Return the position behind a page. Raises BadAnswer if it does not say whose followers it
        lists, BadRequest if they are another account's than those of the page before.
        """
        account = _whose(page) or self.account
        if not account:
            raise BadAnswer("the answer does not say whose followers it lists", code="subject")
        if self.pages and account != self.account:
            raise BadRequest("the handle is another account's now", code="subject")
        after = msgspec.structs.replace(
            self if account == self.account else self._of(account),
            polled=self._later(now),
            pages=self.pages + 1,
            seen=self.seen + len(page.follows),
            stated=self.stated if self.pages else _stated(page, account),
            resume=page.cursor if page.follows else None,
        )
        return after._judged(circles=page.cursor is not None and page.cursor == self.resume)

    def _of(self, account: str) -> "AudiencePosition":
        """Return the position with another account, of which nothing is known yet."""
        return msgspec.structs.replace(self, account=account, whole_from=0, reason="reading")

    def _judged(self, *, circles: bool) -> "AudiencePosition":
        """Return the position, ended with a verdict if there is no page behind it."""
        circles = circles or self._too_many()
        if self.resume is not None and not circles:
            return self
        reason = "endless" if circles else _reason(self.seen, self.stated)
        return msgspec.structs.replace(
            self,
            resume=None,
            ended=self.polled,
            restarts=0,
            reason=reason,
            whole_from=self.started if reason is None else self.whole_from,
        )

    def _too_many(self) -> bool:
        return self.stated is not None and self.seen > TOO_MANY * self.stated + AND_MORE

    def circled(self, now: int) -> "AudiencePosition":
        """Return the position after a cursor came again: the list has no end."""
        at = self._later(now)
        return msgspec.structs.replace(self, resume=None, ended=at, polled=at, reason="endless")

    def refused(self, now: int) -> "AudiencePosition":
        """Return the position after the network took a cursor no more: the reading begins anew."""
        again = {"resume": None, "ended": 0, "restarts": self.restarts + 1}
        return msgspec.structs.replace(self, polled=self._later(now), **again)

    def gone(self, now: int) -> "AudiencePosition":
        """Return the position of an account that is not there."""
        at = self._later(now)
        return msgspec.structs.replace(self, resume=None, reason="gone", polled=at)

    def _later(self, now: int) -> int:
        """Return the instant of a new record: of two of one instant none would be the newer."""
        return max(now, self.polled + 1)

    def encoded(self) -> bytes:
        """Return the position as it is kept."""
        return _encode(self)

    def audience(self, target: Target, source: Source) -> Audience:
        """Return the record of an account of which at least one page was read."""
        return Audience(
            id=self.account,
            network=target.network,
            observed_at=instant_of(self.polled),
            account_id=self.account,
            handle=target.name,
            started_at=instant_of(self.started),
            ended_at=_maybe(self.ended),
            pages=self.pages,
            seen=self.seen,
            stated=self.stated,
            whole_from=_maybe(self.whole_from),
            complete=self.reason is None,
            reason=self.reason,
            source=source.name,
            parser_version=source.version,
        )


decoded = msgspec.json.Decoder(AudiencePosition).decode
"""Return the position that was kept. Raises msgspec.DecodeError."""


def _whose(page: Page) -> str | None:
    """Return the id of the account whose followers a page lists."""
    if page.follows:
        return page.follows[0].account_id
    return page.profiles[0].id if len(page.profiles) == 1 else None


def _stated(page: Page, account: str) -> int | None:
    """Return how many followers the account's own profile states, if the page brings it along."""
    own = (profile for profile in page.profiles if profile.id == account)
    return next((profile.counts.followers for profile in own), None)


def _reason(seen: int, stated: int | None) -> AudienceReason | None:
    """Return why a list that ended is not whole, None if it is."""
    if stated is None:
        return "unstated"
    if stated and not seen:
        return "hidden"
    return "short" if stated - seen > max(1.0, stated * UNLISTED) else None


def _maybe(instant: int) -> datetime | None:
    return instant_of(instant) if instant else None
