"""Bluesky's public API: search, profiles, feeds, followers, log-in, and its rate limit by
address.
"""

import base64
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from simnet.audiences import Audience
from simnet.bluesky_posts import Documents
from simnet.budgets import Budgets, Window
from simnet.faults import HowDead
from simnet.ids import did
from simnet.logins import Login, known
from simnet.rhythm import DAY, HOUR
from simnet.site import Caller, Shelf, Windows
from simnet.texts import fold
from simnet.wire import Ask, Reply, joined, json_reply, number_of
from simnet.world import World, milliseconds

_ACCESS: Final = "com.atproto.access"
_REFRESH: Final = "com.atproto.refresh"
_ACCESS_LIVES: Final = 2 * HOUR
_REFRESH_LIVES: Final = 60 * DAY
_HASHTAG: Final = re.compile(r"#(\w+)")

Answer = Callable[["Bluesky", Ask, int], Reply]


class Bluesky:
    """The network behind one address: an AppView that anybody may read, and a log-in that is
    scarce.
    """

    name: Final = "bsky.example"

    def __init__(self, world: World, budgets: Budgets, *, logins: int) -> None:
        self._world, self._budgets, self._logins = world, budgets, logins
        self._people = world.people
        self._shelf = Shelf(world, world.views["bluesky"])
        self._documents = Documents(self._shelf)
        self._windows = Windows()
        self._sessions: dict[str, Window] = {}
        self._audience = Audience(world.people, "bluesky")
        self._actors = {world.people.did(person): person for person in range(world.people.count)}
        self._actors |= {
            world.people.bluesky_handle(person): person for person in range(world.people.count)
        }

    def caller(self, ask: Ask) -> Caller:
        """Return the account of the token, or the address."""
        login = self._token(ask)
        name = login.name if login else f"{self.name}/{ask.remote}"
        return Caller(name=name, login=login, window=self._budgets.bluesky)

    def _token(self, ask: Ask) -> Login | None:
        """Return the account an access or refresh token was given to."""
        secret = (ask.bearer or "").rpartition(".")[2]
        return known(self.name, secret, count=self._logins)

    def dead(self, how: HowDead) -> Reply:
        """Return the answer to an account that was taken down."""
        return _error("AccountTakedown", "Account has been taken down", status=401)

    def refuse(self, ask: Ask, caller: Caller, now: int) -> Reply | None:
        """Return 429 with the reset in epoch seconds, if it is one request too many."""
        if self._windows.of(caller).grant(now):
            return None
        headers = _left(self._windows.of(caller), now)
        return _error("RateLimitExceeded", "Rate Limit Exceeded", status=429, headers=headers)

    def reply(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return the answer with what is left of the budget."""
        answer = self._answer(ask, now)
        if any(name == "RateLimit-Limit" for name, _ in answer.headers):
            return answer
        headers = answer.headers + _left(self._windows.of(caller), now)
        return msgspec.structs.replace(answer, headers=headers)

    def _answer(self, ask: Ask, now: int) -> Reply:
        """Return what the method's name asks for."""
        method = _METHODS.get(ask.path.removeprefix("/xrpc/"))
        if method is None:
            return _error("MethodNotImplemented", "Method Not Implemented", status=501)
        if ask.bearer and self._expired(ask, now) and "server" not in ask.path:
            return _error("ExpiredToken", "Token has expired")
        try:
            return method(self, ask, now)
        except _Refused as refused:
            return _error("InvalidRequest", str(refused))

    def _expired(self, ask: Ask, now: int) -> bool:
        """Return whether an access token is too old."""
        claims = _claims(ask.bearer or "")
        return claims.get("scope") == _ACCESS and int(claims.get("exp", 0)) * 1_000 <= now

    def create_session(self, ask: Ask, now: int) -> Reply:
        """Return tokens for an app password, thirty times in five minutes."""
        try:
            wanted = msgspec.json.decode(ask.body, type=dict[str, Any])
        except msgspec.DecodeError:
            return _error("InvalidRequest", "Input must be an object")
        login = known(self.name, str(wanted.get("password")), count=self._logins)
        if login is None or wanted.get("identifier") not in (login.user, login.name):
            return _error("AuthenticationRequired", "Invalid identifier or password", status=401)
        window = self._sessions.setdefault(login.name, Window(*self._budgets.bluesky_logins))
        if not window.grant(now):
            headers = _left(window, now)
            return _error("RateLimitExceeded", "Rate Limit Exceeded", status=429, headers=headers)
        return self._session(login, now)

    def refresh_session(self, ask: Ask, now: int) -> Reply:
        """Return new tokens for a refresh token."""
        login = self._token(ask)
        if login is None or _claims(ask.bearer or "").get("scope") != _REFRESH:
            return _error("InvalidToken", "Token could not be verified")
        return self._session(login, now)

    def _session(self, login: Login, now: int) -> Reply:
        """Return a session: the access token tells when it ends, as a JWT does."""
        session = {
            "did": did(int(login.secret[-4:])),
            "handle": login.user,
            "accessJwt": _jwt(login, scope=_ACCESS, until=now + _ACCESS_LIVES),
            "refreshJwt": _jwt(login, scope=_REFRESH, until=now + _REFRESH_LIVES),
            "active": True,
        }
        return json_reply(session)

    def search(self, ask: Ask, now: int) -> Reply:
        """Return posts that bear every tag asked for, newest or most engaging first."""
        if ask.param("q") is None:
            raise _Refused('Error: Params must have the property "q"')
        named = [*_HASHTAG.findall(ask.param("q") or ""), *ask.params("tag")]
        tags = list(dict.fromkeys(fold(tag) for tag in named))
        limit = min(_limit(ask, default=25), self._budgets.page)
        if not tags:
            return json_reply({"posts": []})
        if ask.param("sort") == "top":
            posts = self._shelf.top(tags[0], now=now, limit=limit)
            return self._listed("posts", self._documents.views(posts, now), None)
        return self._latest(ask, tags, now, limit=limit)

    def _latest(self, ask: Ask, tags: list[str], now: int, *, limit: int) -> Reply:
        """Return the newest posts; the cursor is the last one's number, until a page is empty."""
        feed, posts = self._shelf.view.tag(tags[0]), self._shelf.posts
        alive = posts.alive(now)
        since, until = _instant(ask, "since"), _instant(ask, "until")
        below = _opened(ask.param("cursor"))

        def wanted(post: int) -> bool:
            late = until is not None and posts.created[post] >= until
            return alive(post) and not late and set(tags) <= set(posts.original(post).tags)

        plain = until is None and len(tags) == 1
        test = alive if plain else wanted
        places = feed.newest(test, now=now, limit=limit, below=below)
        found = [feed.posts[place] for place in places]
        if since is not None:
            found = [post for post in found if posts.created[post] >= since]
        cursor = _sealed(posts.number[found[-1]]) if found else None
        return self._listed("posts", self._documents.views(found, now), cursor)

    def _listed(self, key: str, views: list[bytes], cursor: str | None) -> Reply:
        """Return a list and the cursor behind it; an empty one has none."""
        found: dict[str, Any] = {key: msgspec.Raw(joined(views))}
        return json_reply(found | ({"cursor": cursor} if cursor else {}))

    def profile(self, ask: Ask, now: int) -> Reply:
        """Return one account by handle or DID; who is unknown is a bad request here, not a 404."""
        return json_reply(self._documents.profile(self._actor(ask), now))

    def profiles(self, ask: Ask, now: int) -> Reply:
        """Return up to 25 accounts; who is unknown is silently missing."""
        wanted = ask.params("actors") + ask.params("actors[]")
        if len(wanted) > 25:
            raise _Refused("Error: actors must not have more than 25 elements")
        found = [self._actors[actor] for actor in wanted if actor in self._actors]
        return json_reply({"profiles": [self._documents.profile(one, now) for one in found]})

    def _actor(self, ask: Ask) -> int:
        """Return the account asked for."""
        person = self._actors.get(ask.param("actor") or "")
        if person is None:
            raise _Refused("Profile not found")
        return person

    def author_feed(self, ask: Ask, now: int) -> Reply:
        """Return an account's posts, newest first."""
        person = self._actor(ask)
        limit = min(_limit(ask, default=50), self._budgets.page)
        below = _opened(ask.param("cursor"))
        private = self._people.private[person]
        found = [] if private else self._shelf.newest(person, now=now, limit=limit, below=below)
        cursor = _sealed(self._shelf.posts.number[found[-1]]) if found else None
        views = [b'{"post":' + view + b"}" for view in self._documents.views(found, now)]
        return self._listed("feed", views, cursor)

    def posts(self, ask: Ask, now: int) -> Reply:
        """Return up to 25 posts by address; deleted ones are silently missing."""
        wanted = ask.params("uris") + ask.params("uris[]")
        if len(wanted) > 25:
            raise _Refused("Error: uris must not have more than 25 elements")
        found = [post for uri in wanted if (post := self._documents.find(uri, now)) is not None]
        return self._listed("posts", self._documents.views(found, now), None)

    def followers(self, ask: Ask, now: int) -> Reply:
        """Return an account's followers, newest first."""
        person, limit = self._actor(ask), _limit(ask, default=50)
        page = self._audience.page(person, now=now, limit=limit, below=_opened(ask.param("cursor")))
        found: dict[str, Any] = {
            "subject": self._documents.author(person),
            "followers": [self._documents.follower(one) for _, one in page],
        }
        return json_reply(found | ({"cursor": _sealed(page[-1][0])} if page else {}))


class _Refused(Exception):
    """A request that Bluesky will never answer; its text is the message."""


def _limit(ask: Ask, *, default: int) -> int:
    """Return the limit asked for; too much is refused, not clamped."""
    limit = number_of(ask.param("limit") or str(default))
    if limit is None or limit < 1:
        raise _Refused("Error: limit can not be less than 1")
    if limit > 100:
        raise _Refused("Error: limit can not be greater than 100")
    return limit


def _instant(ask: Ask, name: str) -> int | None:
    """Return a time of the question in milliseconds."""
    text = ask.param(name)
    if text is None:
        return None
    try:
        found = msgspec.convert(text, datetime)
    except msgspec.ValidationError as wrong:
        raise _Refused(f"Error: {name} must be a datetime") from wrong
    return milliseconds(found)


def _jwt(login: Login, *, scope: str, until: int) -> str:
    """Return a token in the form of a JWT, which clients read to know when it ends; the account
    signs it.
    """
    parts = ({"typ": "at+jwt", "alg": "none"}, {"scope": scope, "exp": until // 1_000})
    sealed = [base64.urlsafe_b64encode(msgspec.json.encode(part)).decode() for part in parts]
    return ".".join([*(part.rstrip("=") for part in sealed), login.secret])


def _claims(token: str) -> dict[str, Any]:
    """Return what a token says of itself; nothing if it is none."""
    middle = token.split(".")[1:2]
    try:
        body = base64.urlsafe_b64decode("".join(middle) + "==")
        return msgspec.json.decode(body, type=dict[str, Any])
    except ValueError:
        return {}


def _sealed(number: int) -> str:
    """Return an opaque cursor."""
    return base64.urlsafe_b64encode(f"b:{number}".encode()).decode()


def _opened(cursor: str | None) -> int | None:
    """Return the number in a cursor. Raises _Refused for one that is not ours."""
    if not cursor:
        return None
    try:
        found = number_of(base64.urlsafe_b64decode(cursor).decode().removeprefix("b:"))
    except ValueError:
        found = None
    if found is None:
        raise _Refused("Malformed cursor")
    return found


def _left(window: Window, now: int) -> tuple[tuple[str, str], ...]:
    """Return what is left of a budget; the reset is in epoch seconds."""
    return (
        ("RateLimit-Limit", str(window.limit)),
        ("RateLimit-Remaining", str(max(window.limit - window.used(now), 0))),
        ("RateLimit-Reset", str(-(-window.reset(now) // 1_000))),
        ("RateLimit-Policy", f"{window.limit};w={window.length // 1_000}"),
    )


def _error(
    name: str, message: str, *, status: int = 400, headers: tuple[tuple[str, str], ...] = ()
) -> Reply:
    """Return Bluesky's form of an error."""
    return json_reply({"error": name, "message": message}, status=status, headers=headers)


_METHODS: Final[dict[str, Answer]] = {
    "app.bsky.feed.searchPosts": Bluesky.search,
    "app.bsky.feed.getAuthorFeed": Bluesky.author_feed,
    "app.bsky.feed.getPosts": Bluesky.posts,
    "app.bsky.actor.getProfile": Bluesky.profile,
    "app.bsky.actor.getProfiles": Bluesky.profiles,
    "app.bsky.graph.getFollowers": Bluesky.followers,
    "com.atproto.server.createSession": Bluesky.create_session,
    "com.atproto.server.refreshSession": Bluesky.refresh_session,
}
