# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Values of a tape as `ingestor.sources.fields` reads them."""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, strlen

from ingestor.kernel.scanner cimport (
    ARRAY, ESCAPED, FALSE, FLOAT, INT, OBJECT, STRING, TRUE, Tape, Token,
)
from ingestor.kernel.writer cimport (
    Writer, put, put_byte, put_inner, put_int, put_literal, put_text, text_of,
)

cdef enum:
    LARGEST_COUNT = 9007199254740992  # 2**53
    FIRST_SECOND = 946684800  # the year 2000
    LARGEST_NUMBER = 1000000000000000


class HandOver(Exception):
    """The reference has to read this body."""


cdef bint truthy(const Tape* tape, uint32_t node) noexcept nogil:
    """Return what `bool` gives."""
    cdef const Token* token = tape.tokens + node
    if token.kind == STRING:
        return token.end - token.start > 2
    if token.kind == OBJECT or token.kind == ARRAY or token.kind == INT:
        return token.value != 0
    if token.kind == FLOAT:
        return number(tape, node) != 0
    return token.kind == TRUE


cdef bint is_text(const Tape* tape, uint32_t node, const char* literal) noexcept nogil:
    """Return whether a node is this string, written without escapes."""
    cdef const Token* token = tape.tokens + node
    cdef size_t size = strlen(literal)
    return (
        token.kind == STRING
        and token.end - token.start == size + 2
        and memcmp(tape.body + token.start + 1, literal, size) == 0
    )


cdef int64_t _digits(const Tape* tape, const Token* token, uint32_t most) except -2:
    """Return the number a string of at most `most` digits names, -1 if it is none."""
    cdef uint32_t i
    cdef int64_t value = 0
    cdef uint8_t digit
    if token.flags & ESCAPED:
        raise HandOver
    if token.end - token.start == 2 or token.end - token.start - 2 > most:
        return -1
    for i in range(token.start + 1, token.end - 1):
        digit = tape.body[i] - 0x30
        if digit > 9:
            return -1
        value = value * 10 + digit
    return value


cdef int64_t loose_count(const Tape* tape, uint32_t node) except -2:
    cdef const Token* token = tape.tokens + node
    cdef int64_t value = -1
    if token.kind == INT:
        value = token.value
    elif token.kind == STRING:
        value = _digits(tape, token, 16)
    elif token.kind == FLOAT:
        raise HandOver
    return value if 0 <= value <= <int64_t>LARGEST_COUNT else -1


cdef int64_t count(const Tape* tape, uint32_t node) except -2:
    cdef const Token* token = tape.tokens + node
    cdef int64_t value
    if is_none(tape, node) or (token.kind == INT and token.value == -1):
        return -1
    value = loose_count(tape, node)
    if value < 0:
        raise HandOver
    return value


cdef int64_t seconds(const Tape* tape, uint32_t node, int64_t latest) except -1:
    cdef const Token* token = tape.tokens + node
    cdef int64_t value = -1
    if token.kind == INT:
        value = token.value
    elif token.kind == STRING:
        value = _digits(tape, token, 16)
    if value < FIRST_SECOND or value > latest:
        raise HandOver
    return value


cdef bint is_number(const Tape* tape, uint32_t node) noexcept nogil:
    cdef const Token* token = tape.tokens + node
    if token.kind == INT:
        return -<int64_t>LARGEST_NUMBER < token.value < <int64_t>LARGEST_NUMBER
    return token.kind == FLOAT  # the scanner lets none pass that is larger


cdef double number(const Tape* tape, uint32_t node) noexcept nogil:
    """Return a number: at most 15 digits over a power of ten, so one division is exact enough."""
    cdef const Token* token = tape.tokens + node
    cdef const uint8_t* p = tape.body + token.start
    cdef const uint8_t* end = tape.body + token.end
    cdef double digits = 0, scale = 1
    cdef bint minus = p[0] == c"-", behind = False
    if token.kind == INT:
        return <double>token.value
    p += minus
    while p < end:
        if p[0] == c".":
            behind = True
        else:
            digits = digits * 10 + (p[0] - 0x30)
            scale = scale * 10 if behind else scale
        p += 1
    return -digits / scale if minus else digits / scale


cdef void put_number(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    """Write a number as the float it is in a record; null if it is none."""
    cdef const Token* token = tape.tokens + node
    if not is_number(tape, node):
        put_literal(writer, b"null")
    elif token.kind == INT:
        put_int(writer, token.value)
        put_literal(writer, b".0")
    else:
        put(writer, tape.body + token.start, token.end - token.start)


cdef void put_flag(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil:
    """Write a truth value; null for anything else."""
    if tape.tokens[node].kind == TRUE:
        put_literal(writer, b"true")
    elif tape.tokens[node].kind == FALSE:
        put_literal(writer, b"false")
    else:
        put_literal(writer, b"null")


cdef bint is_ident(const Tape* tape, uint32_t node) noexcept nogil:
    return tape.tokens[node].kind == INT or is_word(tape, node)


cdef str ident(Writer* scratch, const Tape* tape, uint32_t node, const char* before):
    cdef const Token* token = tape.tokens + node
    if not is_ident(tape, node):
        return None
    scratch.size = 0
    put_literal(scratch, before)
    if token.kind == INT:
        put_int(scratch, token.value)
    else:
        put_text(scratch, tape, node)
    if scratch.failed:
        raise MemoryError
    return PyUnicode_DecodeUTF8(<const char*>scratch.bytes, scratch.size, NULL)


cdef void put_ident(
    Writer* writer, const Tape* tape, uint32_t node, const char* before
) noexcept nogil:
    if not is_ident(tape, node):
        put_literal(writer, b"null")
        return
    put_byte(writer, c'"')
    put_literal(writer, before)
    if tape.tokens[node].kind == INT:
        put_int(writer, tape.tokens[node].value)
    else:
        put_inner(writer, tape, node)
    put_byte(writer, c'"')


cdef str word_of(Writer* scratch, const Tape* tape, uint32_t node):
    return text_of(scratch, tape, node) if is_word(tape, node) else None
