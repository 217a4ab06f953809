"""What each network allows, and exact sliding windows that really refuse."""

from collections import deque
from collections.abc import Mapping
from typing import Final

import msgspec

DAY: Final = 86_400.0


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of every site: (requests, seconds), as the networks document them.

    Settable to squeeze a client.
    """

    web: tuple[int, float] = (200, 3_600.0)  # an Instagram session
    web_anonymous: tuple[int, float] = (75, 660.0)  # an address without a session
    graph_user: tuple[int, float] = (200, 3_600.0)  # a token
    graph_app: tuple[int, float] | None = None  # the app; None: graph_user times its accounts
    slots: tuple[int, float] = (30, 7 * DAY)  # different hashtags of one Instagram account
    mastodon: tuple[int, float] = (300, 300.0)  # an account, or an address without one
    bluesky: tuple[int, float] = (3_000, 300.0)  # an address
    page: int = (
        100  # posts of a page at most, whatever a client asks for; smaller is cheaper to play
    )
    bluesky_logins: tuple[int, float] = (30, 300.0)  # an account


class Window:
    """An exact sliding log: of any stretch of `seconds`, at most `limit` requests are granted.

    Instants are milliseconds and never run backwards. A request at t is out of the window at t
    + seconds.
    """

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.length = limit, int(seconds * 1_000)
        self._log: deque[int] = deque()

    def grant(self, now: int) -> bool:
        """Count a request and return True, or return False and count nothing."""
        if self.used(now) >= self.limit:
            return False
        self._log.append(now)
        return True

    def used(self, now: int) -> int:
        """Return how many requests the window at `now` holds."""
        while self._log and now - self._log[0] >= self.length:
            self._log.popleft()
        return len(self._log)

    def reset(self, now: int) -> int:
        """Return the instant at which the oldest request leaves the window."""
        self.used(now)
        return (self._log[0] if self._log else now) + self.length


class Slots:
    """The different hashtags one account asked for in the last seven days."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.length = limit, int(seconds * 1_000)
        self._first: dict[str, int] = {}

    def grant(self, tag: str, now: int) -> bool:
        """Return whether the account may ask for `tag`; asking again is free and resets no
        timer.
        """
        held = self.held(now)
        if tag in held:
            return True
        if len(held) >= self.limit:
            return False
        self._first[tag] = now
        return True

    def held(self, now: int) -> Mapping[str, int]:
        """Return the hashtags that count at `now`, and since when."""
        out = [tag for tag, since in self._first.items() if now - since >= self.length]
        for tag in out:
            del self._first[tag]
        return self._first
