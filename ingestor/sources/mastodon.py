"""Mastodon and its kin (GoToSocial, Pleroma, Akkoma, Pixelfed): any server with Mastodon's API.

Most need no key for public tags (GoToSocial does). Counts are what this server saw, not the truth.
"""

import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from urllib.parse import quote

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
from ingestor.errors import BadRequest, Gone
from ingestor.sources import _mastodon_shapes, addresses, faults, fields, times
from ingestor.sources.joined import with_profiles
from ingestor.sources.paging import checked, walk
from ingestor.sources.reading import UNSAID, Reading
from lake.records import Profile

_NEXT = re.compile(r"<([^<>]*)>\s*;[^<>]*?\brel=\"?next\b")
_FOLLOWS = re.compile(r"/api/v1/accounts/([^/?]+)/(followers|following)")
_PLACES = ("max_id", "min_id", "since_id", "offset", "page")


class Mastodon:
    """Ask and read servers with Mastodon's API."""

    name = "mastodon"
    network = "mastodon"
    version = 1
    kinds: tuple[TargetKind, ...] = ("tag", "profile", "followers", "post")
    window = (300, 300.0)  # per account and per IP
    slots: tuple[int, float] | None = None
    page_size = 40
    followers_page = 80

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
        """Return for a good answer, raise for others; see `Source.judge`.

        The status alone decides: the message is written in the asker's language.
        """
        fault = faults.by_status(answer.status)
        if fault is None and answer.body[:200].lstrip()[:1] not in (b"{", b"["):
            fault = faults.not_json(answer.body)
        if fault is None:
            return
        if fault.kind == "rate_limited":
            wait = faults.wait(answer, now)
            if wait is None:  # Mastodon and GoToSocial send no Retry-After but say when it resets
                wait = self.allowance(answer, now).reset
            fault = msgspec.structs.replace(fault, retry_after=wait)
        raise faults.error_of(fault)

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        """Return the budget the headers tell: X-RateLimit-*, the reset as an instant."""
        moment = times.instant(answer.headers.get("x-ratelimit-reset"))
        return Allowance(
            limit=faults.whole(answer.headers, "x-ratelimit-limit"),
            remaining=faults.whole(answer.headers, "x-ratelimit-remaining"),
            reset=faults.until(moment, now),
        )

    def parse(self, body: bytes, seen: Seen) -> Page:
        """Return what a body holds, without cursor: that stands in a header; see `Source.parse`."""
        return self._reading(body, seen, _keep)

    def read(self, answer: Answer, seen: Seen) -> Page:
        """Return what an answer holds, with the cursor of its Link header."""
        found = _FOLLOWS.search(answer.url)
        if found is None:
            page = self.parse(answer.body, seen)
        else:
            host = seen.host or addresses.host(answer.url)
            account = f"https://{host}/accounts/{found.group(1)}" if host else UNSAID
            page = self._edges(answer.body, seen, account, follows=found.group(2) == "following")
        return msgspec.structs.replace(page, cursor=next_cursor(answer.headers.get("link", "")))

    def followers(self, answer: Answer, seen: Seen, account: str) -> Page:
        """Return a page of the followers of `account`, an ActivityPub id."""
        page = self._edges(answer.body, seen, account, follows=False)
        return msgspec.structs.replace(page, cursor=next_cursor(answer.headers.get("link", "")))

    def _edges(self, body: bytes, seen: Seen, account: str, *, follows: bool) -> Page:
        """Return a page of followers or those followed of an account."""

        def keep(reading: Reading, root: object) -> bool:
            def one(node: dict[str, object], where: str) -> None:
                person = _mastodon_shapes.read_account(reading, node, where)
                other = person.id.partition(":")[2]
                if follows:
                    reading.follow(account, other)
                else:
                    reading.follow(other, account, person.handle)

            reading.each(root, "", one)
            return isinstance(root, list)

        return self._reading(body, seen, keep)

    def _reading(self, body: bytes, seen: Seen, keep: "_Keep") -> Page:
        """Return what a body holds, read by `keep`."""
        try:
            root = fields.decode(body)
            payload = _mastodon_shapes.event_payload(root)
            root = root if payload is None else fields.decode(payload)
        except fields.NotJson as exc:
            return Page(error=faults.not_json(body, str(exc)))
        fault = in_body(root)
        if fault is not None:
            return Page(error=fault)
        reading = Reading(seen, network=self.network, source=self.name, version=self.version)
        if not keep(reading, root):
            return Page(error=Fault(kind="unknown", code="shape", reason="an unknown shape"))
        return reading.page()


_Keep = Callable[[Reading, object], bool]


def _keep(reading: Reading, root: object) -> bool:
    """Keep what an answer of any shape holds."""
    return _mastodon_shapes.read_any(reading, root)


def in_body(root: object) -> Fault | None:
    """Return the error a body is, None if it is none. Without HTTP status its kind is not known."""
    if isinstance(root, list):
        return None
    if not isinstance(root, dict):
        return Fault(kind="unknown", code="shape", reason="no object")
    if "error" not in root:
        return None
    status = fields.count(root.get("status"))  # the streaming API puts it into the body
    known = faults.by_status(status) if status else None
    return known or Fault(kind="unknown", code="error", reason="the network reports an error")


def next_cursor(link: str) -> str | None:
    """Return where a Link header's rel="next" leads: the value of `max_id`, or "name=value".

    Only the query counts: behind a proxy the address names another host. The value may be an
    internal number that cannot be made from the page's contents.
    """
    found = _NEXT.search(link)
    query = addresses.query(found.group(1)) if found else {}
    for name in _PLACES:
        if query.get(name):
            return query[name] if name == "max_id" else f"{name}={query[name]}"
    return None


def _place(cursor: str | None) -> tuple[tuple[str, str], ...]:
    """Return the parameters that lead to the page behind a cursor."""
    if cursor is None:
        return ()
    name, _, value = cursor.partition("=")
    return ((name, value),) if name in _PLACES and value else (("max_id", cursor),)


class _Whose(msgspec.Struct, frozen=True):
    """Whose followers are read, and from where on: so a reading that goes on looks nobody up."""

    native: str  # the account's id here
    address: str  # the one that is the same everywhere
    place: str | None = None

    @classmethod
    def of(cls, cursor: str) -> "_Whose":
        """Return what a cursor says. Raises BadRequest for one that is not ours."""
        parts = cursor.split(" ")
        if len(parts) != 3 or not all(parts):
            raise BadRequest("a cursor of followers names no account")
        return cls(*parts)

    def behind(self, place: str | None) -> str | None:
        """Return the cursor to the page behind a place, None if there is none."""
        return None if place is None else f"{self.native} {self.address} {place}"


class _Ask:
    """The requests of one poll. Each method asks for the page behind a cursor."""

    def __init__(
        self, source: Mastodon, fetch: Fetch, target: Target, credential: Credential, seen: Seen
    ) -> None:
        self._source, self._fetch, self._seen = source, fetch, seen
        self._name = target.name
        secret = credential.secret
        self._headers = (("authorization", f"Bearer {secret}"),) if secret else ()
        self._found: Page | None = None  # the profile, once looked up

    async def tag(self, cursor: str | None) -> Page:
        """Ask for a page of a hashtag's posts."""
        name = quote(self._name.lstrip("#"), safe="")
        return await self._list(f"/api/v1/timelines/tag/{name}", cursor)

    async def profile(self, cursor: str | None) -> Page:
        """Ask for a page of a profile's posts; the first brings the profile along."""
        found = await self._account()
        path = f"/api/v1/accounts/{quote(found.profiles[0].native_id, safe='')}/statuses"
        page = await self._list(path, cursor)
        return page if cursor is not None else with_profiles(page, found.profiles)

    async def followers(self, cursor: str | None) -> Page:
        """Ask for a page of a profile's followers; the first brings the profile along."""
        own: tuple[Profile, ...] = ()
        if cursor is None:
            own = (await self._account()).profiles[:1]
            whose = _Whose(own[0].native_id, own[0].id.partition(":")[2])
        else:
            whose = _Whose.of(cursor)
        path = f"/api/v1/accounts/{quote(whose.native, safe='')}/followers"
        answer = await self._ask(path, ("limit", "80"), *_place(whose.place))
        page = checked(self._source.followers(answer, self._seen, whose.address))
        return msgspec.structs.replace(page, profiles=own, cursor=whose.behind(page.cursor))

    async def post(self, cursor: str | None) -> Page:
        """Ask for one status by the id the server gives it."""
        return await self._get(f"/api/v1/statuses/{quote(self._name, safe='')}")

    async def _account(self) -> Page:
        """Look the account up, once a poll."""
        if self._found is None:
            name = self._name.removeprefix("@")
            found = await self._get("/api/v1/accounts/lookup", ("acct", name))
            if not found.profiles:
                raise Gone("the answer holds no such account")
            self._found = found
        return self._found

    async def _list(self, path: str, cursor: str | None) -> Page:
        """Ask for a page of posts; read by the kernel if it can."""
        answer = await self._ask(path, ("limit", "40"), *_place(cursor))
        read = kernel.read_mastodon(answer.body, self._seen, version=self._source.version)
        if read is None:
            return checked(self._source.read(answer, self._seen))
        return msgspec.structs.replace(read, cursor=next_cursor(answer.headers.get("link", "")))

    async def _get(self, path: str, *params: tuple[str, str]) -> Page:
        """Ask a path and return the page it answers."""
        answer = await self._ask(path, *params)
        return checked(self._source.read(answer, self._seen))

    async def _ask(self, path: str, *params: tuple[str, str]) -> Answer:
        """Send a GET request."""
        return await self._fetch(Request(path=path, params=params, headers=self._headers))
