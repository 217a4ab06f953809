"""The developer accounts that may ask: names, ids and secrets that only their number decides."""

import re
from typing import Final, Literal

import msgspec

Site = Literal[
    "instagram.example", "graph.example", "mastodon.example", "fedi.example", "bsky.example"
]
SITES: Final[tuple[Site, ...]] = (
    "instagram.example", "graph.example", "mastodon.example", "fedi.example", "bsky.example",
)  # fmt: skip
"""The servers of the world. Each is reached as a first part of the path, or by the Host header."""

_PATTERN: Final = {
    "instagram.example": "session-{:04d}",
    "graph.example": "EAAsimtoken{:04d}",
    "mastodon.example": "mastodon-token-{:04d}",
    "fedi.example": "fedi-token-{:04d}",
    "bsky.example": "app-password-{:04d}",
}
_SHORT: Final = {
    "instagram.example": "web",
    "graph.example": "graph",
    "mastodon.example": "mastodon",
    "fedi.example": "fedi",
    "bsky.example": "bluesky",
}
_DIGITS: Final = re.compile(r"(\d{4})$")


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One developer account. `secret` is the sessionid cookie, the access token or the app
    password.
    """

    site: Site
    name: str  # "graph-1": how the judge and the faults call it
    user: str  # its id or handle at the network
    secret: str


def login(site: Site, number: int) -> Login:
    """Return the account with this number (from 1) at a site."""
    user = {
        "graph.example": str(17_841_400_900_000_000 + number),
        "bsky.example": f"reader-{number:04d}.bsky.example",
    }.get(site, f"reader_{number:04d}")
    name, secret = f"{_SHORT[site]}-{number}", _PATTERN[site].format(number)
    return Login(site=site, name=name, user=user, secret=secret)


def logins(site: Site, count: int) -> list[Login]:
    """Return the first `count` accounts of a site."""
    return [login(site, number) for number in range(1, count + 1)]


def known(site: Site, secret: str | None, *, count: int) -> Login | None:
    """Return the account a secret belongs to, None if there is none among the first `count`."""
    digits = _DIGITS.search(secret or "")
    if digits is None or not 1 <= int(digits[1]) <= count:
        return None
    found = login(site, int(digits[1]))
    return found if found.secret == secret else None
