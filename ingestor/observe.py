"""From what a page shows to the lines that are worth keeping: new or changed records, and snapshots
of counts.

The one place where an observation becomes bytes. It is pure but for the memory of what was seen,
which it updates; a kernel that turns response bytes straight into lines takes the place of
`Source.parse` and `observe`.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

import msgspec

from ingestor.contract import Page
from ingestor.known import CountTuple, Known, State
from lake.contract import Line
from lake.lines import line_of, milliseconds
from lake.records import (
    Comment,
    Counts,
    Post,
    PostCounts,
    Profile,
    ProfileCounts,
    Snapshot,
    SubjectKind,
    Tag,
    TagCounts,
)

SNAPSHOT_EVERY = 3600.0  # seconds; unchanged counts are confirmed this often

Subject = Post | Profile | Tag

_COUNTS = Counts.__struct_fields__
_KINDS: dict[type, SubjectKind] = {Post: "post", Profile: "profile", Tag: "tag"}
_encode = msgspec.msgpack.Encoder().encode
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Observed(msgspec.Struct, kw_only=True):
    """What one page came to."""

    lines: list[Line]
    seen: list[tuple[str, bytes]]
    fresh: list[Post] = []  # posts that are new or were edited
    posts: int = 0  # different posts on the page
    new: int = 0  # never seen before, by any target
    unchanged: int = 0  # seen before and the same, counts included


def subjects(page: Page) -> list[str]:
    """Return the ids whose last state `observe` will ask for."""
    authors = (post.author_id for post in _posts(page) if post.author_id)
    records = (*_posts(page), *page.profiles, *page.tags, *page.comments)
    return [*dict.fromkeys([*(record.id for record in records), *authors])]


def observe(
    page: Page, known: Known, *, observer: str, snapshot_every: float = SNAPSHOT_EVERY
) -> Observed:
    """Return the lines a page adds to the lake; `known` holds what was fetched for
    `subjects(page)`.

    A record is written when it is new or anything but its counts changed; or its counts did. A
    snapshot is written when a count changed or `snapshot_every` seconds passed. So an unchanged
    page gives no line.
    """
    seen = _Seen(known, observer=observer, every=timedelta(seconds=snapshot_every))
    for profile in page.profiles:
        seen.subject(profile)
    for tag in page.tags:
        seen.subject(tag)
    for post in _posts(page):
        seen.post(post)
    for comment in page.comments:
        seen.comment(comment)
    # Edges have ids of their own making and no counts: a replay is harmless, remembering millions
    # is not.
    seen.out.lines.extend(line_of(follow) for follow in page.follows)
    return seen.out


def gone(post: Post, known: Known, *, at: datetime) -> Observed:
    """Return the line that marks a post as deleted; its counts are the last ones seen.

    Only for a post of which the network itself, asked directly, said that it is not there.
    """
    state = known.get(post.id)
    out = Observed(lines=[], seen=[])
    if state is None or state.deleted:
        return out
    known_counts = dict(zip(_COUNTS, state.counts, strict=True))
    counts = PostCounts(**{name: known_counts[name] for name in PostCounts.__struct_fields__})
    marked = msgspec.structs.replace(post, deleted_at=at, observed_at=at, counts=counts)
    out.lines.append(line_of(marked))
    out.seen.append(known.put(post.id, msgspec.structs.replace(state, deleted=True)))
    return out


class _Seen:
    """One page while it is being compared."""

    def __init__(self, known: Known, *, observer: str, every: timedelta) -> None:
        self._known = known
        self._observer = observer
        self._every = every
        self.out = Observed(lines=[], seen=[])

    def post(self, post: Post) -> None:
        """Compare one post, with its author named as far as we know him."""
        post = self._named(post)
        self.out.posts += 1
        before = self._known.get(post.id)
        if before is None:
            self.out.new += 1
        if not self.subject(post):
            self.out.unchanged += 1
        elif before is None or before.digest != _digest(post):
            self.out.fresh.append(post)

    def subject(self, record: Subject) -> bool:
        """Compare one post, profile or tag; return whether anything of it changed."""
        before = self._known.get(record.id)
        digest, counts = _digest(record), _counts(record)
        changed = before is None or before.digest != digest or before.counts != counts
        if before is not None and before.deleted:
            changed = True  # it is back: the record without `deleted_at` must win
        if changed:
            self.out.lines.append(line_of(record))
        if before is None or before.counts != counts or self._stale(before, record.observed_at):
            self.out.lines.append(line_of(self._snapshot(record, counts, before)))
            self._remember(record, digest, counts, milliseconds(record.observed_at))
        elif changed:
            self._remember(record, digest, counts, before.at)
        return changed

    def comment(self, comment: Comment) -> None:
        """Keep a comment that is new or changed; comments have no snapshots."""
        before = self._known.get(comment.id)
        state = State(
            digest=_hash((comment.text, comment.author_id, comment.author_handle)),
            counts=(comment.counts.likes,),
            at=0,
        )
        if before != state:
            self.out.lines.append(line_of(comment))
            self.out.seen.append(self._known.put(comment.id, state))

    def _named(self, post: Post) -> Post:
        author = self._known.get(post.author_id) if post.author_id else None
        if author is None:
            return post
        handle = post.author_handle or author.handle
        followers = post.author_followers
        if followers is None:
            followers = author.counts[_COUNTS.index("followers")]
        if (handle, followers) == (post.author_handle, post.author_followers):
            return post
        return msgspec.structs.replace(post, author_handle=handle, author_followers=followers)

    def _stale(self, before: State, now: datetime) -> bool:
        return milliseconds(now) - before.at >= self._every // timedelta(milliseconds=1)

    def _remember(self, record: Subject, digest: bytes, counts: CountTuple, at: int) -> None:
        handle = record.handle if isinstance(record, Profile) else None
        state = State(digest=digest, counts=counts, at=at, handle=handle)
        self.out.seen.append(self._known.put(record.id, state))

    def _snapshot(self, record: Subject, counts: CountTuple, before: State | None) -> Snapshot:
        author_id, handle, tags = _whose(record)
        return Snapshot(
            id=f"{record.id}@{milliseconds(record.observed_at)}",
            network=record.network,
            observed_at=record.observed_at,
            subject=_KINDS[type(record)],
            subject_id=record.id,
            author_id=author_id,
            author_handle=handle,
            tags=tags,
            created_at=None if isinstance(record, Tag) else record.created_at,
            previous_at=None if before is None else _EPOCH + timedelta(milliseconds=before.at),
            observer=self._observer,
            counts=_as_counts(counts),
            delta=None if before is None else _as_counts(_delta(counts, before.counts)),
        )


def _posts(page: Page) -> Iterator[Post]:
    """Yield each post of a page once; a post may stand in both sections."""
    once: set[str] = set()
    for post in (*page.posts, *page.top):
        if post.id not in once:
            once.add(post.id)
            yield post


def _whose(record: Subject) -> tuple[str | None, str | None, tuple[str, ...]]:
    if isinstance(record, Post):
        return record.author_id, record.author_handle, record.tags
    if isinstance(record, Profile):
        return record.id, record.handle, ()
    return None, None, (record.name,)


def _digest(record: Subject) -> bytes:
    """Return a hash of what a person would call the content: no counts, no raw, no signed media
    addresses.
    """
    if isinstance(record, Post):
        media = [(item.kind, item.alt) for item in record.media]
        fields = (record.text, record.tags, record.mentions, record.links, media, record.kind)
        more = (record.author_id, record.author_handle, record.lang, record.place, record.code)
        times = (record.created_at, record.edited_at, record.deleted_at, record.parser_version)
        return _hash((fields, more, times))
    if isinstance(record, Profile):
        flags = (record.link, record.verified, record.private, record.related)
        return _hash((record.handle, record.name, record.bio, flags, record.parser_version))
    return _hash((record.name, record.related, record.parser_version))


def _hash(value: object) -> bytes:
    return blake2b(_encode(value), digest_size=8).digest()


def _counts(record: Subject) -> CountTuple:
    counts: PostCounts | ProfileCounts | TagCounts = record.counts
    return tuple(getattr(counts, name, None) for name in _COUNTS)


def _as_counts(values: Iterable[int | None]) -> Counts:
    return Counts(**dict(zip(_COUNTS, values, strict=True)))


def _delta(now: CountTuple, before: CountTuple) -> CountTuple:
    """Return the growth of each count; unknown where it was or is unknown."""
    return tuple(
        None if new is None or old is None else new - old
        for new, old in zip(now, before, strict=True)
    )
