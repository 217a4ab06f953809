"""The data model: what one observation of a social network is made of.

Every record says where it was seen (`network`, `source`), when (`observed_at`) and by which parser.
Ids are strings `network:id` and unique in the world. Unknown is None, never 0. Times are aware
datetimes in UTC; as JSON they are RFC 3339. Records are frozen: a change is a new record with a
later `observed_at`.
"""

from datetime import datetime
from typing import Literal

import msgspec

PostKind = Literal["image", "video", "carousel", "text", "repost"]
SubjectKind = Literal["post", "profile", "tag"]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """What all records share: an id that is unique in the world, the network it starts with, when
    it was seen.
    """

    id: str
    network: str
    observed_at: datetime


class PostCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Public counts of one post at one instant; None where the network hides or does not tell
    one.
    """

    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    views: int | None = None
    quotes: int | None = None


class ProfileCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Public counts of one profile at one instant."""

    followers: int | None = None
    following: int | None = None
    posts: int | None = None


class TagCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many posts the network says bear the tag: its own number, not what we collected."""

    posts: int | None = None


class CommentCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Public counts of one comment."""

    likes: int | None = None


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The union of all counts, as a snapshot keeps them; a subject fills the ones it has."""

    likes: int | None = None
    comments: int | None = None
    shares: int | None = None
    views: int | None = None
    quotes: int | None = None
    followers: int | None = None
    following: int | None = None
    posts: int | None = None


class Media(msgspec.Struct, frozen=True, kw_only=True):
    """One picture or film of a post."""

    kind: Literal["image", "video"]
    url: str | None = None
    width: int | None = None
    height: int | None = None
    alt: str | None = None
    duration: float | None = None  # seconds


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A point on the globe, WGS 84 degrees."""

    lat: float
    lon: float


class Post(Record, frozen=True, kw_only=True):
    """One publication and its newest known counts.

    `id` is unique in the world, `native_id` is the id at the server that answered. A repost carries
    the counts of the original, so sums over posts leave `kind == "repost"` out.
    """

    native_id: str
    code: str | None = None  # short code of the public address, Instagram only
    url: str | None = None
    kind: PostKind
    author_id: str | None = None  # None: the network does not say (Instagram Graph tag edges)
    author_handle: str | None = None
    author_followers: int | None = None  # as known when the post was observed
    text: str | None = None
    lang: str | None = None  # as the network or the author says, ISO 639-1
    tags: tuple[str, ...] = ()  # NFKC, casefolded, without '#', in order of appearance
    mentions: tuple[str, ...] = ()  # handles without '@'
    links: tuple[str, ...] = ()
    media: tuple[Media, ...] = ()
    place: str | None = None  # the name of the place
    location: Location | None = None
    created_at: datetime | None = None
    edited_at: datetime | None = None
    deleted_at: datetime | None = None  # when we first saw it gone; history is kept
    counts: PostCounts = PostCounts()
    reply_to: str | None = None  # id of a post
    repost_of: str | None = None  # id of a post
    source: str
    parser_version: int
    raw: msgspec.Raw | None = None  # the node as the network sent it, JSON


class Profile(Record, frozen=True, kw_only=True):
    """One account and its newest known counts."""

    native_id: str
    handle: str
    name: str | None = None
    bio: str | None = None
    link: str | None = None
    verified: bool | None = None
    private: bool | None = None
    counts: ProfileCounts = ProfileCounts()
    related: tuple[str, ...] = ()  # handles the network relates to this one
    created_at: datetime | None = None
    source: str
    parser_version: int
    raw: msgspec.Raw | None = None


class Tag(Record, frozen=True, kw_only=True):
    """One hashtag as the network itself describes it."""

    name: str  # NFKC, casefolded, without '#'
    counts: TagCounts = TagCounts()
    related: tuple[str, ...] = ()
    source: str
    parser_version: int
    raw: msgspec.Raw | None = None


class Comment(Record, frozen=True, kw_only=True):
    """One comment below a post."""

    post_id: str | None = None
    author_id: str | None = None
    author_handle: str | None = None
    text: str | None = None
    created_at: datetime | None = None
    counts: CommentCounts = CommentCounts()
    source: str
    parser_version: int
    raw: msgspec.Raw | None = None


class Follow(Record, frozen=True, kw_only=True):
    """One edge of the follower graph: `follower_id` follows `account_id`. `id` =
    network:follower>account.
    """

    account_id: str
    follower_id: str
    follower_handle: str | None = None
    source: str
    parser_version: int


AudienceReason = Literal["reading", "hidden", "short", "endless", "unstated", "gone"]
"""Why an audience is not complete. reading: no reading has reached the end of the list yet.
hidden: the network states followers and lists none. short: it lists far fewer than it states.
endless: it lists far more, or one page again and again. unstated: it does not say how many there
are, so nothing proves the list whole. gone: the account is not there (any more).
"""


class Audience(Record, frozen=True, kw_only=True):
    """How far the list of an account's followers is read. `id` is the account's.

    Every Follow of the account observed at `whole_from` or later holds; an older one was not met
    again by a reading that met everyone: its follower has left. `pages`, `seen` and `stated` are
    of the present or last reading, `complete` and `reason` of the last one that ended.
    """

    account_id: str  # the same as `id`: follows and audience answer to one question
    handle: str  # as the target names it: "nike@mastodon.social"
    started_at: datetime  # of the present reading, or the last one
    ended_at: datetime | None = None  # None: it goes on
    pages: int = 0
    seen: int = 0  # followers this reading has listed so far
    stated: int | None = None  # followers the network said there were when it began
    # When the last reading began that listed everyone; None: none did. A list that was hidden or
    # cut short says nothing of who left, so it does not count.
    whole_from: datetime | None = None
    complete: bool = False
    reason: AudienceReason | None = None  # None: it is complete
    source: str
    parser_version: int


class Snapshot(Record, frozen=True, kw_only=True):
    """The counts of one subject at one instant, and what changed since its last snapshot.

    `id` = subject_id@milliseconds. Append-only. The subject's tags, author and creation time are
    repeated here so that history can be cut by tag and author without a join.
    `delta` is None in the first snapshot of a subject; a count that was or is unknown has an
    unknown delta.
    """

    subject: SubjectKind
    subject_id: str
    author_id: str | None = None
    author_handle: str | None = None
    tags: tuple[str, ...] = ()
    created_at: datetime | None = None  # of the subject
    previous_at: datetime | None = None  # of the snapshot the delta refers to
    observer: str  # which source, instance or account saw these counts
    counts: Counts
    delta: Counts | None = None


GapReason = Literal[
    "failed", "rate_limited", "down", "overflow", "quarantined", "bad_answer", "no_budget"
]


class Gap(Record, frozen=True, kw_only=True):
    """A stretch of time in which a target was not watched as planned: [since, until). `id` =
    target@since.
    """

    target: str  # "network/kind/name", as `Target.key`
    reason: GapReason
    detail: str = ""  # never post text, never a secret
    since: datetime
    until: datetime
    polls_missed: int = 0


class Poll(Record, frozen=True, kw_only=True):
    """What a target's polls of one hour came to; the ground of every data-quality panel.

    `id` = target@hour@observer, written whole each time the hour's numbers move.
    """

    target: str
    hour: datetime  # start of the hour
    observer: str  # the ingestor process
    planned: int = 0
    made: int = 0
    unchanged: int = 0
    failed: int = 0
    posts_seen: int = 0
    posts_new: int = 0
    rate_limited_seconds: float = 0.0


class Rollup(Record, frozen=True, kw_only=True):
    """A report a worker computed ahead: `id` = campaign_id/name. `network` is "*": it spans
    networks.
    """

    campaign_id: str
    name: str  # "summary", ...
    revision: int  # of the campaign the numbers were computed for
    computed_at: datetime
    body: msgspec.Raw  # JSON


RECORDS: dict[str, type[Record]] = {
    "posts": Post,
    "profiles": Profile,
    "tags": Tag,
    "comments": Comment,
    "follows": Follow,
    "audiences": Audience,
    "snapshots": Snapshot,
    "gaps": Gap,
    "polls": Poll,
    "rollups": Rollup,
}
"""Table name to record type. `snapshots` and `gaps` are append-only, the others hold the newest
state by id.
"""

TABLES: dict[type[Record], str] = {kind: table for table, kind in RECORDS.items()}
