"""Instagram's people and hashtags of every generation."""

from ingestor.sources import fields, text
from ingestor.sources._instagram_media import native_id
from ingestor.sources.fields import at, first
from ingestor.sources.reading import UNSAID, Node, Reading, Unreadable, raw
from lake.records import Profile, ProfileCounts, Tag, TagCounts


def read_profile(reading: Reading, node: Node, where: str) -> str:
    """Keep one profile and return its native id."""
    pk = native_id(node)
    handle = fields.word(node.get("username"))
    if handle is None:
        raise Unreadable("a profile without handle")
    reading.profile(
        Profile(
            id=f"{reading.network}:{pk}",
            native_id=pk,
            handle=handle,
            name=fields.word(node.get("full_name")),
            bio=fields.text(node.get("biography")),
            link=fields.word(first(node.get("external_url"), at(node, "bio_links", 0, "url"))),
            verified=fields.flag(node.get("is_verified")),
            private=fields.flag(node.get("is_private")),
            counts=_counts(reading, node, where),
            related=_related(node),
            raw=raw(node),
            **reading.stamp,
        )
    )
    return pk


def _counts(reading: Reading, node: Node, where: str) -> ProfileCounts:
    """Return the counts of a profile."""
    followers = first(
        node.get("follower_count"),
        at(node, "edge_followed_by", "count"),
        at(node, "followed_by", "count"),
    )
    following = first(
        node.get("following_count"), at(node, "edge_follow", "count"), at(node, "follows", "count")
    )
    posts = first(
        node.get("media_count"),
        at(node, "edge_owner_to_timeline_media", "count"),
        at(node, "media", "count"),
    )
    return ProfileCounts(
        followers=reading.count(followers, f"{where}.followers"),
        following=reading.count(following, f"{where}.following"),
        posts=reading.count(posts, f"{where}.posts"),
    )


def _related(node: Node) -> tuple[str, ...]:
    """Return the handles the network relates to a profile."""
    edges = fields.arr(at(node, "edge_related_profiles", "edges"))
    people = [at(edge, "node") for edge in edges] + fields.arr(node.get("chaining_suggestions"))
    handles = (fields.word(fields.obj(person).get("username")) for person in people)
    return tuple(dict.fromkeys(handle for handle in handles if handle))


def read_edges(
    reading: Reading, connection: object, where: str, *, follows: bool, account: str
) -> None:
    """Keep a page of followers, or (`follows`) of those the account follows."""

    def read(node: Node, place: str) -> None:
        other = read_profile(reading, node, place)
        handle = fields.word(node.get("username"))
        if follows:
            reading.follow(account, other)
        else:
            reading.follow(other, account, handle)

    reading.nodes(connection, where, read)
    if account == UNSAID:
        reading.note(where, "the answer does not say whose followers these are")


def read_tag(reading: Reading, node: Node, where: str) -> None:
    """Keep what the network says of a hashtag: its own number of posts, related tags."""
    name = text.tag_name(fields.text(node.get("name")) or "")
    if not name:
        raise Unreadable("a hashtag without name")
    posts = first(
        node.get("media_count"),
        at(node, "edge_hashtag_to_media", "count"),
        at(node, "media", "count"),
    )
    edges = fields.arr(at(node, "edge_hashtag_to_related_tags", "edges"))
    related = [at(edge, "node") for edge in edges] + fields.arr(node.get("related_tags"))
    reading.tag(
        Tag(
            id=f"{reading.network}:{name}",
            name=name,
            counts=TagCounts(posts=reading.count(posts, f"{where}.media_count")),
            related=text.tag_names(fields.text(fields.obj(tag).get("name")) for tag in related),
            **reading.stamp,
        )
    )
