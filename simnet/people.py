"""Who posts: invented people and the brands' own accounts, with audiences that follow a power
law.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from simnet import words
from simnet.brands import Brand
from simnet.chance import Dice, stream
from simnet.ids import did
from simnet.interests import GROUPS, INTERESTS
from simnet.rhythm import DAY

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

NETWORKS: Final = ("instagram", "mastodon", "bluesky")
INSTANCES: Final = ("mastodon.example", "fedi.example")  # where Mastodon's people are at home

_AUDIENCE: Final = {"instagram": 1.0, "mastodon": 0.2, "bluesky": 0.25}  # of the largest account
_TAIL: Final = 1.16  # Pareto exponent: four fifths of all followers follow a fifth of the accounts
_LARGEST: Final = 1_500_000
_PRIVATE, _SPAM, _VERIFIED = 0.06, 0.01, 0.03
_HIDING: Final = 16  # one account in so many hides the list of its followers


class People:
    """All accounts of a world by number: first the brands' own, in order, then people.

    A person has the same handle on every network, but an audience of its own on each.
    """

    def __init__(self, seed: int, brands: Sequence[Brand], *, count: int, begin: int) -> None:
        self.seed, self.brands, self.begin = seed, tuple(brands), begin
        self.count = len(brands) + count
        rng = stream(seed, "people")
        own = len(brands)
        self.is_brand = np.arange(self.count) < own
        self.private = (rng.random(self.count) < _PRIVATE) & ~self.is_brand
        self.spam = (rng.random(self.count) < _SPAM) & ~self.is_brand & ~self.private
        self._followers = self._audiences(rng)
        self.following = np.minimum(rng.lognormal(5.6, 0.9, self.count), 7_500).astype(np.int64)
        self.posts_before = rng.lognormal(5.0, 1.2, self.count).astype(np.int64)
        self.verified = (rng.random(self.count) < _VERIFIED) | self.is_brand
        self.lang = rng.choice(len(words.LANGUAGES), self.count, p=words.LANGUAGE_WEIGHTS)
        self.lang[:own] = 0
        self.home = rng.integers(0, len(INSTANCES), self.count)
        self.born = begin - rng.integers(200 * DAY, 3_000 * DAY, self.count)
        self.home[:own] = 0  # brands are at home where most look first
        self.keys = rng.integers(0, 2**62, self.count)
        self._drift = rng.normal(0.0004, 0.0012, self.count)  # share of the audience won a day
        self._phase = rng.uniform(0, 2 * np.pi, self.count)
        self.activity = self._activities(rng)
        self.favourite = rng.integers(0, max(own, 1), self.count)
        self.group = self._groups()

    def _audiences(self, rng: np.random.Generator) -> dict[str, F64]:
        """Return the followers of everybody at the beginning, for each network."""
        base = np.minimum(150 * (1 + rng.pareto(_TAIL, self.count)) ** 1.35, _LARGEST)
        base[self.spam] = np.minimum(base[self.spam], 400)
        base[: len(self.brands)] = [brand.followers for brand in self.brands]
        return {
            network: np.floor(base**0.97 * share * rng.lognormal(0, 0.4, self.count)) + 3
            for network, share in _AUDIENCE.items()
        }

    def _groups(self) -> I64:
        """Return the group each account belongs to, by its place in GROUPS."""
        # A stream of its own: whoever was there before the groups stays as he was.
        groups = stream(self.seed, "interests").integers(0, len(GROUPS), self.count)
        for at, brand in enumerate(self.brands):
            groups[at] = GROUPS.index(brand.interest) if brand.interest else at % len(GROUPS)
        return groups

    def _activities(self, rng: np.random.Generator) -> F64:
        """Return how much each account posts, relative; the private post for nobody we can see."""
        activity = rng.pareto(1.6, self.count) + 0.05
        activity[self.spam] *= 6
        activity[self.private | self.is_brand] = 0.0
        return np.asarray(activity)

    def followers(self, network: str, persons: Sequence[int] | I64, now: int) -> I64:
        """Return the audiences of `persons` at `now` (milliseconds): drifting, and never quite
        still.
        """
        at = np.asarray(persons, dtype=np.int64)
        elapsed = (now - self.begin) / DAY
        wave = 0.002 * np.sin(2 * np.pi * elapsed / 9.0 + self._phase[at])
        share = 1 + self._drift[at] * elapsed + wave
        return np.maximum(self._followers[network][at] * share, 0.0).astype(np.int64)

    @cached_property
    def handles(self) -> list[str]:
        """The handle of each account; all different, in letters every network allows."""
        taken: dict[str, int] = {}
        for person in range(self.count):
            handle = self._wish(person)
            taken[handle if handle not in taken else f"{handle}{person}"] = person
        return list(taken)

    @cached_property
    def by_handle(self) -> dict[str, int]:
        """The account behind each handle."""
        return {handle: person for person, handle in enumerate(self.handles)}

    def _wish(self, person: int) -> str:
        """Return the handle an account would like to have."""
        if person < len(self.brands):
            return self.brands[person].account
        dice = Dice(int(self.keys[person]))
        if self.spam[person]:
            return (
                f"{dice.pick(self.brands).tag}_0fficial{dice.roll(1000)}" if self.brands else "x0"
            )
        syllables = [dice.pick(words.SYLLABLES) for _ in range(3 + dice.roll(2))]
        return "".join(syllables[:2]) + dice.pick(("_", "", "_")) + "".join(syllables[2:])

    def name(self, person: int) -> str:
        """Return the name an account shows."""
        if person < len(self.brands):
            return self.brands[person].title
        dice = Dice(int(self.keys[person]) + 1)
        first = (dice.pick(words.SYLLABLES) + dice.pick(words.SYLLABLES)).capitalize()
        last = (dice.pick(words.SYLLABLES) + dice.pick(words.SYLLABLES)).capitalize()
        return f"{first} {last}" + (f" {dice.pick(words.EMOJI)}" if dice.happens(20) else "")

    def bio(self, person: int) -> str:
        """Return what an account says of itself, with two words of its group."""
        said = INTERESTS[GROUPS[self.group[person]]]
        if person < len(self.brands):
            brand = self.brands[person]
            return f"The home of {brand.title}. #{brand.tag} {said[0]}, {said[1]}"
        dice = Dice(int(self.keys[person]) + 2)
        rest = (dice.pick(words.CALLINGS), dice.pick(words.EMOJI), dice.pick(words.PLACES)[0])
        first = dice.roll(len(said))
        second = (first + 1 + dice.roll(len(said) - 1)) % len(said)
        return f"{' '.join(rest)} · {said[first]}, {said[second]}"

    def link(self, person: int) -> str | None:
        """Return the address an account shows, if it shows one."""
        if person >= len(self.brands) and not Dice(int(self.keys[person]) + 3).happens(25):
            return None
        return f"https://{self.handles[person].replace('_', '-')}.example/"

    def instagram_pk(self, person: int) -> int:
        """Return the number of an account on Instagram."""
        return 1_000_000_000 + int(self.keys[person]) % 50_000_000_000

    def graph_id(self, person: int) -> str:
        """Return the number of a professional account in the Graph; it is not the web's."""
        return str(17_841_400_000_000_000 + int(self.keys[person]) % 79_999_999_999)

    def mastodon_id(self, person: int, instance: int) -> int:
        """Return the number of an account on one instance; each instance numbers for itself."""
        return (int(self.born[person]) << 16) + (int(self.keys[person]) >> (instance + 7)) % 65_536

    def did(self, person: int) -> str:
        """Return the DID of an account on Bluesky."""
        return did(int(self.keys[person]))

    def bluesky_handle(self, person: int) -> str:
        """Return the handle of an account on Bluesky: a name of the DNS, which knows no
        underscore.
        """
        return self.handles[person].replace("_", "-") + ".bsky.example"

    def hides(self, person: int) -> bool:
        """Return whether an account shows nobody who follows it, where a network lets it."""
        return not self.is_brand[person] and int(self.keys[person]) % _HIDING == 0

    def professional(self, person: int) -> bool:
        """Return whether business discovery knows the account: brands and one person in three."""
        return bool(self.is_brand[person] or int(self.keys[person]) % 3 == 0)
