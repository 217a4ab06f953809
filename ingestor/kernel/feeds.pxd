# cython: language_level=3
"""Pages of posts whose records are written while the page is read; see feeds.pyx."""

from libc.stdint cimport int64_t, uint8_t, uint32_t

from ingestor.kernel.prose cimport Prose
from ingestor.kernel.rows cimport COUNTS, Batch, KernelRows, Row, Slice
from ingestor.kernel.scanner cimport Tape
from ingestor.kernel.words cimport Words
from ingestor.kernel.writer cimport Writer

cdef struct Draft:
    # What a reader gathers of one post. The slices are JSON in `FeedRows.parts`; an empty one is
    # null.
    uint32_t node
    uint32_t reason  # of a repost whose `raw` holds the post and why it is shown, else 0
    const char* kind
    bint repost
    int64_t followers  # of the author
    int64_t created  # microseconds since 1970 or UNDATED
    int64_t edited
    int64_t counts[COUNTS]
    Slice native
    Slice url
    Slice text
    Slice lang
    Slice tags
    Slice mentions
    Slice links
    Slice media
    Slice pictures  # of each medium what is content: kind and description
    Slice reply_to
    Slice repost_of


cdef class FeedRows(KernelRows):
    cdef Batch profiles
    cdef Batch posts
    cdef Writer parts  # JSON of the draft at hand
    cdef Writer scratch  # a text whose escapes are undone
    cdef Writer written  # records without what follows "raw"
    cdef list marks  # of each profile, then of each post: where its record stands in `written`
    cdef list post_marks
    cdef Words words
    cdef Prose prose
    cdef Tape* tape
    cdef int64_t latest  # microseconds: what lies behind it is not plausible

    cdef const uint8_t* text(self, uint32_t node, Py_ssize_t* size) noexcept
    cdef int64_t instant(self, uint32_t node) except? -2

    cdef void begin(self, Draft* draft, uint32_t node) noexcept
    cdef Slice part(self, size_t start) noexcept
    cdef void put_word(self, uint32_t node) noexcept
    cdef void put_words(self, Words words) noexcept
    cdef Slice text_part(self, str text) except *
    cdef Slice word_part(self, uint32_t node) except *
    cdef Slice words_part(self, Words words) except *
    cdef Slice language_part(self, uint32_t node) except *
    cdef int keep_post(self, Draft* draft, str id, str author, str handle) except -1
    cdef int finish(self) except -1
    cdef int _put_content(self, Row* row, Draft* draft, str author) except -1
    cdef int _put_record(self, Draft* draft, str id, str author) except -1
    cdef int _put_stamp(self, Writer* out) except -1
    cdef int _put_source(self, Writer* out) except -1
    cdef void _copy(self, Writer* out, const char* name, Slice part) noexcept
    cdef void _put_written(self, Writer* out, size_t start, size_t end) noexcept

cdef void put_moment(Writer* out, int64_t created) noexcept
