# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Lines as the body of a bulk request: one pass over each, no objects made of what it holds.

A line is copied only if it is plain beyond doubt: strict JSON in UTF-8 on one line, every field
known, named once and of its type, the id the line's own. Any other line is the reference's, with
its words. So the two cannot differ where the kernel knows what it accepts.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_XDECREF
from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from lake._entries_py import PART, Part, entry, index_of
from lake._entries_shapes import shape
from lake.fit import DEEPEST, LONGEST_ID, LONGEST_KEYWORD, Unfit
from lake.records import RECORDS

cdef extern from "Python.h":
    PyObject* PyBytes_FromStringAndSize(const char* text, Py_ssize_t size) except NULL
    int _PyBytes_Resize(PyObject** bytes, Py_ssize_t size) except -1
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    long long PyLong_AsLongLongAndOverflow(object number, int* overflow) except? -2
cdef extern from *:
    """
    #ifdef __SSE2__
    #include <emmintrin.h>
    #endif

    /* Where plain ASCII text of a string ends: at a quote, a backslash, a control character, a byte
       beyond ASCII, or `end`. Sixteen bytes at a time where the processor can. */
    static inline const unsigned char *
    plain_end(const unsigned char *at, const unsigned char *end)
    {
    #ifdef __SSE2__
        const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\\\');
        const __m128i space = _mm_set1_epi8(' ');
        for (; end - at >= 16; at += 16) {
            const __m128i text = _mm_loadu_si128((const __m128i *)at);
            /* Compared with a sign, bytes beyond ASCII are less than a space, as controls are. */
            const int found = _mm_movemask_epi8(_mm_or_si128(
                _mm_cmplt_epi8(text, space),
                _mm_or_si128(_mm_cmpeq_epi8(text, quote), _mm_cmpeq_epi8(text, slash))));
            if (found)
                return at + __builtin_ctz(found);
        }
    #endif
        while (at < end && *at >= ' ' && *at < 0x80 && *at != '"' && *at != '\\\\')
            at++;
        return at;
    }
    """
    const unsigned char* plain_end(const unsigned char* at, const unsigned char* end) nogil

cdef enum Kind:
    ANY, ID, WORD, CHOICE, INTEGER, NUMBER, FLAG, TIME, STRUCT, WORDS, STRUCTS

cdef enum:
    MOST_MEMBERS = 512  # of all shapes together
    MOST_SHAPES = 64
    MOST_CHOICES = 128
    SLOTS = 4  # likes, comments, shares, followers
    LONGEST_NUMBER = 18  # digits that fit 64 bits for certain
    NO_DIGITS = 100  # no month, day, hour, minute or second
    MOST_ADDED = 160  # bytes beside index, id and document
    ROOM_FOR_THE_LAST = 8_192  # bytes of most documents with their action
    LONGEST_COUNT = 12  # digits of a count: a million times three of them fits 64 bits

cdef struct Word:
    const char* text
    Py_ssize_t size

cdef struct Member:
    Word name
    Word start  # the name as our own writer writes it, with quotes and colon
    Kind kind
    bint nullable
    int slot
    int choices  # the first of them
    int choices_end
    int inner  # the shape of a struct

cdef struct Shape:
    int members  # the first of them
    int members_end
    uint64_t required

cdef struct Scan:
    const unsigned char* at
    const unsigned char* end
    int level
    int deepest
    Word id
    long long numbers[SLOTS]  # -1: unknown

cdef struct Out:
    PyObject* bytes  # written before anybody else sees it
    char* text
    Py_ssize_t size
    Py_ssize_t room

cdef Member[MOST_MEMBERS + 1] _members
cdef Shape[MOST_SHAPES] _shapes
cdef Word[MOST_CHOICES] _choices
cdef int _members_used = 0
cdef int _shapes_used = 0
cdef int _choices_used = 0
cdef list _texts = []  # what the words above point into


# The shapes of the records, made once

cdef Word _word(bytes text):
    _texts.append(text)
    return Word(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text))


cdef int _compile(tuple members) except -1:
    """Keep a shape and those below it; return its number."""
    global _members_used, _shapes_used
    cdef int number = _shapes_used
    cdef int place = _members_used
    _shapes_used += 1
    _members_used += len(members)
    if len(members) > 64 or _shapes_used > MOST_SHAPES or _members_used > MOST_MEMBERS:
        raise OverflowError("more fields than the kernel has room for")
    _shapes[number] = Shape(place, _members_used, 0)
    for bit, member in enumerate(members):
        _members[place + bit] = _compiled(member)
        if member.required:
            _shapes[number].required |= <uint64_t>1 << <int>bit
    return number


cdef Member _compiled(member) except *:
    global _choices_used
    cdef Member made
    made.name = _word(member.name)
    made.start = _word(b'"' + member.name + b'":')
    made.kind = _KINDS[member.kind]
    made.nullable = member.nullable
    made.slot = member.slot
    made.choices = _choices_used
    if _choices_used + len(member.choices) > MOST_CHOICES:
        raise OverflowError("more choices than the kernel has room for")
    for choice in member.choices:
        _choices[_choices_used] = _word(choice)
        _choices_used += 1
    made.choices_end = _choices_used
    made.inner = _compile(member.inner) if member.inner else -1
    return made


cdef dict _KINDS = {
    "any": ANY, "id": ID, "word": WORD, "choice": CHOICE, "integer": INTEGER, "number": NUMBER,
    "flag": FLAG, "time": TIME, "struct": STRUCT, "words": WORDS, "structs": STRUCTS,
}
cdef dict _TABLES = {table: _compile(shape(kind)) for table, kind in RECORDS.items()}
cdef int _DEEPEST = DEEPEST
cdef Py_ssize_t _PART = PART
cdef Py_ssize_t _LONGEST_ID = LONGEST_ID
cdef Py_ssize_t _LONGEST_BODY = LONGEST_KEYWORD  # a longer body may hold a longer word


# JSON. Every scanner returns whether the text is plain so far, and leaves `at` behind it. `at` may
# be read at the end: Python keeps a NUL there, which no scanner takes.

cdef inline int _follows(const unsigned char* at, const unsigned char* end) noexcept nogil:
    """Return how many bytes the character beyond ASCII at `at` has; 0 if it is no UTF-8."""
    cdef unsigned char lead = at[0]
    cdef unsigned char least = 0x80
    cdef unsigned char most = 0xBF
    cdef int size, i
    if 0xC2 <= lead <= 0xDF:
        size = 2
    elif 0xE0 <= lead <= 0xEF:
        size = 3
        if lead == 0xE0:
            least = 0xA0
        elif lead == 0xED:
            most = 0x9F  # half of a pair
    elif 0xF0 <= lead <= 0xF4:
        size = 4
        if lead == 0xF0:
            least = 0x90
        elif lead == 0xF4:
            most = 0x8F
    else:
        return 0
    if end - at < size or not least <= at[1] <= most:
        return 0
    for i in range(2, size):
        if at[i] & 0xC0 != 0x80:
            return 0
    return size


cdef inline int _hex(const unsigned char* at) noexcept nogil:
    """Return four hexadecimal digits as a number, -1 if they are none."""
    cdef int value = 0
    cdef int i
    cdef unsigned char c
    for i in range(4):
        c = at[i]
        if c'0' <= c <= c'9':
            value = value * 16 + c - c'0'
        elif c'a' <= (c | 32) <= c'f':
            value = value * 16 + (c | 32) - c'a' + 10
        else:
            return -1
    return value


cdef int _escape(const unsigned char* at, const unsigned char* end) noexcept nogil:
    """Return how many bytes the escape at `at` (a backslash) has; 0 if it is none."""
    cdef int high, low
    if end - at < 2:
        return 0
    if at[1] != c'u':
        return 2 if memchr(b'"\\/bfnrt', at[1], 8) != NULL else 0
    if end - at < 6:
        return 0
    high = _hex(at + 2)
    if high < 0 or 0xDC00 <= high <= 0xDFFF:
        return 0
    if high < 0xD800 or high > 0xDBFF:
        return 6
    if end - at < 12 or at[6] != c'\\' or at[7] != c'u':
        return 0
    low = _hex(at + 8)
    return 12 if 0xDC00 <= low <= 0xDFFF else 0


cdef bint _string(Scan* s, Word* found) noexcept nogil:
    """Scan a string whose quote was read; `found` is its text, without text if it has escapes."""
    cdef const unsigned char* at = s.at
    cdef const unsigned char* end = s.end
    cdef bint escaped = False
    cdef unsigned char c
    cdef int step
    while True:
        at = plain_end(at, end)
        if at == end:
            return False
        c = at[0]
        if c == c'"':
            found.text = <const char*>s.at
            if escaped:
                found.text = NULL
            found.size = at - s.at
            s.at = at + 1
            return True
        if c == c'\\':
            escaped = True
            step = _escape(at, end)
        elif c >= 0x80:
            step = _follows(at, end)
        else:
            return False
        if step == 0:
            return False
        at += step


cdef inline void _skip(Scan* s) noexcept nogil:
    """Skip spaces; a line break is not skipped, since it would break the bulk request."""
    while s.at[0] == c' ':
        s.at += 1


cdef inline bint _reads(Scan* s, unsigned char c) noexcept nogil:
    """Read one byte if it is `c`."""
    if s.at[0] == c:
        s.at += 1
        return True
    return False


cdef inline bint _literal(Scan* s, const char* text, Py_ssize_t size) noexcept nogil:
    if s.end - s.at < size or memcmp(s.at, text, size) != 0:
        return False
    s.at += size
    return True


cdef inline Py_ssize_t _digits(Scan* s) noexcept nogil:
    """Skip digits and return how many there were."""
    cdef const unsigned char* start = s.at
    cdef const unsigned char* at = start
    while c'0' <= at[0] <= c'9':
        at += 1
    s.at = at
    return at - start


cdef bint _number(Scan* s, bint whole, bint loose) noexcept nogil:
    """Scan a number; `whole`: no fraction. Unless `loose`, it is short and has no exponent."""
    cdef Py_ssize_t digits
    _reads(s, c'-')
    if _reads(s, c'0'):
        digits = 1
        if c'0' <= s.at[0] <= c'9':
            return False
    else:
        digits = _digits(s)
    if digits == 0:
        return False
    if not whole and _reads(s, c'.'):
        if not c'0' <= s.at[0] <= c'9':
            return False
        digits += _digits(s)
    if not loose:
        return digits <= LONGEST_NUMBER and s.at[0] not in b'.eE'
    if s.at[0] | 32 == c'e':
        s.at += 1
        if not _reads(s, c'+'):
            _reads(s, c'-')
        return _digits(s) > 0
    return True


cdef bint _any(Scan* s) noexcept nogil:
    """Scan a value of any type, the part of the network's own JSON."""
    cdef unsigned char c = s.at[0]
    cdef Word ignored
    if c == c'"':
        s.at += 1
        return _string(s, &ignored)
    if c == c'{':
        return _any_object(s)
    if c == c'[':
        return _any_array(s)
    if c == c'n':
        return _literal(s, b"null", 4)
    if c == c't':
        return _literal(s, b"true", 4)
    if c == c'f':
        return _literal(s, b"false", 5)
    return _number(s, False, True)


cdef bint _any_object(Scan* s) noexcept nogil:
    cdef Word ignored
    s.at += 1
    s.level += 1
    if s.level > s.deepest:
        return False
    _skip(s)
    if not _reads(s, c'}'):
        while True:
            if not _reads(s, c'"') or not _string(s, &ignored):
                return False
            _skip(s)
            if not _reads(s, c':'):
                return False
            _skip(s)
            if not _any(s):
                return False
            _skip(s)
            if _reads(s, c','):
                _skip(s)
            elif _reads(s, c'}'):
                break
            else:
                return False
    s.level -= 1
    return True


cdef bint _any_array(Scan* s) noexcept nogil:
    s.at += 1
    s.level += 1
    if s.level > s.deepest:
        return False
    _skip(s)
    if not _reads(s, c']'):
        while True:
            if not _any(s):
                return False
            _skip(s)
            if _reads(s, c','):
                _skip(s)
            elif _reads(s, c']'):
                break
            else:
                return False
    s.level -= 1
    return True


# Values of our own fields

cdef inline int _two(const unsigned char* at) noexcept nogil:
    """Return two digits as a number."""
    if c'0' <= at[0] <= c'9' and c'0' <= at[1] <= c'9':
        return (at[0] - c'0') * 10 + at[1] - c'0'
    return NO_DIGITS


cdef inline int _days(int year, int month) noexcept nogil:
    """Return how many days a month has; 0 if it is none."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    if month == 4 or month == 6 or month == 9 or month == 11:
        return 30
    return 31 if 1 <= month <= 12 else 0


cdef bint _instant(const unsigned char* t, Py_ssize_t size) noexcept nogil:
    """Return whether a text is a time of these centuries in RFC 3339, with its zone."""
    cdef int century, years
    cdef Py_ssize_t zone = 19
    if size < 20 or t[4] != c'-' or t[7] != c'-' or t[10] != c'T' or t[13] != c':' or t[16] != c':':
        return False
    century = _two(t)
    years = _two(t + 2)
    if not 19 <= century <= 23 or years == NO_DIGITS:
        return False
    if not 1 <= _two(t + 8) <= _days(100 * century + years, _two(t + 5)):
        return False
    if _two(t + 11) > 23 or _two(t + 14) > 59 or _two(t + 17) > 59:
        return False
    if t[zone] == c'.':
        zone += 1
        while zone < size and c'0' <= t[zone] <= c'9':
            zone += 1
        if not 1 <= zone - 20 <= 6:
            return False
    if size - zone == 1:
        return t[zone] == c'Z'
    return (
        size - zone == 6
        and (t[zone] == c'+' or t[zone] == c'-')
        and _two(t + zone + 1) <= 23
        and t[zone + 3] == c':'
        and _two(t + zone + 4) <= 59
    )


cdef inline bint _same(Word one, Word other) noexcept nogil:
    return (
        one.text != NULL and one.size == other.size and memcmp(one.text, other.text, one.size) == 0
    )


cdef bint _is_choice(const Member* member, Word found) noexcept nogil:
    cdef int i
    for i in range(member.choices, member.choices_end):
        if _same(found, _choices[i]):
            return True
    return False


cdef bint _text(Scan* s, const Member* member) noexcept nogil:
    cdef Word found
    if not _reads(s, c'"') or not _string(s, &found):
        return False
    if member.kind == ID:
        return _same(found, s.id)
    if member.kind == CHOICE:
        return _is_choice(member, found)
    if member.kind == TIME:
        return found.text != NULL and _instant(<const unsigned char*>found.text, found.size)
    return True


cdef bint _integer(Scan* s, int slot) noexcept nogil:
    cdef const unsigned char* start = s.at
    cdef long long value = 0
    if not _number(s, True, False):
        return False
    if slot < 0:
        return True
    if start[0] == c'-' or s.at - start > LONGEST_COUNT:
        return False
    while start < s.at:
        value = value * 10 + start[0] - c'0'
        start += 1
    s.numbers[slot] = value
    return True


cdef bint _list(Scan* s, const Member* member) noexcept nogil:
    cdef Word ignored
    if not _reads(s, c'['):
        return False
    s.level += 1
    _skip(s)
    if not _reads(s, c']'):
        while True:
            if member.kind == WORDS:
                if not _reads(s, c'"') or not _string(s, &ignored):
                    return False
            elif not _struct(s, member.inner):
                return False
            _skip(s)
            if _reads(s, c','):
                _skip(s)
            elif _reads(s, c']'):
                break
            else:
                return False
    s.level -= 1
    return True


cdef bint _value(Scan* s, const Member* member) noexcept nogil:
    """Scan the value of one of our fields, which has to be of the field's type."""
    if member.nullable and s.at[0] == c'n':
        return _literal(s, b"null", 4)
    if member.kind == INTEGER:
        return _integer(s, member.slot)
    if member.kind == STRUCT:
        return _struct(s, member.inner)
    if member.kind == WORDS or member.kind == STRUCTS:
        return _list(s, member)
    if member.kind == ANY:
        return _any(s)
    if member.kind == NUMBER:
        return _number(s, False, False)
    if member.kind == FLAG:
        return _literal(s, b"true", 4) or _literal(s, b"false", 5)
    return _text(s, member)


cdef int _member(Scan* s, const Shape* known) noexcept nogil:
    """Read a name and the colon behind it and return which field it is; -1: none."""
    cdef Word name
    cdef int i
    if not _reads(s, c'"') or not _string(s, &name):
        return -1
    _skip(s)
    if not _reads(s, c':'):
        return -1
    for i in range(known.members, known.members_end):
        if _same(name, _members[i].name):
            return i
    return -1


cdef bint _struct(Scan* s, int number) noexcept nogil:
    """Scan an object that has to have a shape: only known names, each once, all that must be."""
    cdef const Shape* known = &_shapes[number]
    cdef const Word* likely
    cdef uint64_t seen = 0
    cdef uint64_t bit
    cdef int member = known.members - 1
    if not _reads(s, c'{'):
        return False
    s.level += 1
    _skip(s)
    if not _reads(s, c'}'):
        while True:
            member += 1  # our own writer keeps to the order of the shape
            likely = &_members[member].start
            if member < known.members_end and s.end - s.at > likely.size and (
                memcmp(s.at, likely.text, likely.size) == 0
            ):
                s.at += likely.size
            else:
                member = _member(s, known)
                if member < 0:
                    return False
            bit = <uint64_t>1 << (member - known.members)
            if seen & bit:
                return False
            seen |= bit
            _skip(s)
            if not _value(s, &_members[member]):
                return False
            _skip(s)
            if _reads(s, c','):
                _skip(s)
            elif _reads(s, c'}'):
                break
            else:
                return False
    s.level -= 1
    return seen & known.required == known.required


# The body

cdef int _reserve(Out* out, Py_ssize_t more) except -1:
    """Make room at the end of the body; it moves as little as it can."""
    if out.size + more > out.room:
        out.room = out.size + more
        _PyBytes_Resize(&out.bytes, out.room)
        out.text = PyBytes_AS_STRING(<object>out.bytes)
    return 0


cdef inline void _put(Out* out, const char* text, Py_ssize_t size) noexcept nogil:
    """Append what `_reserve` made room for."""
    memcpy(out.text + out.size, text, size)
    out.size += size


cdef inline void _put_number(Out* out, long long value) noexcept nogil:
    """Append a number that is not negative."""
    cdef char[20] digits
    cdef int at = 20
    while True:
        at -= 1
        digits[at] = <char>(c'0' + value % 10)
        value //= 10
        if value == 0:
            break
    _put(out, digits + at, 20 - at)


cdef void _put_derived(Out* out, const long long* numbers) noexcept nogil:
    """Append what `lake.derived` says of a post."""
    cdef long long total = -1
    cdef int slot
    for slot in range(3):
        if numbers[slot] >= 0:
            total = numbers[slot] + (total if total >= 0 else 0)
    if total < 0:
        return
    _put(out, b',"engagements":', 15)
    _put_number(out, total)
    if numbers[3] > 0:
        _put(out, b',"engagement_ppm":', 18)
        _put_number(out, 1_000_000 * total // numbers[3])


cdef inline bint _is_plain_id(Word id) noexcept nogil:
    """Return whether an id is what JSON says of it, byte by byte."""
    cdef const unsigned char* end = <const unsigned char*>id.text + id.size
    return 0 < id.size <= _LONGEST_ID and plain_end(<const unsigned char*>id.text, end) == end


cdef bint _put_plain(Out* out, line, int number, bytes head, bint derives) except -1:
    """Append a line that is plain beyond doubt and return True; else append nothing."""
    cdef Scan s
    cdef object body = line.body
    cdef object id = line.id
    cdef object version = line.version
    cdef int overflow = 0
    cdef long long at
    if type(body) is not bytes or type(id) is not str or type(version) is not int:
        return False
    at = PyLong_AsLongLongAndOverflow(version, &overflow)
    if overflow or at < 0 or not PyUnicode_IS_COMPACT_ASCII(id):
        return False
    s.id.text = <const char*>PyUnicode_DATA(id)
    s.id.size = PyUnicode_GET_LENGTH(id)
    if not _is_plain_id(s.id) or PyBytes_GET_SIZE(body) > _LONGEST_BODY:
        return False
    s.at = <const unsigned char*>PyBytes_AS_STRING(body)
    s.end = s.at + PyBytes_GET_SIZE(body)
    s.level = 0
    s.deepest = _DEEPEST
    memset(s.numbers, 0xFF, sizeof(s.numbers))
    if not _struct(&s, number) or s.at != s.end:
        return False
    _reserve(out, PyBytes_GET_SIZE(head) + s.id.size + PyBytes_GET_SIZE(body) + MOST_ADDED)
    _put(out, PyBytes_AS_STRING(head), PyBytes_GET_SIZE(head))
    _put(out, s.id.text, s.id.size)
    _put(out, b'","version":', 12)
    _put_number(out, at)
    _put(out, b',"version_type":"external_gte"}}\n', 33)
    _put(out, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body) - derives)
    if derives:
        _put_derived(out, s.numbers)
        _put(out, b"}", 1)
    _put(out, b"\n", 1)
    return True


cdef Out _empty(Py_ssize_t room) except *:
    cdef Out out
    out.bytes = PyBytes_FromStringAndSize(NULL, room)
    out.text = PyBytes_AS_STRING(<object>out.bytes)
    out.size = 0
    out.room = room
    return out


def is_plain(line):
    """Return whether the kernel takes a line without asking the reference."""
    cdef Out out = _empty(ROOM_FOR_THE_LAST)
    try:
        return line.table in _TABLES and _put_plain(&out, line, _TABLES[line.table], b"", False)
    finally:
        Py_XDECREF(out.bytes)


def entries(str prefix not None, lines not None, Py_ssize_t start):
    """Return a part of the body that writes `lines` from the one at `start`; see the reference."""
    cdef dict refused = {}
    cdef set indices = set()
    cdef str table = None
    cdef str month = None
    cdef str index = None
    cdef bytes head = b""
    cdef bytes text
    cdef int number = -1
    cdef bint derives = False
    cdef bint named = False  # whether `index` is one of `indices`
    cdef Py_ssize_t count = len(lines)
    cdef Out out = _empty(_PART + ROOM_FOR_THE_LAST)
    try:
        while start < count and out.size < _PART:
            line = lines[start]
            start += 1
            if line.table != table or line.month != month:
                table, month = line.table, line.month
                index = index_of(prefix, table, month)
                head = f'{{"index":{{"_index":"{index}","_id":"'.encode()
                number = _TABLES.get(table, -1)
                derives = table == "posts"
                named = False
            if number < 0 or not _put_plain(&out, line, number, head, derives):
                try:
                    text = entry(prefix, line)
                except Unfit as wrong:
                    refused[start - 1] = str(wrong)
                    continue
                _reserve(&out, len(text))
                _put(&out, PyBytes_AS_STRING(text), len(text))
            if not named:
                indices.add(index)
                named = True
        _PyBytes_Resize(&out.bytes, out.size)
        return Part(<object>out.bytes, start, refused, indices)
    finally:
        Py_XDECREF(out.bytes)
