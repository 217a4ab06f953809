# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Hashtags, mentions and links of a text, and the prose of a post's HTML, read from UTF-8 bytes.

`ingestor.sources.text` and `ingestor.sources.markup` say what is right. What stands here reads the
plain case in C and, wherever a letter or a piece of markup leaves a doubt, calls them: the words
are the same, always. Bytes must be valid UTF-8 without NUL.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy

from ingestor.sources import markup
from ingestor.sources import text as reference

cdef extern from "Python.h":
    bint Py_UNICODE_ISALNUM(Py_UCS4 letter) nogil
    bint Py_UNICODE_ISSPACE(Py_UCS4 letter) nogil

cdef enum:
    DONE = 0
    IN_DOUBT = 1  # the reference must say
    MOST = 128  # words compared one by one; a text with more is the reference's
    MOST_SPELLINGS = 4096  # that are remembered
    LONGEST_SPELLING = 256  # bytes of one

ctypedef const unsigned char* Text


cdef class Words:
    """Words in order, each once. Made by a reader of a page, filled by the functions below."""

    def __dealloc__(self):
        free(self.text)
        free(self.each)

    cdef void clear(self) noexcept nogil:
        self.used = 0
        self.count = 0

    cdef int keep(self, Text word, Py_ssize_t size, bint lower) noexcept nogil:
        """Keep a word unless it is there; IN_DOUBT if there are too many or no memory."""
        cdef Py_ssize_t i
        cdef unsigned char* copy
        if self.count >= MOST or _reserve(self, size) != DONE:
            return IN_DOUBT
        copy = self.text + self.used
        for i in range(size):
            copy[i] = _low(word[i]) if lower else word[i]
        for i in range(self.count):
            if self.each[i].size == size:
                if memcmp(self.text + self.each[i].start, copy, size) == 0:
                    return DONE
        self.each[self.count] = Word(self.used, size)
        self.count += 1
        self.used += size
        return DONE

    cdef int fill(self, tuple words) except -1:
        """Hold exactly these words."""
        cdef bytes encoded
        cdef Py_ssize_t size
        self.clear()
        for word in words:
            encoded = (<str> word).encode()
            size = PyBytes_GET_SIZE(encoded)
            if _reserve(self, size) != DONE:
                raise MemoryError
            memcpy(self.text + self.used, PyBytes_AS_STRING(encoded), size)
            self.each[self.count] = Word(self.used, size)
            self.count += 1
            self.used += size
        return 0

    def __iter__(self):
        for i in range(self.count):
            word = self.each[i]
            yield self.text[word.start:word.start + word.size].decode()


cdef int _reserve(Words words, Py_ssize_t size) noexcept nogil:
    """Make room for one more word."""
    cdef Py_ssize_t room = words.used + size
    cdef void* moved
    if room > words.room or words.text == NULL:
        room = 2 * room + 256
        moved = realloc(words.text, room)
        if moved == NULL:
            return IN_DOUBT
        words.text = <unsigned char*> moved
        words.room = room
    if words.count >= words.places:
        moved = realloc(words.each, (2 * words.places + 16) * sizeof(Word))
        if moved == NULL:
            return IN_DOUBT
        words.each = <Word*> moved
        words.places = 2 * words.places + 16
    return DONE


# Letters

cdef inline bint _is_letter(Py_UCS4 letter) noexcept nogil:
    """Return whether a letter is one of `\\w`. (The macro evaluates its argument many times.)"""
    return Py_UNICODE_ISALNUM(letter)


cdef inline bint _is_blank(Py_UCS4 letter) noexcept nogil:
    """Return whether a letter is one of `\\s`."""
    return Py_UNICODE_ISSPACE(letter)


cdef inline unsigned char _low(unsigned char c) noexcept nogil:
    return c + 32 if b'A' <= c <= b'Z' else c


cdef inline bint _is_word(unsigned char c) noexcept nogil:
    """Return whether an ASCII letter is one of `\\w`."""
    return b'a' <= _low(c) <= b'z' or b'0' <= c <= b'9' or c == b'_'


cdef inline bint _is_space(unsigned char c) noexcept nogil:
    """Return whether an ASCII letter is one of `\\s`."""
    return c == b' ' or 0x09 <= c <= 0x0D or 0x1C <= c <= 0x1F


cdef inline Py_UCS4 _letter(Text text, Py_ssize_t* i) noexcept nogil:
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


cdef inline Py_UCS4 _letter_before(Text text, Py_ssize_t i) noexcept nogil:
    """Return the letter of two bytes or more that ends before `i`."""
    i -= 1
    while i > 0 and text[i] & 0xC0 == 0x80:
        i -= 1
    return _letter(text, &i)


cdef inline bint _ends_words(Py_UCS4 letter) noexcept nogil:
    """Return whether a letter that is none of `\\w` is surely no mark inside a word either.

    Blocks of Unicode without combining marks: signs, emoji and their selectors, kana's and CJK's
    punctuation, full-width forms.
    """
    if letter < 0x0300:
        return True
    if 0x2000 <= letter < 0x2C00:  # the zero-width non-joiner, and marks for symbols
        return letter != 0x200C and not (0x20D0 <= letter <= 0x20FF and letter != 0x20E3)
    if 0x3000 <= letter <= 0x3029 or 0x3030 <= letter <= 0x3098:
        return True
    return 0xFE00 <= letter <= 0xFE0F or 0xFF00 <= letter <= 0xFFEF or 0x1F000 <= letter <= 0x1FAFF


cdef struct Marks:
    # Where the marks of a text stand that is read from front to end.
    Text text
    Py_ssize_t size
    unsigned char mark
    unsigned char wide  # EF BC `wide` is its full-width form
    Py_ssize_t next  # the next plain one; kept, or a text of wide ones would cost its square


cdef Py_ssize_t _find_mark(Marks* marks, Py_ssize_t i) noexcept nogil:
    """Return where a mark next stands from `i` on, the text's size if nowhere."""
    cdef Text text = marks.text
    cdef Text found
    if marks.next < i:
        found = <Text> memchr(text + i, marks.mark, marks.size - i)
        marks.next = found - text if found != NULL else marks.size
    while i < marks.next:
        found = <Text> memchr(text + i, 0xEF, marks.next - i)
        if found == NULL:
            break
        i = found - text
        if i + 2 < marks.size and text[i + 1] == 0xBC and text[i + 2] == marks.wide:
            return i
        i += 1
    return marks.next


# Hashtags

cdef int _opens_tag(Text text, Py_ssize_t i) noexcept nogil:
    """Return 1 if a hash at `i` may start a tag, 0 if not, -1 in doubt."""
    cdef Py_UCS4 before
    if i == 0:
        return 1
    if text[i - 1] < 0x80:
        return not (_is_word(text[i - 1]) or text[i - 1] == b'&' or text[i - 1] == b'/')
    before = _letter_before(text, i)
    if _is_letter(before):
        return 0
    return 1 if _ends_words(before) else -1


cdef Py_ssize_t _end_of_tag(Text text, Py_ssize_t i, Py_ssize_t size, bint* plain) noexcept nogil:
    """Return where the tag's name that starts at `i` ends, -1 in doubt."""
    cdef Py_ssize_t behind
    cdef Py_UCS4 letter
    plain[0] = True
    while i < size:
        if text[i] < 0x80:
            if not _is_word(text[i]):
                return i
            i += 1
            continue
        behind = i
        letter = _letter(text, &behind)
        if not _is_letter(letter):
            return i if _ends_words(letter) else -1
        plain[0] = False
        i = behind
    return i


cdef bint _only_digits(Text text, Py_ssize_t start, Py_ssize_t end) noexcept nogil:
    while start < end:
        if not b'0' <= text[start] <= b'9':
            return False
        start += 1
    return True


# Spellings the reference gave: the hashtags of a campaign come again on every page.
cdef dict _spellings = {}


cdef bytes _spelling(Text name, Py_ssize_t size):
    """Return a name as the reference spells it."""
    cdef bytes written = PyBytes_FromStringAndSize(<const char*> name, size)
    cdef object kept = _spellings.get(written)
    if kept is None:
        if len(_spellings) >= MOST_SPELLINGS:
            _spellings.clear()
        kept = (<str> reference.tag_name(written.decode())).encode()
        if size <= LONGEST_SPELLING:
            _spellings[written] = kept
    return <bytes> kept


cdef int _keep_folded(Words out, Text name, Py_ssize_t size, bint digits) except -1:
    """Keep a name that is not plain ASCII as the reference spells it."""
    cdef bytes kept
    if not digits and _decoded(name, size).isdecimal():
        return DONE
    kept = _spelling(name, size)
    if not kept:
        return DONE
    return out.keep(<Text> PyBytes_AS_STRING(kept), PyBytes_GET_SIZE(kept), False)


cdef int _find_tags(Words out, Text text, Py_ssize_t size, bint digits) except -1:
    cdef Marks marks = Marks(text, size, b'#', 0x83, -1)
    cdef Py_ssize_t i = _find_mark(&marks, 0)
    cdef Py_ssize_t start, end
    cdef int opens, kept
    cdef bint plain
    while i < size:
        opens = _opens_tag(text, i)
        start = i + (1 if text[i] == b'#' else 3)
        end = start
        if opens:
            end = _end_of_tag(text, start, size, &plain)
            if end < 0 or (opens < 0 and end > start):
                return IN_DOUBT
        if end > start:
            if not plain:
                kept = _keep_folded(out, text + start, end - start, digits)
            elif digits or not _only_digits(text, start, end):
                kept = out.keep(text + start, end - start, True)
            else:
                kept = DONE
            if kept != DONE:
                return kept
        i = _find_mark(&marks, end)
    return DONE


cdef int read_tags(Words out, Text text, Py_ssize_t size, bint digits) except -1:
    """Fill `out` with the hashtags of a text, as `reference.hashtags` finds them."""
    out.clear()
    if _find_tags(out, text, size, digits) != DONE:
        out.fill(reference.hashtags(_decoded(text, size), digits=digits))
    return 0


cdef int read_tag_name(Words out, Text name, Py_ssize_t size) except -1:
    """Add a hashtag's name, as `reference.tag_names` keeps it. Returns IN_DOUBT beyond MOST."""
    cdef Py_ssize_t i
    for i in range(size):
        if name[i] >= 0x80:
            return _keep_folded(out, name, size, True)
    while size > 0 and _is_space(name[size - 1]):
        size -= 1
    while size > 0 and _is_space(name[0]):
        name += 1
        size -= 1
    while size > 0 and name[0] == b'#':
        name += 1
        size -= 1
    return out.keep(name, size, True) if size > 0 else DONE


# Mentions

cdef bint _opens_mention(Text text, Py_ssize_t i) noexcept nogil:
    cdef unsigned char before
    if i == 0:
        return True
    before = text[i - 1]
    if before < 0x80:
        return not (_is_word(before) or before == b'/' or before == b'@' or before == b'.')
    return not _is_letter(_letter_before(text, i))


cdef int _find_mentions(Words out, Text text, Py_ssize_t size) noexcept nogil:
    cdef Marks marks = Marks(text, size, b'@', 0xA0, -1)
    cdef Py_ssize_t i = _find_mark(&marks, 0)
    cdef Py_ssize_t start, end
    while i < size:
        start = i + (1 if text[i] == b'@' else 3)
        end = start
        if start < size and _is_word(text[start]) and _opens_mention(text, i):
            end += 1
            while end < size and end - start < 30 and (_is_word(text[end]) or text[end] == b'.'):
                end += 1
            while text[end - 1] == b'.':
                end -= 1
            if out.keep(text + start, end - start, True) != DONE:
                return IN_DOUBT
        i = _find_mark(&marks, end)
    return DONE


cdef int read_mentions(Words out, Text text, Py_ssize_t size) except -1:
    """Fill `out` with the handles a text names, as `reference.mentions` finds them."""
    out.clear()
    if _find_mentions(out, text, size) != DONE:
        out.fill(reference.mentions(_decoded(text, size)))
    return 0


# Links

cdef Py_ssize_t _start_of_link(Text text, Py_ssize_t i, Py_ssize_t least) noexcept nogil:
    """Return where the scheme starts that ends before `i`; -1 if there is none, -2 in doubt."""
    cdef Py_ssize_t start = i
    if start - 2 >= least and text[start - 2] == 0xC5 and text[start - 1] == 0xBF:
        return -2  # a long s, which is an s where case is ignored
    if start > least and _low(text[start - 1]) == b's':
        start -= 1
    start -= 4
    if start < least or _low(text[start]) != b'h' or _low(text[start + 1]) != b't':
        return -1
    return start if _low(text[start + 2]) == b't' and _low(text[start + 3]) == b'p' else -1


cdef Py_ssize_t _end_of_link(Text text, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    """Return where the address ends that goes on at `i`."""
    cdef unsigned char c
    cdef Py_ssize_t behind
    while i < size:
        c = text[i]
        if c < 0x80:
            if _is_space(c) or c == b'<' or c == b'>' or c == b'"' or c == b"'":
                return i
            i += 1
            continue
        behind = i
        if _is_blank(_letter(text, &behind)):
            return i
        i = behind
    return i


cdef inline bint _after_link(unsigned char c) noexcept nogil:
    return (
        c == b'.' or c == b',' or c == b';' or c == b':' or c == b'!' or c == b'?'
        or c == b')' or c == b']' or c == b'}'
    )


cdef Py_ssize_t _without_stops(Text text, Py_ssize_t end) noexcept nogil:
    """Return where an address ends without the punctuation behind it; '/' ends every search."""
    cdef Text tail
    while True:
        if _after_link(text[end - 1]):
            end -= 1
            continue
        tail = text + end - 3
        if (tail[0] == 0xE2 and tail[1] == 0x80 and tail[2] == 0xA6) or (
            tail[0] == 0xE3 and tail[1] == 0x80 and (tail[2] == 0x82 or tail[2] == 0x8D)
        ):
            end -= 3
            continue
        return end


cdef int _find_links(Words out, Text text, Py_ssize_t size) noexcept nogil:
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t least = 0
    cdef Py_ssize_t start, end
    cdef Text colon
    while i < size:
        colon = <Text> memchr(text + i, b':', size - i)
        if colon == NULL or colon - text + 3 >= size:
            return DONE
        i = colon - text + 1
        if colon[1] != b'/' or colon[2] != b'/':
            continue
        start = _start_of_link(text, i - 1, least)
        if start == -2:
            return IN_DOUBT
        end = _end_of_link(text, i + 2, size) if start >= 0 else 0
        if end > i + 2:
            if out.keep(text + start, _without_stops(text, end) - start, False) != DONE:
                return IN_DOUBT
            i = least = end
    return DONE


cdef int read_links(Words out, Text text, Py_ssize_t size) except -1:
    """Fill `out` with the addresses a text holds, as `reference.links` finds them."""
    out.clear()
    if _find_links(out, text, size) != DONE:
        out.fill(reference.links(_decoded(text, size)))
    return 0


cdef str _decoded(Text text, Py_ssize_t size):
    return PyUnicode_DecodeUTF8(<const char*> text, size, NULL)


# HTML

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
        while i < end and not _is_space(html[i]):
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
            if not _is_blank(_letter(start, &behind)):
                break
        elif not _is_space(start[i]):
            break
        i = behind
    while size > i:
        if start[size - 1] >= 0x80:
            if not _is_blank(_letter_before(start, size)):
                break
            while start[size - 1] & 0xC0 == 0x80:
                size -= 1
        elif not _is_space(start[size - 1]):
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
    found = markup.prose(_decoded(html, size))
    out.kept = (<str> found.text).encode()
    out.text = <Text> PyBytes_AS_STRING(out.kept)
    out.size = PyBytes_GET_SIZE(out.kept)
    out.links.fill(found.links)
    return 0


# For tests and callers in Python

def tags(bytes text not None, *, bint digits=True):
    """Return the hashtags of a text."""
    found = Words()
    read_tags(found, text, len(text), digits)
    return tuple(found)


def mentions(bytes text not None):
    """Return the handles a text names."""
    found = Words()
    read_mentions(found, text, len(text))
    return tuple(found)


def links(bytes text not None):
    """Return the addresses a text holds."""
    found = Words()
    read_links(found, text, len(text))
    return tuple(found)


def tag_names(list names not None):
    """Return the spellings of hashtags' names."""
    found = Words()
    for name in names:
        if read_tag_name(found, <bytes> name, len(name)) != DONE:
            found.fill(reference.tag_names([each.decode() for each in names]))
            break
    return tuple(found)


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
