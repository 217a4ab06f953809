# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Hashtags, mentions and links of a text, read from UTF-8 bytes.

`ingestor.sources.text` says what is right. What stands here reads the plain case in C and, wherever
a letter leaves a doubt, calls it: the words are the same, always. Bytes must be valid UTF-8 without
NUL.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdlib cimport free, realloc
from libc.string cimport memchr, memcmp, memcpy

from ingestor.kernel.letters cimport (
    Text, is_blank, is_letter, is_space, is_word, letter_at, letter_before, low,
)

from ingestor.sources import text as reference

cdef enum:
    MOST = 128  # words compared one by one; a text with more is the reference's
    MOST_SPELLINGS = 4096  # that are remembered
    LONGEST_SPELLING = 256  # bytes of one


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
            copy[i] = low(word[i]) if lower else word[i]
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
        return not (is_word(text[i - 1]) or text[i - 1] == b'&' or text[i - 1] == b'/')
    before = letter_before(text, i)
    if is_letter(before):
        return 0
    return 1 if _ends_words(before) else -1


cdef Py_ssize_t _end_of_tag(Text text, Py_ssize_t i, Py_ssize_t size, bint* plain) noexcept nogil:
    """Return where the tag's name that starts at `i` ends, -1 in doubt."""
    cdef Py_ssize_t behind
    cdef Py_UCS4 letter
    plain[0] = True
    while i < size:
        if text[i] < 0x80:
            if not is_word(text[i]):
                return i
            i += 1
            continue
        behind = i
        letter = letter_at(text, &behind)
        if not is_letter(letter):
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
    while size > 0 and is_space(name[size - 1]):
        size -= 1
    while size > 0 and is_space(name[0]):
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
        return not (is_word(before) or before == b'/' or before == b'@' or before == b'.')
    return not is_letter(letter_before(text, i))


cdef int _find_mentions(Words out, Text text, Py_ssize_t size) noexcept nogil:
    cdef Marks marks = Marks(text, size, b'@', 0xA0, -1)
    cdef Py_ssize_t i = _find_mark(&marks, 0)
    cdef Py_ssize_t start, end
    while i < size:
        start = i + (1 if text[i] == b'@' else 3)
        end = start
        if start < size and is_word(text[start]) and _opens_mention(text, i):
            end += 1
            while end < size and end - start < 30 and (is_word(text[end]) or text[end] == b'.'):
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
    if start > least and low(text[start - 1]) == b's':
        start -= 1
    start -= 4
    if start < least or low(text[start]) != b'h' or low(text[start + 1]) != b't':
        return -1
    return start if low(text[start + 2]) == b't' and low(text[start + 3]) == b'p' else -1


cdef Py_ssize_t _end_of_link(Text text, Py_ssize_t i, Py_ssize_t size) noexcept nogil:
    """Return where the address ends that goes on at `i`."""
    cdef unsigned char c
    cdef Py_ssize_t behind
    while i < size:
        c = text[i]
        if c < 0x80:
            if is_space(c) or c == b'<' or c == b'>' or c == b'"' or c == b"'":
                return i
            i += 1
            continue
        behind = i
        if is_blank(letter_at(text, &behind)):
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
