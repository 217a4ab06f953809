"""The prose of HTML, over UTF-8 bytes; see prose.pyx."""

from ingestor.kernel.words cimport Words


cdef class Prose:
    cdef unsigned char* buffer
    cdef Py_ssize_t room
    cdef const unsigned char* text  # inside `buffer`, or the HTML itself if it has no markup
    cdef Py_ssize_t size
    cdef readonly Words links
    cdef bytes kept  # what `text` points into if Python made it

    cdef int reserve(self, Py_ssize_t size) noexcept nogil


cdef int read_prose(Prose out, const unsigned char* html, Py_ssize_t size) except -1
