# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""How deep a JSON text nests: one pass over the bytes with the GIL released."""


cdef Py_ssize_t _deepest(const unsigned char* text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t level = 0
    cdef Py_ssize_t deepest = 0
    cdef bint inside = False
    cdef unsigned char c
    while i < size:
        c = text[i]
        if inside:
            if c == b'\\':
                i += 1  # the escaped byte is never a closing quote
            elif c == b'"':
                inside = False
        elif c == b'"':
            inside = True
        elif c == b'[' or c == b'{':
            level += 1
            if level > deepest:
                deepest = level
        elif c == b']' or c == b'}':
            level -= 1
        i += 1
    return deepest


def depth(bytes text not None):
    """Return the deepest nesting of arrays and objects in `text`; 0 for a scalar."""
    cdef const unsigned char* start = text
    cdef Py_ssize_t size = len(text)
    cdef Py_ssize_t deepest
    with nogil:
        deepest = _deepest(start, size)
    return deepest
