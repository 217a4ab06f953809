# cython: language_level=3, boundscheck=False, wraparound=False
# cython: initializedcheck=False, cdivision=True
"""Instagram's tag pages and timelines, generations C and D: `ingestor.sources._instagram_*`, again.

Function by function what the reference does; where it would note something, be an error page or
another shape, HandOver.
"""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memchr, memcpy

from ingestor.kernel.rows cimport (
    COMMENT, COMMENTS, FOLLOWERS, FOLLOWING, LIKES, POST, POSTS, PROFILE, TAG, UNDATED, VIEWS,
    Batch, KernelRows, Row, Slice, put_microseconds,
)
from ingestor.kernel.scanner cimport (
    ARRAY, ESCAPED, FALSE, INT, OBJECT, ROOT, STRING, TRUE, Document, Tape, Token, Vocabulary,
    learn, member, members,
)
from ingestor.kernel.values cimport (
    HandOver, child, count, either, ident, is_ident, is_none, is_number, is_text, is_word,
    loose_count, number, object_, put_flag, put_ident, put_number, seconds, text, truthy, word,
    word_of,
)
from ingestor.kernel.words cimport (
    Words, read_links, read_mentions, read_tag_name, read_tags,
)
from ingestor.kernel.writer cimport (
    Writer, put, put_byte, put_count, put_int, put_json, put_literal, put_node, put_str,
    put_text, release, reserve, taken,
)

from datetime import timedelta

from ingestor.contract import Page
from ingestor.sources import shortcode, times
from lake.lines import instant_of

cdef enum:  # numbers of the keys we know, in the order of _NAMES
    PK = 1
    ID
    CODE
    SHORTCODE
    CAPTION
    EDGE_CAPTION
    LINK
    USER
    OWNER
    LOCATION
    LAT
    LNG
    MEDIA_TYPE
    TYPE
    TYPENAME
    CAROUSEL
    SIDECAR
    IS_VIDEO
    VIDEO_VERSIONS
    COMMENT_COUNT
    EDGE_COMMENT
    EDGE_PARENT_COMMENT
    EDGE_PREVIEW_COMMENT
    COMMENT_LIST
    LIKE_COUNT
    EDGE_LIKED_BY
    EDGE_PREVIEW_LIKE
    LIKE_LIST
    HIDDEN
    VIEW_COUNT
    VIDEO_VIEW_COUNT
    VIDEO_VIEWS
    PLAY_COUNT
    VIDEO_PLAY_COUNT
    PREVIEW_COMMENTS
    TAKEN_AT
    TAKEN_AT_TIMESTAMP
    DATE
    CREATED_TIME
    VIDEOS
    VIDEO_URL
    IMAGE_VERSIONS
    IMAGES
    DISPLAY_URL
    DISPLAY_SRC
    DIMENSIONS
    ALT
    DURATION
    FROM
    CREATED_AT_UTC
    CREATED_AT
    COMMENT_LIKE_COUNT
    USER_ID
    TEXT
    EDGE_THREADED
    NAME
    MEDIA_COUNT
    EDGE_HASHTAG_MEDIA
    EDGE_HASHTAG_TOP
    EDGE_RELATED_TAGS
    RELATED_TAGS
    MEDIA
    USERNAME
    FULL_NAME
    BIOGRAPHY
    EXTERNAL_URL
    BIO_LINKS
    IS_VERIFIED
    IS_PRIVATE
    FOLLOWER_COUNT
    EDGE_FOLLOWED_BY
    FOLLOWED_BY
    FOLLOWING_COUNT
    EDGE_FOLLOW
    FOLLOWS
    TIMELINE
    PHOTOS_OF_YOU
    FELIX
    WEB_FEED
    RELATED_PROFILES
    CHAINING
    REEL
    HASHTAG
    TAG_
    SHORTCODE_MEDIA
    XDT_SHORTCODE_MEDIA
    ITEMS
    FEED_ITEMS
    USERS
    RECENT
    TOP
    SECTIONS
    NEXT_MAX_ID
    NEXT_PAGE
    NEXT_MEDIA_IDS
    MORE_AVAILABLE
    GRAPHQL
    DATA
    ENTRY_DATA
    MESSAGE
    ERROR_TYPE
    STATUS
    ERRORS
    REQUIRE_LOGIN
    AUTHENTICATED
    MEDIA_OR_AD
    NODE
    KEYS

cdef const char** _NAMES = [
    b"", b"pk", b"id", b"code", b"shortcode", b"caption", b"edge_media_to_caption", b"link",
    b"user", b"owner", b"location", b"lat", b"lng", b"media_type", b"type", b"__typename",
    b"carousel_media", b"edge_sidecar_to_children", b"is_video", b"video_versions",
    b"comment_count", b"edge_media_to_comment", b"edge_media_to_parent_comment",
    b"edge_media_preview_comment", b"comments", b"like_count", b"edge_liked_by",
    b"edge_media_preview_like", b"likes", b"like_and_view_counts_disabled", b"view_count",
    b"video_view_count", b"video_views", b"play_count", b"video_play_count", b"preview_comments",
    b"taken_at", b"taken_at_timestamp", b"date", b"created_time", b"videos", b"video_url",
    b"image_versions2", b"images", b"display_url", b"display_src", b"dimensions",
    b"accessibility_caption", b"video_duration", b"from", b"created_at_utc", b"created_at",
    b"comment_like_count", b"user_id", b"text", b"edge_threaded_comments", b"name", b"media_count",
    b"edge_hashtag_to_media", b"edge_hashtag_to_top_posts", b"edge_hashtag_to_related_tags",
    b"related_tags", b"media", b"username", b"full_name", b"biography", b"external_url",
    b"bio_links", b"is_verified", b"is_private", b"follower_count", b"edge_followed_by",
    b"followed_by", b"following_count", b"edge_follow", b"follows",
    b"edge_owner_to_timeline_media", b"edge_user_to_photos_of_you", b"edge_felix_video_timeline",
    b"edge_web_feed_timeline", b"edge_related_profiles", b"chaining_suggestions", b"reel",
    b"hashtag", b"tag", b"shortcode_media", b"xdt_shortcode_media", b"items", b"feed_items",
    b"users", b"recent", b"top", b"sections", b"next_max_id", b"next_page", b"next_media_ids",
    b"more_available", b"graphql", b"data", b"entry_data", b"message", b"error_type", b"status",
    b"errors", b"require_login", b"authenticated", b"media_or_ad", b"node",
]

cdef Vocabulary _KNOWN

cdef enum:
    IMAGE
    VIDEO
    CAROUSEL_OF

cdef const char** _FORMS = [b'"image"', b'"video"', b'"carousel"']

cdef struct Picture:
    uint32_t url
    uint32_t size
    uint32_t alt
    uint32_t duration
    bint film

cdef const char* _BEFORE = b"instagram:"
_NETWORK = "instagram"
_BY_ADDRESS = "max_id="


cdef int _learn() except -1:
    cdef int key
    for key in range(1, KEYS):
        learn(&_KNOWN, _NAMES[key], key)
    return 0


_learn()


cdef inline uint32_t _array(const Tape* tape, uint32_t node) except? 0:
    """Return an array, 0 for None; anything else the reference notes."""
    if is_none(tape, node):
        return 0
    if tape.tokens[node].kind != ARRAY:
        raise HandOver
    return node


cdef inline uint32_t _object(const Tape* tape, uint32_t node) except 0:
    """Return an object; anything else the reference notes."""
    if tape.tokens[node].kind != OBJECT:
        raise HandOver
    return node


cdef inline uint32_t _count_in(const Tape* tape, uint32_t node) noexcept nogil:
    """Return the member `count`."""
    return member(tape, node, b"count", 5)


cdef uint32_t _best(const Tape* tape, uint32_t newer, uint32_t older) noexcept nogil:
    """Return the largest version of a picture or film, 0 if there is none."""
    cdef uint32_t versions = newer
    if tape.tokens[newer].kind != ARRAY:
        versions = member(tape, newer, b"candidates", 10)
    return object_(
        tape, either(tape, child(tape, versions), member(tape, older, b"standard_resolution", 19))
    )


cdef bint _picture(const Tape* tape, const uint32_t* f, Picture* out) noexcept nogil:
    """Look at one picture or film; return whether it has an address."""
    cdef uint32_t film = _best(tape, f[VIDEO_VERSIONS], f[VIDEOS])
    cdef uint32_t image = _best(tape, f[IMAGE_VERSIONS], f[IMAGES])
    if not truthy(tape, film):
        film = f[VIDEO_URL]
    out.url = word(
        tape, member(tape, film, b"url", 3) if tape.tokens[film].kind == OBJECT else film
    )
    if out.url == 0:
        out.url = word(
            tape,
            either(
                tape,
                member(tape, image, b"url", 3),
                either(tape, f[DISPLAY_URL], f[DISPLAY_SRC]),
            ),
        )
    out.size = image if truthy(tape, image) else object_(tape, f[DIMENSIONS])
    out.film = truthy(tape, film) or tape.tokens[f[IS_VIDEO]].kind == TRUE
    out.alt = word(tape, f[ALT])
    out.duration = f[DURATION]
    return out.url != 0


cdef int _form(const Tape* tape, const uint32_t* f) except -1:
    """Return what a post is."""
    cdef int named = _named_form(tape, f[MEDIA_TYPE])
    if named < 0:
        named = _named_form(tape, f[TYPE])
    if named < 0:
        named = _named_form(tape, f[TYPENAME])
    if named >= 0:
        return named
    if truthy(tape, f[CAROUSEL]) or truthy(tape, f[SIDECAR]):
        return CAROUSEL_OF
    if tape.tokens[f[IS_VIDEO]].kind == TRUE or truthy(tape, f[VIDEO_VERSIONS]):
        return VIDEO
    return IMAGE


cdef int _named_form(const Tape* tape, uint32_t node) except -2:
    """Return what a number or name stands for, -1 for nothing known."""
    cdef const Token* token = tape.tokens + node
    if token.kind == TRUE:
        return IMAGE  # to Python it is 1
    if token.kind == INT:
        return IMAGE if token.value == 1 else VIDEO if token.value == 2 else (
            CAROUSEL_OF if token.value == 8 else -1
        )
    if token.kind != STRING:
        return -1
    if token.flags & ESCAPED:
        raise HandOver
    if is_text(tape, node, b"GraphImage") or is_text(tape, node, b"XDTGraphImage"):
        return IMAGE
    if is_text(tape, node, b"GraphVideo") or is_text(tape, node, b"XDTGraphVideo"):
        return VIDEO
    if is_text(tape, node, b"GraphSidecar") or is_text(tape, node, b"XDTGraphSidecar"):
        return CAROUSEL_OF
    if is_text(tape, node, b"image") or is_text(tape, node, b"XDTimage"):
        return IMAGE
    if is_text(tape, node, b"video") or is_text(tape, node, b"XDTvideo"):
        return VIDEO
    if is_text(tape, node, b"carousel") or is_text(tape, node, b"XDTcarousel"):
        return CAROUSEL_OF
    return -1


cdef bint _is_media(const uint32_t* f) noexcept nogil:
    """Return whether an object is a post of any generation."""
    return (
        f[SHORTCODE] or f[CODE] or f[TAKEN_AT] or f[TAKEN_AT_TIMESTAMP]
        or (f[MEDIA_TYPE] and (f[PK] or f[ID])) or (f[CREATED_TIME] and f[IMAGES])
    )


cdef int _native(const Tape* tape, uint32_t node, Slice* out) except -1:
    """Find the number of a post or person: digits, in ids of some generations before a '_'."""
    cdef const Token* token = tape.tokens + node
    cdef uint32_t start = token.start, end = token.end
    cdef uint32_t at
    if token.kind == STRING:
        start += 1
        end -= 1
    elif token.kind != INT:
        raise HandOver
    at = start
    while at < end and <uint8_t>(tape.body[at] - 0x30) <= 9:
        at += 1
    if at == start or (at < end and tape.body[at] != c"_"):
        raise HandOver
    out.start = start
    out.size = at - start
    return 0


cdef void _put_words(Writer* out, Words words) noexcept nogil:
    """Write words as a JSON array."""
    cdef Py_ssize_t i
    put_byte(out, c"[")
    for i in range(words.count):
        if i:
            put_byte(out, c",")
        put_json(out, words.text + words.each[i].start, words.each[i].size)
    put_byte(out, c"]")


cdef void _put_plain_words(Writer* out, Words words) noexcept nogil:
    """Write words of letters, digits and marks, which need no escapes, as a JSON array."""
    cdef Py_ssize_t i
    cdef uint8_t* to
    if words.count == 0 or not reserve(out, words.used + 3 * words.count + 1):
        put_literal(out, b"[]")
        return
    to = out.bytes + out.size
    for i in range(words.count):
        to[0] = c"," if i else c"["
        to[1] = c'"'
        memcpy(to + 2, words.text + words.each[i].start, words.each[i].size)
        to += words.each[i].size + 3
        (to - 1)[0] = c'"'
    to[0] = c"]"
    out.size = to + 1 - out.bytes


cdef bint _may_be_error(const Tape* tape, const uint32_t* f) noexcept nogil:
    """Return whether a body may be an error page or an HTML page's data; `f`: of its root."""
    cdef uint32_t status = f[STATUS]
    return (
        f[ENTRY_DATA] != 0
        or is_word(tape, f[MESSAGE]) or is_word(tape, f[ERROR_TYPE]) or is_word(tape, f[TYPE])
        or tape.tokens[f[REQUIRE_LOGIN]].kind == TRUE
        or tape.tokens[f[AUTHENTICATED]].kind == FALSE
        or not is_none(tape, f[ERRORS])
        or (tape.tokens[status].kind == STRING and not is_text(tape, status, b"ok"))
        or _is_empty(tape, f[GRAPHQL]) or _is_empty(tape, f[DATA])
    )


cdef bint _is_empty(const Tape* tape, uint32_t node) noexcept nogil:
    """Return whether data is null, or holds nothing asked for."""
    cdef uint32_t[KEYS] f
    if node == 0:
        return False
    if is_none(tape, node):
        return True
    if tape.tokens[node].kind != OBJECT:
        return False
    members(tape, node, &_KNOWN, f, KEYS)
    if not (
        is_none(tape, f[USER]) and is_none(tape, f[HASHTAG])
        and is_none(tape, f[SHORTCODE_MEDIA]) and is_none(tape, f[LOCATION])
    ):
        return False
    return (
        tape.tokens[node].value == 0
        or (f[USER] | f[HASHTAG] | f[SHORTCODE_MEDIA] | f[LOCATION]) != 0
    )


cdef class InstagramRows(KernelRows):
    """The rows of one page of Instagram's web JSON; see `KernelRows`."""

    cdef Batch profiles, tags, posts, top, comments
    cdef Words words, few
    cdef Writer scratch
    cdef int64_t latest  # in seconds; what claims to be later is absurd
    cdef readonly str cursor
    cdef bint cursor_is_of_top

    def __init__(self, Document document, object observed_at, int parser):
        KernelRows.__init__(self, document, _NETWORK, observed_at, parser)
        self.profiles, self.tags, self.comments = Batch(), Batch(), Batch()
        self.posts, self.top = Batch(), Batch()
        self.words, self.few = Words(), Words()
        self.latest = (observed_at + times.AHEAD - instant_of(0)) // timedelta(seconds=1)
        self._root()
        self.close(self.profiles, self.tags, self.posts, self.top, self.comments)

    def __dealloc__(self):
        release(&self.scratch)

    # The shape of a page

    cdef int _root(self) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef uint32_t inner = ROOT
        _object(tape, ROOT)
        members(tape, ROOT, &_KNOWN, f, KEYS)
        if _may_be_error(tape, f):
            raise HandOver
        if object_(tape, f[GRAPHQL]):
            inner = f[GRAPHQL]
        elif object_(tape, f[DATA]):
            inner = f[DATA]
        self._parts(inner)
        self._go_onward(f)
        return 0

    cdef int _parts(self, uint32_t inner) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef int key
        cdef bint known = False
        members(tape, inner, &_KNOWN, f, KEYS)
        for key in (
            TAG_, SHORTCODE_MEDIA, XDT_SHORTCODE_MEDIA, LOCATION, ITEMS, FEED_ITEMS, COMMENT_LIST,
            USERS,
        ):
            if not is_none(tape, f[key]):
                raise HandOver
        if not is_none(tape, f[HASHTAG]):
            self._hashtag(f[HASHTAG])
            known = True
        if not is_none(tape, f[USER]):
            self._user(f[USER])
            known = True
        if not (
            is_none(tape, f[RECENT]) and is_none(tape, f[TOP]) and is_none(tape, f[SECTIONS])
        ):
            self._sections(inner, f)
            known = True
        if not known:
            raise HandOver
        return 0

    cdef int _hashtag(self, uint32_t node) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        members(tape, _object(tape, node), &_KNOWN, f, KEYS)
        self._tag(f)
        self._media_nodes(f[EDGE_HASHTAG_MEDIA], False)
        self._media_nodes(f[EDGE_HASHTAG_TOP], True)
        self._page_info(f[EDGE_HASHTAG_MEDIA])
        return 0

    cdef int _user(self, uint32_t node) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef int key
        members(tape, _object(tape, node), &_KNOWN, f, KEYS)
        if not is_none(tape, f[REEL]):
            raise HandOver
        for key in (EDGE_FOLLOWED_BY, EDGE_FOLLOW):
            if tape.tokens[member(tape, f[key], b"edges", 5)].kind == ARRAY:
                raise HandOver
        if truthy(tape, f[USERNAME]):
            self._profile(node, f)
        for key in (TIMELINE, MEDIA, PHOTOS_OF_YOU, FELIX, WEB_FEED):
            self._media_nodes(f[key], False)
            if key != FELIX:
                self._page_info(f[key])
        return 0

    cdef int _media_nodes(self, uint32_t connection, bint top) except -1:
        """Read the posts of a connection."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t edges = _array(tape, member(tape, connection, b"edges", 5))
        cdef uint32_t nodes = _array(tape, member(tape, connection, b"nodes", 5))
        cdef uint32_t it
        if edges:
            it = edges + 1
            while it < tape.tokens[edges].next:
                self._post_node(member(tape, it, b"node", 4), top)
                it = tape.tokens[it].next
        if nodes:
            it = nodes + 1
            while it < tape.tokens[nodes].next:
                self._post_node(it, top)
                it = tape.tokens[it].next
        return 0

    cdef int _sections(self, uint32_t inner, const uint32_t* f) except -1:
        cdef const Tape* tape = &self.document.tape
        if truthy(tape, f[NAME]):
            self._tag(f)
        if f[SECTIONS]:
            self._section(inner, False)
        self._section(f[RECENT], False)
        self._section(f[TOP], True)
        return 0

    cdef int _section(self, uint32_t part, bint top) except -1:
        """Read one section of generation D and its cursor."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef uint32_t sections, layout, items, clips
        members(tape, part, &_KNOWN, f, KEYS)
        sections = _array(tape, f[SECTIONS])
        layout = sections + 1
        while sections and layout < tape.tokens[sections].next:
            part = object_(tape, member(tape, _object(tape, layout), b"layout_content", 14))
            items = part + 1
            while part and items < tape.tokens[part].next:
                clips = member(tape, member(tape, items, b"clips", 5), b"items", 5)
                self._items(either(tape, clips, items), top)
                items = tape.tokens[items].next
            layout = tape.tokens[layout].next
        self._go_on(f[NEXT_MAX_ID], f[MORE_AVAILABLE], top)
        return 0

    cdef int _items(self, uint32_t items, bint top) except -1:
        """Read the posts of a list, wrapped or not; nothing of anything but a list."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef uint32_t it = items + 1
        cdef uint32_t post
        if tape.tokens[items].kind != ARRAY:
            return 0
        while it < tape.tokens[items].next:
            members(tape, _object(tape, it), &_KNOWN, f, KEYS)
            post = object_(tape, f[MEDIA]) or object_(tape, f[MEDIA_OR_AD])
            post = post or object_(tape, f[NODE])
            if post:
                members(tape, post, &_KNOWN, f, KEYS)
            if not _is_media(f):
                raise HandOver
            self._post(post or it, f, top)
            it = tape.tokens[it].next
        return 0

    # Where to go on

    cdef int _page_info(self, uint32_t connection) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t info = member(tape, connection, b"page_info", 9)
        return self._go_on(
            member(tape, info, b"end_cursor", 10), member(tape, info, b"has_next_page", 13), False
        )

    cdef int _go_on(self, uint32_t cursor, uint32_t more, bint top) except -1:
        cdef const Tape* tape = &self.document.tape
        if self.cursor is None and tape.tokens[more].kind != FALSE and is_ident(tape, cursor):
            self.cursor = ident(&self.scratch, tape, cursor, b"")
            self.cursor_is_of_top = top
        return 0

    cdef int _go_onward(self, const uint32_t* root) except -1:
        """Bring the cursor into the form in which the page's generation goes on."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t inner = ROOT, recent
        cdef bint by_address
        if self.cursor is None or self.cursor_is_of_top:
            self.cursor = None
            return 0
        if tape.tokens[root[DATA]].kind == OBJECT and tape.tokens[root[DATA]].value:
            inner = root[DATA]
        recent = inner
        if member(tape, inner, b"sections", 8) == 0:
            recent = object_(tape, member(tape, inner, b"recent", 6))
        if tape.tokens[recent].value and recent:
            return self._go_on_by_sections(recent)
        by_address = root[TAG_] != 0 or root[ITEMS] != 0 or not is_none(
            tape, member(tape, member(tape, root[USER], b"media", 5), b"nodes", 5)
        )
        if by_address:
            self.cursor = _BY_ADDRESS + self.cursor
        return 0

    cdef int _go_on_by_sections(self, uint32_t recent) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef Writer* out = &self.out
        cdef uint32_t ids = member(tape, recent, b"next_media_ids", 14)
        out.size = 0
        put_literal(out, b'{"max_id":')
        put_str(out, self.cursor)
        put_literal(out, b',"page":')
        put_node(out, tape, member(tape, recent, b"next_page", 9))
        put_literal(out, b',"next_media_ids":')
        if tape.tokens[ids].kind == ARRAY:
            put_node(out, tape, ids)
        else:
            put_literal(out, b"[]")
        put_byte(out, c"}")
        self.cursor = taken(out, 0).decode()
        return 0

    # Hashtags and people

    cdef int _tag(self, const uint32_t* f) except -1:
        """Add what the network says of a hashtag."""
        cdef const Tape* tape = &self.document.tape
        cdef Row* row
        cdef str id
        cdef size_t start
        self.few.clear()
        self._name_tag(self.few, f[NAME])
        if self.few.count == 0:
            raise HandOver
        posts = count(
            tape,
            either(
                tape,
                f[MEDIA_COUNT],
                either(tape, _count_in(tape, f[EDGE_HASHTAG_MEDIA]), _count_in(tape, f[MEDIA])),
            ),
        )
        self._related_tags(f)
        id = "instagram:" + next(iter(self.few))
        if id in self.tags.seen:
            return 0
        row = self.tags.add(id, None, None, None)
        row.kind = TAG
        row.counts[POSTS] = posts
        start = self.said.size
        _put_words(&self.said, self.few)
        row.tags = self.since(start)
        row.text = Slice(row.tags.start + 1, row.tags.size - 2)
        start = self.said.size
        put_byte(&self.said, c"[")
        put(&self.said, self.said.bytes + row.text.start, row.text.size)
        put_byte(&self.said, c",")
        row.links.start = self.said.size
        _put_words(&self.said, self.words)
        row.links = self.since(row.links.start)
        self._end_content()
        row.content = self.since(start)
        return 0

    cdef int _name_tag(self, Words out, uint32_t node) except -1:
        """Add a hashtag's name in the spelling we keep."""
        cdef const Tape* tape = &self.document.tape
        if is_word(tape, node):
            self.scratch.size = 0
            put_text(&self.scratch, tape, node)
            if self.scratch.failed or read_tag_name(out, self.scratch.bytes, self.scratch.size):
                raise HandOver
        return 0

    cdef int _related_tags(self, const uint32_t* f) except -1:
        """Fill `words` with the hashtags the network relates to one."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t edges = member(tape, f[EDGE_RELATED_TAGS], b"edges", 5)
        cdef uint32_t it = child(tape, edges)
        self.words.clear()
        while it and it < tape.tokens[edges].next:
            self._name_tag(
                self.words, member(tape, member(tape, it, b"node", 4), b"name", 4)
            )
            it = tape.tokens[it].next
        it = child(tape, f[RELATED_TAGS])
        while it and it < tape.tokens[f[RELATED_TAGS]].next:
            self._name_tag(self.words, member(tape, it, b"name", 4))
            it = tape.tokens[it].next
        return 0

    cdef int _profile(self, uint32_t node, const uint32_t* f) except -1:
        """Add a profile."""
        cdef const Tape* tape = &self.document.tape
        cdef Slice native
        cdef Row* row
        cdef size_t start
        _native(tape, either(tape, f[PK], f[ID]), &native)
        if not is_word(tape, f[USERNAME]):
            raise HandOver
        row = self.profiles.add(
            self._id(&native), None, word_of(&self.scratch, tape, f[USERNAME]), None
        )
        row.kind, row.node, row.native = PROFILE, node, native
        self._count_profile(row, f)
        start = self.said.size
        put_byte(&self.said, c"[")
        self._put_about(&self.said, f, False)
        put_byte(&self.said, c",")
        row.links.start = self.said.size
        self._put_related(f)
        row.links = self.since(row.links.start)
        self._end_content()
        row.content = self.since(start)
        return 0

    cdef int _count_profile(self, Row* row, const uint32_t* f) except -1:
        cdef const Tape* tape = &self.document.tape
        row.counts[FOLLOWERS] = count(tape, either(tape, f[FOLLOWER_COUNT], either(
            tape, _count_in(tape, f[EDGE_FOLLOWED_BY]), _count_in(tape, f[FOLLOWED_BY])
        )))
        row.counts[FOLLOWING] = count(tape, either(tape, f[FOLLOWING_COUNT], either(
            tape, _count_in(tape, f[EDGE_FOLLOW]), _count_in(tape, f[FOLLOWS])
        )))
        row.counts[POSTS] = count(tape, either(tape, f[MEDIA_COUNT], either(
            tape, _count_in(tape, f[TIMELINE]), _count_in(tape, f[MEDIA])
        )))
        return 0

    cdef void _put_about(self, Writer* out, const uint32_t* f, bint named) noexcept:
        """Write name, biography, link and flags, with or without their names."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t link = either(
            tape, f[EXTERNAL_URL], member(tape, child(tape, f[BIO_LINKS]), b"url", 3)
        )
        if named:
            put_literal(out, b',"name":')
        put_node(out, tape, word(tape, f[FULL_NAME]))
        put_literal(out, b',"bio":' if named else b",")
        put_node(out, tape, text(tape, f[BIOGRAPHY]))
        put_literal(out, b',"link":' if named else b",")
        put_node(out, tape, word(tape, link))
        put_literal(out, b',"verified":' if named else b",")
        put_flag(out, tape, f[IS_VERIFIED])
        put_literal(out, b',"private":' if named else b",")
        put_flag(out, tape, f[IS_PRIVATE])

    cdef int _put_related(self, const uint32_t* f) except -1:
        """Say the handles the network relates to a profile."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t edges = member(tape, f[RELATED_PROFILES], b"edges", 5)
        cdef uint32_t it = child(tape, edges)
        cdef dict handles = {}
        while it and it < tape.tokens[edges].next:
            self._relate(handles, member(tape, it, b"node", 4))
            it = tape.tokens[it].next
        it = child(tape, f[CHAINING])
        while it and it < tape.tokens[f[CHAINING]].next:
            self._relate(handles, it)
            it = tape.tokens[it].next
        put_byte(&self.said, c"[")
        for i, handle in enumerate(handles):
            if i:
                put_byte(&self.said, c",")
            put_str(&self.said, handle)
        put_byte(&self.said, c"]")
        return 0

    cdef int _relate(self, dict handles, uint32_t person) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t handle = member(tape, person, b"username", 8)
        if is_word(tape, handle):
            handles[word_of(&self.scratch, tape, handle)] = None
        return 0

    # Posts

    cdef str _id(self, const Slice* native):
        """Return the id that is unique in the world."""
        self.scratch.size = 0
        put_literal(&self.scratch, _BEFORE)
        put(&self.scratch, self.document.tape.body + native.start, native.size)
        if self.scratch.failed:
            raise MemoryError
        return PyUnicode_DecodeUTF8(<const char*>self.scratch.bytes, self.scratch.size, NULL)

    cdef int _post_node(self, uint32_t node, bint top) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        members(tape, _object(tape, node), &_KNOWN, f, KEYS)
        return self._post(node, f, top)

    cdef int _post(self, uint32_t node, const uint32_t* f, bint top) except -1:
        """Add one post, unless its section has it, and the comments it shows."""
        cdef const Tape* tape = &self.document.tape
        cdef Batch batch = self.top if top else self.posts
        cdef uint32_t person = object_(tape, either(tape, f[USER], f[OWNER]))
        cdef Row seen
        cdef Row* row
        cdef str id
        _native(tape, either(tape, f[PK], f[ID]), &seen.native)
        self._count_post(&seen, f)
        id = self._id(&seen.native)
        if id not in batch.seen:
            row = batch.add(
                id,
                ident(&self.scratch, tape, self._person_id(person), _BEFORE),
                word_of(&self.scratch, tape, member(tape, person, b"username", 8)),
                None,
            )
            row.kind, row.node, row.native = POST, node, seen.native
            row.created, row.form = seen.created, _form(tape, f)
            row.counts[LIKES] = seen.counts[LIKES]
            row.counts[COMMENTS] = seen.counts[COMMENTS]
            row.counts[VIEWS] = seen.counts[VIEWS]
            if not (top and id in self.posts.seen):
                self._say_post(row, f, self._person_id(person))
        return self._previews(f, &seen.native)

    cdef uint32_t _person_id(self, uint32_t person) noexcept:
        cdef const Tape* tape = &self.document.tape
        return either(tape, member(tape, person, b"pk", 2), member(tape, person, b"id", 2))

    cdef int _count_post(self, Row* row, const uint32_t* f) except -1:
        """Read counts and time."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t when
        cdef bint hidden = tape.tokens[f[HIDDEN]].kind == TRUE
        row.counts[COMMENTS] = count(tape, either(tape, f[COMMENT_COUNT], either(
            tape, _count_in(tape, f[EDGE_COMMENT]), either(
                tape, _count_in(tape, f[EDGE_PARENT_COMMENT]), either(
                    tape,
                    _count_in(tape, f[EDGE_PREVIEW_COMMENT]),
                    _count_in(tape, f[COMMENT_LIST]),
                )
            )
        )))
        row.counts[LIKES] = -1 if hidden else count(tape, either(tape, f[LIKE_COUNT], either(
            tape, _count_in(tape, f[EDGE_LIKED_BY]), either(
                tape, _count_in(tape, f[EDGE_PREVIEW_LIKE]), _count_in(tape, f[LIKE_LIST])
            )
        )))
        row.counts[VIEWS] = -1 if hidden else count(tape, either(tape, f[VIEW_COUNT], either(
            tape, f[VIDEO_VIEW_COUNT], either(
                tape, f[VIDEO_VIEWS], either(tape, f[PLAY_COUNT], f[VIDEO_PLAY_COUNT])
            )
        )))
        when = either(tape, f[TAKEN_AT], either(
            tape, f[TAKEN_AT_TIMESTAMP], either(tape, f[DATE], f[CREATED_TIME])
        ))
        row.created = self._when(when)
        return 0

    cdef int64_t _when(self, uint32_t node) except? -1:
        """Return an instant in microseconds."""
        cdef const Tape* tape = &self.document.tape
        if is_none(tape, node):
            return UNDATED
        return 1000000 * seconds(tape, node, self.latest)

    cdef uint32_t _caption(self, const uint32_t* f) noexcept:
        """Return the text below a picture, 0 if there is none."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t edge = child(tape, member(tape, f[EDGE_CAPTION], b"edges", 5))
        cdef uint32_t caption = either(tape, f[CAPTION], member(tape, edge, b"node", 4))
        if tape.tokens[caption].kind == OBJECT:
            caption = member(tape, caption, b"text", 4)
        return text(tape, caption)

    cdef int _say_post(self, Row* row, const uint32_t* f, uint32_t author) except -1:
        """Say the content of a post."""
        cdef const Tape* tape = &self.document.tape
        cdef Writer* said = &self.said
        cdef size_t start = said.size
        put_byte(said, c"[")
        put_literal(said, _FORMS[row.form])
        put_byte(said, c",")
        put_ident(said, tape, author, _BEFORE)
        put_byte(said, c",")
        self._say_caption(row, self._caption(f))
        put_literal(said, b",[")
        self._put_media(said, f, False)
        put_literal(said, b"],")
        put_node(said, tape, self._place(f))
        put_byte(said, c",")
        self._put_code(said, row, f)
        put_byte(said, c",")
        self._say_created(row.created)
        put_literal(said, b",null,null")
        self._end_content()
        row.content = self.since(start)
        return 0

    cdef int _say_caption(self, Row* row, uint32_t caption) except -1:
        """Say text, language, hashtags, mentions and links."""
        cdef const Tape* tape = &self.document.tape
        cdef const Token* token = tape.tokens + caption
        cdef Writer* said = &self.said
        cdef const uint8_t* start = tape.body + token.start + 1
        cdef Py_ssize_t size = token.end - token.start - 2 if caption else 0
        if token.flags & ESCAPED:
            self.scratch.size = 0
            put_text(&self.scratch, tape, caption)
            if self.scratch.failed:
                raise MemoryError
            start, size = self.scratch.bytes, self.scratch.size
        row.text.start = said.size
        if caption:
            put_json(said, start, size)
        else:
            put_literal(said, b"null")
        row.text = self.since(row.text.start)
        put_literal(said, b",null,")
        row.tags.start = said.size
        read_tags(self.words, start, size, True)
        _put_plain_words(said, self.words)
        row.tags = self.since(row.tags.start)
        put_byte(said, c",")
        row.mentions.start = said.size
        read_mentions(self.words, start, size)
        _put_words(said, self.words)
        row.mentions = self.since(row.mentions.start)
        put_byte(said, c",")
        row.links.start = said.size
        read_links(self.words, start, size)
        _put_words(said, self.words)
        row.links = self.since(row.links.start)
        return 0

    cdef void _end_content(self) noexcept:
        """Say the parser's version, the last of a content."""
        put_byte(&self.said, c",")
        put_int(&self.said, self.parser)
        put_byte(&self.said, c"]")

    cdef uint32_t _place(self, const uint32_t* f) noexcept:
        """Return the name of a post's place."""
        cdef const Tape* tape = &self.document.tape
        return word(tape, member(tape, object_(tape, f[LOCATION]), b"name", 4))

    cdef int _put_code(self, Writer* out, const Row* row, const uint32_t* f) except -1:
        """Write the short code."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t code = word(tape, either(tape, f[CODE], f[SHORTCODE]))
        if code:
            put_node(out, tape, code)
        else:
            put_str(out, shortcode.code_of(self._native_of(row)))
        return 0

    cdef str _native_of(self, const Row* row):
        cdef bytes body = self.document.body
        return body[row.native.start:row.native.start + row.native.size].decode()

    cdef int _put_media(self, Writer* out, const uint32_t* f, bint whole) except -1:
        """Write the pictures of a post, of a carousel each one."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] g
        cdef uint32_t children = f[CAROUSEL], it, node
        cdef bint first = True
        it = child(tape, children)
        if it == 0:
            children = member(tape, f[SIDECAR], b"edges", 5)
            it = child(tape, children)
        if it == 0:
            self._put_picture(out, f, &first, whole)
            return 0
        while it < tape.tokens[children].next:
            node = it if children == f[CAROUSEL] else member(tape, it, b"node", 4)
            if tape.tokens[node].kind == OBJECT:
                members(tape, node, &_KNOWN, g, KEYS)
                self._put_picture(out, g, &first, whole)
            it = tape.tokens[it].next
        return 0

    cdef int _put_picture(
        self, Writer* out, const uint32_t* f, bint* first, bint whole
    ) except -1:
        """Write one picture or film, nothing if it has no address."""
        cdef const Tape* tape = &self.document.tape
        cdef Picture picture
        cdef int64_t width, height
        if not _picture(tape, f, &picture):
            return 0
        # Numbers the reference must read are found before a row is made.
        width = loose_count(tape, member(tape, picture.size, b"width", 5))
        height = loose_count(tape, member(tape, picture.size, b"height", 6))
        if not first[0]:
            put_byte(out, c",")
        first[0] = False
        put_literal(out, b'{"kind":' if whole else b"[")
        put_literal(out, _FORMS[VIDEO if picture.film else IMAGE])
        if not whole:
            put_byte(out, c",")
            put_node(out, tape, picture.alt)
            put_byte(out, c"]")
            return 0
        put_literal(out, b',"url":')
        put_node(out, tape, picture.url)
        put_literal(out, b',"width":')
        put_count(out, width)
        put_literal(out, b',"height":')
        put_count(out, height)
        put_literal(out, b',"alt":')
        put_node(out, tape, picture.alt)
        put_literal(out, b',"duration":')
        put_number(out, tape, picture.duration)
        put_byte(out, c"}")
        return 0

    cdef void _say_created(self, int64_t created) noexcept:
        """Say a time or null."""
        if created == UNDATED:
            put_literal(&self.said, b"null")
        else:
            put_microseconds(&self.said, created)

    # Comments

    cdef int _previews(self, const uint32_t* f, const Slice* post) except -1:
        """Read the comments a post shows beside its counts."""
        self._comment_edges(f[EDGE_COMMENT], post, True)
        self._comment_edges(f[EDGE_PARENT_COMMENT], post, True)
        self._comment_edges(f[EDGE_PREVIEW_COMMENT], post, True)
        self._comment_list(f[PREVIEW_COMMENTS], post)
        return self._comment_list(f[COMMENT_LIST], post)

    cdef int _comment_edges(self, uint32_t connection, const Slice* post, bint deeper) except -1:
        """Read the comments of a connection and (`deeper`) the answers below them."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t edges = _array(tape, member(tape, connection, b"edges", 5))
        cdef uint32_t it = edges + 1
        cdef uint32_t node
        while edges and it < tape.tokens[edges].next:
            node = member(tape, it, b"node", 4)
            self._comment(node, post)
            if deeper:
                self._comment_edges(
                    member(tape, node, b"edge_threaded_comments", 22), post, False
                )
            it = tape.tokens[it].next
        return 0

    cdef int _comment_list(self, uint32_t comments, const Slice* post) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t it
        if tape.tokens[comments].kind == OBJECT:
            comments = member(tape, comments, b"data", 4)
        if not _array(tape, comments):
            return 0
        it = comments + 1
        while it < tape.tokens[comments].next:
            self._comment(it, post)
            it = tape.tokens[it].next
        return 0

    cdef int _comment(self, uint32_t node, const Slice* post) except -1:
        """Add one comment of any generation."""
        cdef const Tape* tape = &self.document.tape
        cdef Writer* said = &self.said
        cdef uint32_t[KEYS] f
        cdef int64_t created, likes
        cdef size_t start
        cdef Row* row
        cdef str id
        members(tape, _object(tape, node), &_KNOWN, f, KEYS)
        id = ident(&self.scratch, tape, either(tape, f[PK], f[ID]), _BEFORE)
        if id is None:
            raise HandOver
        created = self._when(
            either(tape, f[CREATED_AT_UTC], either(tape, f[CREATED_AT], f[CREATED_TIME]))
        )
        likes = count(
            tape, either(tape, f[COMMENT_LIKE_COUNT], _count_in(tape, f[EDGE_LIKED_BY]))
        )
        if id in self.comments.seen:
            return 0
        row = self.comments.add(id, None, None, None)
        row.kind, row.node, row.native = COMMENT, node, post[0]
        row.created, row.counts[LIKES] = created, likes
        start = said.size
        put_byte(said, c"[")
        put_node(said, tape, text(tape, f[TEXT]))
        put_byte(said, c",")
        self._put_commenter(said, f, b",")
        put_byte(said, c"]")
        row.content = self.since(start)
        return 0

    cdef void _put_commenter(
        self, Writer* out, const uint32_t* f, const char* between
    ) noexcept:
        """Write id and handle of who wrote a comment."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t person = object_(
            tape, either(tape, f[USER], either(tape, f[OWNER], f[FROM]))
        )
        put_ident(out, tape, either(tape, self._person_id(person), f[USER_ID]), _BEFORE)
        put_literal(out, between)
        put_node(out, tape, word(tape, member(tape, person, b"username", 8)))

    # Records

    def body(self, Py_ssize_t row, str handle, object followers):
        """See `ingestor.rows.Rows.body`."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t[KEYS] f
        cdef const Row* it
        if row < 0 or row >= <Py_ssize_t>self.all.size:
            raise IndexError(row)
        it = self.all.rows + row
        members(tape, it.node, &_KNOWN, f, KEYS)
        self.put_head(self.ids[row])
        if it.kind == POST:
            self._put_post(it, f, self.authors[row], handle, followers)
        elif it.kind == COMMENT:
            self._put_comment(it, f)
        elif it.kind == PROFILE:
            self._put_profile(it, f, self.handles[row])
        else:
            self._put_tag(it)
        put_literal(&self.out, b',"source":"instagram","parser_version":')
        put_int(&self.out, self.parser)
        put_literal(&self.out, b',"raw":')
        put_node(&self.out, tape, it.node)
        put_byte(&self.out, c"}")
        return taken(&self.out, 0)

    cdef int _put_post(
        self, const Row* row, const uint32_t* f, str author, str handle, object followers
    ) except -1:
        cdef Writer* out = &self.out
        self._put_names(row, f)
        put_literal(out, b',"kind":')
        put_literal(out, _FORMS[row.form])
        put_literal(out, b',"author_id":')
        put_str(out, author)
        put_literal(out, b',"author_handle":')
        put_str(out, handle)
        put_literal(out, b',"author_followers":')
        if followers is None:
            put_literal(out, b"null")
        else:
            put_int(out, followers)
        put_literal(out, b',"text":')
        self.put_slice(&row.text)
        put_literal(out, b',"lang":null,"tags":')
        self.put_slice(&row.tags)
        put_literal(out, b',"mentions":')
        self.put_slice(&row.mentions)
        put_literal(out, b',"links":')
        self.put_slice(&row.links)
        put_literal(out, b',"media":[')
        self._put_media(out, f, True)
        put_byte(out, c"]")
        self._put_place(out, f)
        put_literal(out, b',"created_at":')
        self.put_created(row.created)
        put_literal(out, b',"edited_at":null,"deleted_at":null,"counts":{"likes":')
        put_count(out, row.counts[LIKES])
        put_literal(out, b',"comments":')
        put_count(out, row.counts[COMMENTS])
        put_literal(out, b',"shares":null,"views":')
        put_count(out, row.counts[VIEWS])
        put_literal(out, b',"quotes":null},"reply_to":null,"repost_of":null')
        return 0

    cdef int _put_names(self, const Row* row, const uint32_t* f) except -1:
        """Write number, short code and address of a post."""
        cdef const Tape* tape = &self.document.tape
        cdef Writer* out = &self.out
        cdef uint32_t link = word(tape, f[LINK])
        cdef size_t start, size
        put_literal(out, b',"native_id":"')
        put(out, tape.body + row.native.start, row.native.size)
        put_literal(out, b'","code":')
        start = out.size
        self._put_code(out, row, f)
        size = out.size - start
        put_literal(out, b',"url":')
        if link:
            put_node(out, tape, link)
        elif size > 2 and reserve(out, size) and out.bytes[start] == c'"':
            put_literal(out, b'"https://www.instagram.com/p/')
            reserve(out, size)
            put(out, out.bytes + start + 1, size - 2)
            put_literal(out, b'/"')
        else:
            put_literal(out, b"null")
        return 0

    cdef void _put_place(self, Writer* out, const uint32_t* f) noexcept:
        """Write name and point of a post's place."""
        cdef const Tape* tape = &self.document.tape
        cdef uint32_t spot = object_(tape, f[LOCATION])
        cdef uint32_t lat = either(tape, member(tape, spot, b"lat", 3), either(
            tape, member(tape, spot, b"latitude", 8), f[LAT]
        ))
        cdef uint32_t lon = either(tape, member(tape, spot, b"lng", 3), either(
            tape, member(tape, spot, b"longitude", 9), f[LNG]
        ))
        put_literal(out, b',"place":')
        put_node(out, tape, self._place(f))
        put_literal(out, b',"location":')
        if not _is_point(tape, lat, lon):
            put_literal(out, b"null")
            return
        put_literal(out, b'{"lat":')
        put_number(out, tape, lat)
        put_literal(out, b',"lon":')
        put_number(out, tape, lon)
        put_byte(out, c"}")

    cdef int _put_comment(self, const Row* row, const uint32_t* f) except -1:
        cdef const Tape* tape = &self.document.tape
        cdef Writer* out = &self.out
        put_literal(out, b',"post_id":"instagram:')
        put(out, tape.body + row.native.start, row.native.size)
        put_literal(out, b'","author_id":')
        self._put_commenter(out, f, b',"author_handle":')
        put_literal(out, b',"text":')
        put_node(out, tape, text(tape, f[TEXT]))
        put_literal(out, b',"created_at":')
        self.put_created(row.created)
        put_literal(out, b',"counts":{"likes":')
        put_count(out, row.counts[LIKES])
        put_byte(out, c"}")
        return 0

    cdef int _put_profile(self, const Row* row, const uint32_t* f, str handle) except -1:
        cdef Writer* out = &self.out
        put_literal(out, b',"native_id":"')
        put(out, self.document.tape.body + row.native.start, row.native.size)
        put_literal(out, b'","handle":')
        put_str(out, handle)
        self._put_about(out, f, True)
        put_literal(out, b',"counts":{"followers":')
        put_count(out, row.counts[FOLLOWERS])
        put_literal(out, b',"following":')
        put_count(out, row.counts[FOLLOWING])
        put_literal(out, b',"posts":')
        put_count(out, row.counts[POSTS])
        put_literal(out, b'},"related":')
        self.put_slice(&row.links)
        put_literal(out, b',"created_at":null')
        return 0

    cdef int _put_tag(self, const Row* row) except -1:
        cdef Writer* out = &self.out
        put_literal(out, b',"name":')
        self.put_slice(&row.text)
        put_literal(out, b',"counts":{"posts":')
        put_count(out, row.counts[POSTS])
        put_literal(out, b'},"related":')
        self.put_slice(&row.links)
        return 0


cdef bint _is_point(const Tape* tape, uint32_t lat, uint32_t lon) noexcept:
    """Return whether two numbers are a point of the globe; 0, 0 stands for "not set"."""
    cdef double north, east
    if not is_number(tape, lat) or not is_number(tape, lon):
        return False
    north, east = number(tape, lat), number(tape, lon)
    return (north != 0 or east != 0) and -90 <= north <= 90 and -180 <= east <= 180


cdef bint _ends_a_script(bytes body):
    """Return whether a body may be an HTML page with data inside, which the reference unwraps."""
    cdef const uint8_t* start = body
    cdef const uint8_t* end = start + len(body)
    while True:
        start = <const uint8_t*>memchr(start, c"<", end - start)
        if start is NULL:
            return False
        if start[1] == c"/" and start[2] == c"s":
            return True
        start += 1


# The document of the body that was judged last: mostly the one that is read next.
cdef Document _judged = None


def is_good(bytes body not None):
    """Return whether a body certainly is no error; if not, the reference has to judge it."""
    global _judged
    cdef Document document = Document.scan(body)
    cdef uint32_t[KEYS] f
    if document is None or document.tape.tokens[ROOT].kind != OBJECT:
        return False
    members(&document.tape, ROOT, &_KNOWN, f, KEYS)
    if _may_be_error(&document.tape, f):
        return False
    _judged = document
    return True


cdef Document _scanned(bytes body):
    """Return the document of a body, None if it has none."""
    global _judged
    cdef Document document = _judged
    _judged = None
    if document is not None and document.body is body:
        return document
    return Document.scan(body)


def read(bytes body not None, observed_at, int parser):
    """Return the page of a body: rows, and the cursor in the form that the next request takes.

    None if the reference has to read it.
    """
    cdef Document document
    cdef InstagramRows rows
    if _ends_a_script(body):
        return None
    document = _scanned(body)
    if document is None:
        return None
    try:
        rows = InstagramRows(document, observed_at, parser)
    except HandOver:
        return None
    section = "top" if rows.cursor_is_of_top else "recent"
    return Page(rows=rows, cursor=rows.cursor, section=section)
