"""Which generation of Instagram's web JSON an answer is, found by its keys, never by its address.

A 2016 `items[]`; B 2017 `tag`/`user` with `media.nodes[]`; C 2018-21 `graphql.*`, or `data.*` from
the query endpoint; D 2021 `data.{top,recent}.sections[]`, later without `data`; E 2022 `data.user`
with more fields; V1 `items[]`, `feed_items[]`, `user`, `users[]`, `comments[]` of the phone's API.
"""

from collections.abc import Callable
from functools import partial

from ingestor.sources import fields
from ingestor.sources._instagram_media import (
    is_media,
    read_comment,
    read_comments,
    read_media,
)
from ingestor.sources._instagram_people import read_edges, read_profile, read_tag
from ingestor.sources.fields import arr, at, first, obj
from ingestor.sources.reading import UNSAID, Node, Reading, Section


def shared_data(body: bytes) -> bytes | None:
    """Return the JSON an HTML page of Instagram carried until 2021, None if there is none."""
    start = body.find(b"{", body.find(b"_sharedData"))
    end = body.find(b"</script>", start)
    if b"_sharedData" not in body or start < 0 or end < 0:
        return None
    return body[start:end].rstrip(b" ;\r\n\t")


def read_root(reading: Reading, root: Node) -> bool:
    """Keep what an answer holds; return whether its shape was known."""
    if isinstance(root.get("entry_data"), dict):
        return _entries(reading, root["entry_data"])
    inner, where = _unwrapped(root)
    return _parts(reading, inner, where)


def _entries(reading: Reading, entries: Node) -> bool:
    """Keep what the pages inside an HTML page hold."""
    known = False
    for name, pages in entries.items():
        for index, page in enumerate(arr(pages)):
            inner, where = _unwrapped(obj(page))
            known = _parts(reading, inner, f"entry_data.{name}.{index}.{where}") or known
    return known


def _unwrapped(root: Node) -> tuple[Node, str]:
    """Return what stands inside `graphql` or `data`, and where."""
    for key in ("graphql", "data"):
        if isinstance(root.get(key), dict):
            return root[key], f"{key}."
    return root, ""


def _parts(reading: Reading, inner: Node, where: str) -> bool:
    """Keep every part whose key is known; return whether there was one."""
    known = False
    for keys, read in _READERS:
        if any(inner.get(key) is not None for key in keys):
            read(reading, inner, where)
            known = True
    return known or _connections(reading, inner, where)


def _go_on(reading: Reading, cursor: object, more: object, section: Section = "recent") -> None:
    """Remember where to go on; a network that says there is no more means it, cursor or not."""
    value = fields.ident(cursor)
    if value and more is not False and reading.cursor is None:
        reading.cursor, reading.cursor_section = value, section


def _page_info(reading: Reading, connection: object) -> None:
    """Remember the cursor of a GraphQL connection."""
    info = obj(at(connection, "page_info"))
    _go_on(reading, info.get("end_cursor"), info.get("has_next_page"))


def _media_nodes(
    reading: Reading,
    connection: object,
    where: str,
    around: Node | None = None,
    *,
    top: bool = False,
) -> None:
    """Keep the posts of a connection, `edges[].node` or, before 2018, `nodes[]`."""

    def read(node: Node, place: str) -> None:
        read_media(reading, node, place, section="top" if top else "recent", around=around)

    reading.nodes(connection, where, read)
    reading.each(at(connection, "nodes"), f"{where}.nodes", read)


def _person(reading: Reading, node: Node, where: str) -> None:
    """Keep one profile."""
    read_profile(reading, node, where)


def _hashtag(reading: Reading, inner: Node, where: str) -> None:
    """Keep a hashtag with its recent and top posts, generations B and C."""
    for name, recent, top in (
        ("hashtag", "edge_hashtag_to_media", "edge_hashtag_to_top_posts"),
        ("tag", "media", "top_posts"),
    ):
        if inner.get(name) is None:
            continue
        tag, place = obj(inner[name]), f"{where}{name}"
        reading.one(inner[name], place, lambda node, spot: read_tag(reading, node, spot))
        _media_nodes(reading, tag.get(recent), f"{place}.{recent}")
        _media_nodes(reading, tag.get(top), f"{place}.{top}", top=True)
        _page_info(reading, tag.get(recent))


def _user(reading: Reading, inner: Node, where: str) -> None:
    """Keep a profile, its posts, or a page of its followers."""
    user, where = inner["user"], f"{where}user"
    if not isinstance(user, dict):
        reading.note(where, f"{fields.kind_of(user)} where an object belongs")
        return
    person = first(at(user, "reel", "user"), at(user, "reel", "owner"), user)
    if user.get("username") or person is not user:
        reading.one(user if user.get("username") else person, where, partial(_person, reading))
    for key in _TIMELINES:
        _media_nodes(reading, user.get(key), f"{where}.{key}")
        if key != "edge_felix_video_timeline":  # beside the timeline: the cursor is the timeline's
            _page_info(reading, user.get(key))
    _edges(reading, user, where)


_TIMELINES = (
    "edge_owner_to_timeline_media",
    "media",
    "edge_user_to_photos_of_you",
    "edge_felix_video_timeline",
    "edge_web_feed_timeline",
)


def _edges(reading: Reading, user: Node, where: str) -> None:
    """Keep a page of followers or those followed; a profile tells only their number."""
    for key, follows in (("edge_followed_by", False), ("edge_follow", True)):
        if isinstance(at(user, key, "edges"), list):
            account = fields.ident(user.get("id")) or reading.account
            read_edges(reading, user[key], f"{where}.{key}", follows=follows, account=account)
            _page_info(reading, user[key])


def _shortcode_media(reading: Reading, inner: Node, where: str) -> None:
    """Keep one post and a page of its comments."""
    key = "shortcode_media" if inner.get("shortcode_media") else "xdt_shortcode_media"
    media, where = obj(inner.get(key)), f"{where}{key}"
    if is_media(media):
        reading.one(media, where, lambda node, place: read_media(reading, node, place))
    post_id = reading.id(fields.ident(first(media.get("pk"), media.get("id"))))
    for name in ("edge_media_to_parent_comment", "edge_media_to_comment"):
        read_comments(reading, media.get(name), f"{where}.{name}", post_id)
        _page_info(reading, media.get(name))


def _location(reading: Reading, inner: Node, where: str) -> None:
    """Keep the posts of a place."""
    place, where = obj(inner["location"]), f"{where}location"
    recent, top = place.get("edge_location_to_media"), place.get("edge_location_to_top_posts")
    _media_nodes(reading, recent, f"{where}.edge_location_to_media", place)
    _media_nodes(reading, top, f"{where}.edge_location_to_top_posts", place, top=True)
    _page_info(reading, recent)


def _sections(reading: Reading, inner: Node, where: str) -> None:
    """Read generation D: the tag's own fields and the sections of `recent` and `top`."""
    if inner.get("name"):
        reading.one(inner, where.rstrip("."), lambda node, place: read_tag(reading, node, place))
    if "sections" in inner:  # the answer to a POST for more: one section, nothing around it
        _section(reading, inner, where)
    _section(reading, obj(inner.get("recent")), f"{where}recent.")
    _section(reading, obj(inner.get("top")), f"{where}top.", "top")


def _section(reading: Reading, part: Node, where: str, section: Section = "recent") -> None:
    """Keep one section of generation D and its cursor."""

    def read_layout(layout: Node, place: str) -> None:
        for key, value in obj(layout.get("layout_content")).items():
            clips = at(value, "clips", "items")  # one reel beside two posts
            items = value if clips is None else clips
            if isinstance(items, list):
                _items(reading, items, f"{place}.layout_content.{key}", section)

    reading.each(part.get("sections"), f"{where}sections", read_layout)
    _go_on(reading, part.get("next_max_id"), part.get("more_available"), section)


def _items(reading: Reading, items: object, where: str, section: Section = "recent") -> None:
    """Keep the posts of a list; the phone wraps some of them."""

    def read(item: Node, place: str) -> None:
        for key in ("media", "media_or_ad", "node"):
            if isinstance(item.get(key), dict):
                item, place = item[key], f"{place}.{key}"
                break
        if is_media(item):
            read_media(reading, item, place, section=section)
        else:
            reading.note(place, "no post: a suggestion, an advertisement or a message")

    reading.each(items, where, read)


def _item_list(reading: Reading, inner: Node, where: str) -> None:
    """Keep a list of posts: generation A, or the phone's."""
    for key in ("items", "feed_items"):
        _items(reading, inner.get(key), f"{where}{key}")
    paging = obj(inner.get("paging_info"))
    more = first(inner.get("more_available"), paging.get("more_available"))
    cursor = first(inner.get("next_max_id"), paging.get("max_id"))
    if cursor is None and more is True and inner.get("items"):
        cursor = at(arr(inner["items"])[-1:], 0, "id")  # generation A: the last post's id
    _go_on(reading, cursor, more)


def _comment_list(reading: Reading, inner: Node, where: str) -> None:
    """Keep a page of the phone's comments."""
    reading.each(
        inner["comments"],
        f"{where}comments",
        lambda node, place: read_comment(reading, node, place, None),
    )
    _go_on(reading, first(inner.get("next_min_id"), inner.get("next_max_id")), None)


def _users(reading: Reading, inner: Node, where: str) -> None:
    """Keep a page of the phone's followers."""

    def read(node: Node, place: str) -> None:
        other = read_profile(reading, node, place)
        if reading.account != UNSAID:
            reading.follow(other, reading.account, fields.word(node.get("username")))

    reading.each(inner["users"], f"{where}users", read)
    _go_on(reading, inner.get("next_max_id"), None)


def _connections(reading: Reading, inner: Node, where: str) -> bool:
    """Read connections of posts whose name is new to us; return whether there were any."""
    known = False
    for key, value in inner.items():
        if isinstance(at(value, "edges"), list) and at(value, "page_info") is not None:
            _items(reading, value["edges"], f"{where}{key}.edges")
            _page_info(reading, value)
            known = True
    return known


_READERS: tuple[tuple[tuple[str, ...], Callable[[Reading, Node, str], None]], ...] = (
    (("hashtag", "tag"), _hashtag),
    (("user",), _user),
    (("shortcode_media", "xdt_shortcode_media"), _shortcode_media),
    (("location",), _location),
    (("recent", "top", "sections"), _sections),
    (("items", "feed_items"), _item_list),
    (("comments",), _comment_list),
    (("users",), _users),
)
