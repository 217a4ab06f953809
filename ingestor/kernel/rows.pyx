# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Rows of a page that a kernel read: batches while it reads, lists when it is done."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset

from ingestor.kernel.scanner cimport Document
from ingestor.kernel.writer cimport (
    Writer,
    put,
    put_byte,
    put_count,
    put_instant,
    put_int,
    put_literal,
    put_str,
    release,
    taken,
)

import msgspec

from lake.lines import milliseconds

UNDATED = -(<int64_t>1 << 62)

cdef const char** _NAMES = [
    b'{"likes":', b',"comments":', b',"shares":', b',"views":', b',"quotes":', b',"followers":',
    b',"following":', b',"posts":',
]


cdef class Batch:
    """Rows of one kind in the order of the page, each id once."""

    def __cinit__(self):
        self.seen = set()
        self.ids = []
        self.authors = []
        self.handles = []
        self.followers = []

    def __dealloc__(self):
        free(self.rows)

    cdef Row* add(self, str id, str author, str handle, object followers) except NULL:
        """Add an empty row for a new id and return it; it moves when the next one is added."""
        cdef Row* row = self._room(1)
        self.seen.add(id)
        self.ids.append(id)
        self.authors.append(author)
        self.handles.append(handle)
        self.followers.append(followers)
        self.size += 1
        memset(row, 0, sizeof(Row))
        memset(row.counts, 0xff, sizeof(row.counts))
        row.created = UNDATED
        return row

    cdef Row* _room(self, uint32_t more) except NULL:
        """Return where the next row goes; there is room for `more`."""
        cdef uint32_t capacity = max(self.capacity, 16)
        cdef void* rows
        if self.rows is NULL or self.size + more > self.capacity:
            while self.size + more > capacity:
                capacity *= 2
            rows = realloc(self.rows, capacity * sizeof(Row))
            if rows is NULL:
                raise MemoryError
            self.rows = <Row*>rows
            self.capacity = capacity
        return self.rows + self.size

    cdef int _append(self, Batch other, set unless) except -1:
        """Add the rows of another kind; of ids in `unless` none."""
        cdef Py_ssize_t i
        if not unless or unless.isdisjoint(other.seen):
            if other.size:
                memcpy(self._room(other.size), other.rows, other.size * sizeof(Row))
            self.size += other.size
            self.ids += other.ids
            self.authors += other.authors
            self.handles += other.handles
            self.followers += other.followers
            return 0
        for i in range(other.size):
            if other.ids[i] not in unless:
                self._room(1)[0] = other.rows[i]
                self.size += 1
                self.ids.append(other.ids[i])
                self.authors.append(other.authors[i])
                self.handles.append(other.handles[i])
                self.followers.append(other.followers[i])
        return 0


cdef object _count(int64_t number):
    return None if number < 0 else number


cdef tuple _counts(const Row* row):
    """Return counts in the order of the record `Counts`."""
    cdef const int64_t* n = &row.counts[0]
    return (
        _count(n[0]), _count(n[1]), _count(n[2]), _count(n[3]),
        _count(n[4]), _count(n[5]), _count(n[6]), _count(n[7]),
    )


cdef class KernelRows:
    """See `ingestor.rows.Rows`. A reader makes it, adds to batches and calls `close` once."""

    def __init__(self, Document document, str network, object observed_at, int parser):
        self.document = document
        self.network = network
        self.parser = parser
        self.observed = msgspec.json.encode(observed_at)
        self.at = milliseconds(observed_at)

    def __dealloc__(self):
        release(&self.said)
        release(&self.out)

    cdef int close(
        self, Batch profiles, Batch tags, Batch posts, Batch top, Batch comments
    ) except -1:
        """Put the batches in the order of rows and make the lists."""
        cdef uint32_t first = profiles.size + tags.size
        self.recent = list(range(first, first + posts.size))
        self.all = profiles
        profiles._append(tags, None)
        profiles._append(posts, None)
        profiles._append(top, posts.seen)
        profiles._append(comments, None)
        self.ids = profiles.ids
        self.authors = profiles.authors
        self.handles = profiles.handles
        self.followers = profiles.followers
        return self._lists()

    cdef int _lists(self) except -1:
        """Make the lists of what the rows themselves hold."""
        cdef Py_ssize_t i
        cdef Row* row
        cdef const char* said = <const char*>self.said.bytes
        cdef list counts = [], created = [], contents = []
        cdef bytes kinds = PyBytes_FromStringAndSize(NULL, self.all.size)
        cdef char* kind = PyBytes_AS_STRING(kinds)
        if self.said.failed:
            raise MemoryError
        for i in range(self.all.size):
            row = self.all.rows + i
            kind[i] = row.kind
            counts.append(_counts(row))
            created.append(None if row.created == UNDATED else _milliseconds(row.created))
            contents.append(
                PyBytes_FromStringAndSize(said + row.content.start, row.content.size)
            )
        self.kinds, self.counts, self.created, self.contents = kinds, counts, created, contents
        return 0

    cdef Slice since(self, size_t start) noexcept:
        """Return what was said from `start` on."""
        return Slice(<uint32_t>start, <uint32_t>(self.said.size - start))

    cdef void put_slice(self, const Slice* part) noexcept:
        """Write something said before."""
        put(&self.out, self.said.bytes + part.start, part.size)

    cdef void put_created(self, int64_t created) noexcept:
        """Write a time or null."""
        if created == UNDATED:
            put_literal(&self.out, b"null")
        else:
            put_microseconds(&self.out, created)

    cdef int put_head(self, str id) except -1:
        """Begin a record: {"id":..,"network":..,"observed_at":.. without the comma behind."""
        self.out.size = 0
        put_literal(&self.out, b'{"id":')
        put_str(&self.out, id)
        put_literal(&self.out, b',"network":')
        put_str(&self.out, self.network)
        put_literal(&self.out, b',"observed_at":')
        put(&self.out, PyBytes_AS_STRING(self.observed), len(self.observed))
        return 0

    def snapshot(
        self, Py_ssize_t row, str handle, str observer, object previous, tuple delta
    ):
        """See `ingestor.rows.Rows.snapshot`."""
        if row < 0 or row >= <Py_ssize_t>self.all.size:
            raise IndexError(row)
        cdef const Row* it = self.all.rows + row
        cdef Writer* out = &self.out
        self.put_head(f"{self.ids[row]}@{self.at}")
        _put_subject(out, it.kind)
        put_str(out, self.ids[row])
        put_literal(out, b',"author_id":')
        put_str(out, self.ids[row] if it.kind == PROFILE else self.authors[row])
        put_literal(out, b',"author_handle":')
        put_str(out, handle)
        put_literal(out, b',"tags":')
        if it.tags.size:
            self.put_slice(&it.tags)
        else:
            put_literal(out, b"[]")
        put_literal(out, b',"created_at":')
        self.put_created(it.created)
        put_literal(out, b',"previous_at":')
        self.put_created(UNDATED if previous is None else 1000 * <int64_t>previous)
        put_literal(out, b',"observer":')
        put_str(out, observer)
        put_literal(out, b',"counts":')
        _put_counts(out, it)
        put_literal(out, b',"delta":')
        _put_delta(out, delta)
        put_byte(out, c"}")
        return taken(out, 0)


cdef int64_t _milliseconds(int64_t microseconds) noexcept:
    """Return milliseconds, rounded down."""
    return microseconds // 1000 - (1 if microseconds % 1000 < 0 else 0)


cdef void put_microseconds(Writer* out, int64_t instant) noexcept nogil:
    """Write an instant given in microseconds since 1970."""
    cdef int64_t seconds = instant // 1000000 - (1 if instant % 1000000 < 0 else 0)
    put_instant(out, seconds, <int>(instant - seconds * 1000000))


cdef void _put_subject(Writer* out, uint8_t kind) noexcept nogil:
    if kind == PROFILE:
        put_literal(out, b',"subject":"profile","subject_id":')
    elif kind == TAG:
        put_literal(out, b',"subject":"tag","subject_id":')
    else:
        put_literal(out, b',"subject":"post","subject_id":')


cdef void _put_counts(Writer* out, const Row* row) noexcept nogil:
    cdef int i
    for i in range(COUNTS):
        put_literal(out, _NAMES[i])
        put_count(out, row.counts[i])
    put_byte(out, c"}")


cdef int _put_delta(Writer* out, tuple delta) except -1:
    cdef int i
    if delta is None:
        put_literal(out, b"null")
        return 0
    for i in range(COUNTS):
        put_literal(out, _NAMES[i])
        if delta[i] is None:
            put_literal(out, b"null")
        else:
            put_int(out, delta[i])
    put_byte(out, c"}")
    return 0
