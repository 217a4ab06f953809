"""What goes wrong on purpose: outages, dead logins, slow, broken and foreign answers."""

from datetime import datetime
from typing import Literal

import msgspec

from simnet.chance import number
from simnet.wire import Ask, Reply, html_reply

HowDead = Literal["checkpoint", "challenge", "feedback", "login_required", "wait", "dead_token"]


class Outage(msgspec.Struct, frozen=True, kw_only=True):
    """A site that is down, or throttles everybody (status 429), from `since` until `until`."""

    site: str
    since: datetime
    until: datetime
    status: int = 503
    retry_after: str | None = None  # the header as sent: seconds, an HTTP date, or nonsense

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers of the answer."""
        return (("Retry-After", self.retry_after),) if self.retry_after is not None else ()


class Death(msgspec.Struct, frozen=True, kw_only=True):
    """A login that stops working at an instant; `how` matters on Instagram's web only."""

    login: str  # its name: "graph-1", "web-3"
    at: datetime
    how: HowDead = "checkpoint"


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """Which faults happen. Shares are parts of all answers; who is hit hangs on seed, instant
    and address.

    A retry at the same instant fails again: time has to pass, as with real faults.
    """

    seed: int = 0
    outages: tuple[Outage, ...] = ()
    deaths: tuple[Death, ...] = ()
    slow: float = 0.0  # share of answers that come late
    slow_seconds: float = 1.0  # of the machine's clock, not of the world's
    html: float = 0.0  # share of answers that are HTML with status 200
    truncated: float = 0.0  # share of bodies that end in the middle
    broken: float = 0.0  # share of answers that are status 500
    cut: float = 0.0  # share of connections that break in the middle of the body

    def __post_init__(self) -> None:
        """Refuse shares that are none."""
        for name in ("slow", "html", "truncated", "broken", "cut"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise ValueError(f"{name}: {share} must be a share between 0 and 1")

    def outage(self, site: str, now: datetime) -> Outage | None:
        """Return the outage a site is in."""
        inside = (one for one in self.outages if one.site == site and one.since <= now < one.until)
        return next(inside, None)

    def death(self, login: str, now: datetime) -> Death | None:
        """Return how a login died, if it did by `now`."""
        return next((one for one in self.deaths if one.login == login and one.at <= now), None)

    def delay(self, ask: Ask, now: int) -> float:
        """Return how many seconds the answer comes late."""
        return self.slow_seconds if self._hit("slow", self.slow, ask, now) else 0.0

    def cuts(self, ask: Ask, now: int) -> bool:
        """Return whether the connection breaks in the middle of the body."""
        return self._hit("cut", self.cut, ask, now)

    def spoiled(self, reply: Reply, ask: Ask, now: int) -> Reply:
        """Return the answer, or what became of it."""
        if self._hit("broken", self.broken, ask, now):
            return html_reply(500, "Oops, an error occurred")
        if self._hit("html", self.html, ask, now):
            return html_reply(200, "Just a moment")
        if self._hit("truncated", self.truncated, ask, now):
            return msgspec.structs.replace(reply, body=reply.body[: len(reply.body) // 2])
        return reply

    def _hit(self, kind: str, share: float, ask: Ask, now: int) -> bool:
        """Return whether this answer has this fault."""
        if not share:
            return False
        return number(self.seed, kind, now, ask.path, ask.query) < share * 2**63
