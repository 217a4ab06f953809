# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Comparing a page's rows with what is known of them: `_compare_py`, compiled.

Two thirds of a page are usually as they were: for those a row costs a look into two dictionaries
and two comparisons.
"""

import msgspec
from xxhash import xxh3_64_digest

from ingestor.known import State
from ingestor.ladder import Fresh
from ingestor.rows import COUNTS, Observed
from lake.contract import Line
from lake.lines import UNDATED, month_at

cdef object _digest_of = xxh3_64_digest
cdef object _encode = msgspec.msgpack.Encoder().encode
cdef Py_ssize_t _FOLLOWERS = COUNTS.index("followers")
cdef object _UNDATED = UNDATED
cdef dict _months = {}


cdef object _month(long long instant):
    cdef long long day = instant // 86_400_000
    cdef object month = _months.get(day)
    if month is None:
        if len(_months) > 4096:
            _months.clear()
        month = _months[day] = month_at(instant)
    return month


cdef tuple _delta(tuple now, tuple before):
    cdef list grown = []
    cdef Py_ssize_t place
    for place in range(len(now)):
        new, old = now[place], before[place]
        grown.append(None if new is None or old is None else new - old)
    return tuple(grown)


cdef class _Page:
    """One page while it is being compared."""

    cdef object rows, observer, now_month, body, snapshot
    cdef dict states
    cdef list ids, handles, followers, authors, counts, created, contents
    cdef list lines, seen, fresh
    cdef long long now, every
    cdef Py_ssize_t posts, new, unchanged

    def __init__(self, rows, dict states, str observer, long long every):
        self.rows = rows
        self.body, self.snapshot = rows.body, rows.snapshot
        self.states = states
        self.observer = observer
        self.every = every
        self.now = rows.at
        self.now_month = _month(self.now)
        self.ids, self.handles, self.followers = rows.ids, rows.handles, rows.followers
        self.authors, self.counts = rows.authors, rows.counts
        self.created, self.contents = rows.created, rows.contents
        self.lines, self.seen, self.fresh = [], [], []
        self.posts = self.new = self.unchanged = 0

    cdef object run(self):
        cdef bytes kinds = self.rows.kinds
        cdef Py_ssize_t row
        cdef unsigned char kind
        for row in range(len(kinds)):
            kind = kinds[row]
            if kind == b"c":
                self.comment(row)
            else:
                self.subject(row, kind)
        return Observed(
            lines=self.lines,
            seen=self.seen,
            fresh=self.fresh,
            posts=self.posts,
            new=self.new,
            unchanged=self.unchanged,
        )

    cdef int subject(self, Py_ssize_t row, unsigned char kind) except -1:
        cdef object key = self.ids[row], handle = self.handles[row]
        cdef object followers = self.followers[row], body = None, digest, before
        cdef tuple counts = <tuple?>self.counts[row]
        cdef bint post = kind == b"o" or kind == b"r"
        cdef bint counted, edited, changed
        cdef long long at
        if post and (handle is None or followers is None):
            handle, followers = self.named(row, handle, followers)
        digest = self.digest(row, handle)
        before = self.states.get(key)
        counted = before is None or before.counts != counts
        edited = before is None or before.digest != digest
        changed = counted or edited or before.deleted
        at = self.now if before is None else before.at
        if post:
            self.posts += 1
            self.new += before is None
            self.unchanged += not changed
        if not changed and self.now - at < self.every:
            return 0
        if changed:
            body = self.write(row, kind, handle, followers)
            if edited and kind == b"o":
                self.fresh.append(Fresh(key, self.created[row], body))
        if counted or self.now - at >= self.every:
            self.count(row, handle, counts, before)
            at = self.now
        self.remember(key, digest, counts, at, handle if kind == b"p" else None)
        return 0

    cdef int comment(self, Py_ssize_t row) except -1:
        cdef object key = self.ids[row], digest = self.digest(row, None), before
        cdef tuple counts = <tuple?>self.counts[row]
        before = self.states.get(key)
        if before is None or before.digest != digest or before.counts != counts:
            self.write(row, b"c", None, None)
            self.remember(key, digest, counts, 0, None)
        return 0

    cdef tuple named(self, Py_ssize_t row, object handle, object followers):
        cdef object author = self.authors[row], state
        if author is not None:
            state = self.states.get(author)
            if state is not None:
                handle = handle or state.handle
                if followers is None:
                    followers = state.counts[_FOLLOWERS]
        return handle, followers

    cdef object digest(self, Py_ssize_t row, object handle):
        cdef bytes content = <bytes?>self.contents[row]
        return _digest_of(content if handle is None else content + (<str?>handle).encode())

    cdef bytes write(self, Py_ssize_t row, unsigned char kind, object handle, object followers):
        cdef bytes body = self.body(row, handle, followers)
        cdef object table = "posts", month = _UNDATED
        if kind == b"o" or kind == b"r":
            if self.created[row] is not None:
                month = _month(self.created[row])
        else:
            table = {b"p": "profiles", b"t": "tags", b"c": "comments"}[bytes((kind,))]
        self.line(table, self.ids[row], month, body)
        return body

    cdef int count(self, Py_ssize_t row, object handle, tuple counts, object before) except -1:
        cdef object previous = None, delta = None
        if before is not None:
            previous, delta = before.at, _delta(counts, before.counts)
        body = self.snapshot(row, handle, self.observer, previous, delta)
        self.line("snapshots", f"{self.ids[row]}@{self.now}", self.now_month, body)
        return 0

    cdef int line(self, str table, str key, object month, bytes body) except -1:
        self.lines.append(Line(table=table, id=key, version=self.now, month=month, body=body))
        return 0

    cdef int remember(
        self, object key, object digest, tuple counts, long long at, object handle
    ) except -1:
        state = State(digest, counts, at, handle)
        self.states[key] = state
        self.seen.append((key, _encode(state)))
        return 0


def compare(rows, known, *, str observer, long long every):
    """Return what the rows add; see `ingestor.observe.observe`. `every` in milliseconds."""
    return (<_Page>_Page(rows, known.states, observer, every)).run()


def unknown(rows, known):
    """Return the ids of which `known` has to ask before the rows can be compared."""
    cdef dict states = known.states
    cdef list ids = rows.ids, authors = rows.authors, handles = rows.handles
    cdef list followers = rows.followers
    cdef list missing = []
    cdef Py_ssize_t row
    for row in range(len(ids)):
        if ids[row] not in states:
            missing.append(ids[row])
        author = authors[row]
        if author is not None and (handles[row] is None or followers[row] is None):
            if author not in states:
                missing.append(author)
    return missing
