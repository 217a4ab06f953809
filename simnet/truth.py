"""The oracle: what really happened in a world, for tests and benchmarks to hold the lake
against.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property

import msgspec
import numpy as np

from lake.records import PostCounts
from simnet.audiences import Audience, Follower
from simnet.bluesky_posts import Documents, reader_did
from simnet.growth import NEVER
from simnet.instagram_web import reader_pk
from simnet.interests import GROUPS
from simnet.mastodon_statuses import Statuses
from simnet.people import INSTANCES, NETWORKS
from simnet.posts import KINDS, Posts
from simnet.site import Shelf
from simnet.texts import fold, mood_of
from simnet.world import View, World, milliseconds, moment


class TruePost(msgspec.Struct, frozen=True, kw_only=True):
    """One post as it really is. `id` and `author_id` are those of the lake."""

    id: str
    network: str
    native_id: str
    kind: str
    author_id: str
    author_handle: str
    author_followers: int  # when it was published
    text: str  # as first written
    tags: tuple[str, ...]
    lang: str
    mood: str  # glad | plain | cross
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None
    hidden_likes: bool
    spam: bool
    planted: bool  # it exists because of the campaign
    spike_at: datetime | None


class Truth:
    """Answers about a world that nobody in it could give; costs nothing until asked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._places: dict[str, tuple[str, int]] = {}
        self._statuses = {
            name: Statuses(Shelf(world, world.views[name]), at) for at, name in enumerate(INSTANCES)
        }
        self._documents = Documents(Shelf(world, world.views["bluesky"]))

    @property
    def lift(self) -> float:
        """The lift that was planted: 0.35 means 35 % more posts than without the campaign."""
        return self._world.lift

    def posts(
        self, tag: str, since: datetime, until: datetime, *, network: str | None = None
    ) -> list[TruePost]:
        """Return the posts bearing a tag that were created in [since, until), deleted ones too,
        oldest first.
        """
        begin, end = milliseconds(since), milliseconds(until)
        found = [
            self.post(name, post)
            for name in ([network] if network else NETWORKS)
            for post in self._bearing(name, tag)
            if begin <= self._world.networks[name].created[post] < end
        ]
        return sorted(found, key=lambda post: (post.created_at, post.id))

    def visible(self, tag: str, at: datetime, *, site: str) -> list[str]:
        """Return the ids of the posts bearing a tag that a server would list at an instant,
        newest first.

        `site` is "instagram", "bluesky" or the name of a Mastodon instance.
        """
        view, now = self._world.views[site], milliseconds(at)
        feed, alive = view.tag(fold(tag)), view.posts.alive(now)
        places = feed.newest(alive, now=now, limit=len(feed.ids))
        return [self._id(view.network, feed.posts[place]) for place in places]

    def counts(self, post_id: str, at: datetime, *, observer: str | None = None) -> PostCounts:
        """Return the counts a post shows at an instant; None where its network tells none.

        `observer` is the Mastodon instance asked, its home if None; "graph.example" knows no views.
        """
        network, post = self._find(post_id)
        posts = self._world.networks[network]
        if observer in INSTANCES and network == "mastodon":
            row = self._statuses[observer].counts([post], milliseconds(at))[0]
        else:
            row = posts.growth.at([post], milliseconds(at))[0]
        return _told(posts, post, row.tolist(), graph=observer == "graph.example")

    def text(self, post_id: str, at: datetime) -> str:
        """Return what a post says at an instant, edited or not yet."""
        network, post = self._find(post_id)
        return self._world.networks[network].caption(post, milliseconds(at)).text

    def followers(self, author_id: str, at: datetime) -> int:
        """Return the audience of an author at an instant."""
        network = author_id.partition(":")[0]
        person = self._authors[author_id]
        return int(self._world.people.followers(network, [person], milliseconds(at))[0])

    def group_of(self, author_id: str) -> str:
        """Return the name of the group an account belongs to."""
        return GROUPS[int(self._world.people.group[self._authors[author_id]])]

    def audience(self, author_id: str, at: datetime) -> frozenset[str]:
        """Return the ids of all who follow an account at an instant, hidden or not."""
        network = author_id.partition(":")[0]
        person, audience = self._authors[author_id], Audience(self._world.people, network)
        ranks = range(audience.size(person, milliseconds(at)))
        return frozenset(self._follower_id(network, audience.member(person, one)) for one in ranks)

    def reach(self, author_ids: Iterable[str], at: datetime) -> int:
        """Return how many different accounts follow at least one of some accounts."""
        return len(set().union(*(self.audience(one, at) for one in author_ids)))

    def overlap(self, one: str, other: str, at: datetime) -> int:
        """Return how many accounts follow both of two."""
        return len(self.audience(one, at) & self.audience(other, at))

    def _follower_id(self, network: str, one: Follower) -> str:
        """Return the lake's id of a follower."""
        if one.person is not None:
            return self.author_id(network, one.person)
        if network == "mastodon":
            return f"mastodon:https://{INSTANCES[one.home]}/users/{one.handle}"
        native = reader_did(one.number) if network == "bluesky" else reader_pk(one.number)
        return f"{network}:{native}"

    @cached_property
    def _authors(self) -> dict[str, int]:
        """The account behind each author id of the lake."""
        people = self._world.people
        return {
            self.author_id(network, person): person
            for network in NETWORKS
            for person in range(people.count)
        }

    def spikes(self) -> dict[str, datetime]:
        """Return the posts that were given a second wave, and when it begins."""
        found = {}
        for network, posts in self._world.networks.items():
            at, gain = posts.growth.spike_at, posts.growth.spike
            for post in np.flatnonzero((at != NEVER) & (gain > 0)).tolist():
                found[self._id(network, post)] = moment(int(at[post]))
        return found

    def deletions(self) -> dict[str, datetime]:
        """Return the posts that are deleted, and when."""
        return {
            self._id(network, post): moment(at)
            for network, posts in self._world.networks.items()
            for post, at in enumerate(posts.deleted)
            if at != NEVER
        }

    def post(self, network: str, post: int) -> TruePost:
        """Return everything about a post by its place in its network."""
        posts, people = self._world.networks[network], self._world.people
        caption, person, spike = (
            posts.original(post),
            posts.person[post],
            posts.growth.spike_at[post],
        )
        at_birth = people.followers(network, [person], posts.created[post])
        return TruePost(
            id=self._id(network, post),
            network=network,
            native_id=self._native_id(network, post),
            kind=KINDS[posts.kind[post]],
            author_id=self.author_id(network, person),
            author_handle=self._handle(network, person),
            author_followers=int(at_birth[0]),
            text=caption.text,
            tags=caption.tags,
            lang=posts.lang(post),
            mood=("glad", "plain", "cross")[mood_of(posts.key[post])],
            created_at=moment(posts.created[post]),
            edited_at=_maybe(posts.edited[post]),
            deleted_at=_maybe(posts.deleted[post]),
            hidden_likes=bool(posts.hidden[post]),
            spam=posts.is_spam(post),
            planted=bool(posts.columns.planted[post]),
            spike_at=_maybe(int(spike)),
        )

    def told(self, query: Mapping[str, str], now: datetime) -> bytes:
        """Return the truth about a tag as JSON; raises ValueError naming what is wrong with the
        question.
        """
        tag = query.get("tag")
        if not tag:
            raise ValueError("tag: it is missing; ask for ?tag=nike")
        since, until = _time(query, "since"), _time(query, "until")
        at = _time(query, "at") or now
        found = self.posts(
            tag, since or moment(self._world.begin), until or at, network=query.get("network")
        )
        posts = [{"post": post, "counts": self.counts(post.id, at)} for post in found]
        return msgspec.json.encode(
            {"lift": self.lift, "at": at, "count": len(posts), "posts": posts}
        )

    def author_id(self, network: str, person: int) -> str:
        """Return the lake's id of an account."""
        people = self._world.people
        if network == "instagram":
            return f"instagram:{people.instagram_pk(person)}"
        if network == "bluesky":
            return f"bluesky:{people.did(person)}"
        home = INSTANCES[people.home[person]]
        return f"mastodon:https://{home}/users/{people.handles[person]}"

    def _native_id(self, network: str, post: int) -> str:
        """Return the network's own id of a post; on Mastodon that of its home instance."""
        if network == "bluesky":
            return self._documents.uri(post)
        return str(self._world.networks[network].number[post])

    def _handle(self, network: str, person: int) -> str:
        """Return the handle of an account: on Bluesky a name of the DNS, on Mastodon with its
        instance.
        """
        people = self._world.people
        if network == "bluesky":
            return people.bluesky_handle(person)
        if network == "mastodon":
            return f"{people.handles[person]}@{INSTANCES[people.home[person]]}"
        return people.handles[person]

    def _id(self, network: str, post: int) -> str:
        """Return the lake's id of a post."""
        posts = self._world.networks[network]
        if network == "mastodon":
            found = f"mastodon:{self._statuses[INSTANCES[0]].uri(post)}"
        elif network == "bluesky":
            found = f"bluesky:{self._documents.uri(post)}"
        else:
            found = f"{network}:{posts.number[post]}"
        self._places[found] = (network, post)
        return found

    def _find(self, post_id: str) -> tuple[str, int]:
        """Return where a post is. Raises KeyError for an id that is none."""
        if post_id not in self._places:
            for network, posts in self._world.networks.items():
                for post in range(posts.count):
                    self._id(network, post)
        return self._places[post_id]

    def _bearing(self, network: str, tag: str) -> list[int]:
        """Return the posts of a network that bear a tag; of Mastodon those of all instances."""
        return self._whole[network].tag(fold(tag)).posts

    @cached_property
    def _whole(self) -> dict[str, View]:
        """Every network as nobody sees it: with all its posts."""
        return {network: _everywhere(posts) for network, posts in self._world.networks.items()}


def _everywhere(posts: Posts) -> View:
    """Return a view of a network that misses nothing."""
    numbers = np.array(posts.number, dtype=np.int64)
    present = np.ones(posts.count, dtype=bool)
    return View(posts, ids=numbers, seen=posts.columns.created, present=present)


def _told(posts: Posts, post: int, row: list[int], *, graph: bool) -> PostCounts:
    """Return counts with None where the network tells nothing."""
    likes, comments, shares, views, quotes = row
    if posts.network != "instagram":
        return PostCounts(likes=likes, comments=comments, shares=shares, quotes=quotes)
    hidden = bool(posts.hidden[post])
    film = KINDS[posts.kind[post]] == "video" and not hidden and not graph
    return PostCounts(
        likes=None if hidden else likes, comments=comments, views=views if film else None
    )


def _maybe(instant: int) -> datetime | None:
    """Return an instant as a datetime, None for never."""
    return None if instant == NEVER else moment(instant)


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    """Return a time of the question. Raises ValueError naming it if it cannot be read."""
    text = query.get(name)
    if text is None:
        return None
    try:
        return msgspec.convert(text, datetime)
    except msgspec.ValidationError as wrong:
        raise ValueError(f"{name}: {text!r} is no RFC 3339 time") from wrong
