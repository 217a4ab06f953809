"""What Instagram's Graph API answers: media, people, comments, hashtags; lists or keyed by id."""

import msgspec

from ingestor.sources import fields, shortcode, text
from ingestor.sources.fields import arr, at, first, obj
from ingestor.sources.reading import Node, Reading, Section, Unreadable, raw
from lake.records import (
    Comment,
    CommentCounts,
    Media,
    Post,
    PostCounts,
    PostKind,
    Profile,
    ProfileCounts,
    Tag,
)

_KINDS: dict[object, PostKind] = {
    "IMAGE": "image",
    "VIDEO": "video",
    "REELS": "video",
    "CAROUSEL_ALBUM": "carousel",
}
_MEDIA_KEYS = ("media_type", "media_product_type", "permalink", "media_url", "caption", "shortcode")
_PERSON_KEYS = (
    "followers_count",
    "follows_count",
    "media_count",
    "biography",
    "profile_picture_url",
)
_WRAPPERS = ("business_discovery", "mentioned_media", "mentioned_comment")
_OWN_KEYS = ("id", "data", "paging", "error")


def read_root(reading: Reading, root: Node, section: Section = "recent") -> bool:
    """Keep what an answer holds; return whether its shape was known."""
    paging = obj(root.get("paging"))
    reading.cursor = fields.ident(at(paging, "cursors", "after"))
    wrapped = [key for key in _WRAPPERS if isinstance(root.get(key), dict)]
    for key in wrapped:  # beside them stands the id of the asker: not part of the answer
        reading.one(root[key], key, lambda node, where: _thing(reading, node, where, section))
    if isinstance(root.get("data"), list):
        reading.each(root["data"], "data", lambda n, where: _thing(reading, n, where, section))
        return True
    if wrapped:
        return True
    if _keyed_by_id(root):
        for key, node in root.items():
            reading.one(node, key, lambda n, where: _thing(reading, n, where, section))
        return True
    return _single(reading, root, section)


def _single(reading: Reading, root: Node, section: Section) -> bool:
    """Keep an answer that is one thing; return whether it was known."""
    known = kind_of(root) is not None
    if known:
        reading.one(root, "", lambda node, where: _thing(reading, node, where, section))
    return known


def _keyed_by_id(root: Node) -> bool:
    """Return whether this is the answer to `?ids=a,b`: an object whose keys are ids."""
    return bool(root) and all(
        key.isdecimal() and isinstance(value, dict) for key, value in root.items()
    )


def kind_of(node: Node) -> str | None:
    """Return what an object describes: "media", "person", "comment", "tag", "insight", None."""
    if any(key in node for key in _MEDIA_KEYS):
        return "media"
    if "text" in node:
        return "comment"
    if any(key in node for key in _PERSON_KEYS) or "media" in node:
        return "person"
    if "values" in node or "total_value" in node or "quota_usage" in node:
        return "insight"
    if "name" in node and "id" in node:
        return "tag"
    if "like_count" in node or "comments_count" in node:
        return "media"
    return "id" if "id" in node else None


def _thing(reading: Reading, node: Node, where: str, section: Section) -> None:
    """Keep one object by what it describes, or note why not."""
    kind = kind_of(node)
    if kind == "media":
        _media(reading, node, where, section)
    elif kind == "person":
        _person(reading, node, where, section)
    elif kind == "comment":
        _comment(reading, node, where, None)
    elif kind == "tag":
        _tag(reading, node)
    elif kind == "insight":
        reading.note(where, "a figure of one's own account, no record")
    elif kind == "id":
        reading.note(where, "an id and nothing else")
    else:
        raise Unreadable("an unknown shape")


def _media(
    reading: Reading, node: Node, where: str, section: Section, owner: Profile | None = None
) -> None:
    """Keep one post and the comments below it."""
    native = fields.ident(node.get("id"))
    permalink = fields.word(node.get("permalink"))
    code = fields.word(node.get("shortcode")) or shortcode.code_in(permalink)
    pk = shortcode.pk_of(code) or shortcode.pk_in(permalink)
    if native is None and pk is None:
        raise Unreadable("a post without id")
    caption = fields.text(node.get("caption"))
    author = fields.ident(at(node, "owner", "id"))
    post = Post(
        # Graph numbers posts anew; the number in the short code is the one all other answers use.
        id=f"{reading.network}:{pk or native}",
        native_id=native or pk or "",
        code=code or (shortcode.code_of(pk) if pk else None),
        url=permalink,
        kind=_KINDS.get(fields.text(node.get("media_type")), "image"),
        author_id=reading.id(author) or (owner.id if owner else None),
        author_handle=fields.word(node.get("username")) or (owner.handle if owner else None),
        author_followers=owner.counts.followers if owner else None,
        text=caption,
        tags=text.hashtags(caption),
        mentions=text.mentions(caption),
        links=text.links(caption),
        media=_pictures(node),
        created_at=reading.time(node.get("timestamp"), f"{where}.timestamp"),
        counts=PostCounts(
            likes=reading.count(node.get("like_count"), f"{where}.like_count"),
            comments=reading.count(node.get("comments_count"), f"{where}.comments_count"),
            views=reading.count(
                first(node.get("view_count"), node.get("video_views")), f"{where}.view_count"
            ),
        ),
        raw=raw(node),
        **reading.stamp,
    )
    reading.post(post, section)
    reading.each(
        at(node, "comments", "data"),
        f"{where}.comments.data",
        lambda comment, place: _comment(reading, comment, place, post.id),
    )


def _pictures(node: Node) -> tuple[Media, ...]:
    """Return the pictures of a post, of an album each one."""
    children = arr(at(node, "children", "data")) or [node]
    found = []
    for child in map(obj, children):
        url = fields.word(first(child.get("media_url"), child.get("thumbnail_url")))
        if url:
            film = child.get("media_type") in ("VIDEO", "REELS")
            alt = fields.word(child.get("alt_text"))
            found.append(Media(kind="video" if film else "image", url=url, alt=alt))
    return tuple(found)


def _person(reading: Reading, node: Node, where: str, section: Section) -> None:
    """Keep a profile and the posts told inside it."""
    native = fields.ident(node.get("id"))
    handle = fields.word(node.get("username"))
    owner = None
    if native and handle:
        # `ig_id` is the number that Instagram's other answers use.
        key = fields.ident(node.get("ig_id")) or native
        owner = Profile(
            id=f"{reading.network}:{key}",
            native_id=native,
            handle=handle,
            name=fields.word(node.get("name")),
            bio=fields.text(node.get("biography")),
            link=fields.word(node.get("website")),
            verified=fields.flag(node.get("is_verified")),
            counts=_person_counts(reading, node, where),
            raw=raw(without(node, "media")),
            **reading.stamp,
        )
        reading.profile(owner)
    elif "media" not in node:
        raise Unreadable("a profile without id or handle")
    media, place = obj(node.get("media")), f"{where}.media".lstrip(".")
    reading.each(
        media.get("data"), f"{place}.data", lambda n, spot: _media(reading, n, spot, section, owner)
    )
    reading.cursor = fields.ident(at(media, "paging", "cursors", "after")) or reading.cursor


def _person_counts(reading: Reading, node: Node, where: str) -> ProfileCounts:
    """Return the counts of a profile."""
    return ProfileCounts(
        followers=reading.count(node.get("followers_count"), f"{where}.followers_count"),
        following=reading.count(node.get("follows_count"), f"{where}.follows_count"),
        posts=reading.count(node.get("media_count"), f"{where}.media_count"),
    )


def without(node: Node, key: str) -> Node:
    """Return an object less one key: a profile's raw JSON without its posts."""
    return {name: value for name, value in node.items() if name != key}


def _comment(reading: Reading, node: Node, where: str, post_id: str | None) -> None:
    """Keep one comment and the replies below it."""
    native = fields.ident(node.get("id"))
    if native is None:
        raise Unreadable("a comment without id")
    author = fields.ident(first(at(node, "from", "id"), at(node, "user", "id")))
    handle = fields.word(first(node.get("username"), at(node, "from", "username")))
    reading.comment(
        Comment(
            id=f"{reading.network}:{native}",
            post_id=post_id or _post_of(reading, obj(node.get("media"))),
            author_id=reading.id(author),
            author_handle=handle,
            text=fields.text(node.get("text")),
            created_at=reading.time(node.get("timestamp"), f"{where}.timestamp"),
            counts=CommentCounts(
                likes=reading.count(node.get("like_count"), f"{where}.like_count")
            ),
            raw=raw(node),
            **reading.stamp,
        )
    )
    reading.each(
        at(node, "replies", "data"),
        f"{where}.replies.data",
        lambda answer, place: _comment(reading, answer, place, post_id),
    )


def _post_of(reading: Reading, media: Node) -> str | None:
    """Return the id of the post a comment says it stands below."""
    return reading.id(
        shortcode.pk_in(fields.word(media.get("permalink"))) or fields.ident(media.get("id"))
    )


def _tag(reading: Reading, node: Node) -> None:
    """Keep a hashtag's name; the network tells no count."""
    name = text.tag_name(fields.text(node.get("name")) or "")
    if not name:
        raise Unreadable("a hashtag without name")
    reading.tag(
        Tag(
            id=f"{reading.network}:{name}",
            name=name,
            raw=raw(node),
            **reading.stamp,
        )
    )


def batch(root: list[object]) -> list[tuple[int, bytes]]:
    """Return status and body of each answer of a batch: `[{"code": 200, "body": "{...}"}, ...]`."""
    answers = []
    for part in map(obj, root):
        body = part.get("body")
        encoded = (
            body.encode("utf-8", "replace") if isinstance(body, str) else msgspec.json.encode(body)
        )
        answers.append((fields.count(part.get("code")) or 200, encoded))
    return answers
