# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Ids as text into 64-bit numbers, compiled. The GIL is released."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

cdef extern from "minhash.h" nogil:
    uint64_t taglake_mix64(uint64_t x)

cdef uint64_t SEED = 0x656b616c676174  # "taglake", little-endian
cdef uint64_t MOST = 0xffffffffffffffff

ctypedef fused Offset:
    int32_t
    int64_t


cdef bint _is_digit(uint8_t sign) noexcept nogil:
    return 48 <= sign <= 57


cdef bint _is_number(const uint8_t *text, int64_t size, uint64_t *number) noexcept nogil:
    """Return whether the text is a number as we write one: no sign, no zeros in front, fits."""
    cdef int64_t i
    cdef uint64_t found = 0, digit
    if size == 0 or size > 20 or (text[0] == 48 and size > 1):
        return False
    for i in range(size):
        if not _is_digit(text[i]):
            return False
        digit = text[i] - 48
        if found > (MOST - digit) // 10:
            return False
        found = found * 10 + digit
    number[0] = found
    return True


cdef bint _is_bad(const uint8_t *text, int64_t size) noexcept nogil:
    """Return whether the text is empty, a negative number or one that went through a float."""
    cdef int64_t i = 0, digits = 0
    cdef bint signed = size > 0 and text[0] == 45
    if size == 0:
        return True
    if signed:
        i = 1
    while i < size and _is_digit(text[i]):
        i += 1
        digits += 1
    if digits == 0:
        return False
    if i == size:
        return signed
    if text[i] == 46:  # a point
        i += 1
        while i < size and _is_digit(text[i]):
            i += 1
        if i == size:
            return True
    elif not (i + 1 < size and (text[i] | 32) == 101 and text[i + 1] == 43):  # e+
        return False
    if (text[i] | 32) != 101:
        return False
    i += 1
    if i < size and (text[i] == 43 or text[i] == 45):
        i += 1
    if i == size:
        return False
    while i < size and _is_digit(text[i]):
        i += 1
    return i == size


cdef uint64_t _hash(const uint8_t *text, int64_t size) noexcept nogil:
    cdef int64_t i = 0
    cdef uint64_t word, found = SEED
    while i < size:
        word = 0
        memcpy(&word, text + i, 8 if size - i >= 8 else size - i)
        found = taglake_mix64(found ^ word)
        i += 8
    return taglake_mix64(found ^ <uint64_t>size)


def read(const Offset[::1] offsets, const uint8_t[::1] text, uint64_t[::1] ids):
    """Write the id of each text; return the place of the first that is none, or -1."""
    cdef Py_ssize_t i, n = ids.shape[0], bad = -1
    cdef const uint8_t *start = &text[0] if text.shape[0] else NULL
    cdef int64_t size
    with nogil:
        for i in range(n):
            size = offsets[i + 1] - offsets[i]
            if _is_number(start + offsets[i], size, &ids[i]):
                continue
            if _is_bad(start + offsets[i], size):
                bad = i
                break
            ids[i] = _hash(start + offsets[i], size)
    return bad
