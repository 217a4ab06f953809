"""Where the sessions of accounts are kept between requests and runs."""

from typing import Protocol

import msgspec


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a log-in brought: a token for requests and one to renew it. Neither shows in `repr`."""

    user: str  # the account's own id at the network
    access: str
    refresh: str

    def __repr__(self) -> str:
        """Return the account's id and stars."""
        return f"Session(user={self.user!r}, access='***', refresh='***')"


class Sessions(Protocol):
    """A store of sessions by account. One that outlives the process has to encrypt them."""

    async def get(self, account: str) -> Session | None:
        """Return the account's session, None if there is none."""
        ...

    async def put(self, account: str, session: Session | None) -> None:
        """Keep the account's session, or forget it with None."""
        ...


class Remembered:
    """Sessions in memory, for one process."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}

    async def get(self, account: str) -> Session | None:
        """Return the account's session, None if there is none."""
        return self._sessions.get(account)

    async def put(self, account: str, session: Session | None) -> None:
        """Keep the account's session, or forget it with None."""
        if session is None:
            self._sessions.pop(account, None)
        else:
            self._sessions[account] = session
