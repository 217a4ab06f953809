"""What Bluesky's AppView and servers answer: posts, feeds, threads, profiles, follows, records."""

from datetime import datetime
from typing import Any

from ingestor.sources import fields, text, times
from ingestor.sources.fields import arr, at, first, obj
from ingestor.sources.reading import UNSAID, Node, Reading, Unreadable, raw
from lake.records import Media, Post, PostCounts, PostKind, Profile, ProfileCounts

_PEOPLE = ("profiles", "actors", "repostedBy")
_FACET = "app.bsky.richtext.facet#"
_NO_RECORDS = ("didDoc", "did")


def read_root(reading: Reading, root: Node) -> bool:
    """Keep what an answer holds; return whether its shape was known."""
    reading.cursor = fields.word(root.get("cursor"))
    known = False
    for key, read in _LISTS.items():
        if isinstance(root.get(key), list):
            _each(reading, root, key, read)
            known = True
    if isinstance(root.get("thread"), dict):
        _thread(reading, root["thread"])
        known = True
    return known or _single(reading, root)


def _each(reading: Reading, root: Node, key: str, read: Any) -> None:
    """Keep what a list of an answer holds."""
    reading.each(root[key], key, lambda node, where: read(reading, node, where, root))


def _single(reading: Reading, root: Node) -> bool:
    """Keep an answer that is one thing: a profile, a post, a record."""
    if "handle" in root and "did" in root and "didDoc" not in root:
        reading.one(root, "", lambda node, where: _person(reading, node, where, root))
        return True
    if "uri" in root and ("value" in root or "record" in root):
        reading.one(root, "", lambda node, where: _entry(reading, node, where, root))
        return True
    if any(key in root for key in _NO_RECORDS):
        reading.note("", "an identity document, no record")
        return True
    return False


def _entry(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep a post view, or a bare record of a repository: a post without counts and handle."""
    if "record" in node:
        _post(reading, node, where)
        return
    value = obj(node.get("value"))
    if value.get("$type") == "app.bsky.feed.like":
        raise Unreadable("a like, which is counted at its post")
    if not isinstance(value.get("text"), str):
        raise Unreadable("a record that is no post")
    _post(reading, {**node, "record": value}, where)


def _feed(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep an entry of a feed: a post, or a repost of one if there is a reason."""
    reason = obj(node.get("reason"))
    repost = reason if str(reason.get("$type")).endswith("#reasonRepost") else None
    _post(reading, obj(node.get("post")), f"{where}.post", repost)


def _post(reading: Reading, node: Node, where: str, repost: Node | None = None) -> None:
    """Keep one post, or the repost of one."""
    uri = fields.word(node.get("uri"))
    record = obj(node.get("record"))
    if uri is None or not uri.startswith("at://"):
        raise Unreadable("a post without uri")
    if not record:
        raise Unreadable("a post without record: blocked, or gone")
    author = obj(node.get("author"))
    did = fields.word(author.get("did")) or uri.split("/")[2]
    by = obj(repost.get("by")) if repost is not None else {}
    key = _repost_key(repost, by, uri) if repost is not None else uri
    words = fields.text(record.get("text"))
    tags, mentions, links = _facets(record, words or "")
    pictures, shown = _embeds(obj(node.get("embed")))
    reply = fields.word(at(record, "reply", "parent", "uri"))
    post = Post(
        id=f"{reading.network}:{key}",
        native_id=key,
        url=_page(did, uri),
        kind="repost" if repost is not None else _kind(pictures),
        author_id=reading.id(fields.word(by.get("did")) or did),
        author_handle=_handle(by if repost is not None else author),
        text=words,
        lang=_language(record),
        tags=tags,
        mentions=mentions,
        links=tuple(dict.fromkeys([*links, *shown])),
        media=pictures,
        created_at=_created(reading, node, repost, where),
        counts=_counts(reading, node, where),
        reply_to=reading.id(reply),
        repost_of=f"{reading.network}:{uri}" if repost is not None else None,
        raw=raw(node if repost is None else {"post": node, "reason": repost}),
        **reading.stamp,
    )
    reading.post(post)


def _repost_key(repost: Node, by: Node, uri: str) -> str:
    """Return a repost's own uri; older servers leave it out: made of who reposted what."""
    own = fields.word(repost.get("uri"))
    did = fields.word(by.get("did"))
    if own is None and did is None:
        raise Unreadable("a repost that does not say by whom")
    return own or f"at://{did}/app.bsky.feed.repost/{uri.removeprefix('at://')}"


def _handle(person: Node) -> str | None:
    """Return a person's handle; the network says "handle.invalid" where it found none."""
    handle = fields.word(person.get("handle"))
    return None if handle == "handle.invalid" else handle


def _page(did: str, uri: str) -> str:
    """Return the address of a post's public page."""
    return f"https://bsky.app/profile/{did}/post/{uri.rsplit('/', 1)[-1]}"


def _created(reading: Reading, node: Node, repost: Node | None, where: str) -> datetime | None:
    """Return the earlier of what the client claims and what the server saw; absurd claims go."""
    if repost is not None:
        return reading.time(repost.get("indexedAt"), f"{where}.reason.indexedAt")
    claimed = reading.time(at(node, "record", "createdAt"), f"{where}.record.createdAt")
    indexed = reading.time(node.get("indexedAt"), f"{where}.indexedAt")
    known = [moment for moment in (claimed, indexed) if moment is not None]
    return min(known, default=None)


def _language(record: Node) -> str | None:
    """Return the first language the author named, without its region."""
    language = fields.word(at(record, "langs", 0))
    return language.split("-")[0].lower() if language else None


def _facets(record: Node, words: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return tags, mentions and links in the order of the text.

    Offsets count UTF-8 bytes. A mention names only a DID; the handle is what the text shows there.
    """
    tags: list[str | None] = []
    mentions, links = [], []
    encoded = words.encode("utf-8", "replace")
    for facet in sorted(map(obj, arr(record.get("facets"))), key=_start):
        start, end = _start(facet), fields.count(at(facet, "index", "byteEnd")) or 0
        for feature in map(obj, arr(facet.get("features"))):
            kind = str(feature.get("$type")).removeprefix(_FACET)
            if kind == "tag":
                tags.append(fields.text(feature.get("tag")))
            elif kind == "link":
                links.append(fields.word(feature.get("uri")))
            elif kind == "mention":
                mentions.append(encoded[start:end].decode("utf-8", "ignore").lstrip("@"))
    tags.extend(fields.text(tag) for tag in arr(record.get("tags")))
    return text.tag_names(tags), _each_once(mentions), _each_once(links)


def _start(facet: Node) -> int:
    """Return where a facet starts in the text, in bytes."""
    return fields.count(at(facet, "index", "byteStart")) or 0


def _each_once(words: list[Any]) -> tuple[str, ...]:
    """Return the words in order, each once, without empty ones."""
    return tuple(dict.fromkeys(word for word in words if word))


def _kind(pictures: tuple[Media, ...]) -> PostKind:
    """Return what a post is by what it shows."""
    if len(pictures) > 1:
        return "carousel"
    return pictures[0].kind if pictures else "text"


def _embeds(embed: Node) -> tuple[tuple[Media, ...], list[str]]:
    """Return pictures and links shown below the text, also beside a quoted post."""
    media = obj(embed.get("media")) or embed
    found = [
        Media(
            kind="image",
            url=fields.word(first(image.get("fullsize"), image.get("thumb"))),
            width=fields.count(at(image, "aspectRatio", "width")),
            height=fields.count(at(image, "aspectRatio", "height")),
            alt=fields.word(image.get("alt")),
        )
        for image in map(obj, arr(media.get("images")))
    ]
    if isinstance(media.get("playlist"), str):
        found.append(
            Media(
                kind="video",
                url=media["playlist"],
                width=fields.count(at(media, "aspectRatio", "width")),
                height=fields.count(at(media, "aspectRatio", "height")),
                alt=fields.word(media.get("alt")),
            )
        )
    link = fields.word(at(media, "external", "uri"))
    return tuple(found), [link] if link else []


def _counts(reading: Reading, node: Node, where: str) -> PostCounts:
    """Return the counts of a post."""

    def number(key: str) -> int | None:
        return reading.count(node.get(key), f"{where}.{key}")

    return PostCounts(
        likes=number("likeCount"),
        comments=number("replyCount"),
        shares=number("repostCount"),
        quotes=number("quoteCount"),
    )


def _thread(reading: Reading, thread: Node) -> None:
    """Keep all posts of a thread: those above, the one asked for, those below. Not recursive:
    a thread may be deep.
    """
    waiting: list[tuple[object, str]] = [(thread, "thread")]
    while waiting:
        node, where = waiting.pop()
        part = obj(node)
        if isinstance(part.get("post"), dict):
            reading.one(part["post"], f"{where}.post", lambda n, w: _post(reading, n, w))
        else:
            kind = str(part.get("$type")).rpartition("#")[2]
            reason = {"notFoundPost": "gone", "blockedPost": "blocked"}.get(kind, "unreadable")
            reading.note(where, f"a post that is {reason}")
        if part.get("parent") is not None:
            waiting.append((part["parent"], f"{where}.parent"))
        replies = enumerate(arr(part.get("replies")))
        waiting.extend((reply, f"{where}.replies.{index}") for index, reply in replies)


def _person(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep one of a list of people."""
    _profile(reading, node, where)


def _liker(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep who liked a post."""
    _profile(reading, obj(node.get("actor")), f"{where}.actor")


def _profile(reading: Reading, node: Node, where: str) -> str:
    """Keep one profile and return its DID."""
    did = fields.word(node.get("did"))
    handle = fields.word(node.get("handle"))
    if did is None or handle is None:
        raise Unreadable("a profile without DID or handle")
    proof = obj(node.get("verification"))
    states = (proof.get("verifiedStatus"), proof.get("trustedVerifierStatus"))
    reading.profile(
        Profile(
            id=f"{reading.network}:{did}",
            native_id=did,
            handle=handle,
            name=fields.word(node.get("displayName")),
            bio=fields.text(node.get("description")),
            verified="valid" in states if proof else None,
            counts=ProfileCounts(
                followers=reading.count(node.get("followersCount"), f"{where}.followersCount"),
                following=reading.count(node.get("followsCount"), f"{where}.followsCount"),
                posts=reading.count(node.get("postsCount"), f"{where}.postsCount"),
            ),
            created_at=_plain_time(node.get("createdAt"), reading),
            raw=raw(node),
            **reading.stamp,
        )
    )
    return did


def _plain_time(value: object, reading: Reading) -> datetime | None:
    """Return a time that nobody misses if it is absurd."""
    moment = times.instant(value)
    return moment if moment and times.plausible(moment, reading.seen.observed_at) else None


def _follower(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep one follower of the account the answer is about."""
    other = _profile(reading, node, where)
    reading.follow(other, _subject(reading, root), fields.word(node.get("handle")))


def _followed(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep one of those the account the answer is about follows."""
    reading.follow(_subject(reading, root), _profile(reading, node, where))


def _subject(reading: Reading, root: Node) -> str:
    """Return the DID of the account a list of followers is about."""
    return fields.word(at(root, "subject", "did")) or reading.account or UNSAID


def _relationship(reading: Reading, node: Node, where: str, root: Node) -> None:
    """Keep the edges between the asked-for account and another."""
    actor, other = fields.word(root.get("actor")), fields.word(node.get("did"))
    if actor is None or other is None:
        raise Unreadable("a relationship of nobody")
    if node.get("following"):
        reading.follow(actor, other)
    if node.get("followedBy"):
        reading.follow(other, actor)


_LISTS: dict[str, Any] = {
    "posts": lambda reading, node, where, root: _post(reading, node, where),
    "feed": _feed,
    "records": _entry,
    **dict.fromkeys(_PEOPLE, _person),
    "likes": _liker,
    "followers": _follower,
    "follows": _followed,
    "relationships": _relationship,
}
