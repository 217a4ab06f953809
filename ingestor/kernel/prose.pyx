# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Text and links of a post's HTML, read from UTF-8 bytes.

`ingestor.sources.markup` says what is right. What stands here reads the markup that servers send,
well-formed, and calls it wherever anything else leaves a doubt: the prose is the same, always.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp

from ingestor.kernel.letters cimport Text, is_blank, is_space, letter_at, letter_before
from ingestor.kernel.words cimport DONE, IN_DOUBT, Words

from ingestor.sources import markup

cdef enum:  # what an element does to the text
    UNKNOWN
    INLINE
    BLOCK
    ITEM
    LINE_END
    ANCHOR

cdef enum:  # what the last piece of the text was
    NOTHING
    WORDS
    NEW_LINE
    GAP


cdef class Prose:
    """What a piece of HTML says to a reader. Made by a reader of a page, filled by `read_prose`."""

    def __cinit__(self):
        self.links = Words()

    def __dealloc__(self):
        free(self.buffer)

    cdef int reserve(self, Py_ssize_t size) noexcept nogil:
        """Make room for the prose of so many bytes, and for one address behind it."""
        cdef void* moved
        if 2 * size > self.room or self.buffer == NULL:
            moved = realloc(self.buffer, 4 * size + 256)
            if moved == NULL:
                return IN_DOUBT
            self.buffer = <unsigned char*> moved
            self.room = 4 * size + 256
        return DONE


cdef struct Anchor:
    Py_ssize_t href  # where its value starts and ends, -1 without one
    Py_ssize_t href_end
    bint has_class
    bint has_rel
    bint named  # it leads to a tag or a person


cdef struct Entity:
    const char* name
    int size
    const char* means


cdef Entity[12] ENTITIES
ENTITIES[:] = [
    Entity(b"&amp;", 5, b"&"), Entity(b"&lt;", 4, b"<"), Entity(b"&gt;", 4, b">"),
    Entity(b"&quot;", 6, b'"'), Entity(b"&#39;", 5, b"'"), Entity(b"&apos;", 6, b"'"),
    Entity(b"&#34;", 5, b'"'), Entity(b"&#x27;", 6, b"'"), Entity(b"&#x2F;", 6, b"/"),
    Entity(b"&#38;", 5, b"&"), Entity(b"&#47;", 5, b"/"), Entity(b"&nbsp;", 6, b"\xc2\xa0"),
]


cdef Py_ssize_t _unescape(
    Text html, Py_ssize_t i, Py_ssize_t end, unsigned char** out
) noexcept nogil:
    """Write what html[i:end] says at `out` and move it; -1 in doubt."""
    cdef unsigned char* to = out[0]
    cdef Entity* entity
    cdef int e
    while i < end:
        if html[i] != b'&':
            to[0] = html[i]
            to += 1
            i += 1
            continue
        for e in range(12):
            entity = &ENTITIES[e]
            if i + entity.size <= end and memcmp(html + i, entity.name, entity.size) == 0:
                break
        else:
            return -1
        to[0] = entity.means[0]
        to += 1
        if entity.means[1] != 0:
            to[0] = entity.means[1]
            to += 1
        i += entity.size
    out[0] = to
    return i


cdef inline bint _is(
    Text html, Py_ssize_t size, const char* name, Py_ssize_t length
) noexcept nogil:
    return size == length and memcmp(html, name, length) == 0


cdef int _element(Text name, Py_ssize_t size) noexcept nogil:
    """Return what an element does, by its name in lower case; UNKNOWN is the reference's."""
    if size == 1:
        if name[0] == b'p':
            return BLOCK
        if name[0] == b'a':
            return ANCHOR
        return INLINE if name[0] in b"biusq" else UNKNOWN
    if _is(name, size, b"br", 2):
        return LINE_END
    if _is(name, size, b"span", 4) or _is(name, size, b"em", 2) or _is(name, size, b"strong", 6):
        return INLINE
    if _is(name, size, b"code", 4) or _is(name, size, b"del", 3):
        return INLINE
    if _is(name, size, b"li", 2):
        return ITEM
    if _is(name, size, b"ul", 2) or _is(name, size, b"ol", 2) or _is(name, size, b"pre", 3):
        return BLOCK
    if _is(name, size, b"div", 3) or _is(name, size, b"blockquote", 10):
        return BLOCK
    return UNKNOWN


cdef bint _names(Text html, Py_ssize_t i, Py_ssize_t end) noexcept nogil:
    """Return whether a class attribute calls its link one to a tag or a person."""
    cdef Py_ssize_t start
    while i < end:
        start = i
        while i < end and not is_space(html[i]):
            i += 1
        if _is(html + start, i - start, b"mention", 7):
            return True
        if _is(html + start, i - start, b"hashtag", 7) or _is(html + start, i - start, b"u-url", 5):
            return True
        i += 1
    return False


cdef Py_ssize_t _end_of_value(Text html, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    """Return where the closing quote stands, -1 in doubt."""
    while i < size and html[i] != b'"':
        if html[i] == b'<' or html[i] == b'>':
            return -1
        i += 1
    return i if i < size else -1


cdef bint _is_plain(Text html, Py_ssize_t i, Py_ssize_t end) noexcept nogil:
    while i < end:
        if html[i] >= 0x80 or html[i] == b'&':
            return False
        i += 1
    return True


cdef Py_ssize_t _attribute(Text html, Py_ssize_t i, Py_ssize_t size, Anchor* out) noexcept nogil:
    """Read ` name="value"` from behind the blank; return what is behind the quote, -1 in doubt."""
    cdef Py_ssize_t start = i
    cdef Py_ssize_t end, value
    while i < size and (b'a' <= html[i] <= b'z' or html[i] == b'-'):
        i += 1
    value = i + 2
    if i == start or value > size or html[i] != b'=' or html[i + 1] != b'"':
        return -1
    end = _end_of_value(html, value, size)
    if end < 0:
        return -1
    if _is(html + start, i - start, b"href", 4):
        if out.href >= 0:
            return -1
        out.href = value
        out.href_end = end
    elif _is(html + start, i - start, b"class", 5):
        if out.has_class or not _is_plain(html, value, end):
            return -1
        out.has_class = True
        out.named = out.named or _names(html, value, end)
    elif _is(html + start, i - start, b"rel", 3):
        if out.has_rel or not _is_plain(html, value, end):
            return -1
        out.has_rel = True
        out.named = out.named or _is(html + value, end - value, b"tag", 3)
    return end + 1


cdef struct State:
    unsigned char* to
    int last


cdef void _part(State* state, int gap) noexcept nogil:
    """Part the text here, unless it is parted already."""
    if state.last == NOTHING or state.last == GAP or state.last == gap:
        return
    state.to[0] = b'\n'
    state.to += 1
    if gap == GAP:
        state.to[0] = b'\n'
        state.to += 1
    state.last = gap


cdef void _open(State* state, int element) noexcept nogil:
    """Do to the text what the start of an element does."""
    if element == LINE_END:
        state.to[0] = b'\n'
        state.to += 1
        state.last = NEW_LINE
    elif element == BLOCK:
        _part(state, GAP)
    elif element == ITEM:
        _part(state, NEW_LINE)


cdef inline Py_ssize_t _end_of_name(Text html, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    while i < size and b'a' <= html[i] <= b'z':
        i += 1
    return i


cdef Py_ssize_t _end_of_start(
    Text html, Py_ssize_t i, Py_ssize_t size, int element, Anchor* anchor
) noexcept nogil:
    """Read the attributes from behind a tag's name; return what is behind it, -1 in doubt."""
    while i < size and html[i] == b' ':
        i += 1
        if i < size and (html[i] == b'/' or html[i] == b'>'):
            break
        i = _attribute(html, i, size, anchor)
        if i < 0:
            return -1
    if element == LINE_END and i < size and html[i] == b'/':
        i += 1
    return i + 1 if i < size and html[i] == b'>' else -1


cdef int _keep_address(Prose out, Text html, Py_ssize_t size, Anchor* anchor) noexcept nogil:
    """Keep the address of a link that leads to a page."""
    cdef unsigned char* address = out.buffer + size
    cdef unsigned char* end = address
    if anchor.href < 0 or anchor.named:
        return DONE
    if _unescape(html, anchor.href, anchor.href_end, &end) < 0:
        return IN_DOUBT
    size = end - address
    if size > 6 and memcmp(address, b"http://", 7) == 0:
        return out.links.keep(address, size, False)
    if size > 7 and memcmp(address, b"https://", 8) == 0:
        return out.links.keep(address, size, False)
    return DONE


cdef Py_ssize_t _tag(
    Prose out, Text html, Py_ssize_t i, Py_ssize_t size, State* state
) noexcept nogil:
    """Read a tag from behind its bracket; return what is behind it, -1 in doubt."""
    cdef bint closes = i < size and html[i] == b'/'
    cdef Py_ssize_t start = i + closes
    cdef Anchor anchor = Anchor(-1, -1, False, False, False)
    cdef int element
    i = _end_of_name(html, start, size)
    element = _element(html + start, i - start) if i > start else UNKNOWN
    if element == UNKNOWN:
        return -1
    if closes:
        if element == BLOCK:
            _part(state, GAP)
        return i + 1 if i < size and html[i] == b'>' else -1
    i = _end_of_start(html, i, size, element, &anchor)
    if i > 0:
        _open(state, element)
        if element == ANCHOR and _keep_address(out, html, size, &anchor) != DONE:
            return -1
    return i


cdef int _find_prose(Prose out, Text html, Py_ssize_t size) noexcept nogil:
    """Write the text of well-formed HTML into the buffer; it is never longer than the HTML."""
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t end
    cdef State state = State(out.buffer, NOTHING)
    cdef unsigned char* start
    cdef Text bracket
    while i < size:
        bracket = <Text> memchr(html + i, b'<', size - i)
        end = bracket - html if bracket != NULL else size
        if end > i:
            start = state.to
            if _unescape(html, i, end, &state.to) < 0:
                return IN_DOUBT
            state.last = _last_of(start, state.to - start)
        i = end
        if end < size:
            i = _tag(out, html, end + 1, size, &state)
            if i < 0:
                return IN_DOUBT
    _strip(out, out.buffer, state.to)
    return DONE


cdef int _last_of(Text piece, Py_ssize_t size) noexcept nogil:
    """Return what a piece of text is: line ends that stand alone part it like an element."""
    if size == 1 and piece[0] == b'\n':
        return NEW_LINE
    return GAP if size == 2 and piece[0] == b'\n' and piece[1] == b'\n' else WORDS


cdef void _strip(Prose out, Text start, Text end) noexcept nogil:
    """Let the text be what stands between blanks."""
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t behind = 0
    cdef Py_ssize_t size = end - start
    while i < size:
        behind = i + 1
        if start[i] >= 0x80:
            behind = i
            if not is_blank(letter_at(start, &behind)):
                break
        elif not is_space(start[i]):
            break
        i = behind
    while size > i:
        if start[size - 1] >= 0x80:
            if not is_blank(letter_before(start, size)):
                break
            while start[size - 1] & 0xC0 == 0x80:
                size -= 1
        elif not is_space(start[size - 1]):
            break
        size -= 1
    out.text = start + i
    out.size = size - i


cdef int read_prose(Prose out, Text html, Py_ssize_t size) except -1:
    """Fill `out` with what HTML says, as `markup.prose` reads it.

    Its text holds until the next reading, and no longer than `html`.
    """
    out.links.clear()
    if size == 0 or (
        memchr(html, b'<', size) == NULL and memchr(html, b'&', size) == NULL
    ):
        out.text = html
        out.size = size
        return 0
    if out.reserve(size) == DONE and _find_prose(out, html, size) == DONE:
        return 0
    found = markup.prose(PyUnicode_DecodeUTF8(<const char*> html, size, NULL))
    out.kept = (<str> found.text).encode()
    out.text = <Text> PyBytes_AS_STRING(out.kept)
    out.size = PyBytes_GET_SIZE(out.kept)
    out.links.fill(found.links)
    return 0


def prose(bytes html not None):
    """Return what HTML says as (text, links)."""
    found = Prose()
    read_prose(found, html, len(html))
    return found.text[:found.size].decode(), tuple(found.links)


def is_plain(bytes html not None):
    """Return whether HTML is read in C, not by the reference."""
    found = Prose()
    found.reserve(len(html))
    return _find_prose(found, html, len(html)) == DONE
