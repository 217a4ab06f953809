"""What servers with Mastodon's API answer: statuses, accounts, tags, and lists of them.

Mastodon, GoToSocial, Pleroma, Akkoma and Pixelfed leave out or add keys but mean the same by those
that stand here.
"""

from ingestor.sources import addresses, fields, text
from ingestor.sources.fields import arr, at, first, obj
from ingestor.sources.markup import prose
from ingestor.sources.reading import Node, Reading, Unreadable, raw
from lake.records import Media, Post, PostCounts, PostKind, Profile, ProfileCounts, Tag, TagCounts

_GROUPS = ("ancestors", "descendants", "statuses", "accounts", "hashtags")
_NO_RECORDS = {
    "server": "a description of the server, no record",
    "relationship": "what the asker is to an account, no record",
}
_EVENTS = ("update", "status.update")


def read_any(reading: Reading, root: object) -> bool:
    """Keep what an answer holds; return whether its shape was known."""
    lists = [root] if isinstance(root, list) else [obj(root).get(key) for key in _GROUPS]
    for list_ in lists:
        for node in map(obj, arr(list_)):
            if isinstance(node.get("uri"), str):
                reading.addresses[fields.ident(node.get("id")) or ""] = node["uri"]
    if isinstance(root, list):
        reading.each(root, "", lambda node, where: _thing(reading, node, where.lstrip(".")))
        return True
    node = obj(root)
    groups = [key for key in _GROUPS if isinstance(node.get(key), list)]
    for key in groups:
        reading.each(node[key], key, lambda part, where: _thing(reading, part, where))
    if groups or node == {}:  # `{}` is the answer to a deletion
        return True
    known = kind_of(node) is not None
    if known:
        reading.one(node, "", lambda part, where: _thing(reading, part, where))
    return known


def kind_of(node: Node) -> str | None:
    """Return what an object describes: "status", "account", "tag", "quote", "event", ..."""
    if "account" in node and ("content" in node or "uri" in node or "visibility" in node):
        return "status"
    if "acct" in node and "id" in node:
        return "account"
    if "name" in node and "url" in node and ("history" in node or "statuses_count" in node):
        return "tag"
    if "quoted_status" in node or "quoted_status_id" in node:
        return "quote"
    if "event" in node and "stream" in node:
        return "event"
    if "version" in node and ("uri" in node or "domain" in node):
        return "server"
    if "followed_by" in node and "id" in node:
        return "relationship"
    return "tag" if set(node) <= {"name", "url", "following", "id"} and "name" in node else None


def _thing(reading: Reading, node: Node, where: str) -> None:
    """Keep one object by what it describes, or note why not."""
    kind = kind_of(node)
    if kind == "status":
        _status(reading, node, where)
    elif kind == "account":
        read_account(reading, node, where)
    elif kind == "tag":
        _tag(reading, node, where)
    elif kind == "quote":
        _quote(reading, node, where)
    elif kind == "event":
        raise Unreadable(f"a stream event that tells of no record: {_event_name(node)}")
    elif kind in _NO_RECORDS:
        reading.note(where, _NO_RECORDS[kind])
    else:
        raise Unreadable("an unknown shape")


def _event_name(node: Node) -> str:
    """Return the name of a stream event, if it is a known one."""
    name = node.get("event")
    return name if name in ("delete", "filters_changed", "notification") else "another"


def event_payload(root: object) -> bytes | None:
    """Return the status inside an event of the streaming API, None if this is none."""
    event = obj(root)
    if event.get("event") in _EVENTS and isinstance(event.get("payload"), str):
        return str(event["payload"]).encode("utf-8", "replace")
    return None


def _quote(reading: Reading, node: Node, where: str) -> None:
    """Keep the status that a quote quotes."""
    if not isinstance(node.get("quoted_status"), dict):
        raise Unreadable("a quote that only names its status")
    _status(reading, node["quoted_status"], f"{where}.quoted_status".lstrip("."))


def _status(reading: Reading, node: Node, where: str) -> None:
    """Keep one status and its author."""
    boosted = obj(node.get("reblog"))
    said = boosted or node  # a boost has no text, tags or counts of its own
    author = read_account(reading, obj(node.get("account")), f"{where}.account")
    content = prose(first(fields.text(said.get("content")), fields.text(said.get("text"))))
    words = content.text if content else None
    post = Post(
        id=f"{reading.network}:{_address(reading, node)}",
        native_id=fields.ident(node.get("id")) or "",
        url=fields.word(first(node.get("url"), node.get("uri"))),
        kind="repost" if boosted else _kind(said),
        author_id=author.id,
        author_handle=author.handle,
        author_followers=author.counts.followers,
        text=words,
        lang=_language(said),
        tags=_tags(said, words),
        mentions=_mentions(reading, said),
        links=content.links if content else (),
        media=_pictures(said),
        created_at=reading.time(node.get("created_at"), f"{where}.created_at"),
        edited_at=reading.time(said.get("edited_at"), f"{where}.edited_at"),
        counts=_counts(reading, said, where),
        reply_to=_reply_to(reading, said),
        repost_of=f"{reading.network}:{_address(reading, boosted)}" if boosted else None,
        raw=raw(node),
        **reading.stamp,
    )
    reading.post(post)


def _address(reading: Reading, node: Node) -> str:
    """Return the ActivityPub id, which is one wherever the post is seen."""
    address = fields.word(first(node.get("uri"), node.get("url")))
    native = fields.ident(node.get("id"))
    if address is None and native and reading.seen.host:
        address = local_address(reading.seen.host, native)
    if address is None:
        raise Unreadable("a status without uri")
    return address


def local_address(host: str, native: str) -> str:
    """Return the address at which a server shows a status by its own id."""
    return f"https://{host}/statuses/{native}"


def _reply_to(reading: Reading, node: Node) -> str | None:
    """Return the id of the post answered to.

    It is known only if that post stands in the same answer; else it is the address at which the
    server shows it, which leads to the post but is not the id another server would give.
    """
    native = fields.ident(node.get("in_reply_to_id"))
    host = reading.seen.host or addresses.host(fields.word(node.get("url")))
    if native in reading.addresses:
        return f"{reading.network}:{reading.addresses[native]}"
    return f"{reading.network}:{local_address(host, native)}" if native and host else None


def _kind(node: Node) -> PostKind:
    """Return what a status is by what is attached."""
    pictures = [obj(item).get("type") for item in arr(node.get("media_attachments"))]
    if len(pictures) > 1:
        return "carousel"
    if "video" in pictures or "gifv" in pictures:
        return "video"
    return "image" if "image" in pictures else "text"


def _language(node: Node) -> str | None:
    """Return the language the author named, without its region."""
    language = fields.word(node.get("language"))
    return language.split("-")[0].lower() if language else None


def _tags(node: Node, words: str | None) -> tuple[str, ...]:
    """Return the hashtags the server lists, or those of the text."""
    entities = node.get("tags")
    if isinstance(entities, list):
        return text.tag_names(fields.text(obj(tag).get("name")) for tag in entities)
    return text.hashtags(words, digits=False)


def _mentions(reading: Reading, node: Node) -> tuple[str, ...]:
    """Return the handles the server lists."""
    people = map(obj, arr(node.get("mentions")))
    handles = (_handle(reading, person) for person in people if fields.word(person.get("acct")))
    return tuple(dict.fromkeys(handles))


def _pictures(node: Node) -> tuple[Media, ...]:
    """Return the pictures and films attached."""
    found = []
    for item in map(obj, arr(node.get("media_attachments"))):
        if item.get("type") in ("image", "video", "gifv"):
            size = obj(at(item, "meta", "original"))
            found.append(
                Media(
                    kind="image" if item["type"] == "image" else "video",
                    url=fields.word(first(item.get("url"), item.get("remote_url"))),
                    width=fields.count(size.get("width")),
                    height=fields.count(size.get("height")),
                    alt=fields.word(item.get("description")),
                    duration=fields.number(size.get("duration")),
                )
            )
    return tuple(found)


def _counts(reading: Reading, node: Node, where: str) -> PostCounts:
    """Return the counts this server saw."""

    def number(key: str) -> int | None:
        return reading.count(node.get(key), f"{where}.{key}")

    return PostCounts(
        likes=number("favourites_count"),
        comments=number("replies_count"),
        shares=number("reblogs_count"),
        quotes=number("quotes_count"),
    )


def read_account(reading: Reading, node: Node, where: str) -> Profile:
    """Keep one account and return it."""
    native = fields.ident(node.get("id"))
    if native is None or not fields.word(node.get("acct")):
        raise Unreadable("an account without id or handle")
    bio = prose(fields.text(node.get("note")))
    profile = Profile(
        id=f"{reading.network}:{actor(node)}",
        native_id=native,
        handle=_handle(reading, node),
        name=fields.word(node.get("display_name")),
        bio=bio.text if bio else None,
        link=_website(node),
        private=fields.flag(node.get("locked")),
        counts=ProfileCounts(
            followers=reading.count(node.get("followers_count"), f"{where}.followers_count"),
            following=reading.count(node.get("following_count"), f"{where}.following_count"),
            posts=reading.count(node.get("statuses_count"), f"{where}.statuses_count"),
        ),
        created_at=reading.time(node.get("created_at"), f"{where}.created_at"),
        raw=raw(node),
        **reading.stamp,
    )
    reading.profile(profile)
    return profile


def actor(node: Node) -> str:
    """Return an account's ActivityPub id; servers before 4.2 tell only its page, /@name."""
    address = fields.word(node.get("uri"))
    page = fields.word(node.get("url"))
    if address or not page:
        if address:
            return address
        raise Unreadable("an account without uri and url")
    parts = addresses.split(page)
    name = parts.path.strip("/")
    if "/" in name or not name:
        return page
    return f"{parts.scheme}://{parts.netloc}/users/{name.removeprefix('@')}"


def _handle(reading: Reading, node: Node) -> str:
    """Return user@host; a server leaves its own name out of its own people's handles."""
    handle = fields.word(node.get("acct")) or ""
    if "@" in handle:
        return handle
    host = reading.seen.host or addresses.host(fields.word(node.get("url")))
    return f"{handle}@{host}" if host else handle


def _website(node: Node) -> str | None:
    """Return the first link among the fields people put on their page."""
    for field in map(obj, arr(node.get("fields"))):
        content = prose(fields.text(field.get("value")))
        found = content and (content.links or text.links(content.text))
        if found:
            return found[0]
    return None


def _tag(reading: Reading, node: Node, where: str) -> None:
    """Keep a hashtag and its uses."""
    name = text.tag_name(fields.text(node.get("name")) or "")
    if not name:
        raise Unreadable("a hashtag without name")
    reading.tag(
        Tag(
            id=f"{reading.network}:{name}",
            name=name,
            counts=TagCounts(posts=_uses(reading, node, where)),
            raw=raw(node),
            **reading.stamp,
        )
    )


def _uses(reading: Reading, node: Node, where: str) -> int | None:
    """Return the uses of the last seven days, the only count a server tells, None without."""
    days = [
        reading.count(obj(day).get("uses"), f"{where}.history.{index}.uses")
        for index, day in enumerate(arr(node.get("history")))
    ]
    known = [uses for uses in days if uses is not None]
    return sum(known) if known else None
