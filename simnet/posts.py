"""The posts of one network: everything that never changes about them, as columns."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from simnet import words
from simnet.chance import stream
from simnet.growth import NEVER, Growth
from simnet.ids import INSTAGRAM_EPOCH
from simnet.people import People
from simnet.rhythm import DAY, HOUR
from simnet.texts import Caption, advertise, edited, read, write

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

KINDS: Final = ("image", "video", "carousel", "text")
_KIND_WEIGHTS: Final = {
    "instagram": (0.55, 0.27, 0.18, 0.0),
    "mastodon": (0.35, 0.08, 0.0, 0.57),
    "bluesky": (0.3, 0.0, 0.0, 0.7),
}
_PACE: Final = {"instagram": 4.0, "mastodon": 2.0, "bluesky": 2.5}  # hours
_TAGS_BESIDE: Final = {"instagram": 6, "mastodon": 3, "bluesky": 2}
_OWN, _SECOND = 0.03, 0.04  # by the brand itself; bearing a competitor's tag too
_EDITED: Final = {"instagram": 0.03, "mastodon": 0.04, "bluesky": 0.0}  # nobody edits on Bluesky
_DELETED, _HIDDEN, _VIRAL, _REGRETTED = 0.02, 0.04, 0.012, 0.06


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """Columns of some posts, all of one length. Instants in milliseconds, NEVER where nothing
    happens.
    """

    created: I64
    brand: I64
    person: I64
    second: I64  # another brand whose tag it bears, -1: none
    related: I64  # numbers of related tags, shape (n, 5), -1: none
    kind: I64
    key: I64
    low: I64  # the part of the post's number that is not time
    deleted: I64
    edited: I64
    hidden: I64  # 1: its author hides likes
    planted: I64  # 1: it is there because of the campaign


def draw(seed: int, name: str, *, network: str, created: I64, brand: I64, people: People) -> Drawn:
    """Return the unchanging columns of posts at `created` about `brand`; `name` separates
    streams.
    """
    rng = stream(seed, "posts", network, name)
    count, planted = len(created), int(name == "lift")
    person = _authors(rng, brand, people, planted=bool(planted))
    rivals = rng.integers(0, max(len(people.brands), 1), count)
    # A lifted post bears no competitor's tag, so that the lift is the campaign's alone.
    second = np.where((rng.random(count) < _SECOND) & (rivals != brand) & (not planted), rivals, -1)
    return Drawn(
        created=created,
        brand=brand,
        person=person,
        second=second,
        related=_related(rng, count, most=_TAGS_BESIDE[network]),
        kind=rng.choice(len(KINDS), count, p=_KIND_WEIGHTS[network]),
        key=rng.integers(0, 2**62, count),
        low=rng.integers(0, 2**16, count),
        deleted=_later(rng, created, share=_DELETED, mean=18 * HOUR),
        edited=_later(rng, created, share=_EDITED[network], mean=5 * HOUR),
        hidden=(rng.random(count) < (_HIDDEN if network == "instagram" else 0)).astype(np.int64),
        planted=np.full(count, planted),
    )


def _authors(rng: np.random.Generator, brand: I64, people: People, *, planted: bool) -> I64:
    """Return who wrote each post: the brand itself, somebody who likes it, or anybody."""
    order = np.argsort(people.favourite, kind="stable")
    weight = people.activity * (~people.spam if planted else 1)
    mass = np.concatenate(([0.0], np.cumsum(weight[order])))
    edges = np.searchsorted(people.favourite[order], np.arange(len(people.brands) + 1))
    low, high = mass[edges[brand]], mass[edges[brand + 1]]
    anybody = (rng.random(len(brand)) < 0.4) | (high <= low)
    low, high = np.where(anybody, 0.0, low), np.where(anybody, mass[-1], high)
    at = low + rng.random(len(brand)) * (high - low)
    found = order[np.clip(np.searchsorted(mass, at, side="right") - 1, 0, people.count - 1)]
    return np.where(rng.random(len(brand)) < _OWN, brand, found).astype(np.int64)


def _related(rng: np.random.Generator, count: int, *, most: int) -> I64:
    """Return the numbers of up to five related tags a post; low numbers are frequent."""
    chosen = np.minimum(rng.geometric(0.09, (count, 5)) - 1, len(words.RELATED) - 1)
    wanted = rng.integers(0, most, count)
    return np.where(np.arange(5) < wanted[:, None], chosen, -1).astype(np.int64)


def _later(rng: np.random.Generator, created: I64, *, share: float, mean: float) -> I64:
    """Return an instant after `created` for a share of all posts, NEVER for the others."""
    delay = rng.exponential(mean, len(created)).astype(np.int64) + 60_000
    return np.where(rng.random(len(created)) < share, created + delay, NEVER)


def merge(parts: list[Drawn]) -> Drawn:
    """Return the posts of all parts in order of creation."""
    names = Drawn.__struct_fields__
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort((columns["key"], columns["created"]))
    return Drawn(**{name: column[order] for name, column in columns.items()})


def numbers(created: I64, low: I64, *, bits: int, epoch: int = 0) -> I64:
    """Return snowflakes: time above `bits` bits of `low`, strictly ascending if `created`
    ascends.
    """
    found = ((created - epoch) << bits) + low % (1 << bits)
    order = np.argsort(found, kind="stable")
    ordered = found[order]
    while (ordered[1:] <= ordered[:-1]).any():
        ordered[1:] = np.maximum(ordered[1:], ordered[:-1] + 1)
    found[order] = ordered
    return found


class Posts:
    """All posts of one network in the order of creation, and their growth. Made by the world,
    then only read.
    """

    def __init__(self, seed: int, network: str, drawn: Drawn, people: People) -> None:
        self.network, self.people, self.columns = network, people, drawn
        self.count = len(drawn.created)
        self.created: list[int] = drawn.created.tolist()
        self.deleted: list[int] = drawn.deleted.tolist()
        self.edited: list[int] = drawn.edited.tolist()
        self.person: list[int] = drawn.person.tolist()
        self.hidden: list[int] = drawn.hidden.tolist()
        self.kind: list[int] = drawn.kind.tolist()
        self.key: list[int] = drawn.key.tolist()
        self.growth = _growth(seed, network, drawn, people)
        self.number: list[int] = self._numbers().tolist()
        self.original = lru_cache(maxsize=20_000)(self._original)  # captions, as first written

    def _numbers(self) -> I64:
        """Return the native numbers: they ascend with creation."""
        bits, epoch = {
            "instagram": (23, INSTAGRAM_EPOCH),
            "mastodon": (16, 0),
            "bluesky": (20, 0),  # a Bluesky key holds microseconds and 10 bits of clock
        }[self.network]
        return numbers(self.columns.created, self.columns.low, bits=bits, epoch=epoch)

    def lang(self, post: int) -> str:
        """Return the language of a post, ISO 639-1."""
        return words.LANGUAGES[self.people.lang[self.person[post]]]

    def alive(self, now: int) -> Callable[[int], bool]:
        """Return the test whether a post that was published still stands at `now`."""
        deleted = self.deleted
        return lambda post: deleted[post] > now

    def is_spam(self, post: int) -> bool:
        """Return whether a spammer wrote the post."""
        return bool(self.people.spam[self.person[post]])

    def _original(self, post: int) -> Caption:
        """Return what a post said at first."""
        tags = self._tags_beside(post)
        brand, key = self.people.brands[self.columns.brand[post]], self.key[post]
        if self.is_spam(post):
            # Spammers repeat themselves: the text hangs on account and day, not on the post.
            day = self.created[post] // DAY
            repeated = int(self.people.keys[self.person[post]]) + day
            return read(advertise(repeated, brand, tags))
        return read(write(key, self.lang(post), brand, tags))

    def _tags_beside(self, post: int) -> tuple[str, ...]:
        """Return the tags a post bears beside its brand's, each once."""
        numbers = self.columns.related[post].tolist()
        tags = [words.RELATED[number] for number in numbers if number >= 0]
        if (second := int(self.columns.second[post])) >= 0:
            tags.append(self.people.brands[second].tag)
        return tuple(dict.fromkeys(tags))

    def caption(self, post: int, now: int) -> Caption:
        """Return what a post says at `now`."""
        caption = self.original(post)
        if self.edited[post] > now:
            return caption
        return read(edited(caption.text, self.lang(post)))


def _growth(seed: int, network: str, drawn: Drawn, people: People) -> Growth:
    """Return the growth of posts; drawn from their own keys, so that adding posts changes no
    other's counts.
    """
    rng = stream(seed, "growth", network)
    base = int(rng.integers(0, 2**62))
    chance = _Chances(drawn.key ^ base)
    audience = _audiences(network, drawn, people)
    rate = 0.05 * (audience / 1_000) ** -0.14 * np.exp(0.7 * chance.normal(0) - 0.245)
    rate *= np.where(people.spam[drawn.person], 0.05, 1.0)
    likes = audience * rate * {"instagram": 1.0, "mastodon": 0.8, "bluesky": 0.8}[network]
    viral = chance.uniform(1) < _VIRAL
    at = drawn.created + (chance.uniform(2) * 30 * HOUR + 4 * HOUR).astype(np.int64)
    regret = chance.uniform(3) < _REGRETTED
    return Growth(
        drawn.created,
        finals=_finals(network, np.floor(likes), drawn, chance),
        pace=_PACE[network] * HOUR * np.exp(0.5 * chance.normal(4)),
        spike=(np.where(viral, at, NEVER), np.where(viral, 4 + 12 * chance.uniform(5), 0.0)),
        withdrawn=(
            np.where(regret, drawn.created + 72 * HOUR, NEVER),
            np.where(regret, np.floor(0.02 * likes), 0.0),
        ),
        dither=chance.uniform(6),
    )


def _audiences(network: str, drawn: Drawn, people: People) -> F64:
    """Return the followers of each post's author when it was published; at least ten saw it."""
    begin = people.followers(network, drawn.person, people.begin)
    return np.maximum(begin.astype(np.float64), 10.0)


def _finals(network: str, likes: F64, drawn: Drawn, chance: "_Chances") -> F64:
    """Return what the organic wave comes to: likes, comments, shares, views, quotes, shape (n,
    5).
    """
    talk, spread = np.exp(0.6 * chance.normal(7)), np.exp(0.6 * chance.normal(8))
    video = (drawn.kind == KINDS.index("video")) & (network == "instagram")
    finals = np.zeros((len(likes), 5))
    finals[:, 0] = likes
    finals[:, 1] = likes * (0.04 if network == "instagram" else 0.12) * talk
    if network != "instagram":  # Instagram tells neither shares nor quotes
        finals[:, 2] = likes * 0.3 * spread
        finals[:, 4] = likes * 0.04 * spread
    finals[:, 3] = np.where(video, likes * 9 * spread + 20, 0.0)
    return np.floor(finals)


class _Chances:
    """Independent chances of many keys at once, each column by its number (splitmix64 over
    arrays).
    """

    def __init__(self, keys: I64) -> None:
        self._keys = keys.astype(np.uint64)

    def uniform(self, column: int) -> F64:
        """Return one number in [0, 1) a key."""
        mixed = self._keys + np.uint64((column + 1) * 0x9E3779B97F4A7C15 % 2**64)
        mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed ^= mixed >> np.uint64(31)
        return np.asarray((mixed >> np.uint64(11)) * 2.0**-53)

    def normal(self, column: int) -> F64:
        """Return one standard normal number a key (Box-Muller)."""
        first, second = self.uniform(100 + 2 * column), self.uniform(101 + 2 * column)
        return np.asarray(np.sqrt(-2 * np.log1p(-first)) * np.cos(2 * np.pi * second))
