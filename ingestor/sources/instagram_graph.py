"""Instagram's Graph API: hashtag search with slots, recent and top media, business discovery.

An account may ask for 30 different hashtags in 7 days; a tag asked for again is free. Answers about
hashtags name no author. Errors come with status 400 for nearly everything: the `code` decides.
"""

from collections.abc import AsyncIterator, MutableMapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

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
from ingestor.errors import Gone, NoBudget
from ingestor.sources import _graph_shapes, faults, fields
from ingestor.sources.fields import arr, at, first, obj
from ingestor.sources.paging import checked, walk
from ingestor.sources.reading import Reading, Section
from ingestor.sources.text import tag_name

MEDIA_FIELDS = (
    "id,caption,comments_count,like_count,media_type,media_url,permalink,timestamp,children"
)
PROFILE_FIELDS = (
    "id,username,name,biography,followers_count,follows_count,media_count,"
    "profile_picture_url,website"
)
_PAUSES = {4, 17, 32, 613, 80002, 18, 2207034}
_PASSING = {1, 2}
_NEVER = {10, 100, 200}
_UNKNOWN_OBJECT = 24  # the answer to a search for a hashtag nobody used
WHOLE_APP = 4
# Top posts bring counts of posts the recent ones no longer show, never a new post sooner. Asked for
# at every poll they would double its price: the delay of every detection, too.
TOP_EVERY = timedelta(hours=6)


class InstagramGraph:
    """Ask and read the Graph API. `tag_ids` keeps hashtag -> id, the same for all, for ever; when
    the top posts of a hashtag were last read is kept for this process.
    """

    name = "instagram_graph"
    network = "instagram"
    version = 1
    kinds: tuple[TargetKind, ...] = ("tag", "profile")
    window = (200, 3600.0)
    slots: tuple[int, float] | None = (30, 7 * 86_400.0)
    page_size = 50
    base_url = "https://graph.facebook.com"

    def __init__(self, tag_ids: MutableMapping[str, str] | None = None) -> None:
        self._tag_ids = {} if tag_ids is None else tag_ids
        self._top_at: dict[str, datetime] = {}

    def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        """Yield the target's pages; see `Source.poll`."""
        ask = _Ask(self, fetch, target, credential, seen)
        return walk(ask.tag if target.kind == "tag" else ask.profile, cursor)

    def wants_top(self, tag: str, now: datetime) -> bool:
        """Return whether a hashtag's top posts were not asked for lately by this process."""
        last = self._top_at.get(tag)
        return last is None or now - last >= TOP_EVERY

    def had_top(self, tag: str, now: datetime) -> None:
        """Note that the top posts were read."""
        self._top_at[tag] = now

    def judge(self, answer: Answer, now: datetime) -> None:
        """Return for a good answer, raise for others; see `Source.judge`."""
        fault = _fault_of(answer)
        if fault is None:
            return
        if fault.kind == "rate_limited":
            wait = first(faults.wait(answer, now), _minutes(answer), fault.retry_after)
            fault = msgspec.structs.replace(fault, retry_after=wait)
        raise faults.error_of(fault, whole_app=fault.code == str(WHOLE_APP))

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        """Return the percentage used and the wait; the business header wins over the app's."""
        business = _business(answer)
        app = obj(_header(answer, "x-app-usage"))
        usage = business or ([app] if app else [])
        used = [
            number
            for use in usage
            for key in ("call_count", "total_time", "total_cputime")
            if (number := fields.number(use.get(key))) is not None
        ]
        return Allowance(used_percent=max(used, default=None), reset=_minutes(answer))

    def parse(self, body: bytes, seen: Seen) -> Page:
        """Return what a body holds; see `Source.parse`."""
        return self._page(body, seen, section="recent")

    def read(self, answer: Answer, seen: Seen) -> Page:
        """Return what an answer holds; its address says whether these are the top posts."""
        section: Section = "top" if "top_media" in answer.url else "recent"
        return self._page(answer.body, seen, section=section)

    def _page(self, body: bytes, seen: Seen, *, section: Section) -> Page:
        """Return what a body holds, its posts as those of `section`."""
        try:
            root = fields.decode(body)
        except fields.NotJson as exc:
            return Page(error=faults.not_json(body, str(exc)))
        reading = Reading(seen, network=self.network, source=self.name, version=self.version)
        if isinstance(root, list):
            return self._batch(reading, root, section)
        fault = in_body(root)
        if fault is not None:
            return Page(error=fault)
        if not _graph_shapes.read_root(reading, root, section):
            return Page(error=Fault(kind="unknown", code="shape", reason="an unknown shape"))
        return reading.page()

    def _batch(self, reading: Reading, root: list[Any], section: Section) -> Page:
        """Return what the parts of a batch hold; an error only if all are errors."""
        if not root or not all("code" in obj(part) and "body" in obj(part) for part in root):
            return Page(error=Fault(kind="unknown", code="shape", reason="no batch of answers"))
        errors = []
        for index, (status, body) in enumerate(_graph_shapes.batch(root)):
            fault = _fault_of(Answer(status=status, headers={}, body=body))
            if fault is not None:
                errors.append(fault)
                reading.note(f"{index}", fault.reason)
            else:
                _graph_shapes.read_root(reading, obj(fields.decode(body)), section)
        page = reading.page()
        return msgspec.structs.replace(page, error=errors[0] if len(errors) == len(root) else None)


def in_body(root: Any) -> Fault | None:
    """Return the error an answer's body tells, None if it tells none."""
    if not isinstance(root, dict):
        return Fault(kind="unknown", code="shape", reason="no object")
    if "error" in root:
        return _envelope(obj(root["error"]))
    if "error_type" in root or "error_message" in root:  # the OAuth endpoint's own envelope
        code = fields.ident(root.get("code")) or "oauth"
        return Fault(kind="login_required", code=code, reason="the log-in was refused")
    return None


def _envelope(error: dict[str, Any]) -> Fault:
    """Return what the code of an error means."""
    code = fields.count(error.get("code"))
    text = "unknown" if code is None else str(code)
    sub = fields.ident(error.get("error_subcode"))
    if code in _PAUSES or sub == "2207034":
        return Fault(kind="rate_limited", code=text, reason=_PAUSE_REASONS.get(code, "throttled"))
    if code in (190, 102) or (code is None and error.get("type") == "OAuthException"):
        return Fault(kind="login_required", code=text, reason="the token is invalid or expired")
    if code in _PASSING or error.get("is_transient") is True:
        return Fault(kind="server", code=text, reason="a passing fault of the network")
    if code == _UNKNOWN_OBJECT:
        return Fault(kind="gone", code=text, reason="the network knows no such thing")
    if code in _NEVER:
        return Fault(kind="bad_request", code=text, reason="no permission, or no such object")
    return Fault(kind="unknown", code=text, reason="the network reports an error")


_PAUSE_REASONS: dict[int | None, str] = {
    4: "the app is throttled",
    17: "the user is throttled",
    18: "the week's 30 hashtags of the account are used",
    32: "the page is throttled",
    80002: "the business use case is throttled",
}


def _fault_of(answer: Answer) -> Fault | None:
    """Return what is wrong with an answer, None if it is good."""
    by_status = faults.by_status(answer.status)
    if by_status is None and len(answer.body) > faults.SMALL:
        return faults.of_long(answer.body)
    try:
        root = fields.decode(answer.body)
    except fields.NotJson as exc:
        return by_status or faults.not_json(answer.body, str(exc))
    return (None if isinstance(root, list) else in_body(root)) or by_status


def _header(answer: Answer, name: str) -> Any:
    """Return the JSON of a header, None if it is none."""
    try:
        return msgspec.json.decode(answer.headers.get(name, "null"))
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None


def _business(answer: Answer) -> list[dict[str, Any]]:
    """Return the usage of every business use case."""
    uses = obj(_header(answer, "x-business-use-case-usage")).values()
    return [obj(use) for list_ in uses for use in arr(list_)]


def _minutes(answer: Answer) -> float | None:
    """Return the seconds to wait; the header tells minutes, 0 while all is well."""
    minutes = [
        fields.number(u.get("estimated_time_to_regain_access")) or 0 for u in _business(answer)
    ]
    return min(max(minutes, default=0) * 60, 86_400.0) or None


class _Ask:
    """The requests of one poll. Each method asks for the page behind a cursor."""

    def __init__(
        self,
        source: InstagramGraph,
        fetch: Fetch,
        target: Target,
        credential: Credential,
        seen: Seen,
    ) -> None:
        self._source, self._fetch, self._seen = source, fetch, seen
        self._name = tag_name(target.name) if target.kind == "tag" else target.name
        self._slot = self._name if target.kind == "tag" else None
        self._user = credential.user or "me"
        secret = credential.secret
        self._headers = (("authorization", f"Bearer {secret}"),) if secret else ()

    async def tag(self, cursor: str | None) -> Page:
        """Ask for a page of a hashtag's recent posts; now and then the first brings the top posts
        along.
        """
        tag_id = await self._tag_id()
        recent = await self._media(f"/{tag_id}/recent_media", cursor)
        if cursor is not None or not self._source.wants_top(self._name, self._seen.observed_at):
            return recent
        try:
            top = await self._media(f"/{tag_id}/top_media", None)
        except NoBudget:  # the recent posts are here; the top ones come with a later poll
            return recent
        self._source.had_top(self._name, self._seen.observed_at)
        aside = recent.aside + top.aside
        return msgspec.structs.replace(recent, top=top.top, tags=(), aside=aside)

    async def profile(self, cursor: str | None) -> Page:
        """Ask for a professional profile and a page of its posts."""
        after = f".after({cursor})" if cursor else ""
        inner = f"{PROFILE_FIELDS},media.limit(50){after}{{{MEDIA_FIELDS}}}"
        query = f"business_discovery.username({self._name}){{{inner}}}"
        return await self._get(f"/{self._user}", ("fields", query))

    async def _tag_id(self) -> str:
        """Return the network's id of the hashtag, asking for it once for ever."""
        known = self._source._tag_ids.get(self._name)
        if known is not None:
            return known
        answer = await self._ask("/ig_hashtag_search", ("user_id", self._user), ("q", self._name))
        found = fields.ident(at(fields.decode(answer.body), "data", 0, "id"))
        if found is None:
            raise Gone("the network knows no such hashtag")
        self._source._tag_ids[self._name] = found
        return found

    async def _media(self, path: str, cursor: str | None) -> Page:
        """Ask for a page of media."""
        params = [("user_id", self._user), ("limit", "50"), ("fields", MEDIA_FIELDS)]
        if cursor:
            params.append(("after", cursor))
        return await self._get(path, *params)

    async def _get(self, path: str, *params: tuple[str, str]) -> Page:
        """Ask a path and return the page it answers."""
        answer = await self._ask(path, *params)
        # `path` and not the answer's address: a proxy may have rewritten that.
        return checked(self._source.read(msgspec.structs.replace(answer, url=path), self._seen))

    async def _ask(self, path: str, *params: tuple[str, str]) -> Answer:
        """Send a GET request that uses the tag's slot."""
        request = Request(path=path, params=params, headers=self._headers, slot=self._slot)
        return await self._fetch(request)
