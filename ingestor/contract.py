"""What a source of a network promises to the ingestor, and what it gets.

A source is one file in `ingestor/sources/`. It makes requests and reads answers; it opens no
connection, keeps no clock, sleeps never and counts no budget: `fetch`, given to it, does all that.
So the same `parse` reads a live answer, a recorded file and a fuzzer's bytes.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from ingestor.known import CountTuple
from lake.records import Comment, Follow, Post, Profile, Tag

TargetKind = Literal["tag", "profile", "followers", "post"]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something to watch: a hashtag (without '#'), a profile (a handle), the followers of a
    profile.

    "post" is one post by its `native_id`, asked for directly: to see its counts again, or to prove
    it gone. A source that can answer it lists "post" in `kinds` and raises Gone for one that is
    not there.
    """

    network: str
    kind: TargetKind
    name: str
    host: str | None = None  # the server to ask, where the network has many (Mastodon)

    @property
    def key(self) -> str:
        """Return the name of the target in records, logs and the registry: "mastodon/tag/nike"."""
        return f"{self.network}/{self.kind}/{self.name}"


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """What proves to a network who asks; the secret never shows in `repr`, logs or records."""

    account: str  # our name for it, safe to show
    user: str | None = None  # the network's name or id of the account
    secret: str | None = None

    def __repr__(self) -> str:
        """Return the account's name and three stars."""
        return f"Credential(account={self.account!r}, secret='***')"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. `path` is joined to the lane's base address unless it is absolute."""

    path: str
    method: Literal["GET", "POST"] = "GET"
    params: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    json: object | None = None
    form: tuple[tuple[str, str], ...] | None = None
    slot: str | None = (
        None  # this request uses the hashtag slot of this tag (Instagram Graph: 30 per 7 days)
    )


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP answer, body unpacked and within caps. Header names are lower-case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The circumstances of an observation, which go into every record read from it."""

    observed_at: datetime
    host: str | None = None  # the server that answered
    target: Target | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Something in an answer that was not read, with the reason; never with text of people."""

    kind: Literal[
        "rate_limited", "login_required", "gone", "checkpoint", "bad_request", "server", "unknown"
    ]
    code: str = ""
    reason: str = ""
    retry_after: float | None = None  # seconds
    where: str = ""  # path of keys inside the answer, for a part of it that was set aside


class Rows(Protocol):
    """The profiles, tags, posts and comments of one page, in this order, each id once.

    The lists are as long as there are rows; `counts` holds eight numbers in the order of `Counts`.
    """

    at: int  # milliseconds; when the page was observed
    kinds: bytes  # one letter a row, as `ingestor.rows` names them
    ids: list[str]
    authors: list[str | None]  # ids of the authors of posts, None of other rows
    handles: list[str | None]  # of a post's author as the page tells it, of a profile its own
    followers: list[int | None]  # of a post's author, as the page tells it
    counts: list[CountTuple]
    created: list[int | None]  # milliseconds
    contents: list[bytes]  # what a change of is a change of the record; no counts, no handle
    recent: list[int]  # which rows are posts of the recent section, in the order of the page

    def body(self, row: int, handle: str | None, followers: int | None) -> bytes:
        """Return a row's record as JSON, a post's author named as given."""
        ...

    def snapshot(
        self,
        row: int,
        handle: str | None,
        observer: str,
        previous: int | None,
        delta: CountTuple | None,
    ) -> bytes:
        """Return the snapshot of a profile, tag or post as JSON; `previous` in milliseconds."""
        ...


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What one answer held. A post may stand in both `posts` (recent) and `top`."""

    posts: tuple[Post, ...] = ()
    top: tuple[Post, ...] = ()
    profiles: tuple[Profile, ...] = ()
    tags: tuple[Tag, ...] = ()
    comments: tuple[Comment, ...] = ()
    follows: tuple[Follow, ...] = ()
    error: Fault | None = None  # the whole answer is an error
    aside: tuple[Fault, ...] = ()  # parts that could not be read
    cursor: str | None = None  # continues behind this page; None only if the network gave none
    section: Literal["recent", "top"] = "recent"  # which section the cursor continues
    rows: Rows | None = None  # of a page that a kernel read: posts and the like are empty then


Fetch = Callable[[Request], Awaitable[Answer]]
"""Spend budget, ask, and return an answer the source has judged good; raises IngestError."""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """What a network's headers say of the budget; None where they are silent. `reset` in seconds
    from now.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None
    used_percent: float | None = None  # Meta tells percentages


class Source(Protocol):
    """One way to ask one network. Stateless but for what it may cache for ever (ids of
    hashtags).

    One that lists "followers" in `kinds` also says how many a full page of them holds
    (`followers_page`; left out, `page_size` is taken). The first of their pages has the account's
    own profile, with its count of followers; of the followers no profiles are kept.
    """

    name: str  # "instagram_graph": how settings, records and the command line call it
    network: str  # "instagram": what ids start with
    version: int  # of the parser; a change of meaning raises it
    kinds: tuple[TargetKind, ...]
    window: tuple[int, float]  # default budget: requests, seconds
    slots: tuple[int, float] | None  # unique hashtags, seconds; None: no such quota
    page_size: int  # posts a full page holds

    def poll(
        self, fetch: Fetch, target: Target, credential: Credential, seen: Seen, cursor: str | None
    ) -> AsyncIterator[Page]:
        """Yield the target's pages, newest posts first, from `cursor` or the front; stop at no or a
        repeated cursor. The caller stops asking once it knows all of a page. Raises what `fetch`
        raises.
        """
        ...

    def judge(self, answer: Answer, now: datetime) -> None:
        """Return for a good answer; raise RateLimited, Refused, Gone, BadRequest, BadAnswer or
        Down.
        """
        ...

    def allowance(self, answer: Answer, now: datetime) -> Allowance:
        """Return what the answer's headers say of the budget."""
        ...

    def parse(self, body: bytes, seen: Seen) -> Page:
        """Return what an answer of any known generation holds, found by its keys. Never raises for
        content: an error body gives `error`, an unreadable part goes to `aside`.
        """
        ...
