"""What one parse gathers: records without duplicates, and notes on what could not be read."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec

from ingestor.contract import Fault, Page, Seen
from ingestor.sources import fields, times
from lake.records import Comment, Follow, Post, Profile, Tag

UNSAID = "?"  # the native id of an account whose followers an answer lists without naming it
MOST_NOTES = 200  # of one answer: a hostile one could hold a million broken nodes

Node = dict[str, Any]
Section = Literal["recent", "top"]


class Unreadable(ValueError):
    """A node lacks what a record cannot do without; the message never quotes the node."""


class Reading:
    """The gathering of one answer. A reader of shapes adds records, `page` ends it."""

    def __init__(self, seen: Seen, *, network: str, source: str, version: int) -> None:
        self.seen = seen
        self.network = network
        self.stamp: dict[str, Any] = {
            "network": network,
            "observed_at": seen.observed_at,
            "source": source,
            "parser_version": version,
        }
        self.account = UNSAID  # native id of the account whose followers were asked for, if known
        self.addresses: dict[str, str] = {}  # a server's own id -> the id unique in the world
        self.cursor: str | None = None
        self.cursor_section: Section = "recent"
        self._posts: dict[Section, dict[str, Post]] = {"recent": {}, "top": {}}
        self._profiles: dict[str, Profile] = {}
        self._tags: dict[str, Tag] = {}
        self._comments: dict[str, Comment] = {}
        self._follows: dict[str, Follow] = {}
        self._aside: list[Fault] = []

    def id(self, native: str | None) -> str | None:
        """Return the id that is unique in the world, made of the network's own."""
        return f"{self.network}:{native}" if native else None

    def post(self, post: Post, section: Section = "recent") -> None:
        """Keep a post; the first sight of an id counts, `top` repeats on every page."""
        self._posts[section].setdefault(post.id, post)

    def profile(self, profile: Profile) -> None:
        """Keep a profile; one with counts wins over one without."""
        known = self._profiles.get(profile.id)
        richer = profile.counts.followers is not None
        if known is None or (richer and known.counts.followers is None):
            self._profiles[profile.id] = profile

    def tag(self, tag: Tag) -> None:
        """Keep a tag."""
        self._tags.setdefault(tag.id, tag)

    def comment(self, comment: Comment) -> None:
        """Keep a comment."""
        self._comments.setdefault(comment.id, comment)

    def follow(self, follower: str, account: str, handle: str | None = None) -> None:
        """Keep an edge between two native ids."""
        follow = Follow(
            id=f"{self.network}:{follower}>{account}",
            account_id=f"{self.network}:{account}",
            follower_id=f"{self.network}:{follower}",
            follower_handle=handle,
            **self.stamp,
        )
        self._follows.setdefault(follow.id, follow)

    def note(
        self, where: str, reason: str, *, kind: Literal["unknown", "gone"] = "unknown"
    ) -> None:
        """Say that something at a path of keys was set aside; `reason` holds no text of people."""
        if len(self._aside) < MOST_NOTES:
            self._aside.append(Fault(kind=kind, reason=reason, where=where))

    def each(self, values: object, where: str, read: Callable[[Node, str], None]) -> None:
        """Read every object of an array; the unreadable ones are noted, the rest is kept."""
        if isinstance(values, list):
            for index, node in enumerate(values):
                self.one(node, f"{where}.{index}", read)
        elif values is not None:
            self.note(where, f"{fields.kind_of(values)} where an array belongs")

    def nodes(self, connection: object, where: str, read: Callable[[Node, str], None]) -> None:
        """Read the nodes of a GraphQL connection, `edges[].node`."""
        self.each(
            fields.obj(connection).get("edges"),
            f"{where}.edges",
            lambda edge, place: self.one(edge.get("node"), f"{place}.node", read),
        )

    def one(self, node: object, where: str, read: Callable[[Node, str], None]) -> None:
        """Read one object, or note why it cannot be read."""
        if not isinstance(node, dict):
            self.note(where, f"{fields.kind_of(node)} where an object belongs")
            return
        try:
            read(node, where)
        except Unreadable as why:
            self.note(where, str(why))

    def count(self, value: object, where: str) -> int | None:
        """Return a count, None where it is hidden, missing or (noted) unreadable."""
        if value is None:
            return None
        number = fields.count(value)
        if number is None and value != -1:
            self.note(where, f"{fields.kind_of(value)} that is no count")
        return number

    def time(self, value: object, where: str) -> datetime | None:
        """Return an instant, None where it is missing or (noted) unreadable or absurd."""
        if value is None:
            return None
        moment = times.instant(value)
        if moment is None:
            self.note(where, f"{fields.kind_of(value)} that is no time")
        elif not times.plausible(moment, self.seen.observed_at):
            self.note(where, f"a time in the year {moment.year}")
            return None
        return moment

    def page(self) -> Page:
        """Return what was gathered."""
        return Page(
            posts=tuple(self._posts["recent"].values()),
            top=tuple(self._posts["top"].values()),
            profiles=tuple(self._profiles.values()),
            tags=tuple(self._tags.values()),
            comments=tuple(self._comments.values()),
            follows=tuple(self._follows.values()),
            aside=tuple(self._aside),
            cursor=self.cursor,
            section=self.cursor_section,
        )


def raw(node: Node) -> msgspec.Raw | None:
    """Return a node's JSON, for the record that was made of it."""
    try:
        return msgspec.Raw(msgspec.json.encode(node))
    except (RecursionError, OverflowError, UnicodeEncodeError):
        return None
