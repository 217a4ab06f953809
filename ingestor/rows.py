"""What one page shows, a row a subject: the form in which pages are compared with what is known.

Two things make rows: a compiled kernel straight from the bytes of an answer, and `RecordRows` from
the records that a source's reference parser made. For the same answer both give the same rows, bit
for bit; `differences` says where they do not.
"""

from collections.abc import Iterator, Sequence

import msgspec

from ingestor.contract import Page, Rows
from ingestor.known import CountTuple
from ingestor.ladder import Fresh
from lake.contract import Line
from lake.lines import instant_of, milliseconds
from lake.records import Comment, Counts, Post, Profile, Snapshot, SubjectKind, Tag

PROFILE, TAG, POST, REPOST, COMMENT = b"ptorc"
COUNTS = Counts.__struct_fields__

Subject = Profile | Tag | Post | Comment

_SUBJECTS: dict[int, SubjectKind] = {PROFILE: "profile", TAG: "tag", POST: "post", REPOST: "post"}
_LISTS = (
    *("kinds", "ids", "authors", "handles", "followers"),
    *("counts", "created", "contents", "recent"),
)
_encode = msgspec.json.Encoder().encode


class Observed(msgspec.Struct, kw_only=True):
    """What one page came to."""

    lines: list[Line]
    seen: list[tuple[str, bytes]]
    fresh: list[Fresh] = []  # posts that are new or were edited; no reposts
    posts: int = 0  # different posts on the page
    new: int = 0  # never seen before, by any target
    unchanged: int = 0  # seen before and the same, counts included


class RecordRows:
    """The rows of a page of records."""

    def __init__(self, page: Page) -> None:
        self._records = list(_subjects(page))
        self.at = milliseconds(self._records[0].observed_at) if self._records else 0
        self.kinds = bytes(map(_kind, self._records))
        self.ids = [record.id for record in self._records]
        self.authors = [r.author_id if isinstance(r, Post) else None for r in self._records]
        self.handles = [_handle(record) for record in self._records]
        self.followers = [
            r.author_followers if isinstance(r, Post) else None for r in self._records
        ]
        self.counts = [_counts(record) for record in self._records]
        self.created = [_created(record) for record in self._records]
        self.contents = [_content(record) for record in self._records]
        kinds = enumerate(self.kinds)
        places = {self.ids[row]: row for row, kind in kinds if kind in (POST, REPOST)}
        self.recent = [places[post.id] for post in page.posts]

    def body(self, row: int, handle: str | None, followers: int | None) -> bytes:
        """Return a row's record as JSON, a post's author named as given."""
        record = self._records[row]
        if isinstance(record, Post):
            record = msgspec.structs.replace(
                record, author_handle=handle, author_followers=followers
            )
        return _encode(record)

    def snapshot(
        self,
        row: int,
        handle: str | None,
        observer: str,
        previous: int | None,
        delta: CountTuple | None,
    ) -> bytes:
        """Return the snapshot of a profile, tag or post as JSON; `previous` in milliseconds."""
        record = self._records[row]
        author_id, tags = _whose(record)
        snapshot = Snapshot(
            id=f"{record.id}@{milliseconds(record.observed_at)}",
            network=record.network,
            observed_at=record.observed_at,
            subject=_SUBJECTS[self.kinds[row]],
            subject_id=record.id,
            author_id=author_id,
            author_handle=handle,
            tags=tags,
            created_at=None if isinstance(record, Tag) else record.created_at,
            previous_at=None if previous is None else instant_of(previous),
            observer=observer,
            counts=_as_counts(self.counts[row]),
            delta=None if delta is None else _as_counts(delta),
        )
        return _encode(snapshot)


def rows_of(page: Page) -> Rows:
    """Return the rows of a page, those of the kernel if it read the page."""
    return page.rows if page.rows is not None else RecordRows(page)


def differences(left: Rows, right: Rows) -> list[str]:
    """Return the names of what differs between two readings of one answer; none if they agree."""
    found = [name for name in _LISTS if getattr(left, name) != getattr(right, name)]
    if len(left.kinds) and left.at != right.at:
        found.append("at")
    if found:
        return found
    for row in range(len(left.kinds)):
        handle, followers = left.handles[row], left.followers[row]
        if left.body(row, handle, followers) != right.body(row, handle, followers):
            found.append(f"body of row {row}")
        if left.kinds[row] != COMMENT and _snapshots_differ(left, right, row):
            found.append(f"snapshot of row {row}")
    return found


def _snapshots_differ(left: Rows, right: Rows, row: int) -> bool:
    delta = tuple(None if number is None else -number for number in left.counts[row])
    for before, growth in ((None, None), (1_700_000_000_123, delta), (1_700_000_000_000, delta)):
        asked = (row, left.handles[row], "source@host", before, growth)
        if left.snapshot(*asked) != right.snapshot(*asked):
            return True
    return False


def _subjects(page: Page) -> Iterator[Subject]:
    yield from page.profiles
    yield from page.tags
    once: set[str] = set()
    for post in (*page.posts, *page.top):  # a post may stand in both sections
        if post.id not in once:
            once.add(post.id)
            yield post
    yield from page.comments


def _kind(record: Subject) -> int:
    if isinstance(record, Post):
        return REPOST if record.kind == "repost" else POST
    if isinstance(record, Profile):
        return PROFILE
    return TAG if isinstance(record, Tag) else COMMENT


def _handle(record: Subject) -> str | None:
    if isinstance(record, Post):
        return record.author_handle
    return record.handle if isinstance(record, Profile) else None


def _created(record: Subject) -> int | None:
    if isinstance(record, Tag) or record.created_at is None:
        return None
    return milliseconds(record.created_at)


def _whose(record: Subject) -> tuple[str | None, tuple[str, ...]]:
    if isinstance(record, Post):
        return record.author_id, record.tags
    return (record.id, ()) if isinstance(record, Profile) else (None, (record.name,))  # type: ignore[union-attr] # comments have no snapshots


def _content(record: Subject) -> bytes:
    """Return what a person would call the content, as a JSON array: no counts, no raw, no signed
    media addresses.
    """
    if isinstance(record, Post):
        media = [(item.kind, item.alt) for item in record.media]
        said = (record.text, record.lang, record.tags, record.mentions, record.links, media)
        more = (record.place, record.code, record.created_at, record.edited_at, record.deleted_at)
        return _encode((record.kind, record.author_id, *said, *more, record.parser_version))
    if isinstance(record, Profile):
        flags = (record.link, record.verified, record.private, record.related)
        return _encode((record.name, record.bio, *flags, record.parser_version))
    if isinstance(record, Tag):
        return _encode((record.name, record.related, record.parser_version))
    return _encode((record.text, record.author_id, record.author_handle))


def _counts(record: Subject) -> CountTuple:
    return tuple(getattr(record.counts, name, None) for name in COUNTS)


def _as_counts(values: Sequence[int | None]) -> Counts:
    return Counts(**dict(zip(COUNTS, values, strict=True)))
