"""Instagram's web JSON: for recorded and donated answers of all generations, and for `simnet`.

Asking these endpoints breaches Instagram's terms of use; the Graph API (`instagram_graph`) is the
way to collect. Recorded 2016 to 2024; see `_instagram_shapes` for the generations.
"""

from collections.abc import AsyncIterator, MutableMapping
from datetime import datetime
from typing import Any
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
from ingestor.errors import Gone
from ingestor.rows import PROFILE, rows_of
from ingestor.sources import (
    _instagram_faults,
    _instagram_shapes,
    addresses,
    faults,
    fields,
    shortcode,
)
from ingestor.sources.fields import at, obj
from ingestor.sources.paging import checked, walk
from ingestor.sources.reading import UNSAID, Reading
from lake.records import Profile

APP_ID = "936619743392459"  # of Instagram's own web page; without it newer endpoints refuse
# Names the web page's own program gives to its stored queries.
TAG_QUERY = "9b498c08113f1e09617a1703c22b2f32"
TIMELINE_QUERY = "003056d32c2554def87228bc3fd9668a"
FOLLOWERS_QUERY = "37479f2b8209594dde7facb0d904896a"
_BY_ADDRESS = "max_id="  # marks a cursor that goes on by the first page's own address (2016-17)


class Instagram:
    """Ask and read Instagram's web JSON. `people` keeps handle -> number, which never changes."""

    name = "instagram"
    network = "instagram"
    version = 1
    kinds: tuple[TargetKind, ...] = ("tag", "profile", "followers", "post")
    window = (200, 3600.0)  # our own rule; Instagram tells no limit here
    slots: tuple[int, float] | None = None
    page_size = 30
    followers_page = 50
    base_url = "https://www.instagram.com"

    def __init__(self, people: MutableMapping[str, str] | None = None) -> None:
        self._people = {} if people is None else people

    def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        """Yield the target's pages; see `Source.poll`."""
        ask = _Ask(self, fetch, target, credential, seen)
        if target.kind == "tag":
            return walk(ask.tag, cursor)
        if target.kind == "profile":
            return walk(ask.timeline, cursor)
        if target.kind == "post":
            return walk(ask.post, cursor)
        return walk(ask.followers, cursor)

    def judge(self, answer: Answer, now: datetime) -> None:
        """Return for a good answer, raise for others; see `Source.judge`."""
        fault = _instagram_faults.of_answer(answer)
        if fault is not None:
            wait = faults.wait(answer, now) if fault.kind == "rate_limited" else None
            raise faults.error_of(msgspec.structs.replace(fault, retry_after=wait))

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        """Return an empty allowance: these answers carry no rate headers."""
        return Allowance()

    def parse(self, body: bytes, seen: Seen) -> Page:
        """Return what a body of any generation holds; see `Source.parse`."""
        return self._page(body, seen, account=UNSAID)

    def read(self, answer: Answer, seen: Seen) -> Page:
        """Return what an answer holds; its address names the account whose followers it lists."""
        return self._page(answer.body, seen, account=_account_in(answer.url))

    def _page(self, body: bytes, seen: Seen, *, account: str) -> Page:
        """Return what a body holds; `account` is whose followers were asked for."""
        body = _instagram_shapes.shared_data(body) or body
        try:
            root = fields.decode(body)
        except fields.NotJson as exc:
            return Page(error=faults.not_json(body, str(exc)))
        fault = _instagram_faults.in_body(root) or _instagram_faults.in_page(root)
        if fault is not None:
            return Page(error=fault)
        reading = Reading(seen, network=self.network, source=self.name, version=self.version)
        reading.account = account
        if not _instagram_shapes.read_root(reading, root):
            return Page(error=Fault(kind="unknown", code="shape", reason="an unknown shape"))
        return reading.page()


def _account_in(url: str) -> str:
    """Return the account a stored query was asked about: {"id": "17", "first": 24}."""
    try:
        variables = msgspec.json.decode(addresses.query(url).get("variables", "{}"))
    except (msgspec.MsgspecError, RecursionError, UnicodeError):
        return UNSAID
    return fields.ident(at(variables, "id")) or UNSAID


class _Ask:
    """The requests of one poll. Each method asks for the page behind a cursor."""

    def __init__(
        self, source: Instagram, fetch: Fetch, target: Target, credential: Credential, seen: Seen
    ) -> None:
        self._source, self._fetch, self._seen = source, fetch, seen
        self._name = target.name
        self._headers = _headers(credential)

    async def tag(self, cursor: str | None) -> Page:
        """Ask for a page of a hashtag, in the way the generation of the first page goes on."""
        path = f"/explore/tags/{quote(self._name, safe='')}/"
        if cursor is None or cursor.startswith(_BY_ADDRESS):
            answer = await self._first(path, cursor)
        elif cursor.startswith("{"):
            answer = await self._sections(obj(msgspec.json.decode(cursor)))
        else:
            variables = {"tag_name": self._name, "first": 50, "after": cursor}
            answer = await self._query(TAG_QUERY, variables)
        return self._with_cursor(answer)

    async def timeline(self, cursor: str | None) -> Page:
        """Ask for a profile, then for the pages of its posts."""
        if cursor is None or cursor.startswith(_BY_ADDRESS):
            answer = await self._first(f"/{quote(self._name, safe='')}/", cursor)
            page = self._with_cursor(answer)
            self._remember(page)
            return page
        variables = {"id": await self._number(), "first": 50, "after": cursor}
        return self._with_cursor(await self._query(TIMELINE_QUERY, variables))

    async def followers(self, cursor: str | None) -> Page:
        """Ask for a page of a profile's followers; the first brings the profile along."""
        own = await self._profile() if cursor is None else ()
        number = await self._number()
        variables = {"id": number, "first": 50, "after": cursor or ""}
        answer = await self._query(FOLLOWERS_QUERY, variables)
        page = checked(self._source._page(answer.body, self._seen, account=number))
        return msgspec.structs.replace(page, profiles=own)

    async def post(self, cursor: str | None) -> Page:
        """Ask for one post by its number."""
        code = shortcode.code_of(self._name)
        if code is None:
            raise Gone("the target is no number of a post")
        return checked(self._source.read(await self._first(f"/p/{code}/", None), self._seen))

    async def _number(self) -> str:
        """Return the number behind the handle, asking for it once for ever."""
        if self._name not in self._source._people:
            await self._profile()
        number = self._source._people.get(self._name)
        if number is None:
            raise Gone("the answer holds no such profile")
        return number

    async def _profile(self) -> tuple[Profile, ...]:
        """Ask for the profile itself, and remember its number."""
        answer = await self._first(f"/{quote(self._name, safe='')}/", None)
        page = checked(self._source.read(answer, self._seen))
        self._remember(page)
        return tuple(one for one in page.profiles if one.handle == self._name)

    def _remember(self, page: Page) -> None:
        """Keep the numbers of the handles a page tells."""
        rows = rows_of(page)
        for kind, key, handle in zip(rows.kinds, rows.ids, rows.handles, strict=True):
            if kind == PROFILE and handle is not None:
                self._source._people[handle] = key.removeprefix(f"{self._source.network}:")

    async def _first(self, path: str, cursor: str | None) -> Answer:
        """Ask an address for its JSON, `?__a=1`."""
        params = [("__a", "1"), ("__d", "dis")]
        if cursor is not None:
            params.append(("max_id", cursor.removeprefix(_BY_ADDRESS)))
        return await self._get(path, *params)

    async def _get(self, path: str, *params: tuple[str, str]) -> Answer:
        """Send a GET request."""
        return await self._fetch(Request(path=path, params=params, headers=self._headers))

    async def _query(self, query: str, variables: dict[str, Any]) -> Answer:
        """Ask a stored GraphQL query."""
        body = msgspec.json.encode(variables).decode()
        return await self._get("/graphql/query/", ("query_hash", query), ("variables", body))

    async def _sections(self, place: dict[str, Any]) -> Answer:
        """Ask for a tag's next sections by POST."""
        form = (
            ("max_id", str(place.get("max_id", ""))),
            ("page", str(place.get("page", ""))),
            ("next_media_ids", msgspec.json.encode(place.get("next_media_ids", [])).decode()),
            ("tab", "recent"),
            ("surface", "grid"),
            ("include_persistent", "0"),
        )
        path = f"/api/v1/tags/{quote(self._name, safe='')}/sections/"
        return await self._fetch(
            Request(path=path, method="POST", headers=self._headers, form=form)
        )

    def _with_cursor(self, answer: Answer) -> Page:
        """Return the page with a cursor that says how its generation goes on.

        The cursor of sections alone is not enough: the next POST sends the page's number and the
        ids of posts that were held back with it.
        """
        read = kernel.read_instagram(answer.body, self._seen, version=self._source.version)
        if read is not None:
            return read
        page = checked(self._source.read(answer, self._seen))
        if page.cursor is None or page.section == "top":
            return msgspec.structs.replace(page, cursor=None)
        root = obj(fields.decode(_instagram_shapes.shared_data(answer.body) or answer.body))
        return msgspec.structs.replace(page, cursor=_onward(root, page.cursor))


def _onward(root: dict[str, Any], cursor: str) -> str:
    """Return the cursor in the form its generation goes on by."""
    inner = obj(root.get("data")) or root
    recent = inner if "sections" in inner else obj(inner.get("recent"))
    if recent:
        place = {
            "max_id": cursor,
            "page": recent.get("next_page"),
            "next_media_ids": fields.arr(recent.get("next_media_ids")),
        }
        return msgspec.json.encode(place).decode()
    if "tag" in root or "items" in root or at(root, "user", "media", "nodes") is not None:
        return f"{_BY_ADDRESS}{cursor}"
    return cursor


def _headers(credential: Credential) -> tuple[tuple[str, str], ...]:
    """Return the headers of a request; the secret is a session id or a whole cookie line."""
    headers = [("x-ig-app-id", APP_ID), ("x-requested-with", "XMLHttpRequest")]
    secret = credential.secret
    if secret:
        cookie = secret if "=" in secret else f"sessionid={secret}"
        headers.append(("cookie", cookie))
        for part in cookie.split(";"):
            key, _, value = part.strip().partition("=")
            if key == "csrftoken":
                headers.append(("x-csrftoken", value))
    return tuple(headers)
