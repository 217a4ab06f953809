"""Instagram's media nodes of every generation, by one map of fields.

The generations name their fields differently but never the same field for different things, so one
reader asks for each name in turn; a node that mixes two generations (seen in 2024) is no trouble.
"""

from typing import Any

from ingestor.sources import fields, shortcode, text
from ingestor.sources.fields import at, first
from ingestor.sources.reading import Node, Reading, Section, Unreadable, raw
from lake.records import (
    Comment,
    CommentCounts,
    Location,
    Media,
    Post,
    PostCounts,
    PostKind,
)

_KINDS: dict[Any, PostKind] = {
    1: "image",
    2: "video",
    8: "carousel",
    "image": "image",
    "video": "video",
    "carousel": "carousel",
    "GraphImage": "image",
    "GraphVideo": "video",
    "GraphSidecar": "carousel",
}


def is_media(node: Node) -> bool:
    """Return whether an object is a post of any generation."""
    return (
        any(key in node for key in ("shortcode", "code", "taken_at", "taken_at_timestamp"))
        or ("media_type" in node and ("pk" in node or "id" in node))
        or ("created_time" in node and "images" in node)
    )


def native_id(node: Node) -> str:
    """Return the number of a post or person: `pk`, or `id` before the owner's part."""
    native = fields.ident(first(node.get("pk"), node.get("id")))
    native = native.split("_", 1)[0] if native else shortcode.pk_of(_code(node))
    if not native or not native.isascii() or not native.isdecimal():
        raise Unreadable("no id")
    return native


def read_media(
    reading: Reading,
    node: Node,
    where: str,
    *,
    section: Section = "recent",
    around: Node | None = None,
) -> None:
    """Keep one post and the comments it shows. `around` is the place whose page it stands on."""
    pk = native_id(node)
    caption = _caption(node)
    code = _code(node) or shortcode.code_of(pk)
    author, handle = _author(node)
    place, location = _place(node, around or {})
    post = Post(
        id=f"{reading.network}:{pk}",
        native_id=pk,
        code=code,
        url=fields.word(node.get("link"))
        or (f"https://www.instagram.com/p/{code}/" if code else None),
        kind=_kind(node),
        author_id=reading.id(author),
        author_handle=handle,
        text=caption,
        tags=text.hashtags(caption),
        mentions=text.mentions(caption),
        links=text.links(caption),
        media=_pictures(node),
        place=place,
        location=location,
        created_at=reading.time(_time(node), f"{where}.{_time_key(node)}"),
        counts=_counts(reading, node, where),
        raw=raw(node),
        **reading.stamp,
    )
    reading.post(post, section)
    read_previews(reading, node, where, post.id)


def _code(node: Node) -> str | None:
    """Return the short code."""
    return fields.word(first(node.get("code"), node.get("shortcode")))


def _caption(node: Node) -> str | None:
    """Return the text below a picture; there may be none."""
    caption = first(node.get("caption"), at(node, "edge_media_to_caption", "edges", 0, "node"))
    return fields.text(caption.get("text") if isinstance(caption, dict) else caption)


def _author(node: Node) -> tuple[str | None, str | None]:
    """Return id and handle of the author; tag pages of B and C tell no handle."""
    person = fields.obj(first(node.get("user"), node.get("owner")))
    return (
        fields.ident(first(person.get("pk"), person.get("id"))),
        fields.word(person.get("username")),
    )


_TIME_KEYS = ("taken_at", "taken_at_timestamp", "date", "created_time")


def _time_key(node: Node) -> str:
    """Return the name under which a generation tells the time."""
    return next((key for key in _TIME_KEYS if node.get(key) is not None), "taken_at")


def _time(node: Node) -> object:
    """Return when a post was made, as the network writes it."""
    return node.get(_time_key(node))


def _kind(node: Node) -> PostKind:
    """Return what a post is."""
    for key in ("media_type", "type", "__typename"):
        value = node.get(key)
        if isinstance(value, str):
            value = value.removeprefix("XDT")
        if isinstance(value, int | str) and value in _KINDS:
            return _KINDS[value]
    if node.get("carousel_media") or node.get("edge_sidecar_to_children"):
        return "carousel"
    return "video" if node.get("is_video") is True or node.get("video_versions") else "image"


def _place(node: Node, around: Node) -> tuple[str | None, Location | None]:
    """Return name and point of a post's place."""
    spot = fields.obj(first(node.get("location"), around))
    lat = fields.number(first(spot.get("lat"), spot.get("latitude"), node.get("lat")))
    lon = fields.number(first(spot.get("lng"), spot.get("longitude"), node.get("lng")))
    return fields.word(spot.get("name")), point(lat, lon)


def point(lat: float | None, lon: float | None) -> Location | None:
    """Return a point of the globe; None off the globe and for 0, 0, which stands for "not set"."""
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None
    return Location(lat=lat, lon=lon) if abs(lat) <= 90 and abs(lon) <= 180 else None


def _counts(reading: Reading, node: Node, where: str) -> PostCounts:
    """Return the counts of a post; hidden ones are unknown."""
    comments = first(
        node.get("comment_count"),
        at(node, "edge_media_to_comment", "count"),
        at(node, "edge_media_to_parent_comment", "count"),
        at(node, "edge_media_preview_comment", "count"),
        at(node, "comments", "count"),
    )
    likes = first(
        node.get("like_count"),
        at(node, "edge_liked_by", "count"),
        at(node, "edge_media_preview_like", "count"),
        at(node, "likes", "count"),
    )
    # The number beside this flag is not the number of likes: seen 3 at a post with 59 comments.
    hidden = node.get("like_and_view_counts_disabled") is True
    return PostCounts(
        likes=None if hidden else reading.count(likes, f"{where}.likes"),
        comments=reading.count(comments, f"{where}.comments"),
        views=None if hidden else reading.count(_views(node), f"{where}.views"),
    )


def _views(node: Node) -> object:
    """Return how often a film was seen."""
    # Views before plays: `view_count` is what `video_view_count` was in the older generations.
    return first(
        node.get("view_count"),
        node.get("video_view_count"),
        node.get("video_views"),
        node.get("play_count"),
        node.get("video_play_count"),
    )


def _pictures(node: Node) -> tuple[Media, ...]:
    """Return the pictures of a post, of a carousel each one."""
    children = fields.arr(node.get("carousel_media")) or [
        fields.obj(edge).get("node")
        for edge in fields.arr(at(node, "edge_sidecar_to_children", "edges"))
    ]
    found = (_picture(child) for child in children or [node] if isinstance(child, dict))
    return tuple(media for media in found if media is not None)


def _picture(node: Node) -> Media | None:
    """Return one picture or film, None if it has no address."""
    film = _best(node, "video_versions", "videos") or node.get("video_url")
    image = _best(node, "image_versions2", "images")
    url = fields.word(fields.obj(film).get("url")) if isinstance(film, dict) else fields.word(film)
    url = url or fields.word(
        first(image.get("url"), node.get("display_url"), node.get("display_src"))
    )
    if url is None:
        return None
    size = first(image or None, node.get("dimensions"))
    return Media(
        kind="video" if film or node.get("is_video") is True else "image",
        url=url,
        width=fields.count(fields.obj(size).get("width")),
        height=fields.count(fields.obj(size).get("height")),
        alt=fields.word(node.get("accessibility_caption")),
        duration=fields.number(node.get("video_duration")),
    )


def _best(node: Node, newer: str, older: str) -> Node:
    """Return the largest version: the first of the newer generations' list, or the old standard."""
    versions = node.get(newer)
    candidates = versions if isinstance(versions, list) else at(versions, "candidates")
    return fields.obj(first(at(candidates, 0), at(node, older, "standard_resolution")))


def read_previews(reading: Reading, node: Node, where: str, post_id: str | None) -> None:
    """Keep the comments a post shows beside its counts."""
    for key in (
        "edge_media_to_comment",
        "edge_media_to_parent_comment",
        "edge_media_preview_comment",
    ):
        read_comments(reading, node.get(key), f"{where}.{key}", post_id)
    for key in ("preview_comments", "comments"):
        value = node.get(key)
        nested = at(value, "data") if isinstance(value, dict) else value
        reading.each(nested, f"{where}.{key}", lambda c, w: read_comment(reading, c, w, post_id))


def read_comments(reading: Reading, connection: object, where: str, post_id: str | None) -> None:
    """Keep the comments of a GraphQL connection and the answers below them."""

    def read(node: Node, place: str) -> None:
        read_comment(reading, node, place, post_id)
        reading.nodes(
            node.get("edge_threaded_comments"),
            f"{place}.edge_threaded_comments",
            lambda answer, spot: read_comment(reading, answer, spot, post_id),
        )

    reading.nodes(connection, where, read)


def read_comment(reading: Reading, node: Node, where: str, post_id: str | None) -> None:
    """Keep one comment of any generation."""
    native = fields.ident(first(node.get("pk"), node.get("id")))
    if native is None:
        raise Unreadable("a comment without id")
    person = fields.obj(first(node.get("user"), node.get("owner"), node.get("from")))
    when = first(node.get("created_at_utc"), node.get("created_at"), node.get("created_time"))
    likes = first(node.get("comment_like_count"), at(node, "edge_liked_by", "count"))
    reading.comment(
        Comment(
            id=f"{reading.network}:{native}",
            post_id=post_id or reading.id(fields.ident(node.get("media_id"))),
            author_id=reading.id(
                fields.ident(first(person.get("pk"), person.get("id"), node.get("user_id")))
            ),
            author_handle=fields.word(person.get("username")),
            text=fields.text(node.get("text")),
            created_at=reading.time(when, f"{where}.created_at"),
            counts=CommentCounts(likes=reading.count(likes, f"{where}.likes")),
            raw=raw(node),
            **reading.stamp,
        )
    )
