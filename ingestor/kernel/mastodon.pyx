# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Lists of statuses, as tag timelines and accounts have them, from bytes to rows.

`ingestor.sources._mastodon_shapes` says what is right, name by name; a list that holds anything
else, or anything that would leave a note, is handed over to it.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp

from ingestor.kernel.feeds cimport Draft, FeedRows, put_moment
from ingestor.kernel.prose cimport read_prose
from ingestor.kernel.rows cimport (
    COMMENTS, FOLLOWERS, FOLLOWING, LIKES, POSTS, PROFILE, QUOTES, SHARES, UNKNOWN, Row, Slice,
)
from ingestor.kernel.scanner cimport (
    ARRAY, INT, OBJECT, ROOT, STRING, Document, Token, Vocabulary, learn, member, members,
)
from ingestor.kernel.values cimport (
    HandOver, count, either, ident, is_ident, is_text, is_word, loose_count, put_flag,
    put_number, text, word, word_of,
)
from ingestor.kernel.words cimport Words, read_links, read_tag_name, read_tags
from ingestor.kernel.writer cimport (
    put_byte, put_count, put_int, put_json, put_literal, put_node, put_str,
)

from ingestor.contract import Page
from ingestor.sources import _mastodon_shapes, addresses

cdef enum:  # keys
    ID = 1
    URI
    URL
    ACCOUNT
    CONTENT
    VISIBILITY
    TEXT
    CREATED
    EDITED
    REPLY
    LANGUAGE
    TAGS
    MENTIONS
    MEDIA
    REBLOG
    FAVOURITES
    REPLIES
    REBLOGS
    QUOTED
    ACCT
    NAME
    NOTE
    FIELDS
    LOCKED
    FOLLOWED_BY
    FOLLOWS
    STATUSES
    TYPE
    REMOTE
    DESCRIPTION
    META
    KEYS

cdef Vocabulary KNOWN

learn(&KNOWN, b"id", ID)
learn(&KNOWN, b"uri", URI)
learn(&KNOWN, b"url", URL)
learn(&KNOWN, b"account", ACCOUNT)
learn(&KNOWN, b"content", CONTENT)
learn(&KNOWN, b"visibility", VISIBILITY)
learn(&KNOWN, b"text", TEXT)
learn(&KNOWN, b"created_at", CREATED)
learn(&KNOWN, b"edited_at", EDITED)
learn(&KNOWN, b"in_reply_to_id", REPLY)
learn(&KNOWN, b"language", LANGUAGE)
learn(&KNOWN, b"tags", TAGS)
learn(&KNOWN, b"mentions", MENTIONS)
learn(&KNOWN, b"media_attachments", MEDIA)
learn(&KNOWN, b"reblog", REBLOG)
learn(&KNOWN, b"favourites_count", FAVOURITES)
learn(&KNOWN, b"replies_count", REPLIES)
learn(&KNOWN, b"reblogs_count", REBLOGS)
learn(&KNOWN, b"quotes_count", QUOTED)
learn(&KNOWN, b"acct", ACCT)
learn(&KNOWN, b"display_name", NAME)
learn(&KNOWN, b"note", NOTE)
learn(&KNOWN, b"fields", FIELDS)
learn(&KNOWN, b"locked", LOCKED)
learn(&KNOWN, b"followers_count", FOLLOWED_BY)
learn(&KNOWN, b"following_count", FOLLOWS)
learn(&KNOWN, b"statuses_count", STATUSES)
learn(&KNOWN, b"type", TYPE)
learn(&KNOWN, b"remote_url", REMOTE)
learn(&KNOWN, b"description", DESCRIPTION)
learn(&KNOWN, b"meta", META)

ctypedef const uint8_t* Text


cdef class Statuses(FeedRows):
    """Rows of one list of statuses and their authors."""

    cdef str host  # the server that answered, None if that is not known
    cdef dict addresses  # a server's own id -> the id unique in the world; None until asked for
    cdef dict told  # id of an author -> whether his followers are told
    cdef uint32_t author  # the account read last, and what came of it
    cdef str author_id
    cdef str author_handle
    cdef int64_t author_followers

    cdef int read_all(self) except -1:
        """Read every status of the list. Raises HandOver."""
        cdef const Token* root = self.tape.tokens + ROOT
        cdef uint32_t node = ROOT + 1
        if root.kind != ARRAY:
            raise HandOver
        self.told = {}
        while node < root.next:
            self._status(node)
            node = self.tape.tokens[node].next
        return self.finish()

    cdef int _status(self, uint32_t node) except -1:
        """Keep one status and its author."""
        cdef uint32_t own[KEYS]
        cdef uint32_t inner[KEYS]
        cdef uint32_t* said = own
        cdef Draft draft
        members(self.tape, node, &KNOWN, own, KEYS)
        if not own[ACCOUNT] or not (own[CONTENT] or own[URI] or own[VISIBILITY]):
            raise HandOver
        self._author(own[ACCOUNT])
        self.begin(&draft, node)
        if self.tape.tokens[own[REBLOG]].kind == OBJECT and self.tape.tokens[own[REBLOG]].value:
            members(self.tape, own[REBLOG], &KNOWN, inner, KEYS)
            said = inner  # a boost has no text, tags or counts of its own
            draft.repost = True
            draft.repost_of = self.text_part("mastodon:" + self._address(said))
        draft.native = self._native(own[ID])
        draft.url = self.word_part(either(self.tape, own[URL], own[URI]))
        draft.created = self.instant(own[CREATED])
        draft.followers = self.author_followers
        self._words(&draft, said)
        self._pictures(&draft, said[MEDIA])
        self._numbers(&draft, said)
        draft.reply_to = self._reply_to(said)
        address = "mastodon:" + self._address(own)
        return self.keep_post(&draft, address, self.author_id, self.author_handle)

    cdef str _address(self, const uint32_t* found):
        """Return the ActivityPub id."""
        cdef uint32_t node = either(self.tape, found[URI], found[URL])
        if not is_word(self.tape, node):
            raise HandOver
        return word_of(&self.scratch, self.tape, node)

    cdef Slice _native(self, uint32_t node) except *:
        """Return a server's own id, which is a string or a number."""
        cdef size_t start = self.parts.size
        if self.tape.tokens[node].kind == INT:
            put_byte(&self.parts, c'"')
            put_int(&self.parts, self.tape.tokens[node].value)
            put_byte(&self.parts, c'"')
        elif is_word(self.tape, node):
            put_node(&self.parts, self.tape, node)
        else:
            put_literal(&self.parts, b'""')
        return self.part(start)

    cdef int _words(self, Draft* draft, const uint32_t* said) except -1:
        """Read what a status says: text, links, tags, mentions, language."""
        cdef uint32_t content = text(self.tape, said[CONTENT])
        cdef size_t start
        cdef bint listed = self.tape.tokens[said[TAGS]].kind == ARRAY
        content = content if content else text(self.tape, said[TEXT])
        self.words.clear()
        self.prose.links.clear()
        if content:
            self._prose(content)
            start = self.parts.size
            put_json(&self.parts, self.prose.text, self.prose.size)
            draft.text = self.part(start)
            if not listed:
                read_tags(self.words, self.prose.text, self.prose.size, False)
        draft.links = self.words_part(self.prose.links)
        if listed:
            self._listed_tags(said[TAGS])
        draft.tags = self.words_part(self.words)
        self._mentions(said[MENTIONS])
        draft.mentions = self.words_part(self.words)
        draft.lang = self.language_part(said[LANGUAGE])
        return 0

    cdef int _prose(self, uint32_t node) except -1:
        """Read the HTML of a string."""
        cdef Py_ssize_t size = 0
        cdef Text html = self.text(node, &size)
        return read_prose(self.prose, html, size)

    cdef int _listed_tags(self, uint32_t list_) except -1:
        """Read the hashtags that the server lists."""
        cdef uint32_t node = list_ + 1
        cdef uint32_t name
        cdef Text bytes
        cdef Py_ssize_t size = 0
        while node < self.tape.tokens[list_].next:
            name = member(self.tape, node, b"name", 4)
            if is_word(self.tape, name):
                bytes = self.text(name, &size)
                if read_tag_name(self.words, bytes, size):
                    raise HandOver
            node = self.tape.tokens[node].next
        return 0

    cdef int _mentions(self, uint32_t list_) except -1:
        """Read the handles that the server lists."""
        cdef uint32_t found[KEYS]
        cdef uint32_t node = list_ + 1
        cdef bytes handle
        self.words.clear()
        if self.tape.tokens[list_].kind != ARRAY:
            return 0
        while node < self.tape.tokens[list_].next:
            members(self.tape, node, &KNOWN, found, KEYS)
            if is_word(self.tape, found[ACCT]):
                handle = self._handle(found[ACCT], found[URL]).encode()
                if self.words.keep(handle, len(handle), False):
                    raise HandOver
            node = self.tape.tokens[node].next
        return 0

    cdef str _handle(self, uint32_t acct, uint32_t url):
        """Return user@host; a server leaves its own name out of its own people's handles."""
        cdef str handle = word_of(&self.scratch, self.tape, acct)
        if "@" in handle:
            return handle
        host = self.host or addresses.host(word_of(&self.scratch, self.tape, url))
        return f"{handle}@{host}" if host else handle

    cdef int _pictures(self, Draft* draft, uint32_t list_) except -1:
        """Read the pictures and films attached, and by them what the status is."""
        cdef const Token* token = self.tape.tokens + list_
        cdef uint32_t node = list_ + 1
        cdef size_t start = self.parts.size
        cdef bint any_image = False
        cdef bint any_film = False
        cdef bint first = True
        cdef uint32_t kind
        cdef bint image, film
        put_byte(&self.parts, c"[")
        while token.kind == ARRAY and node < token.next:
            kind = member(self.tape, node, b"type", 4)
            image = self._says(kind, b"image")
            film = self._says(kind, b"video") or self._says(kind, b"gifv")
            if image or film:
                self._picture(node, image, first)
                first = False
            any_image = any_image or image
            any_film = any_film or film
            node = self.tape.tokens[node].next
        put_byte(&self.parts, c"]")
        draft.media = self.part(start)
        draft.pictures = self._told_pictures(list_)
        if draft.repost:
            draft.kind = b"repost"
        elif token.kind == ARRAY and token.value > 1:
            draft.kind = b"carousel"
        else:
            draft.kind = b"video" if any_film else b"image" if any_image else b"text"
        return 0

    cdef bint _says(self, uint32_t node, const char* literal) except -1:
        """Return whether a node is this string; one with escapes might be."""
        if self.tape.tokens[node].flags & 1:
            raise HandOver
        return is_text(self.tape, node, literal)

    cdef int _picture(self, uint32_t node, bint image, bint first) except -1:
        """Write one medium."""
        cdef uint32_t found[KEYS]
        cdef uint32_t size
        members(self.tape, node, &KNOWN, found, KEYS)
        size = member(self.tape, member(self.tape, node, b"meta", 4), b"original", 8)
        put_literal(&self.parts, b'{"kind":"' if first else b',{"kind":"')
        put_literal(&self.parts, b'image","url":' if image else b'video","url":')
        self.put_word(either(self.tape, found[URL], found[REMOTE]))
        put_literal(&self.parts, b',"width":')
        put_count(&self.parts, loose_count(self.tape, member(self.tape, size, b"width", 5)))
        put_literal(&self.parts, b',"height":')
        put_count(&self.parts, loose_count(self.tape, member(self.tape, size, b"height", 6)))
        put_literal(&self.parts, b',"alt":')
        self.put_word(found[DESCRIPTION])
        put_literal(&self.parts, b',"duration":')
        put_number(&self.parts, self.tape, member(self.tape, size, b"duration", 8))
        put_byte(&self.parts, c"}")
        return 0

    cdef Slice _told_pictures(self, uint32_t list_) except *:
        """Return kind and description of each medium."""
        cdef const Token* token = self.tape.tokens + list_
        cdef uint32_t node = list_ + 1
        cdef size_t start = self.parts.size
        cdef bint first = True
        cdef uint32_t kind
        cdef bint image
        put_byte(&self.parts, c"[")
        while token.kind == ARRAY and node < token.next:
            kind = member(self.tape, node, b"type", 4)
            image = is_text(self.tape, kind, b"image")
            if image or is_text(self.tape, kind, b"video") or is_text(self.tape, kind, b"gifv"):
                put_literal(&self.parts, b"[" if first else b",[")
                put_literal(&self.parts, b'"image",' if image else b'"video",')
                self.put_word(member(self.tape, node, b"description", 11))
                put_byte(&self.parts, c"]")
                first = False
            node = self.tape.tokens[node].next
        put_byte(&self.parts, c"]")
        return self.part(start)

    cdef int _numbers(self, Draft* draft, const uint32_t* said) except -1:
        """Read the counts this server saw, and when the text was edited."""
        draft.counts[LIKES] = count(self.tape, said[FAVOURITES])
        draft.counts[COMMENTS] = count(self.tape, said[REPLIES])
        draft.counts[SHARES] = count(self.tape, said[REBLOGS])
        draft.counts[QUOTES] = count(self.tape, said[QUOTED])
        draft.edited = self.instant(said[EDITED])
        return 0

    cdef Slice _reply_to(self, const uint32_t* said) except *:
        """Return the id of the post answered to."""
        cdef str native = ident(&self.scratch, self.tape, said[REPLY], b"")
        if native is None:
            return Slice(0, 0)
        if self.addresses is None:
            self._index()
        address = self.addresses.get(native)
        if address is None:
            host = self.host or addresses.host(word_of(&self.scratch, self.tape, said[URL]))
            if not host:
                return Slice(0, 0)
            address = _mastodon_shapes.local_address(host, native)
        return self.text_part(f"mastodon:{address}")

    cdef int _index(self) except -1:
        """Remember under which address each status of the list is known."""
        cdef uint32_t node = ROOT + 1
        cdef uint32_t uri
        self.addresses = {}
        while node < self.tape.tokens[ROOT].next:
            uri = member(self.tape, node, b"uri", 3)
            if self.tape.tokens[uri].kind == STRING:
                native = ident(&self.scratch, self.tape, member(self.tape, node, b"id", 2), b"")
                self.addresses[native or ""] = word_of(&self.scratch, self.tape, uri) or ""
            node = self.tape.tokens[node].next
        return 0

    # Authors

    cdef int _author(self, uint32_t node) except -1:
        """Keep one account and remember it as the author at hand."""
        cdef uint32_t found[KEYS]
        cdef int64_t following, statuses, created
        if self._is_author(node):
            return 0
        members(self.tape, node, &KNOWN, found, KEYS)
        if not is_ident(self.tape, found[ID]) or not is_word(self.tape, found[ACCT]):
            raise HandOver
        self.author_id = "mastodon:" + self._actor(found)
        self.author_handle = self._handle(found[ACCT], found[URL])
        self.author_followers = count(self.tape, found[FOLLOWED_BY])
        following = count(self.tape, found[FOLLOWS])
        statuses = count(self.tape, found[STATUSES])
        created = self.instant(found[CREATED])
        self.author = node
        told = self.told.get(self.author_id)
        if told is None:
            self.told[self.author_id] = self.author_followers != UNKNOWN
            self._profile(node, found, following, statuses, created)
        elif not told and self.author_followers != UNKNOWN:
            raise HandOver  # a richer sight of the same account takes its place
        return 0

    cdef bint _is_author(self, uint32_t node) noexcept:
        """Return whether an account is, byte by byte, the one at hand."""
        cdef const Token* one = self.tape.tokens + self.author
        cdef const Token* other = self.tape.tokens + node
        if self.author == 0 or one.end - one.start != other.end - other.start:
            return False
        return memcmp(
            self.tape.body + one.start, self.tape.body + other.start, one.end - one.start
        ) == 0

    cdef str _actor(self, const uint32_t* found):
        """Return an account's ActivityPub id."""
        cdef Py_ssize_t size = 0
        cdef Py_ssize_t slash
        cdef Text page
        if is_word(self.tape, found[URI]):
            return word_of(&self.scratch, self.tape, found[URI])
        if not is_word(self.tape, found[URL]):
            raise HandOver
        page = self.text(found[URL], &size)
        slash = _slash_in(page, size)
        if slash < 0:
            return _mastodon_shapes.actor({"url": page[:size].decode()})
        return f"{page[:slash].decode()}/users/{page[slash + 2:size].decode()}"

    cdef int _profile(
        self,
        uint32_t node,
        const uint32_t* found,
        int64_t following,
        int64_t statuses,
        int64_t created,
    ) except -1:
        """Add the row of the author at hand."""
        cdef Row* row = self.profiles.add(self.author_id, None, self.author_handle, None)
        cdef Slice bio, link
        row.node = node
        row.kind = PROFILE
        row.created = created
        row.counts[FOLLOWERS] = self.author_followers
        row.counts[FOLLOWING] = following
        row.counts[POSTS] = statuses
        self.parts.size = 0
        bio = self._bio(found[NOTE])
        link = self._website(found[FIELDS])
        self._put_profile_content(row, found, bio, link)
        self._put_profile(row, found, bio, link)
        return 0

    cdef Slice _bio(self, uint32_t node) except *:
        cdef size_t start = self.parts.size
        if not text(self.tape, node):
            return Slice(0, 0)
        self._prose(node)
        put_json(&self.parts, self.prose.text, self.prose.size)
        return self.part(start)

    cdef Slice _website(self, uint32_t list_) except *:
        """Return the first link among the fields people put on their page."""
        cdef uint32_t node = list_ + 1
        cdef uint32_t value
        cdef size_t start = self.parts.size
        cdef Words links
        if self.tape.tokens[list_].kind != ARRAY:
            return Slice(0, 0)
        while node < self.tape.tokens[list_].next:
            value = text(self.tape, member(self.tape, node, b"value", 5))
            if value:
                self._prose(value)
                links = self.prose.links
                if not links.count:
                    links = self.words
                    read_links(links, self.prose.text, self.prose.size)
                if links.count:
                    put_json(&self.parts, links.text, links.each[0].size)
                    return self.part(start)
            node = self.tape.tokens[node].next
        return Slice(0, 0)

    cdef int _put_profile_content(
        self, Row* row, const uint32_t* found, Slice bio, Slice link
    ) except -1:
        cdef size_t start = self.said.size
        put_byte(&self.said, c"[")
        put_node(&self.said, self.tape, word(self.tape, found[NAME]))
        self._copy(&self.said, b",", bio)
        self._copy(&self.said, b",", link)
        put_literal(&self.said, b",null,")
        put_flag(&self.said, self.tape, found[LOCKED])
        put_literal(&self.said, b",[],")
        put_int(&self.said, self.parser)
        put_byte(&self.said, c"]")
        row.content = self.since(start)
        return 0

    cdef int _put_profile(
        self, const Row* row, const uint32_t* found, Slice bio, Slice link
    ) except -1:
        """Write a profile as JSON, up to "raw"."""
        cdef size_t start = self.written.size
        put_literal(&self.written, b'{"id":')
        put_str(&self.written, self.author_id)
        self._put_stamp(&self.written)
        self._copy(&self.written, b',"native_id":', self._native(found[ID]))
        put_literal(&self.written, b',"handle":')
        put_str(&self.written, self.author_handle)
        put_literal(&self.written, b',"name":')
        put_node(&self.written, self.tape, word(self.tape, found[NAME]))
        self._copy(&self.written, b',"bio":', bio)
        self._copy(&self.written, b',"link":', link)
        put_literal(&self.written, b',"verified":null,"private":')
        put_flag(&self.written, self.tape, found[LOCKED])
        put_literal(&self.written, b',"counts":{"followers":')
        put_count(&self.written, row.counts[FOLLOWERS])
        put_literal(&self.written, b',"following":')
        put_count(&self.written, row.counts[FOLLOWING])
        put_literal(&self.written, b',"posts":')
        put_count(&self.written, row.counts[POSTS])
        put_literal(&self.written, b'},"related":[],"created_at":')
        put_moment(&self.written, row.created)
        self._put_source(&self.written)
        self.marks.append((start, self.written.size, self.written.size, 0))
        return 0


cdef Py_ssize_t _slash_in(Text page, Py_ssize_t size) noexcept nogil:
    """Return where the path of https://host/@name starts, -1 of an address in any other form."""
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t start, slash
    if size > 8 and memcmp(page, b"https://", 8) == 0:
        i = 8
    elif size > 7 and memcmp(page, b"http://", 7) == 0:
        i = 7
    start = i
    while i < size and (_is_plain(page[i]) or page[i] == c":"):
        i += 1
    slash = i
    if start == 0 or i == start or i + 2 >= size or page[i] != c"/" or page[i + 1] != c"@":
        return -1
    i += 2
    while i < size and _is_plain(page[i]):
        i += 1
    return slash if i == size else -1


cdef inline bint _is_plain(uint8_t c) noexcept nogil:
    """Return whether a letter means nothing in an address but itself."""
    return (
        c"a" <= c <= c"z" or c"A" <= c <= c"Z" or c"0" <= c <= c"9" or c == c"." or c == c"-"
        or c == c"_"
    )


def read(bytes body not None, object seen, int parser):
    """Return the page of a list of statuses; None if the reference has to read the body."""
    cdef Document document = Document.scan(body)
    cdef Statuses rows
    if document is None:
        return None
    rows = Statuses(document, "mastodon", seen.observed_at, parser)
    rows.host = seen.host or None
    try:
        rows.read_all()
    except HandOver:
        return None
    return Page(rows=rows)
