# cython: language_level=3
"""A growing buffer of bytes, and how msgspec writes JSON into it.

The `put_*` functions never fail on their own: without memory the buffer is marked and stays as it
is, and whoever takes the bytes asks `failed`.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, strlen

from ingestor.kernel.scanner cimport Tape

cdef struct Writer:
    uint8_t* bytes
    size_t size
    size_t capacity
    bint failed

cdef void release(Writer* writer) noexcept nogil  # free the memory; the writer is empty then
cdef bint grow(Writer* writer, size_t more) noexcept nogil

cdef inline bint reserve(Writer* writer, size_t more) noexcept nogil:
    """Make room for `more` bytes behind the last; return whether it is there."""
    return writer.capacity - writer.size >= more or grow(writer, more)

cdef inline void put(Writer* writer, const void* bytes, size_t size) noexcept nogil:
    """Append bytes."""
    if size and reserve(writer, size):
        memcpy(writer.bytes + writer.size, bytes, size)
        writer.size += size

cdef inline void put_byte(Writer* writer, uint8_t byte) noexcept nogil:
    """Append one byte."""
    if reserve(writer, 1):
        writer.bytes[writer.size] = byte
        writer.size += 1

cdef inline void put_literal(Writer* writer, const char* literal) noexcept nogil:
    """Append a literal of C; the compiler knows its length."""
    put(writer, literal, strlen(literal))

cdef void put_int(Writer* writer, int64_t number) noexcept nogil
cdef void put_count(Writer* writer, int64_t number) noexcept nogil  # null for a negative one
cdef void put_node(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil
# Append what msgspec writes of a node it read; null for node 0.
cdef void put_inner(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil
# Append what stands between the quotes when msgspec writes a string node.
cdef void put_text(Writer* writer, const Tape* tape, uint32_t node) noexcept nogil
# Append the text of a string node: UTF-8, no quotes, nothing escaped.
cdef void put_json(Writer* writer, const uint8_t* text, size_t size) noexcept nogil
# Append UTF-8 text as a JSON string.
cdef int put_str(Writer* writer, str text) except -1  # as a JSON string; null for None
cdef void put_instant(Writer* writer, int64_t seconds, int microseconds) noexcept nogil
# Append an instant in UTC since 1970, within the years 1 to 9999, as a JSON string.
cdef bytes taken(const Writer* writer, size_t start)  # what stands from `start`; or MemoryError
cdef str text_of(Writer* scratch, const Tape* tape, uint32_t node)  # of a string node
