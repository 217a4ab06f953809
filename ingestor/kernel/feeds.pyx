# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Pages of posts whose records are written while the page is read.

A reader of one network gathers a post into a `Draft` and keeps it; a reader that finds anything it
does not know how to read as the reference does gives the whole page up.
"""

from datetime import UTC, datetime, timedelta

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memset

from ingestor.kernel.rows cimport (
    COMMENTS, LIKES, POST, PROFILE, QUOTES, REPOST, SHARES, UNDATED, UNKNOWN, VIEWS,
    Batch, KernelRows, Row, Slice, put_microseconds,
)
from ingestor.kernel.scanner cimport ESCAPED, STRING, Document, Token
from ingestor.kernel.values cimport HandOver, is_none, word, word_of
from ingestor.kernel.prose cimport Prose
from ingestor.kernel.words cimport Words
from ingestor.kernel.writer cimport (
    Writer, put, put_byte, put_count, put_int, put_json, put_literal, put_node,
    put_str, put_text, release, taken, text_of,
)

from ingestor.sources import times

cdef int64_t SECOND = 1_000_000
cdef int64_t FIRST = 946_684_800 * SECOND  # times.FIRST_YEAR
cdef int64_t AHEAD = 86_400 * SECOND  # times.AHEAD

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


cdef class FeedRows(KernelRows):
    """Rows of a page of posts; profiles stand before them."""

    def __init__(self, Document document, str network, object observed_at, int parser):
        KernelRows.__init__(self, document, network, observed_at, parser)
        self.tape = &self.document.tape
        self.profiles = Batch()
        self.posts = Batch()
        self.marks = []
        self.post_marks = []
        self.words = Words()
        self.prose = Prose()
        self.latest = (observed_at - _EPOCH) // _MICROSECOND + AHEAD

    def __dealloc__(self):
        release(&self.parts)
        release(&self.scratch)
        release(&self.written)

    cdef const uint8_t* text(self, uint32_t node, Py_ssize_t* size) noexcept:
        """Return the text of a string, which holds until the next call."""
        cdef const Token* token = self.tape.tokens + node
        if not token.flags & ESCAPED:
            size[0] = token.end - token.start - 2
            return self.tape.body + token.start + 1
        self.scratch.size = 0
        put_text(&self.scratch, self.tape, node)
        size[0] = self.scratch.size
        return self.scratch.bytes

    cdef int64_t instant(self, uint32_t node) except? -2:
        """Return what `Reading.time` reads, in microseconds, UNDATED for None."""
        cdef const uint8_t* text
        cdef Py_ssize_t size = 0
        cdef int64_t created = UNDATED
        if is_none(self.tape, node):
            return UNDATED
        if self.tape.tokens[node].kind != STRING:
            raise HandOver
        text = self.text(node, &size)
        if not _iso(text, size, &created):
            moment = times.instant(text_of(&self.scratch, self.tape, node))
            if moment is None:
                raise HandOver
            created = (moment - _EPOCH) // _MICROSECOND
        if not FIRST <= created <= self.latest:
            raise HandOver
        return created

    # What a post is made of

    cdef void begin(self, Draft* draft, uint32_t node) noexcept:
        """Start a draft."""
        memset(draft, 0, sizeof(Draft))
        memset(draft.counts, 0xff, sizeof(draft.counts))
        draft.node = node
        draft.created = draft.edited = UNDATED
        draft.followers = UNKNOWN
        self.parts.size = 0

    cdef Slice part(self, size_t start) noexcept:
        """Return what was written to `parts` since `start`."""
        return Slice(<uint32_t> start, <uint32_t> (self.parts.size - start))

    cdef void put_word(self, uint32_t node) noexcept:
        """Append a string that is not empty to `parts`, null for anything else."""
        put_node(&self.parts, self.tape, word(self.tape, node))

    cdef void put_words(self, Words words) noexcept:
        """Append words to `parts` as an array."""
        cdef Py_ssize_t i
        put_byte(&self.parts, c'[')
        for i in range(words.count):
            if i:
                put_byte(&self.parts, c',')
            put_json(&self.parts, words.text + words.each[i].start, words.each[i].size)
        put_byte(&self.parts, c']')

    cdef Slice text_part(self, str text) except *:
        """Append a string to `parts`."""
        cdef size_t start = self.parts.size
        put_str(&self.parts, text)
        return self.part(start)

    cdef Slice word_part(self, uint32_t node) except *:
        """Append a string that is not empty to `parts`, null for anything else."""
        cdef size_t start = self.parts.size
        self.put_word(node)
        return self.part(start)

    cdef Slice words_part(self, Words words) except *:
        """Append words to `parts` as an array."""
        cdef size_t start = self.parts.size
        self.put_words(words)
        return self.part(start)

    cdef Slice language_part(self, uint32_t node) except *:
        """Append the language that the author named, without its region."""
        cdef str language = word_of(&self.scratch, self.tape, node)
        if language is None:
            return Slice(0, 0)
        return self.text_part(language.split("-")[0].lower())

    cdef int keep_post(self, Draft* draft, str id, str author, str handle) except -1:
        """Add a post unless its id is there."""
        cdef Row* row
        if id in self.posts.seen:
            return 0
        followers = None if draft.followers == UNKNOWN else draft.followers
        row = self.posts.add(id, author, handle, followers)
        row.node = draft.node
        row.kind = REPOST if draft.repost else POST
        row.created = draft.created
        row.counts = draft.counts
        self._put_content(row, draft, author)
        self._put_record(draft, id, author)
        return 0

    cdef int _put_content(self, Row* row, Draft* draft, str author) except -1:
        cdef Writer* out = &self.said
        cdef size_t start = out.size
        cdef size_t tags
        put_literal(out, b'["')
        put_literal(out, draft.kind)
        put_literal(out, b'",')
        put_str(out, author)
        self._copy(out, b",", draft.text)
        self._copy(out, b",", draft.lang)
        put_byte(out, c',')
        tags = out.size
        self._copy(out, b"", draft.tags)
        row.tags = self.since(tags)
        self._copy(out, b",", draft.mentions)
        self._copy(out, b",", draft.links)
        self._copy(out, b",", draft.pictures)
        put_literal(out, b",null,null,")
        put_moment(out, draft.created)
        put_byte(out, c',')
        put_moment(out, draft.edited)
        put_literal(out, b",null,")
        put_int(out, self.parser)
        put_byte(out, c']')
        row.content = self.since(start)
        return 0

    cdef int _put_record(self, Draft* draft, str id, str author) except -1:
        """Write a post as JSON: up to its author's handle, and from its text to "raw"."""
        cdef Writer* out = &self.written
        cdef size_t start = out.size
        cdef size_t middle
        put_literal(out, b'{"id":')
        put_str(out, id)
        self._put_stamp(out)
        self._copy(out, b',"native_id":', draft.native)
        self._copy(out, b',"code":null,"url":', draft.url)
        put_literal(out, b',"kind":"')
        put_literal(out, draft.kind)
        put_literal(out, b'","author_id":')
        put_str(out, author)
        put_literal(out, b',"author_handle":')
        middle = out.size
        self._copy(out, b',"text":', draft.text)
        self._copy(out, b',"lang":', draft.lang)
        self._copy(out, b',"tags":', draft.tags)
        self._copy(out, b',"mentions":', draft.mentions)
        self._copy(out, b',"links":', draft.links)
        self._copy(out, b',"media":', draft.media)
        put_literal(out, b',"place":null,"location":null,"created_at":')
        put_moment(out, draft.created)
        put_literal(out, b',"edited_at":')
        put_moment(out, draft.edited)
        put_literal(out, b',"deleted_at":null,"counts":{"likes":')
        put_count(out, draft.counts[LIKES])
        put_literal(out, b',"comments":')
        put_count(out, draft.counts[COMMENTS])
        put_literal(out, b',"shares":')
        put_count(out, draft.counts[SHARES])
        put_literal(out, b',"views":')
        put_count(out, draft.counts[VIEWS])
        put_literal(out, b',"quotes":')
        put_count(out, draft.counts[QUOTES])
        self._copy(out, b'},"reply_to":', draft.reply_to)
        self._copy(out, b',"repost_of":', draft.repost_of)
        self._put_source(out)
        self.post_marks.append((start, middle, out.size, draft.reason))
        return 0

    cdef int _put_stamp(self, Writer* out) except -1:
        """Append the network and when it was seen."""
        put_literal(out, b',"network":')
        put_str(out, self.network)
        put_literal(out, b',"observed_at":')
        put(out, <const char*> self.observed, len(self.observed))
        return 0

    cdef int _put_source(self, Writer* out) except -1:
        """Append the source, which bears its network's name, and all up to the raw node."""
        put_literal(out, b',"source":')
        put_str(out, self.network)
        put_literal(out, b',"parser_version":')
        put_int(out, self.parser)
        put_literal(out, b',"raw":')
        return 0

    cdef void _copy(self, Writer* out, const char* name, Slice part) noexcept:
        """Append a name and a part of the draft, null for an empty one."""
        put_literal(out, name)
        if part.size:
            put(out, self.parts.bytes + part.start, part.size)
        else:
            put_literal(out, b"null")

    cdef int finish(self) except -1:
        """Make the lists of rows."""
        self.close(self.profiles, Batch(), self.posts, Batch(), Batch())
        if self.written.failed or self.parts.failed or self.scratch.failed:
            raise MemoryError
        self.marks += self.post_marks
        return 0

    def body(self, uint32_t row, str handle, object followers):
        """Return a row's record as JSON, a post's author named as given."""
        cdef Writer* out = &self.out
        cdef Row* found = self.all.rows + row
        start, middle, end, reason = self.marks[row]
        out.size = 0
        self._put_written(out, start, middle)
        if found.kind != PROFILE:
            put_str(out, handle)
            put_literal(out, b',"author_followers":')
            put_count(out, UNKNOWN if followers is None else followers)
            self._put_written(out, middle, end)
        if reason:
            put_literal(out, b'{"post":')
            put_node(out, self.tape, found.node)
            put_literal(out, b',"reason":')
            put_node(out, self.tape, reason)
            put_byte(out, c'}')
        else:
            put_node(out, self.tape, found.node)
        put_byte(out, c'}')
        return taken(out, 0)

    cdef void _put_written(self, Writer* out, size_t start, size_t end) noexcept:
        put(out, self.written.bytes + start, end - start)


cdef void put_moment(Writer* out, int64_t created) noexcept:
    """Append an instant, which is plausible, null for UNDATED."""
    if created == UNDATED:
        put_literal(out, b"null")
    else:
        put_microseconds(out, created)


cdef inline int _two(const uint8_t* p) noexcept nogil:
    """Return the number of two digits, far below zero if they are none."""
    cdef int high = p[0] - c'0'
    cdef int low = p[1] - c'0'
    return 10 * high + low if 0 <= high <= 9 and 0 <= low <= 9 else -100_000


cdef inline int _days_in(int year, int month) noexcept nogil:
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


cdef inline int64_t _days(int year, int month, int day) noexcept nogil:
    """Return the days since 1970; years begin in March (Hinnant, as in `put_instant`)."""
    cdef int64_t y = year - (month <= 2)
    cdef int64_t in_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return 365 * y + y // 4 - y // 100 + y // 400 + in_year - 719468


cdef bint _iso(const uint8_t* p, Py_ssize_t size, int64_t* created) noexcept nogil:
    """Read "2019-12-08T03:48:33.901Z" with 0, 3 or 6 digits behind the point and Z or +00:00."""
    cdef int year, month, day, hour, minute, second
    cdef int micros = 0
    cdef int scale = 100_000
    cdef Py_ssize_t i = 19
    if size < 20 or p[4] != c'-' or p[7] != c'-' or p[10] != c'T' or p[13] != c':':
        return False
    if p[16] != c':':
        return False
    year = 100 * _two(p) + _two(p + 2)
    month, day = _two(p + 5), _two(p + 8)
    hour, minute, second = _two(p + 11), _two(p + 14), _two(p + 17)
    if year < 1 or not 1 <= month <= 12 or not 1 <= day <= _days_in(year, month):
        return False
    if not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= second <= 59:
        return False
    if p[i] == c'.':
        i += 1
        while i < size and c'0' <= p[i] <= c'9' and scale > 0:
            micros += scale * (p[i] - c'0')
            scale //= 10
            i += 1
        if i != 23 and i != 26:
            return False
    if not (size == i + 1 and p[i] == c'Z') and not _is_utc(p + i, size - i):
        return False
    created[0] = _days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second
    created[0] = created[0] * SECOND + micros
    return True


cdef inline bint _is_utc(const uint8_t* p, Py_ssize_t size) noexcept nogil:
    """Return whether a zone is +00:00."""
    if size != 6 or p[0] != c'+' or p[3] != c':':
        return False
    return _two(p + 1) == 0 and _two(p + 4) == 0
