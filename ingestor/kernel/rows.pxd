# cython: language_level=3
"""Rows of a page that a kernel read: what every network's reader fills and keeps."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from ingestor.kernel.scanner cimport Document
from ingestor.kernel.writer cimport Writer

cdef enum:  # as in ingestor.rows
    PROFILE = 112
    TAG = 116
    POST = 111
    REPOST = 114
    COMMENT = 99

cdef enum:  # places in `Row.counts`, the order of lake.records.Counts
    LIKES = 0
    COMMENTS = 1
    SHARES = 2
    VIEWS = 3
    QUOTES = 4
    FOLLOWERS = 5
    FOLLOWING = 6
    POSTS = 7
    COUNTS = 8

cdef enum:
    UNKNOWN = -1  # a count that is not told

cdef int64_t UNDATED  # `Row.created` of a subject without a time

cdef struct Slice:
    uint32_t start
    uint32_t size

cdef struct Row:
    uint32_t node  # the subject's token
    uint8_t kind
    uint8_t form  # for the reader's own use
    int64_t created  # microseconds since 1970
    int64_t counts[COUNTS]
    Slice native  # of the body: the network's own id, or that of the post a comment belongs to
    # Of `Batch.said`: JSON that both the content and the record have.
    Slice content
    Slice text
    Slice tags
    Slice mentions
    Slice links

cdef class Batch:
    """Rows of one kind in the order of the page, each id once."""

    cdef Row* rows
    cdef uint32_t size
    cdef uint32_t capacity
    cdef set seen  # the ids
    cdef list ids, authors, handles, followers

    cdef Row* add(self, str id, str author, str handle, object followers) except NULL
    cdef Row* _room(self, uint32_t more) except NULL
    cdef int _append(self, Batch other, set unless) except -1

cdef class KernelRows:
    """See `ingestor.rows.Rows`. A reader makes it, adds to batches and calls `close` once."""

    cdef readonly bytes kinds
    cdef readonly list ids, authors, handles, followers, counts, created, contents, recent
    cdef Document document
    cdef Writer said  # contents, and the parts of records that contents have too
    cdef Writer out  # for bodies and snapshots
    cdef Batch all
    cdef str network
    cdef bytes observed  # when, as JSON
    cdef readonly int64_t at  # when, in milliseconds
    cdef int parser

    cdef int close(
        self, Batch profiles, Batch tags, Batch posts, Batch top, Batch comments
    ) except -1
    cdef int _lists(self) except -1
    cdef Slice since(self, size_t start) noexcept
    cdef void put_slice(self, const Slice* part) noexcept
    cdef void put_created(self, int64_t created) noexcept
    cdef int put_head(self, str id) except -1  # {"id":..,"network":..,"observed_at":..

cdef void put_microseconds(Writer* out, int64_t instant) noexcept nogil
