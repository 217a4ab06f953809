# cython: language_level=3
"""Letters of a text in UTF-8, as Python's regular expressions and `str.strip` see them."""

cdef extern from "Python.h":
    bint Py_UNICODE_ISALNUM(Py_UCS4 letter) nogil
    bint Py_UNICODE_ISSPACE(Py_UCS4 letter) nogil

ctypedef const unsigned char* Text

cdef inline bint is_letter(Py_UCS4 letter) noexcept nogil:
    """Return whether a letter is one of `\\w`. (The macro evaluates its argument many times.)"""
    return Py_UNICODE_ISALNUM(letter)

cdef inline bint is_blank(Py_UCS4 letter) noexcept nogil:
    """Return whether a letter is one of `\\s`."""
    return Py_UNICODE_ISSPACE(letter)

cdef inline unsigned char low(unsigned char c) noexcept nogil:
    return c + 32 if b'A' <= c <= b'Z' else c

cdef inline bint is_word(unsigned char c) noexcept nogil:
    """Return whether an ASCII letter is one of `\\w`."""
    return b'a' <= low(c) <= b'z' or b'0' <= c <= b'9' or c == b'_'

cdef inline bint is_space(unsigned char c) noexcept nogil:
    """Return whether an ASCII letter is one of `\\s`."""
    return c == b' ' or 0x09 <= c <= 0x0D or 0x1C <= c <= 0x1F

cdef inline Py_UCS4 letter_at(Text text, Py_ssize_t* i) noexcept nogil:
    """Return the letter of two bytes or more that starts at `i`, and move `i` behind it."""
    cdef Text at = text + i[0]
    if at[0] < 0xE0:
        i[0] += 2
        return (at[0] & 0x1F) << 6 | (at[1] & 0x3F)
    if at[0] < 0xF0:
        i[0] += 3
        return (at[0] & 0x0F) << 12 | (at[1] & 0x3F) << 6 | (at[2] & 0x3F)
    i[0] += 4
    return (at[0] & 0x07) << 18 | (at[1] & 0x3F) << 12 | (at[2] & 0x3F) << 6 | (at[3] & 0x3F)

cdef inline Py_UCS4 letter_before(Text text, Py_ssize_t i) noexcept nogil:
    """Return the letter of two bytes or more that ends before `i`."""
    i -= 1
    while i > 0 and text[i] & 0xC0 == 0x80:
        i -= 1
    return letter_at(text, &i)
