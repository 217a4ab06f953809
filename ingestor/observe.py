"""From what a page shows to the lines that are worth keeping: new or changed records, and snapshots
of counts.

Pure but for the memory of what was seen, which it updates. A page comes as rows, from a kernel or
from records; only for a row that changed is its JSON asked for.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from xxhash import xxh3_64_digest

from ingestor.known import CountTuple, Known, State
from ingestor.ladder import Fresh
from ingestor.rows import COMMENT, COUNTS, POST, PROFILE, REPOST, TAG, Rows
from lake.contract import Line
from lake.lines import UNDATED, line_of, month_at
from lake.records import Follow, Post, PostCounts

SNAPSHOT_EVERY = 3600.0  # seconds; unchanged counts are confirmed this often

_TABLES = {PROFILE: "profiles", TAG: "tags", POST: "posts", REPOST: "posts", COMMENT: "comments"}
_FOLLOWERS = COUNTS.index("followers")


class Observed(msgspec.Struct, kw_only=True):
    """What one page came to."""

    lines: list[Line]
    seen: list[tuple[str, bytes]]
    fresh: list[Fresh] = []  # posts that are new or were edited; no reposts
    posts: int = 0  # different posts on the page
    new: int = 0  # never seen before, by any target
    unchanged: int = 0  # seen before and the same, counts included


def subjects(rows: Rows) -> list[str]:
    """Return the ids whose last state `observe` will ask for."""
    return [*dict.fromkeys([*rows.ids, *(author for author in rows.authors if author)])]


def observe(
    rows: Rows,
    known: Known,
    *,
    observer: str,
    follows: Iterable[Follow] = (),
    snapshot_every: float = SNAPSHOT_EVERY,
) -> Observed:
    """Return the lines a page adds to the lake; `known` holds what was fetched for its `subjects`.

    A record is written when it is new or anything but its counts changed; or its counts did. A
    snapshot is written when a count changed or `snapshot_every` seconds passed. So an unchanged
    page gives no line.
    """
    seen = _Seen(rows, known, observer=observer, every=snapshot_every)
    seen.run()
    # Edges have ids of their own making and no counts: a replay is harmless, remembering millions
    # is not.
    seen.out.lines.extend(line_of(follow) for follow in follows)
    return seen.out


def gone(post: Post, known: Known, *, at: datetime) -> Observed:
    """Return the line that marks a post as deleted; its counts are the last ones seen.

    Only for a post of which the network itself, asked directly, said that it is not there.
    """
    state = known.get(post.id)
    out = Observed(lines=[], seen=[])
    if state is None or state.deleted:
        return out
    known_counts = dict(zip(COUNTS, state.counts, strict=True))
    counts = PostCounts(**{name: known_counts[name] for name in PostCounts.__struct_fields__})
    marked = msgspec.structs.replace(post, deleted_at=at, observed_at=at, counts=counts)
    out.lines.append(line_of(marked))
    out.seen.append(known.put(post.id, msgspec.structs.replace(state, deleted=True)))
    return out


class _Seen:
    """One page while it is being compared."""

    def __init__(self, rows: Rows, known: Known, *, observer: str, every: float) -> None:
        self._rows = rows
        self._known = known
        self._observer = observer
        self._now = rows.at
        self._month = month_at(self._now)
        self._every = round(every * 1000)
        self.out = Observed(lines=[], seen=[])

    def run(self) -> None:
        """Compare row by row; profiles come first, so that posts can be named after them."""
        for row, kind in enumerate(self._rows.kinds):
            if kind == COMMENT:
                self._comment(row)
            elif kind in (POST, REPOST):
                self._post(row, repost=kind == REPOST)
            else:
                handle = self._rows.handles[row]
                self._subject(row, handle, None, self._digest(row, handle))

    def _post(self, row: int, *, repost: bool) -> None:
        rows, out = self._rows, self.out
        handle, followers = self._named(row)
        before = self._known.get(rows.ids[row])
        out.posts += 1
        out.new += before is None
        digest = self._digest(row, handle)
        written = self._subject(row, handle, followers, digest)
        if written is None:
            out.unchanged += 1
        elif not repost and (before is None or before.digest != digest):
            out.fresh.append(Fresh(rows.ids[row], rows.created[row], written))

    def _subject(
        self, row: int, handle: str | None, followers: int | None, digest: bytes
    ) -> bytes | None:
        """Compare one post, profile or tag; return its JSON if anything of it changed."""
        key, counts = self._rows.ids[row], self._rows.counts[row]
        before = self._known.get(key)
        counted = before is None or before.counts != counts
        # A post that is back must win over its mark of deletion.
        changed = counted or before.digest != digest or before.deleted  # type: ignore[union-attr] # None is counted
        body = self._write(row, handle, followers) if changed else None
        at = self._now if before is None else before.at
        if counted or self._now - at >= self._every:
            self._snapshot(row, handle, before)
            at = self._now
        elif not changed:
            return None
        named = handle if self._rows.kinds[row] == PROFILE else None
        state = State(digest=digest, counts=counts, at=at, handle=named)
        self.out.seen.append(self._known.put(key, state))
        return body

    def _comment(self, row: int) -> None:
        """Keep a comment that is new or changed; comments have no snapshots."""
        key = self._rows.ids[row]
        state = State(digest=self._digest(row, None), counts=self._rows.counts[row], at=0)
        if self._known.get(key) != state:
            self._write(row, None, None)
            self.out.seen.append(self._known.put(key, state))

    def _named(self, row: int) -> tuple[str | None, int | None]:
        """Return handle and followers of a post's author, as far as we know him."""
        rows = self._rows
        handle, followers, author = rows.handles[row], rows.followers[row], rows.authors[row]
        if author and (handle is None or followers is None):
            state = self._known.get(author)
            if state is not None:
                handle = handle or state.handle
                followers = state.counts[_FOLLOWERS] if followers is None else followers
        return handle, followers

    def _digest(self, row: int, handle: str | None) -> bytes:
        content = self._rows.contents[row]
        return xxh3_64_digest(content if handle is None else content + handle.encode())

    def _write(self, row: int, handle: str | None, followers: int | None) -> bytes:
        table, created = _TABLES[self._rows.kinds[row]], self._rows.created[row]
        month = UNDATED if created is None or table != "posts" else month_at(created)
        body = self._rows.body(row, handle, followers)
        self._line(table, self._rows.ids[row], month, body)
        return body

    def _snapshot(self, row: int, handle: str | None, before: State | None) -> None:
        previous = None if before is None else before.at
        delta = None if before is None else _delta(self._rows.counts[row], before.counts)
        body = self._rows.snapshot(row, handle, self._observer, previous, delta)
        self._line("snapshots", f"{self._rows.ids[row]}@{self._now}", self._month, body)

    def _line(self, table: str, key: str, month: str, body: bytes) -> None:
        self.out.lines.append(Line(table=table, id=key, version=self._now, month=month, body=body))


def _delta(now: CountTuple, before: CountTuple) -> CountTuple:
    """Return the growth of each count; unknown where it was or is unknown."""
    return tuple(
        None if new is None or old is None else new - old
        for new, old in zip(now, before, strict=True)
    )
