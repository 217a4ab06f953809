# cython: language_level=3
"""The tape: a JSON text as a flat array of tokens, each with the way to its next sibling.

`Document.scan` gives None for a text whose canonical form (what msgspec writes of what it read) is
not certain; a document that is there is strict JSON, UTF-8, nested at most 64 deep, no object has a
key twice, no string holds NUL or half a surrogate pair, and every number and every key is already
canonical, byte for byte.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef extern from "spans.h":
    uint32_t taglake_hash(const uint8_t* p, size_t size) nogil
    bint taglake_same(const uint8_t* a, const uint8_t* b, size_t size) nogil

cdef enum Kind:
    NOTHING = 0  # no token: of an absent member
    OBJECT = 1
    ARRAY = 2
    STRING = 3
    INT = 4  # 64 bits with a sign
    FLOAT = 5
    TRUE = 6
    FALSE = 7
    NIL = 8

cdef enum Flag:
    ESCAPED = 1  # a string with a backslash; an object or array with such a string
    DIRTY = 2  # with an escape that msgspec writes in another way
    WIDE = 4  # a string whose text is not plain ASCII
    LOOSE = 8  # an object or array with white space between its tokens

cdef struct Token:
    uint8_t kind
    uint8_t flags
    uint16_t key_size
    uint32_t key  # of a member of an object: where its key starts, behind the quote
    uint32_t key_hash
    uint32_t start  # of a string: the opening quote
    uint32_t end  # behind the last byte; of a string: behind the closing quote
    uint32_t next  # the token behind this one and all it holds
    int64_t value  # of a whole number; of a container: its members; of a fraction: is it in doubt

cdef struct Tape:
    const uint8_t* body
    Token* tokens  # 0 is NOTHING and stands for what is absent; 1 is the root
    uint32_t size
    uint32_t capacity
    uint32_t doubts  # fractions of more than 15 digits

cdef class Document:
    """A body and its tape; slices of both are valid as long as it lives."""

    cdef readonly bytes body
    cdef Tape tape

    @staticmethod
    cdef Document scan(bytes body)

cdef enum:
    ROOT = 1
    SLOTS = 512  # of a vocabulary; at most half are used

cdef struct Vocabulary:
    # The keys a reader knows, each with a small number of its own, from 1 on.
    uint32_t hashes[SLOTS]
    const char* names[SLOTS]
    uint16_t sizes[SLOTS]
    uint16_t numbers[SLOTS]

cdef int learn(Vocabulary* known, const char* name, int number) except -1
# Add a key. `name` must live as long as the vocabulary: a literal.

cdef inline int number_of(
    const Vocabulary* known, const uint8_t* body, const Token* token
) noexcept nogil:
    """Return the number of a member's key, 0 for a key that is not in the vocabulary."""
    cdef uint32_t slot = token.key_hash & (SLOTS - 1)
    while known.numbers[slot] != 0:
        if known.hashes[slot] == token.key_hash and known.sizes[slot] == token.key_size:
            if taglake_same(
                <const uint8_t*>known.names[slot], body + token.key, token.key_size
            ):
                return known.numbers[slot]
        slot = (slot + 1) & (SLOTS - 1)
    return 0

cdef inline void members(
    const Tape* tape, uint32_t node, const Vocabulary* known, uint32_t* found, int size
) noexcept nogil:
    """Put each member of an object at its key's number in `found`, which has `size` places; absent
    ones are 0. Of anything but an object all are absent.
    """
    memset(found, 0, size * sizeof(uint32_t))
    if tape.tokens[node].kind != OBJECT:
        return
    cdef uint32_t child = node + 1
    cdef uint32_t end = tape.tokens[node].next
    while child < end:
        found[number_of(known, tape.body, tape.tokens + child)] = child
        child = tape.tokens[child].next
    found[0] = 0

cdef inline uint32_t member(
    const Tape* tape, uint32_t node, const char* name, uint32_t size
) noexcept nogil:
    """Return one member of an object, 0 if it is absent or `node` is no object."""
    cdef uint32_t child, end, hash
    if tape.tokens[node].kind != OBJECT:
        return 0
    hash = taglake_hash(<const uint8_t*>name, size)
    child, end = node + 1, tape.tokens[node].next
    while child < end:
        if tape.tokens[child].key_hash == hash and tape.tokens[child].key_size == size:
            if taglake_same(tape.body + tape.tokens[child].key, <const uint8_t*>name, size):
                return child
        child = tape.tokens[child].next
    return 0
