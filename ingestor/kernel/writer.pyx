# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Bytes as msgspec writes them: what a kernel writes and what the reference writes are one."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

from ingestor.kernel.scanner cimport (
    DIRTY, ESCAPED, LOOSE, OBJECT, ROOT, Document, Tape, Token,
)

cdef extern from "spans.h":
    size_t taglake_copy_plain(uint8_t* to, const uint8_t* p, const uint8_t* end) nogil
    int taglake_unit(const uint8_t* p) nogil
    const uint8_t* taglake_span(const uint8_t* p, const uint8_t* end, int* high) nogil

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef enum:
    FIRST_ROOM = 4096

cdef const char* _DIGITS = b"0123456789abcdef"


cdef void release(Writer* writer) noexcept nogil:
    free(writer.bytes)
    writer.bytes = NULL
    writer.size = writer.capacity = 0
    writer.failed = False


cdef bint grow(Writer* writer, size_t more) noexcept nogil:
    cdef size_t room = writer.capacity * 2 if writer.capacity else FIRST_ROOM
    cdef void* bytes
    if writer.failed:
        return False
    while room - writer.size < more:
        room *= 2
    bytes = realloc(writer.bytes, room)
    if bytes is NULL:
        writer.failed = True
        return False
    writer.bytes = <uint8_t*>bytes
    writer.capacity = room
    return True


cdef void put_int(Writer* writer, int64_t number) noexcept nogil:
    cdef uint8_t digits[20]
    cdef uint64_t rest = <uint64_t>number if number >= 0 else -<uint64_t>number
    cdef int at = 20
    while True:
        at -= 1
        digits[at] = <uint8_t>(c'0' + rest % 10)
        rest //= 10
        if rest == 0:
            break
    if number < 0:
        put_byte(writer, c'-')
    put(writer, digits + at, 20 - at)


cdef void put_count(Writer* writer, int64_t number) noexcept nogil:
    if number < 0:
        put(writer, b"null", 4)
    else:
        put_int(writer, number)


cdef inline const uint8_t* _letter(const uint8_t* p, uint32_t* letter) noexcept nogil:
    """Read one escape, which the scanner found good; return where it ends."""
    cdef uint8_t c = p[1]
    if c == c'u':
        letter[0] = taglake_unit(p + 2)
        if letter[0] & 0xfc00 != 0xd800:
            return p + 6
        letter[0] = 0x10000 + ((letter[0] & 0x3ff) << 10) + (taglake_unit(p + 8) & 0x3ff)
        return p + 12
    if c == c'n':
        letter[0] = 0x0a
    elif c == c't':
        letter[0] = 0x09
    elif c == c'r':
        letter[0] = 0x0d
    elif c == c'b':
        letter[0] = 0x08
    elif c == c'f':
        letter[0] = 0x0c
    else:
        letter[0] = c
    return p + 2


cdef inline uint8_t* _utf8(uint8_t* to, uint32_t letter) noexcept nogil:
    """Write a letter as UTF-8."""
    if letter < 0x80:
        to[0] = <uint8_t>letter
        return to + 1
    if letter < 0x800:
        to[0] = <uint8_t>(0xc0 | letter >> 6)
        to[1] = <uint8_t>(0x80 | (letter & 0x3f))
        return to + 2
    if letter < 0x10000:
        to[0] = <uint8_t>(0xe0 | letter >> 12)
        to[1] = <uint8_t>(0x80 | (letter >> 6 & 0x3f))
        to[2] = <uint8_t>(0x80 | (letter & 0x3f))
        return to + 3
    to[0] = <uint8_t>(0xf0 | letter >> 18)
    to[1] = <uint8_t>(0x80 | (letter >> 12 & 0x3f))
    to[2] = <uint8_t>(0x80 | (letter >> 6 & 0x3f))
    to[3] = <uint8_t>(0x80 | (letter & 0x3f))
    return to + 4


cdef inline uint8_t* _escaped(uint8_t* to, uint32_t letter) noexcept nogil:
    """Write a letter as msgspec writes it inside a JSON string: at most 6 bytes."""
    cdef uint8_t short
    if letter >= 0x20 and letter != c'"' and letter != c'\\':
        return _utf8(to, letter)
    to[0] = c'\\'
    if letter == 0x0a:
        short = c'n'
    elif letter == 0x09:
        short = c't'
    elif letter == 0x0d:
        short = c'r'
    elif letter == 0x08:
        short = c'b'
    elif letter == 0x0c:
        short = c'f'
    elif letter >= 0x20:
        short = <uint8_t>letter
    else:
        memcpy(to + 1, b"u00", 3)
        to[4] = _DIGITS[letter >> 4]
        to[5] = _DIGITS[letter & 15]
        return to + 6
    to[1] = short
    return to + 2


cdef void _rewrite(
    Writer* writer, const uint8_t* p, const uint8_t* end, bint escaped
) noexcept nogil:
    """Append JSON with its escapes as msgspec writes them, or (not `escaped`) as plain text.

    Never longer than what it is made of, so room is made once. Outside of strings JSON has no
    backslash, so this serves whole objects too.
    """
    cdef uint8_t* to
    cdef size_t run
    cdef uint32_t letter = 0
    if not reserve(writer, (end - p) + 16):
        return
    to = writer.bytes + writer.size
    while True:
        run = taglake_copy_plain(to, p, end)
        to += run
        p += run
        if p >= end:
            break
        while p < end and p[0] == c'\\':
            p = _letter(p, &letter)
            to = _escaped(to, letter) if escaped else _utf8(to, letter)
    writer.size = to - writer.bytes


cdef void _put_loose(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    """Append an object or array without the white space between its tokens."""
    cdef const Token* token = tape.tokens + node
    cdef const Token* member
    cdef uint32_t child = node + 1
    cdef bint is_object = token.kind == OBJECT
    put_byte(writer, c'{' if is_object else c'[')
    while child < token.next:
        member = tape.tokens + child
        if child != node + 1:
            put_byte(writer, c',')
        if is_object:
            put(writer, tape.body + member.key - 1, member.key_size + 2)
            put_byte(writer, c':')
        put_node(writer, tape, child)
        child = member.next
    put_byte(writer, c'}' if is_object else c']')


cdef void put_node(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    cdef const Token* token = tape.tokens + node
    if node == 0:
        put(writer, b"null", 4)
    elif token.flags & LOOSE:
        _put_loose(writer, tape, node)
    elif token.flags & DIRTY:
        _rewrite(writer, tape.body + token.start, tape.body + token.end, True)
    else:
        put(writer, tape.body + token.start, token.end - token.start)


cdef void put_inner(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    cdef const Token* token = tape.tokens + node
    cdef const uint8_t* start = tape.body + token.start + 1
    cdef const uint8_t* end = tape.body + token.end - 1
    if token.flags & DIRTY:
        _rewrite(writer, start, end, True)
    else:
        put(writer, start, end - start)


cdef void put_text(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    cdef const Token* token = tape.tokens + node
    cdef const uint8_t* start = tape.body + token.start + 1
    cdef const uint8_t* end = tape.body + token.end - 1
    if token.flags & ESCAPED:
        _rewrite(writer, start, end, False)
    else:
        put(writer, start, end - start)


cdef void put_json(Writer* writer, const uint8_t* text, size_t size) noexcept nogil:
    cdef const uint8_t* end = text + size
    cdef const uint8_t* stop
    cdef int high = 0
    put_byte(writer, c'"')
    while True:
        stop = taglake_span(text, end, &high)
        put(writer, text, stop - text)
        if stop == end:
            break
        if reserve(writer, 6):
            writer.size = _escaped(writer.bytes + writer.size, stop[0]) - writer.bytes
        text = stop + 1
    put_byte(writer, c'"')


cdef int put_str(Writer* writer, str text) except -1:
    cdef Py_ssize_t size = 0
    cdef const char* bytes
    if text is None:
        put(writer, b"null", 4)
        return 0
    bytes = PyUnicode_AsUTF8AndSize(text, &size)
    put_json(writer, <const uint8_t*>bytes, size)
    return 0


cdef inline void _put_padded(uint8_t* to, uint32_t number, int digits) noexcept nogil:
    """Write a number with leading zeros."""
    while digits:
        digits -= 1
        to[digits] = <uint8_t>(c'0' + number % 10)
        number //= 10


cdef void put_instant(Writer* writer, int64_t seconds, int microseconds) noexcept nogil:
    # Days to a date in the calendar of all times: Hinnant, "chrono-compatible low-level date
    # algorithms"; eras of 400 years, years that begin in March.
    cdef int64_t days = seconds // 86400 - (1 if seconds % 86400 < 0 else 0)
    cdef uint32_t rest = <uint32_t>(seconds - days * 86400)
    cdef uint32_t since = <uint32_t>(days + 719468)
    cdef uint32_t era = since // 146097
    cdef uint32_t day_of_era = since % 146097
    cdef uint32_t year = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    cdef uint32_t day = day_of_era - (365 * year + year // 4 - year // 100)
    cdef uint32_t month = (5 * day + 2) // 153
    cdef uint8_t text[32]
    memcpy(text, b'"0000-00-00T00:00:00', 20)
    _put_padded(text + 1, year + era * 400 + (1 if month >= 10 else 0), 4)
    _put_padded(text + 6, month + 3 if month < 10 else month - 9, 2)
    _put_padded(text + 9, day - (153 * month + 2) // 5 + 1, 2)
    _put_padded(text + 12, rest // 3600, 2)
    _put_padded(text + 15, rest // 60 % 60, 2)
    _put_padded(text + 18, rest % 60, 2)
    put(writer, text, 20)
    if microseconds:
        memcpy(text, b".000000", 7)
        _put_padded(text + 1, microseconds, 6)
        put(writer, text, 7)
    put(writer, b'Z"', 2)


cdef bytes taken(const Writer* writer, size_t start):
    if writer.failed:
        raise MemoryError
    return PyBytes_FromStringAndSize(<const char*>writer.bytes + start, writer.size - start)


cdef str text_of(Writer* scratch, const Tape* tape, uint32_t node):
    cdef const Token* token = tape.tokens + node
    if not token.flags & ESCAPED:
        return PyUnicode_DecodeUTF8(
            <const char*>tape.body + token.start + 1, token.end - token.start - 2, NULL
        )
    scratch.size = 0
    put_text(scratch, tape, node)
    if scratch.failed:
        raise MemoryError
    return PyUnicode_DecodeUTF8(<const char*>scratch.bytes, scratch.size, NULL)


def canonical(bytes body not None):
    """Return what msgspec writes of the JSON it reads from `body`; None if that is not certain.

    >>> canonical(b'{ "a" : "\\\\u00e9\\\\/" }').decode()
    '{"a":"é/"}'
    """
    cdef Document document = Document.scan(body)
    cdef Writer writer = Writer(NULL, 0, 0, False)
    if document is None:
        return None
    with nogil:
        put_node(&writer, &document.tape, ROOT)
    try:
        return taken(&writer, 0)
    finally:
        release(&writer)


def instant_json(int64_t seconds, int microseconds):
    """Return an instant, given since 1970 in UTC, as msgspec writes it."""
    cdef Writer writer = Writer(NULL, 0, 0, False)
    put_instant(&writer, seconds, microseconds)
    try:
        return taken(&writer, 0)
    finally:
        release(&writer)


def text_json(str text):
    """Return a text as msgspec writes it."""
    cdef Writer writer = Writer(NULL, 0, 0, False)
    put_str(&writer, text)
    try:
        return taken(&writer, 0)
    finally:
        release(&writer)
