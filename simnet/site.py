"""What every simulated site has in common: who asks, what is left of the budget, which posts
are at the top.
"""

from bisect import bisect_left, bisect_right
from typing import Protocol

import msgspec
import numpy as np

from simnet.budgets import Window
from simnet.chance import number
from simnet.faults import HowDead
from simnet.logins import Login, Site
from simnet.rhythm import DAY
from simnet.wire import Ask, Reply
from simnet.world import View, World

_RANKED_EVERY = (
    900_000  # milliseconds; a network ranks its top posts now and then, not for each asker
)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, as the judge calls it, and the budget it has."""

    name: str
    login: Login | None
    window: tuple[int, float]


class Answering(Protocol):
    """One site: it knows its callers, refuses what is too much, and answers the rest."""

    @property
    def name(self) -> Site:
        """How the site is called in addresses."""
        ...

    def caller(self, ask: Ask) -> Caller:
        """Return who asks."""
        ...

    def dead(self, how: HowDead) -> Reply:
        """Return what a login that is dead gets."""
        ...

    def refuse(self, ask: Ask, caller: Caller, now: int) -> Reply | None:
        """Count the request; return None, or the refusal if it is one too many."""
        ...

    def reply(self, ask: Ask, caller: Caller, now: int) -> Reply:
        """Return the answer to a request that is granted."""
        ...


class Windows:
    """The sliding windows of all callers of a site, made as they appear."""

    def __init__(self) -> None:
        self._windows: dict[str, Window] = {}

    def of(self, caller: Caller) -> Window:
        """Return the window of a caller."""
        window = self._windows.get(caller.name)
        if window is None:
            window = self._windows[caller.name] = Window(*caller.window)
        return window


class Shelf:
    """One view of a network with the questions all its wire formats ask."""

    def __init__(self, world: World, view: View) -> None:
        self.world, self.view, self.posts = world, view, view.posts
        self._ranked: dict[str, tuple[int, list[int]]] = {}

    def newest(
        self, feed_of: str | int, *, now: int, limit: int, below: int | None = None
    ) -> list[int]:
        """Return the newest posts of a tag (its name) or an account (its number) below a post's
        number.
        """
        view = self.view
        feed = view.tag(feed_of) if isinstance(feed_of, str) else view.author(feed_of)
        places = feed.newest(self.posts.alive(now), now=now, limit=limit, below=below)
        return [feed.posts[place] for place in places]

    def standing(self, number: int, now: int) -> int | None:
        """Return the post with this number if it is published and not deleted at `now`."""
        post = self.view.at(number)
        if post is None or now < self.posts.created[post]:
            return None
        return post if now < self.posts.deleted[post] else None

    def top(self, tag: str, *, now: int, limit: int) -> list[int]:
        """Return the posts of the last week with most likes and comments; ranked every quarter
        of an hour.
        """
        ranked_at = now - now % _RANKED_EVERY
        if (held := self._ranked.get(tag)) is None or held[0] != ranked_at:
            held = self._ranked[tag] = (ranked_at, self._rank(tag, ranked_at))
        return [post for post in held[1] if self.posts.deleted[post] > now][:limit]

    def _rank(self, tag: str, now: int) -> list[int]:
        """Return a tag's posts of the last week, most engaging first."""
        feed = self.view.tag(tag)
        first = bisect_left(feed.seen, now - 7 * DAY)
        last = bisect_right(feed.seen, now)
        if first == last:
            return []
        recent = feed.posts[first:last]
        engaged = self.posts.growth.at(recent, now)[:, :2].sum(axis=1)
        order = np.argsort(-engaged, kind="stable")[:100]
        return [recent[at] for at in order.tolist()]

    def tag_total(self, tag: str, now: int) -> int:
        """Return how many posts the network says bear a tag: far more than we saw, and growing."""
        feed = self.view.tag(tag)
        before = number(self.world.seed, "total", tag) % 5_000_000 + 10_000 if feed.ids else 0
        return before + bisect_right(feed.seen, now)

    def post_total(self, person: int, now: int) -> int:
        """Return how many posts an account has at `now`, the ones before this world included."""
        seen = self.view.author(person).seen
        before = int(self.world.people.posts_before[person])
        return before + bisect_right(seen, now)
