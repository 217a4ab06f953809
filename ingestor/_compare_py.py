"""Comparing a page's rows with what is known of them: the reference of the compiled kernel."""

from xxhash import xxh3_64_digest

from ingestor.contract import Rows
from ingestor.known import CountTuple, Known, State
from ingestor.ladder import Fresh
from ingestor.rows import COMMENT, COUNTS, POST, PROFILE, REPOST, TAG, Observed
from lake.contract import Line
from lake.lines import UNDATED, month_at

_TABLES = {PROFILE: "profiles", TAG: "tags", POST: "posts", REPOST: "posts", COMMENT: "comments"}
_FOLLOWERS = COUNTS.index("followers")


def compare(rows: Rows, known: Known, *, observer: str, every: int) -> Observed:
    """Return what the rows add; see `ingestor.observe.observe`. `every` in milliseconds."""
    seen = _Seen(rows, known, observer=observer, every=every)
    seen.run()
    return seen.out


def unknown(rows: Rows, known: Known) -> list[str]:
    """Return the ids of which `known` has to ask before the rows can be compared."""
    told = zip(rows.authors, rows.handles, rows.followers, strict=True)
    authors = [a for a, handle, followers in told if a and None in (handle, followers)]
    return [key for key in (*rows.ids, *authors) if key not in known.states]


class _Seen:
    """One page while it is being compared."""

    def __init__(self, rows: Rows, known: Known, *, observer: str, every: int) -> None:
        self._rows = rows
        self._known = known
        self._observer = observer
        self._now = rows.at
        self._month = month_at(self._now)
        self._every = every
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
