"""The social world: one seed, and everybody, every post and every count at any instant follow
from it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from simnet import words
from simnet.brands import Brand
from simnet.chance import stream
from simnet.people import INSTANCES, NETWORKS, People
from simnet.posts import Drawn, Posts, draw, merge, numbers
from simnet.rhythm import DAY, MARKET_SPREAD, arrivals, days, hourly, within
from simnet.texts import fold

I64 = npt.NDArray[np.int64]
Now = Callable[[], datetime]

SHARES: Final = {"instagram": 0.5, "mastodon": 0.25, "bluesky": 0.25}
"""Where people talk: the part of a brand's posts that each network has."""

_FEDERATED: Final = 0.85  # of the posts of one instance reach the other


def milliseconds(moment: datetime) -> int:
    """Return the instant as a number; exact, unlike a float of seconds."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment(instant: int) -> datetime:
    """Return the instant as an aware datetime in UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=instant)


class Feed(msgspec.Struct, frozen=True):
    """Posts as one server lists them, ascending by its own numbers, which ascend with `seen`."""

    ids: list[int]
    posts: list[int]
    seen: list[int]  # when the server came to know the post, milliseconds

    def newest(
        self, alive: Callable[[int], bool], *, now: int, limit: int, below: int | None = None
    ) -> list[int]:
        """Return the places of the newest `limit` posts that are there at `now`, newest first.

        `below` leaves only posts with a lower number.
        """
        end = bisect_right(self.seen, now)
        if below is not None:
            end = min(end, bisect_right(self.ids, below - 1))
        found: list[int] = []
        while end > 0 and len(found) < limit:
            end -= 1
            if alive(self.posts[end]):
                found.append(end)
        return found

    def oldest(
        self, alive: Callable[[int], bool], *, now: int, limit: int, above: int
    ) -> list[int]:
        """Return the places of the oldest `limit` posts with a number above `above`, newest
        first.
        """
        end = bisect_right(self.seen, now)
        at = bisect_right(self.ids, above)
        found = [place for place in range(at, end) if alive(self.posts[place])][:limit]
        return found[::-1]


class View:
    """One network as one server sees it: which posts, under which numbers, from when on."""

    def __init__(
        self, posts: Posts, *, ids: I64, seen: I64, present: npt.NDArray[np.bool_]
    ) -> None:
        self.posts, self.network = posts, posts.network
        order = np.argsort(ids, kind="stable")
        self._members = order[present[order]]
        self._ids, self._seen = ids, seen
        self.number: list[int] = ids.tolist()
        self._feeds: dict[tuple[str, int | str], Feed] = {}

    def tag(self, tag: str) -> Feed:
        """Return the posts that bear a tag (folded)."""
        return self._feed(("tag", tag), lambda: self._bearing(tag))

    def author(self, person: int) -> Feed:
        """Return the posts of one account."""
        return self._feed(("author", person), lambda: self.posts.columns.person == person)

    def everything(self) -> Feed:
        """Return all posts the server knows."""
        return self._feed(("all", 0), lambda: np.ones(self.posts.count, dtype=bool))

    def at(self, number: int) -> int | None:
        """Return the post with this number, if the server has it."""
        feed = self.everything()
        place = bisect_right(feed.ids, number) - 1
        return feed.posts[place] if place >= 0 and feed.ids[place] == number else None

    def _feed(
        self, key: tuple[str, int | str], choose: Callable[[], npt.NDArray[np.bool_]]
    ) -> Feed:
        """Return the feed of `key`, made at its first use."""
        if (feed := self._feeds.get(key)) is None:
            chosen = self._members[choose()[self._members]]
            feed = Feed(self._ids[chosen].tolist(), chosen.tolist(), self._seen[chosen].tolist())
            self._feeds[key] = feed
        return feed

    def _bearing(self, tag: str) -> npt.NDArray[np.bool_]:
        """Return which posts bear a tag."""
        columns, brands = self.posts.columns, self.posts.people.brands
        bears = np.zeros(self.posts.count, dtype=bool)
        for number, brand in enumerate(brands):
            if fold(brand.tag) == tag:
                bears |= (columns.brand == number) | (columns.second == number)
        for number, related in enumerate(words.RELATED):
            if fold(related) == tag:
                bears |= (columns.related == number).any(axis=1)
        return bears


class World:
    """A simulated social world from `start` on for `days` days; the same seed gives the same world.

    `lift` multiplies the posts of a brand with a campaign by 1 + lift between its campaign's
    start and end;
    0 is a placebo. What is there without the campaign is the same, post for post, whatever the
    lift.
    `people` is how many accounts there are beside the brands' own. `warmup` days before `start`
    also have
    posts, so that the first page of a feed is not empty.
    """

    def __init__(  # noqa: PLR0913 - a world is made of this much, each with a name and a default
        self,
        seed: int,
        *,
        start: datetime,
        days: int,
        brands: Sequence[Brand],
        lift: float = 0.35,
        people: int = 4_000,
        warmup: int = 2,
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        _check(days=days, lift=lift, people=people, warmup=warmup)
        self.seed, self.start, self.days, self.brands = seed, start, days, tuple(brands)
        self.lift, self.shares = lift, dict(shares)
        self.begin = milliseconds(start) - warmup * DAY
        self.end = milliseconds(start) + days * DAY
        self.people = People(seed, self.brands, count=people, begin=self.begin)
        self.networks = {
            network: Posts(seed, network, self._drawn(network), self.people) for network in NETWORKS
        }

    def _drawn(self, network: str) -> Drawn:
        """Return the posts of one network: those that come anyway, and those the campaign adds."""
        parts = []
        for name in ("base", "lift"):
            instants = [self._instants(network, brand, name) for brand in self.brands]
            brand = np.repeat(np.arange(len(instants)), [len(found) for found in instants])
            created = np.concatenate(instants) if instants else np.zeros(0, dtype=np.int64)
            found = draw(
                self.seed, name, network=network, created=created, brand=brand, people=self.people
            )
            parts.append(found)
        return merge(parts)

    @cached_property
    def _market(self) -> npt.NDArray[np.float64]:
        """Good and bad days that all brands share: what makes competitors a comparison group."""
        count = (self.end - self.begin) // DAY
        return days(self.seed, "market", count=count, spread=MARKET_SPREAD)

    def _instants(self, network: str, brand: Brand, name: str) -> I64:
        """Return when posts about a brand appear: the base, or what the campaign adds to it."""
        per_day = brand.posts_per_day * self.shares.get(network, 0.0)
        where = f"{network}/{brand.tag}"
        if name == "lift" and (brand.campaign is None or self.lift == 0):
            return np.zeros(0, dtype=np.int64)
        expected = hourly(self.seed, where, per_day=per_day, begin=self.begin, market=self._market)
        rng = stream(self.seed, "arrivals", where, name)
        if name == "base" or brand.campaign is None:
            return arrivals(rng, expected, begin=self.begin)
        period = (milliseconds(brand.campaign[0]), milliseconds(brand.campaign[1]))
        return within(arrivals(rng, expected * self.lift, begin=self.begin), period)

    @cached_property
    def views(self) -> dict[str, View]:
        """The servers of the world by name: the two of Mastodon see different parts of it."""
        views = {name: self._whole(name) for name in ("instagram", "bluesky")}
        return views | {name: self._instance(at) for at, name in enumerate(INSTANCES)}

    def _whole(self, network: str) -> View:
        """Return a network that has one server."""
        posts = self.networks[network]
        ids, present = np.array(posts.number, dtype=np.int64), np.ones(posts.count, dtype=bool)
        return View(posts, ids=ids, seen=posts.columns.created, present=present)

    def _instance(self, instance: int) -> View:
        """Return Mastodon as one instance sees it: its own posts at once, the others' late or
        never.
        """
        posts = self.networks["mastodon"]
        rng = stream(self.seed, "federation", INSTANCES[instance])
        local = self.people.home[posts.columns.person] == instance
        chance = np.modf(posts.columns.key / (7919.0 + instance))[0]
        late = 1_000 + posts.columns.key % 45_000
        seen = posts.columns.created + np.where(local, 0, late)
        low = (posts.columns.low + int(rng.integers(1, 60_000)) * ~local) % 2**16
        ids = numbers(seen, low, bits=16)
        ids[local] = np.array(posts.number, dtype=np.int64)[local]
        return View(posts, ids=ids, seen=seen, present=local | (chance < _FEDERATED))

    @cached_property
    def related(self) -> dict[str, tuple[str, ...]]:
        """The tags that stand most often beside each brand's tag, most frequent first."""
        found: dict[str, tuple[str, ...]] = {}
        columns = self.networks["instagram"].columns
        for number, brand in enumerate(self.brands):
            beside = columns.related[columns.brand == number]
            counts = np.bincount(beside[beside >= 0], minlength=len(words.RELATED))
            order = np.argsort(-counts, kind="stable")[:10]
            found[fold(brand.tag)] = tuple(words.RELATED[at] for at in order if counts[at])
        return found

    @cached_property
    def boosts(self) -> dict[int, list[tuple[int, int]]]:
        """Who boosted what on Mastodon: person to (instant, post), ascending."""
        posts = self.networks["mastodon"]
        rng = stream(self.seed, "boosts")
        chosen = np.flatnonzero(rng.random(posts.count) < 0.08)
        who = rng.integers(len(self.brands), self.people.count, len(chosen))
        delay = rng.exponential(3 * 3_600_000, len(chosen)).astype(np.int64) + 1_000
        found: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for post, person, late in zip(chosen.tolist(), who.tolist(), delay.tolist(), strict=True):
            found[person].append((posts.created[post] + late, post))
        return {person: sorted(boosted) for person, boosted in found.items()}


def _check(*, days: int, lift: float, people: int, warmup: int) -> None:
    """Refuse a world that cannot be, naming the field, the value and the range."""
    if days < 1:
        raise ValueError(f"days: {days} must be 1 or more")
    if lift < 0:
        raise ValueError(f"lift: {lift} must be 0 or more (0 is a placebo)")
    if people < 10:
        raise ValueError(f"people: {people} must be 10 or more")
    if warmup < 0:
        raise ValueError(f"warmup: {warmup} must be 0 or more")
