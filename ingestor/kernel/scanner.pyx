# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""One pass over a JSON text, strict and with the GIL released, that leaves a tape of tokens."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcmp, memset, strlen

cdef extern from "spans.h":
    const uint8_t* taglake_span(const uint8_t* p, const uint8_t* end, int* high) nogil
    bint taglake_utf8(const uint8_t* p, const uint8_t* end) nogil
    int taglake_unit(const uint8_t* p) nogil

cdef enum:
    DEEPEST = 64
    MOST_MEMBERS = 256  # of one object: the search for a repeated key is quadratic
    LONGEST_BODY = 1 << 28  # what is made of it must stay below 4 GB
    BYTES_A_TOKEN = 12  # fewer in bodies of numbers: there the tape grows
    MOST_SPARE = 1 << 16  # tokens that one tape leaves to the next

# What stands open: an object or array, and the hashes of the keys it had so far.
cdef struct Level:
    uint32_t node
    uint32_t count
    uint32_t blanks
    uint32_t escapes
    uint32_t dirt
    bint is_object
    uint64_t seen  # a bit for each hash: most keys are new and need no search
    uint32_t hashes[MOST_MEMBERS]

cdef struct Scan:
    Tape* tape
    const uint8_t* p
    const uint8_t* end
    uint32_t blanks  # how often white space stood between tokens
    uint32_t escapes  # how many strings had escapes
    uint32_t dirt  # how many had one that msgspec writes in another way
    Level* levels


cdef inline void _skip_blanks(Scan* scan) noexcept nogil:
    """Go to the next byte that is no white space. The zero behind the body ends every run."""
    if scan.p[0] <= 0x20:
        scan.blanks += 1
        while scan.p[0] == 0x20 or scan.p[0] == 0x0a or scan.p[0] == 0x0d or scan.p[0] == 0x09:
            scan.p += 1


cdef inline Token* _token(Scan* scan) noexcept nogil:
    """Return the next free token, NULL without memory."""
    cdef Tape* tape = scan.tape
    cdef Token* more
    if tape.size == tape.capacity:
        more = <Token*>realloc(tape.tokens, 2 * <size_t>tape.capacity * sizeof(Token))
        if more is NULL:
            return NULL
        tape.tokens = more
        tape.capacity *= 2
    tape.size += 1
    return tape.tokens + tape.size - 1


cdef inline const uint8_t* _unicode(
    const uint8_t* p, const uint8_t* end, uint8_t* flags
) noexcept nogil:
    """Go behind the escape at `p`, which is \\u; return NULL for NUL and half a surrogate pair."""
    cdef int unit, low
    if end - p < 6:
        return NULL
    unit = taglake_unit(p + 2)
    if unit <= 0 or (unit >= 0xdc00 and unit <= 0xdfff):
        return NULL
    if unit >= 0xd800 and unit <= 0xdbff:
        if end - p < 12 or p[6] != c'\\' or p[7] != c'u':
            return NULL
        low = taglake_unit(p + 8)
        if low < 0xdc00 or low > 0xdfff:
            return NULL
        p += 6
    if unit >= 0x80:
        flags[0] |= WIDE
    flags[0] |= DIRTY
    return p + 6


cdef inline const uint8_t* _escape(
    const uint8_t* p, const uint8_t* end, uint8_t* flags
) noexcept nogil:
    """Go behind the escape at `p`; return NULL if it is none."""
    cdef uint8_t c = p[1]
    flags[0] |= ESCAPED
    if c == c'u':
        return _unicode(p, end, flags)
    if c == c'"' or c == c'\\' or c == c'n' or c == c'r' or c == c't' or c == c'b' or c == c'f':
        return p + 2
    if c == c'/':
        flags[0] |= DIRTY
        return p + 2
    return NULL


cdef inline const uint8_t* _string(
    const uint8_t* p, const uint8_t* end, uint8_t* flags
) noexcept nogil:
    """Go from behind an opening quote to the closing one; return NULL if the string is not good."""
    cdef const uint8_t* start = p
    cdef int high = 0
    while True:
        p = taglake_span(p, end, &high)
        if p >= end:
            return NULL
        if p[0] == c'"':
            break
        if p[0] != c'\\':
            return NULL
        while p[0] == c'\\':  # in many scripts one escape follows the other
            p = _escape(p, end, flags)
            if p is NULL:
                return NULL
    if high:
        flags[0] |= WIDE
        if not taglake_utf8(start, p):
            return NULL
    return p


cdef inline bint _is_digit(uint8_t c) noexcept nogil:
    return <uint8_t>(c - 0x30) <= 9


cdef inline const uint8_t* _fraction(
    const uint8_t* p, const uint8_t* digits, uint64_t whole, Token* token
) noexcept nogil:
    """Go from behind the point of a number to its end; return NULL if it is not shortest.

    With at most 15 digits that count it is the shortest name of the double next to it; with 16 or
    17 that is in doubt, and its value says so. digits: where its digits start. whole: what stands
    before the point.
    """
    cdef const uint8_t* start = p
    while p[0] == c'0':
        p += 1
    cdef Py_ssize_t zeros = p - start
    while _is_digit(p[0]):
        p += 1
    cdef Py_ssize_t size = p - start
    if size == 0 or (p[0] | 0x20) == c'e':
        return NULL
    if (p - 1)[0] == c'0':
        return p if size == 1 and start - digits <= 16 else NULL
    if whole == 0:
        size -= zeros
        if zeros > 4:
            return NULL
    else:
        size += start - 1 - digits
    token.value = size > 15
    return p if size <= 17 else NULL


cdef inline const uint8_t* _number(const uint8_t* p, Token* token) noexcept nogil:
    """Go to the end of a number; return NULL if it is none or perhaps not canonical."""
    cdef bint minus = p[0] == c'-'
    p += minus
    cdef const uint8_t* digits = p
    cdef uint64_t value = 0
    while _is_digit(p[0]):
        value = value * 10 + (p[0] - 0x30)
        p += 1
    cdef Py_ssize_t size = p - digits
    if size == 0 or size > 19 or (digits[0] == c'0' and size > 1):
        return NULL
    if p[0] == c'.':
        token.kind = FLOAT
        token.value = 0
        return _fraction(p + 1, digits, value, token) if size <= 15 else NULL
    if (p[0] | 0x20) == c'e' or value >> 63 or (minus and value == 0):
        return NULL
    token.kind = INT
    token.value = -<int64_t>value if minus else <int64_t>value
    return p


cdef inline bint _is_new(Level* level, uint32_t hash) noexcept nogil:
    """Remember a key of an object; return whether it certainly is the first of its name."""
    cdef uint64_t bit = <uint64_t>1 << (hash & 63)
    cdef uint32_t i, same = 0
    if level.count >= MOST_MEMBERS:
        return False
    if level.seen & bit:
        for i in range(level.count):
            same |= level.hashes[i] == hash
        if same:
            return False  # two keys of one hash are as rare as a repeated key
    level.seen |= bit
    level.hashes[level.count] = hash
    return True


cdef inline bint _key(Scan* scan, Level* level, Token* token) noexcept nogil:
    """Read a key and its colon; the opening quote is at hand."""
    cdef uint8_t flags = 0
    cdef const uint8_t* start = scan.p + 1
    cdef const uint8_t* p
    if scan.p[0] != c'"':
        return False
    p = _string(start, scan.end, &flags)
    if p is NULL or flags & ESCAPED or p - start > 0xffff:
        return False
    token.key = <uint32_t>(start - scan.tape.body)
    token.key_size = <uint16_t>(p - start)
    token.key_hash = taglake_hash(start, p - start)
    if not _is_new(level, token.key_hash):
        return False
    scan.p = p + 1
    _skip_blanks(scan)
    if scan.p[0] != c':':
        return False
    scan.p += 1
    _skip_blanks(scan)
    return True


cdef inline bint _scalar(Scan* scan, Token* token) noexcept nogil:
    """Read a string, a number or a word."""
    cdef const uint8_t* p = scan.p
    cdef uint8_t c = p[0]
    if c == c'"':
        token.kind = STRING
        p = _string(p + 1, scan.end, &token.flags)
        if p is NULL:
            return False
        p += 1
        scan.escapes += token.flags & ESCAPED
        scan.dirt += token.flags & DIRTY
    elif c == c'-' or _is_digit(c):
        p = _number(p, token)
        if p is NULL:
            return False
        if token.kind == FLOAT:
            scan.tape.doubts += <uint32_t>token.value
    elif c == c't' and scan.end - p >= 4 and memcmp(p, b"true", 4) == 0:
        token.kind = TRUE
        p += 4
    elif c == c'n' and scan.end - p >= 4 and memcmp(p, b"null", 4) == 0:
        token.kind = NIL
        p += 4
    elif c == c'f' and scan.end - p >= 5 and memcmp(p, b"false", 5) == 0:
        token.kind = FALSE
        p += 5
    else:
        return False
    scan.p = p
    token.end = <uint32_t>(p - scan.tape.body)
    token.next = scan.tape.size
    return True


cdef inline void _open(Scan* scan, Level* level, Token* token) noexcept nogil:
    """Begin an object or array."""
    token.kind = OBJECT if scan.p[0] == c'{' else ARRAY
    level.node = scan.tape.size - 1
    level.is_object = token.kind == OBJECT
    level.count = 0
    level.seen = 0
    level.blanks = scan.blanks
    level.escapes = scan.escapes
    level.dirt = scan.dirt
    scan.p += 1
    _skip_blanks(scan)


cdef inline void _close(Scan* scan, Level* level) noexcept nogil:
    """End the object or array that stands open; its last byte is at hand."""
    cdef Token* token = scan.tape.tokens + level.node
    scan.p += 1
    token.end = <uint32_t>(scan.p - scan.tape.body)
    token.next = scan.tape.size
    token.value = level.count
    token.flags = (
        (ESCAPED if scan.escapes != level.escapes else 0)
        | (DIRTY if scan.dirt != level.dirt else 0)
        | (LOOSE if scan.blanks != level.blanks else 0)
    )


cdef bint _text(Scan* scan) noexcept nogil:
    """Read the whole text: one value with nothing but white space around it."""
    cdef int depth = 0
    cdef Level* level = NULL
    cdef Token* token
    _skip_blanks(scan)
    while True:
        # A value is due, in an object behind its key.
        token = _token(scan)
        if token is NULL:
            return False
        token.flags = 0
        token.key_size = 0
        token.key_hash = 0
        if level is not NULL:
            if level.is_object and not _key(scan, level, token):
                return False
            level.count += 1
        token.start = <uint32_t>(scan.p - scan.tape.body)
        if scan.p[0] == c'{' or scan.p[0] == c'[':
            if depth == DEEPEST:
                return False
            level = scan.levels + depth
            depth += 1
            _open(scan, level, token)
            if scan.p[0] != (c'}' if level.is_object else c']'):
                continue
        elif not _scalar(scan, token):
            return False
        elif depth:
            _skip_blanks(scan)
        # A value has ended, or an empty object or array is about to.
        while depth:
            if scan.p[0] == c',':
                scan.p += 1
                _skip_blanks(scan)
                break
            if scan.p[0] != (c'}' if level.is_object else c']'):
                return False
            _close(scan, level)
            depth -= 1
            if depth:
                level = scan.levels + depth - 1
                _skip_blanks(scan)
        else:
            _skip_blanks(scan)
            return scan.p == scan.end


cdef bint _scan(Tape* tape, const uint8_t* body, size_t size) noexcept nogil:
    """Fill a tape; return whether the text is one that we read."""
    cdef Scan scan
    cdef bint good
    scan.tape = tape
    scan.p = body
    scan.end = body + size
    scan.blanks = scan.escapes = scan.dirt = 0
    scan.levels = <Level*>malloc(DEEPEST * sizeof(Level))
    if scan.levels is NULL:
        return False
    tape.body = body
    memset(tape.tokens, 0, sizeof(Token))
    tape.size = ROOT
    tape.doubts = 0
    good = _text(&scan)
    free(scan.levels)
    return good


# The tokens of a document that is gone, for the next: fresh memory costs more than a scan.
cdef Token* _spare = NULL
cdef uint32_t _spare_capacity = 0


cdef bint _furnish(Tape* tape, size_t size) noexcept:
    """Give a tape room for the tokens of a body of this size; return whether there was memory."""
    global _spare, _spare_capacity
    cdef uint32_t wanted = <uint32_t>(size // BYTES_A_TOKEN + 64)
    if _spare_capacity >= wanted:
        tape.tokens, tape.capacity = _spare, _spare_capacity
        _spare, _spare_capacity = NULL, 0
    else:
        tape.tokens = <Token*>malloc(wanted * sizeof(Token))
        tape.capacity = wanted if tape.tokens is not NULL else 0
    return tape.capacity != 0


cdef void _clear(Tape* tape) noexcept:
    """Take a tape's room; the larger of what is spare already and this is kept."""
    global _spare, _spare_capacity
    if tape.capacity <= _spare_capacity or tape.capacity > MOST_SPARE:
        free(tape.tokens)
    else:
        free(_spare)
        _spare, _spare_capacity = tape.tokens, tape.capacity


cdef bint _are_shortest(const Tape* tape) except -1:
    """Return whether all numbers of 16 or 17 digits are the shortest names of their doubles."""
    cdef uint32_t place
    cdef const Token* token
    for place in range(ROOT, tape.size):
        token = tape.tokens + place
        if token.kind == FLOAT and token.value:
            text = (<const char*>tape.body)[token.start:token.end].decode("ascii")
            if repr(float(text)) != text:
                return False
    return True


cdef class Document:
    """A body and its tape; slices of both are valid as long as it lives."""

    @staticmethod
    cdef Document scan(bytes body):
        """Return the document of a body, None if a reader in Python has to look at it."""
        cdef Document document = Document.__new__(Document)
        cdef const uint8_t* start = body
        cdef size_t size = len(body)
        cdef bint good
        document.body = body
        if size > LONGEST_BODY or not _furnish(&document.tape, size):
            return None
        with nogil:
            good = _scan(&document.tape, start, size)
        if good and document.tape.doubts and not _are_shortest(&document.tape):
            return None
        return document if good else None

    def __dealloc__(self):
        _clear(&self.tape)


cdef int learn(Vocabulary* known, const char* name, int number) except -1:
    cdef size_t size = strlen(name)
    cdef uint32_t hash = taglake_hash(<const uint8_t*>name, size)
    cdef uint32_t slot = hash & (SLOTS - 1)
    while known.numbers[slot] != 0:
        slot = (slot + 1) & (SLOTS - 1)
    known.hashes[slot] = hash
    known.names[slot] = name
    known.sizes[slot] = <uint16_t>size
    known.numbers[slot] = <uint16_t>number
    return 0
