"""Bluesky: the public AppView without a key, or an account's own server with an app password.

A log-in is dear (30 in 5 minutes, 300 a day), so its session is kept in a store and renewed, never
made anew for a run.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ingestor import kernel
from ingestor.contract import (
    Allowance,
    Answer,
    Credential,
    Fault,
    Fetch,
    Page,
    Request,
    Seen,
    Target,
    TargetKind,
)
from ingestor.errors import BadAnswer, Gone, IngestError, RateLimited, Refused
from ingestor.sources import _bluesky_shapes, faults, fields
from ingestor.sources.fields import obj
from ingestor.sources.joined import with_profiles
from ingestor.sources.paging import checked, walk
from ingestor.sources.reading import Reading
from ingestor.sources.sessions import Remembered, Session, Sessions
from lake.records import Profile

_EXPIRED = "ExpiredToken"
_BY_NAME = {
    "RateLimitExceeded": "rate_limited",
    _EXPIRED: "login_required",
    "InvalidToken": "login_required",
    "AuthMissing": "login_required",
    "AuthenticationRequired": "login_required",
    "AuthFactorTokenRequired": "checkpoint",
    "AccountTakedown": "checkpoint",
    "AccountDeactivated": "gone",
    "RepoTakendown": "gone",
    "NotFound": "gone",
    "RecordNotFound": "gone",
    "ActorNotFound": "gone",
    "InternalServerError": "server",
    "UpstreamFailure": "server",
    "NotEnoughResources": "server",
    "MethodNotImplemented": "bad_request",
    "BadQueryString": "bad_request",
    "InvalidRequest": "bad_request",
}
_ABSENT = ("profile not found", "actor not found", "account not found", "post not found")


class Bluesky:
    """Ask and read Bluesky. `sessions` keeps the log-ins of accounts with a secret."""

    name = "bluesky"
    network = "bluesky"
    version = 1
    kinds: tuple[TargetKind, ...] = ("tag", "profile", "followers", "post")
    window = (3000, 300.0)  # per IP
    slots: tuple[int, float] | None = None
    page_size = 100
    followers_page = 100
    base_url = "https://api.bsky.app"  # without an account it answers first pages only
    login_url = "https://bsky.social"  # accounts log in at their own server, which asks for them

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions: Sessions = Remembered() if sessions is None else sessions

    def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        """Yield the target's pages; see `Source.poll`."""
        ask = _Ask(self, fetch, target, credential, seen)
        if target.kind == "tag":
            return walk(ask.tag, cursor)
        if target.kind == "profile":
            return walk(ask.profile, cursor)
        if target.kind == "post":
            return walk(ask.post, cursor)
        return walk(ask.followers, cursor)

    def judge(self, answer: Answer, now: datetime) -> None:
        """Return for a good answer, raise for others; see `Source.judge`."""
        fault = _fault_of(answer)
        if fault is None:
            return
        if fault.kind == "rate_limited":
            wait = faults.wait(answer, now)
            if wait is None:
                wait = self.allowance(answer, now).reset
            fault = msgspec.structs.replace(fault, retry_after=wait)
        raise faults.error_of(fault)

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        """Return the budget the headers tell: RateLimit-*, the reset in epoch seconds."""
        reset = faults.whole(answer.headers, "ratelimit-reset")
        moment = None
        if reset is not None and reset < 10**11:
            moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=reset)
        return Allowance(
            limit=faults.whole(answer.headers, "ratelimit-limit"),
            remaining=faults.whole(answer.headers, "ratelimit-remaining"),
            reset=faults.until(moment, now),
        )

    def parse(self, body: bytes, seen: Seen) -> Page:
        """Return what a body holds; see `Source.parse`."""
        try:
            root = fields.decode(body)
        except fields.NotJson as exc:
            return Page(error=faults.not_json(body, str(exc)))
        fault = in_body(root)
        if fault is not None:
            return Page(error=fault)
        reading = Reading(seen, network=self.network, source=self.name, version=self.version)
        if not _bluesky_shapes.read_root(reading, root):
            return Page(error=Fault(kind="unknown", code="shape", reason="an unknown shape"))
        return reading.page()


def in_body(root: Any) -> Fault | None:
    """Return the error a body is, None if it is none."""
    if not isinstance(root, dict):
        return Fault(kind="unknown", code="shape", reason="no object")
    name = root.get("error")
    if name is None:
        return None
    code = name if isinstance(name, str) and name.isidentifier() else "error"
    kind: Any = _BY_NAME.get(code, "unknown")
    # Somebody who is not there is a bad request here, not a 404; only the message tells.
    message = str(root.get("message", "")).lower()
    if kind == "bad_request" and message.startswith(_ABSENT):
        kind = "gone"
    return Fault(kind=kind, code=code, reason="the network reports an error")


def _fault_of(answer: Answer) -> Fault | None:
    """Return what is wrong with an answer, None if it is good."""
    by_status = faults.by_status(answer.status)
    if by_status is None and (len(answer.body) > faults.SMALL or _says_no_error(answer.body)):
        return faults.of_long(answer.body)
    try:
        found = in_body(fields.decode(answer.body))
    except fields.NotJson as exc:
        return by_status or faults.not_json(answer.body, str(exc))
    if by_status is None or (found is not None and found.kind != "unknown"):
        return found
    return msgspec.structs.replace(by_status, code=found.code) if found else by_status


def _says_no_error(body: bytes) -> bool:
    """Return whether a body is, at a glance, a good one: reading it whole costs more than a kernel.

    What the glance misses, `parse` finds.
    """
    return body[:1] == b"{" and body.rstrip()[-1:] == b"}" and b'"error"' not in body


class _Ask:
    """The requests of one poll. Each method asks for the page behind a cursor."""

    def __init__(
        self, source: Bluesky, fetch: Fetch, target: Target, credential: Credential, seen: Seen
    ) -> None:
        self._source, self._fetch, self._seen = source, fetch, seen
        self._name = target.name
        self._login = _Login(source._sessions, fetch, credential)

    async def tag(self, cursor: str | None) -> Page:
        """Ask for a page of a hashtag's posts, newest first."""
        name = self._name.lstrip("#")
        params = (("q", f"#{name}"), ("tag", name), ("sort", "latest"), ("limit", "100"))
        return await self._list("app.bsky.feed.searchPosts", *params, *_place(cursor))

    async def profile(self, cursor: str | None) -> Page:
        """Ask for a page of a profile's posts; the first brings the profile along."""
        actor = ("actor", self._name.removeprefix("@"))
        method = "app.bsky.feed.getAuthorFeed"
        if cursor is not None:
            return await self._list(method, actor, ("limit", "100"), *_place(cursor))
        found = await self._get("app.bsky.actor.getProfile", actor)
        page = await self._list(method, actor, ("limit", "100"))
        return with_profiles(page, found.profiles)

    async def followers(self, cursor: str | None) -> Page:
        """Ask for a page of a profile's followers; the first brings the profile along, with the
        counts and the words that the list itself leaves out.
        """
        actor = ("actor", self._name.removeprefix("@"))
        own: tuple[Profile, ...] = ()
        if cursor is None:
            own = (await self._get("app.bsky.actor.getProfile", actor)).profiles
        method = "app.bsky.graph.getFollowers"
        page = await self._get(method, actor, ("limit", "100"), *_place(cursor))
        return msgspec.structs.replace(page, profiles=own)

    async def post(self, cursor: str | None) -> Page:
        """Ask for one post by its at-URI; one that is not there is left out silently."""
        page = await self._get("app.bsky.feed.getPosts", ("uris", self._name))
        if not page.posts:
            raise Gone("the answer leaves the post out")
        return page

    async def _list(self, method: str, *params: tuple[str, str]) -> Page:
        """Ask for a page of posts; read by the kernel if it can."""
        answer = await self._ask(method, *params)
        read = kernel.read_bluesky(answer.body, self._seen, version=self._source.version)
        return checked(self._source.parse(answer.body, self._seen)) if read is None else read

    async def _get(self, method: str, *params: tuple[str, str]) -> Page:
        """Ask a method and return the page it answers."""
        answer = await self._ask(method, *params)
        return checked(self._source.parse(answer.body, self._seen))

    async def _ask(self, method: str, *params: tuple[str, str]) -> Answer:
        """Send a GET request."""
        return await self._login.ask(Request(path=f"/xrpc/{method}", params=params))


def _place(cursor: str | None) -> tuple[tuple[str, str], ...]:
    """Return the parameter that leads to the page behind a cursor."""
    return (("cursor", cursor),) if cursor is not None else ()


class _Login:
    """An account's session: taken from the store, renewed when it expires, made if need be."""

    def __init__(self, sessions: Sessions, fetch: Fetch, credential: Credential) -> None:
        self._sessions, self._fetch, self._credential = sessions, fetch, credential

    async def ask(self, request: Request) -> Answer:
        """Ask with the account's token, if it has a secret; renew the token once if it expired."""
        if not self._credential.secret:
            return await self._fetch(request)
        session = await self._sessions.get(self._credential.account) or await self._create()
        try:
            return await self._fetch(_with_token(request, session.access))
        except Refused as refused:
            if refused.code not in (_EXPIRED, "InvalidToken"):
                raise
        session = await self._renew(session)
        return await self._fetch(_with_token(request, session.access))

    async def _create(self) -> Session:
        """Log in with the app password."""
        body = {"identifier": self._credential.user, "password": self._credential.secret}
        return await self._session("com.atproto.server.createSession", json=body)

    async def _renew(self, session: Session) -> Session:
        """Return a new session for an expired one."""
        try:
            return await self._session("com.atproto.server.refreshSession", token=session.refresh)
        except RateLimited:
            raise
        except IngestError:  # the second token is dead too, after two months or a new password
            await self._sessions.put(self._credential.account, None)
            return await self._create()

    async def _session(
        self, method: str, *, json: object | None = None, token: str | None = None
    ) -> Session:
        """Ask for a session and keep it."""
        request = Request(path=f"/xrpc/{method}", method="POST", json=json)
        answer = await self._fetch(_with_token(request, token) if token else request)
        try:
            root = obj(fields.decode(answer.body))
        except fields.NotJson as exc:
            raise BadAnswer("the log-in answered no JSON") from exc
        did, access, refresh = (
            fields.word(root.get(key)) for key in ("did", "accessJwt", "refreshJwt")
        )
        if not (did and access and refresh):
            raise BadAnswer("the log-in brought no token")
        session = Session(user=did, access=access, refresh=refresh)
        await self._sessions.put(self._credential.account, session)
        return session


def _with_token(request: Request, token: str) -> Request:
    """Return the request with a token."""
    headers = (*request.headers, ("authorization", f"Bearer {token}"))
    return msgspec.structs.replace(request, headers=headers)
