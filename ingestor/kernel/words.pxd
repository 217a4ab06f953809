"""Words of a text, over UTF-8 bytes; see words.pyx."""

cdef enum:
    DONE = 0
    IN_DOUBT = 1  # the reference must say


cdef struct Word:
    Py_ssize_t start
    Py_ssize_t size


cdef class Words:
    cdef unsigned char* text  # the words back to back, UTF-8
    cdef Py_ssize_t used
    cdef Py_ssize_t room
    cdef Word* each
    cdef Py_ssize_t count
    cdef Py_ssize_t places

    cdef void clear(self) noexcept nogil
    cdef int keep(self, const unsigned char* word, Py_ssize_t size, bint lower) noexcept nogil
    cdef int fill(self, tuple words) except -1


cdef int read_tags(Words out, const unsigned char* text, Py_ssize_t size, bint digits) except -1
cdef int read_tag_name(Words out, const unsigned char* name, Py_ssize_t size) except -1
cdef int read_mentions(Words out, const unsigned char* text, Py_ssize_t size) except -1
cdef int read_links(Words out, const unsigned char* text, Py_ssize_t size) except -1
