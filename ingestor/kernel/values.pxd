# cython: language_level=3
"""Values of a tape as `ingestor.sources.fields` reads them; 0 stands for an absent node.

Where the reference would leave a note (`aside`), or what it does is not certain, they raise
HandOver.
"""

from libc.stdint cimport int64_t, uint32_t

from ingestor.kernel.scanner cimport (
    ARRAY, FALSE, FLOAT, INT, NIL, NOTHING, OBJECT, STRING, TRUE, Tape, Token,
)
from ingestor.kernel.writer cimport Writer

cdef object HandOver

cdef inline bint is_none(const Tape* tape, uint32_t node) noexcept nogil:
    """Return whether the reference sees None: absent, or null."""
    return tape.tokens[node].kind == NOTHING or tape.tokens[node].kind == NIL

cdef inline uint32_t either(const Tape* tape, uint32_t node, uint32_t other) noexcept nogil:
    """Return `node`, or `other` if `node` is None."""
    return other if is_none(tape, node) else node

cdef inline uint32_t child(const Tape* tape, uint32_t node) noexcept nogil:
    """Return the first element of an array, 0 if it has none or `node` is no array."""
    return node + 1 if tape.tokens[node].kind == ARRAY and tape.tokens[node].value else 0

cdef inline bint is_word(const Tape* tape, uint32_t node) noexcept nogil:
    """Return whether a node is a string that is not empty."""
    cdef const Token* token = tape.tokens + node
    return token.kind == STRING and token.end - token.start > 2

cdef inline uint32_t word(const Tape* tape, uint32_t node) noexcept nogil:
    """Return `node` if it is a string that is not empty, else 0."""
    return node if is_word(tape, node) else 0

cdef inline uint32_t text(const Tape* tape, uint32_t node) noexcept nogil:
    """Return `node` if it is a string, else 0."""
    return node if tape.tokens[node].kind == STRING else 0

cdef inline uint32_t object_(const Tape* tape, uint32_t node) noexcept nogil:
    """Return `node` if it is an object, else 0."""
    return node if tape.tokens[node].kind == OBJECT else 0

cdef bint truthy(const Tape* tape, uint32_t node) noexcept nogil
cdef bint is_text(const Tape* tape, uint32_t node, const char* literal) noexcept nogil
cdef int64_t loose_count(const Tape* tape, uint32_t node) except -2  # `fields.count`
cdef int64_t count(const Tape* tape, uint32_t node) except -2  # `Reading.count`
cdef int64_t seconds(const Tape* tape, uint32_t node, int64_t latest) except -1
# `Reading.time` of a whole number of seconds up to `latest`.
cdef bint is_number(const Tape* tape, uint32_t node) noexcept nogil  # `fields.number` gives one
cdef double number(const Tape* tape, uint32_t node) noexcept nogil
cdef void put_number(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil
cdef void put_flag(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil
cdef bint is_ident(const Tape* tape, uint32_t node) noexcept nogil  # `fields.ident` gives one
cdef str ident(Writer* scratch, const Tape* tape, uint32_t node, const char* before)
# `before` and an id; None if there is none.
cdef void put_ident(
    Writer* writer, const Tape* tape, uint32_t node, const char* before
) noexcept nogil
# The same as JSON.
cdef str word_of(Writer* scratch, const Tape* tape, uint32_t node)  # `fields.word`
