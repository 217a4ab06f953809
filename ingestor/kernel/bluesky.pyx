# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Pages of searches (`posts`) and of authors (`feed`) of Bluesky, from bytes to rows.

`ingestor.sources._bluesky_shapes` says what is right, name by name; an answer that holds anything
else, or anything that would leave a note, is handed over to it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, strlen

from ingestor.kernel.feeds cimport Draft, FeedRows
from ingestor.kernel.rows cimport COMMENTS, LIKES, QUOTES, SHARES, UNDATED, Slice
from ingestor.kernel.scanner cimport (
    ARRAY, OBJECT, ROOT, STRING, Document, Vocabulary, learn, member, members,
)
from ingestor.kernel.values cimport (
    HandOver, child, count, either, is_none, is_word, loose_count, text, word_of,
)
from ingestor.kernel.words cimport Words, read_tag_name
from ingestor.kernel.writer cimport put_byte, put_count, put_literal, put_node, put_text

from ingestor.contract import Page

cdef enum:  # keys
    URI = 1
    RECORD
    AUTHOR
    DID
    HANDLE
    EMBED
    INDEXED
    LIKED
    REPLIED
    REPOSTED
    QUOTED
    TEXT
    CREATED
    LANGS
    FACETS
    TAGS
    REPLY
    POST
    REASON
    KIND
    BY
    TAG
    MEDIA
    IMAGES
    PLAYLIST
    EXTERNAL
    FULL
    THUMB
    RATIO
    ALT
    KEYS

cdef Vocabulary KNOWN

learn(&KNOWN, b"uri", URI)
learn(&KNOWN, b"record", RECORD)
learn(&KNOWN, b"author", AUTHOR)
learn(&KNOWN, b"did", DID)
learn(&KNOWN, b"handle", HANDLE)
learn(&KNOWN, b"embed", EMBED)
learn(&KNOWN, b"indexedAt", INDEXED)
learn(&KNOWN, b"likeCount", LIKED)
learn(&KNOWN, b"replyCount", REPLIED)
learn(&KNOWN, b"repostCount", REPOSTED)
learn(&KNOWN, b"quoteCount", QUOTED)
learn(&KNOWN, b"text", TEXT)
learn(&KNOWN, b"createdAt", CREATED)
learn(&KNOWN, b"langs", LANGS)
learn(&KNOWN, b"facets", FACETS)
learn(&KNOWN, b"tags", TAGS)
learn(&KNOWN, b"reply", REPLY)
learn(&KNOWN, b"post", POST)
learn(&KNOWN, b"reason", REASON)
learn(&KNOWN, b"$type", KIND)
learn(&KNOWN, b"by", BY)
learn(&KNOWN, b"tag", TAG)
learn(&KNOWN, b"media", MEDIA)
learn(&KNOWN, b"images", IMAGES)
learn(&KNOWN, b"playlist", PLAYLIST)
learn(&KNOWN, b"external", EXTERNAL)
learn(&KNOWN, b"fullsize", FULL)
learn(&KNOWN, b"thumb", THUMB)
learn(&KNOWN, b"aspectRatio", RATIO)
learn(&KNOWN, b"alt", ALT)

cdef enum:  # members of an answer
    ERROR = 1
    CURSOR
    POSTS
    FEED
    OTHER  # a list that other readers know, or a thread
    ANSWER

cdef Vocabulary OF_ANSWER

learn(&OF_ANSWER, b"error", ERROR)
learn(&OF_ANSWER, b"cursor", CURSOR)
learn(&OF_ANSWER, b"posts", POSTS)
learn(&OF_ANSWER, b"feed", FEED)
learn(&OF_ANSWER, b"records", OTHER)
learn(&OF_ANSWER, b"profiles", OTHER)
learn(&OF_ANSWER, b"actors", OTHER)
learn(&OF_ANSWER, b"repostedBy", OTHER)
learn(&OF_ANSWER, b"likes", OTHER)
learn(&OF_ANSWER, b"followers", OTHER)
learn(&OF_ANSWER, b"follows", OTHER)
learn(&OF_ANSWER, b"relationships", OTHER)
learn(&OF_ANSWER, b"thread", OTHER)

cdef enum:
    MOST_FACETS = 128

cdef enum:  # what a facet says of its part of the text
    IS_OTHER
    IS_TAG
    IS_LINK
    IS_MENTION

ctypedef const uint8_t* Text

cdef struct Facet:
    int64_t start
    uint32_t node


cdef class Posts(FeedRows):
    """Rows of one page of posts."""

    cdef str cursor  # where the next page starts
    cdef Words handles  # that the text mentions
    cdef Words links

    cdef int read_all(self) except -1:
        """Read every post of the answer. Raises HandOver."""
        cdef uint32_t found[ANSWER]
        cdef uint32_t list_, node
        members(self.tape, ROOT, &OF_ANSWER, found, ANSWER)
        if not is_none(self.tape, found[ERROR]) or found[OTHER]:
            raise HandOver
        if (found[POSTS] == 0) == (found[FEED] == 0):
            raise HandOver
        list_ = found[POSTS] or found[FEED]
        if self.tape.tokens[list_].kind != ARRAY:
            raise HandOver
        self.handles = Words()
        self.links = Words()
        self.cursor = word_of(&self.scratch, self.tape, found[CURSOR])
        node = list_ + 1
        while node < self.tape.tokens[list_].next:
            if self.tape.tokens[node].kind != OBJECT:
                raise HandOver
            if found[FEED]:
                self._entry(node)
            else:
                self._post(node, 0)
            node = self.tape.tokens[node].next
        return self.finish()

    cdef int _entry(self, uint32_t node) except -1:
        """Keep an entry of a feed: a post, or a repost of one if there is a reason."""
        cdef uint32_t found[KEYS]
        cdef uint32_t kind
        cdef Text name
        cdef Py_ssize_t size = 0
        cdef uint32_t reason = 0
        members(self.tape, node, &KNOWN, found, KEYS)
        kind = member(self.tape, found[REASON], b"$type", 5)
        if self.tape.tokens[kind].kind == STRING:
            name = self.text(kind, &size)
            if size >= 13 and memcmp(name + size - 13, b"#reasonRepost", 13) == 0:
                reason = found[REASON]
        return self._post(found[POST], reason)

    cdef int _post(self, uint32_t node, uint32_t reason) except -1:
        """Keep one post, or the repost of one."""
        cdef uint32_t own[KEYS]
        cdef uint32_t record[KEYS]
        cdef uint32_t author[KEYS]
        cdef uint32_t why[KEYS]
        cdef Draft draft
        cdef str uri, did, by, key, handle
        members(self.tape, node, &KNOWN, own, KEYS)
        members(self.tape, own[RECORD], &KNOWN, record, KEYS)
        members(self.tape, own[AUTHOR], &KNOWN, author, KEYS)
        uri = word_of(&self.scratch, self.tape, own[URI])
        did = word_of(&self.scratch, self.tape, author[DID])
        if uri is None or did is None or not uri.startswith("at://"):
            raise HandOver
        if self.tape.tokens[own[RECORD]].kind != OBJECT or not self.tape.tokens[own[RECORD]].value:
            raise HandOver
        self.begin(&draft, node)
        draft.url = self.text_part(
            f"https://bsky.app/profile/{did}/post/{uri.rpartition('/')[2]}"
        )
        self._words(&draft, record)
        self._embedded(&draft, own[EMBED])
        draft.links = self.words_part(self.links)
        self._numbers(&draft, own)
        draft.reply_to = self._id_part(self._parent(record[REPLY]))
        key = uri
        if reason:
            members(self.tape, reason, &KNOWN, why, KEYS)
            members(self.tape, why[BY], &KNOWN, author, KEYS)
            by = word_of(&self.scratch, self.tape, author[DID])
            key = self._repost(&draft, why, by, uri)
            draft.reason = reason
            did = by or did
        else:
            draft.created = self._earlier(record[CREATED], own[INDEXED])
        draft.native = self.text_part(key)
        handle = word_of(&self.scratch, self.tape, author[HANDLE])
        if handle == "handle.invalid":  # what the network says where it found none
            handle = None
        return self.keep_post(&draft, "bluesky:" + key, "bluesky:" + did, handle)

    cdef str _repost(self, Draft* draft, const uint32_t* why, str by, str uri):
        """Make a draft that of a repost; return its own uri or, without, who reposted what."""
        cdef str own = word_of(&self.scratch, self.tape, why[URI])
        if own is None and by is None:
            raise HandOver
        draft.repost = True
        draft.kind = b"repost"
        draft.created = self.instant(why[INDEXED])
        draft.repost_of = self.text_part("bluesky:" + uri)
        return own or f"at://{by}/app.bsky.feed.repost/{uri.removeprefix('at://')}"

    cdef int64_t _earlier(self, uint32_t claimed, uint32_t indexed) except? -2:
        """Return the earlier of what the client claims and what the server saw."""
        cdef int64_t one = self.instant(claimed)
        cdef int64_t other = self.instant(indexed)
        if one == UNDATED or other == UNDATED:
            return other if one == UNDATED else one
        return min(one, other)

    cdef uint32_t _parent(self, uint32_t reply) noexcept:
        """Return the address of the post answered to."""
        return member(self.tape, member(self.tape, reply, b"parent", 6), b"uri", 3)

    cdef Slice _id_part(self, uint32_t node) except *:
        """Append the id made of an address, null without one."""
        if not is_word(self.tape, node):
            return Slice(0, 0)
        return self.text_part("bluesky:" + word_of(&self.scratch, self.tape, node))

    cdef int _numbers(self, Draft* draft, const uint32_t* own) except -1:
        """Read the counts of a post."""
        draft.counts[LIKES] = count(self.tape, own[LIKED])
        draft.counts[COMMENTS] = count(self.tape, own[REPLIED])
        draft.counts[SHARES] = count(self.tape, own[REPOSTED])
        draft.counts[QUOTES] = count(self.tape, own[QUOTED])
        return 0

    # Words

    cdef int _words(self, Draft* draft, const uint32_t* record) except -1:
        """Read text, tags, mentions, links and language of a record."""
        cdef size_t start = self.parts.size
        cdef uint32_t node
        self.out.size = 0  # free until the page is read: holds the text, whose bytes facets count
        if text(self.tape, record[TEXT]):
            put_node(&self.parts, self.tape, record[TEXT])
            put_text(&self.out, self.tape, record[TEXT])
            draft.text = self.part(start)
        self.words.clear()
        self.handles.clear()
        self.links.clear()
        self._facets(record[FACETS])
        node = child(self.tape, record[TAGS])
        while node and node < self.tape.tokens[record[TAGS]].next:
            self._tag(node)
            node = self.tape.tokens[node].next
        draft.tags = self.words_part(self.words)
        draft.mentions = self.words_part(self.handles)
        draft.lang = self.language_part(child(self.tape, record[LANGS]))
        return 0

    cdef int _facets(self, uint32_t list_) except -1:
        """Read what the parts of a text are, in the order of the text."""
        cdef Facet[MOST_FACETS] facets
        cdef Facet facet
        cdef uint32_t node = child(self.tape, list_)
        cdef int size = 0
        cdef int i
        while node and node < self.tape.tokens[list_].next:
            if size == MOST_FACETS:
                raise HandOver
            facet = Facet(self._offset(node, b"byteStart"), node)
            i = size
            while i > 0 and facets[i - 1].start > facet.start:
                facets[i] = facets[i - 1]
                i -= 1
            facets[i] = facet
            size += 1
            node = self.tape.tokens[node].next
        for i in range(size):
            self._features(facets[i].node, facets[i].start)
        return 0

    cdef int64_t _offset(self, uint32_t facet, const char* name) except -1:
        """Return where a facet starts or ends, in bytes."""
        cdef uint32_t index = member(self.tape, facet, b"index", 5)
        return max(0, loose_count(self.tape, member(self.tape, index, name, strlen(name))))

    cdef int _features(self, uint32_t facet, int64_t start) except -1:
        """Read what one part of the text is."""
        cdef uint32_t found[KEYS]
        cdef uint32_t list_ = member(self.tape, facet, b"features", 8)
        cdef uint32_t node = child(self.tape, list_)
        cdef int64_t end = self._offset(facet, b"byteEnd")
        cdef int kind
        while node and node < self.tape.tokens[list_].next:
            members(self.tape, node, &KNOWN, found, KEYS)
            kind = self._kind(found[KIND])
            if kind == IS_TAG:
                self._tag(found[TAG])
            elif kind == IS_LINK:
                self._link(found[URI])
            elif kind == IS_MENTION:
                self._mention(start, end)
            node = self.tape.tokens[node].next
        return 0

    cdef int _kind(self, uint32_t node) noexcept:
        """Return what the name of a facet's type says, with its prefix or without."""
        cdef Py_ssize_t size = 0
        cdef Text name
        if self.tape.tokens[node].kind != STRING:
            return IS_OTHER
        name = self.text(node, &size)
        if size >= 24 and memcmp(name, b"app.bsky.richtext.facet#", 24) == 0:
            name += 24
            size -= 24
        if size == 3 and memcmp(name, b"tag", 3) == 0:
            return IS_TAG
        if size == 4 and memcmp(name, b"link", 4) == 0:
            return IS_LINK
        return IS_MENTION if size == 7 and memcmp(name, b"mention", 7) == 0 else IS_OTHER

    cdef int _tag(self, uint32_t node) except -1:
        """Keep a hashtag."""
        cdef Py_ssize_t size = 0
        cdef Text name
        if is_word(self.tape, node):
            name = self.text(node, &size)
            if read_tag_name(self.words, name, size):
                raise HandOver
        return 0

    cdef int _link(self, uint32_t node) except -1:
        """Keep an address."""
        cdef Py_ssize_t size = 0
        cdef Text address
        if is_word(self.tape, node):
            address = self.text(node, &size)
            if self.links.keep(address, size, False):
                raise HandOver
        return 0

    cdef int _mention(self, int64_t start, int64_t end) except -1:
        """Keep the handle that the text shows; a cut through a letter is the reference's."""
        cdef int64_t size = self.out.size
        cdef Text said = self.out.bytes
        end = min(end, size)
        if start >= end:
            return 0
        if said[start] & 0xC0 == 0x80 or (end < size and said[end] & 0xC0 == 0x80):
            raise HandOver
        while start < end and said[start] == c"@":
            start += 1
        if start < end and self.handles.keep(said + start, end - start, False):
            raise HandOver
        return 0

    # Pictures

    cdef int _embedded(self, Draft* draft, uint32_t embed) except -1:
        """Read pictures and the link shown below the text, and by them what the post is."""
        cdef uint32_t found[KEYS]
        cdef uint32_t media
        members(self.tape, embed, &KNOWN, found, KEYS)
        media = found[MEDIA]
        if self.tape.tokens[media].kind == OBJECT and self.tape.tokens[media].value:
            members(self.tape, media, &KNOWN, found, KEYS)
        self._link(member(self.tape, found[EXTERNAL], b"uri", 3))
        self._pictures(draft, found)
        return 0

    cdef int _pictures(self, Draft* draft, const uint32_t* found) except -1:
        cdef size_t start = self.parts.size
        cdef uint32_t list_ = found[IMAGES]
        cdef uint32_t node = child(self.tape, list_)
        cdef int64_t images = self.tape.tokens[list_].value if node else 0
        cdef bint film = text(self.tape, found[PLAYLIST]) != 0
        put_byte(&self.parts, c"[")
        while node and node < self.tape.tokens[list_].next:
            self._image(node, node == list_ + 1)
            node = self.tape.tokens[node].next
        if film:
            put_literal(&self.parts, b',{"kind":"video"' if images else b'{"kind":"video"')
            put_literal(&self.parts, b',"url":')
            put_node(&self.parts, self.tape, found[PLAYLIST])
            self._put_size(found)
        put_byte(&self.parts, c"]")
        draft.media = self.part(start)
        draft.pictures = self._told_pictures(list_, film, found[ALT])
        if images + film > 1:
            draft.kind = b"carousel"
        else:
            draft.kind = b"video" if film else b"image" if images else b"text"
        return 0

    cdef int _image(self, uint32_t node, bint first) except -1:
        """Write one picture."""
        cdef uint32_t found[KEYS]
        members(self.tape, node, &KNOWN, found, KEYS)
        put_literal(&self.parts, b'{"kind":"image"' if first else b',{"kind":"image"')
        put_literal(&self.parts, b',"url":')
        self.put_word(either(self.tape, found[FULL], found[THUMB]))
        return self._put_size(found)

    cdef int _put_size(self, const uint32_t* found) except -1:
        """End a medium: its shape and description."""
        cdef uint32_t ratio = found[RATIO]
        put_literal(&self.parts, b',"width":')
        put_count(&self.parts, loose_count(self.tape, member(self.tape, ratio, b"width", 5)))
        put_literal(&self.parts, b',"height":')
        put_count(&self.parts, loose_count(self.tape, member(self.tape, ratio, b"height", 6)))
        put_literal(&self.parts, b',"alt":')
        self.put_word(found[ALT])
        put_literal(&self.parts, b',"duration":null}')
        return 0

    cdef Slice _told_pictures(self, uint32_t list_, bint film, uint32_t alt) except *:
        """Return kind and description of each medium."""
        cdef size_t start = self.parts.size
        cdef uint32_t node = child(self.tape, list_)
        cdef bint any_ = node != 0
        put_byte(&self.parts, c"[")
        while node and node < self.tape.tokens[list_].next:
            put_literal(&self.parts, b'["image",' if node == list_ + 1 else b',["image",')
            self.put_word(member(self.tape, node, b"alt", 3))
            put_byte(&self.parts, c"]")
            node = self.tape.tokens[node].next
        if film:
            put_literal(&self.parts, b',["video",' if any_ else b'["video",')
            self.put_word(alt)
            put_byte(&self.parts, c"]")
        put_byte(&self.parts, c"]")
        return self.part(start)


def read(bytes body not None, object observed_at, int parser):
    """Return the page of a search or a feed; None if the reference has to read the body."""
    cdef Document document = Document.scan(body)
    cdef Posts rows
    if document is None:
        return None
    rows = Posts(document, "bluesky", observed_at, parser)
    try:
        rows.read_all()
    except HandOver:
        return None
    return Page(rows=rows, cursor=rows.cursor)
