"""Who follows whom: lists as long as the counts say, any part of them without building the rest.

The truth that is planted: accounts of one group share fans. Each group has its people in an order
of zeal, without end. An account's followers are most of all taken from its own group: one of every
two to four neighbours in that order (its stride), from the most zealous on. So two accounts of one
group and of one size have a Jaccard similarity of

    own / stride / (2 - own / stride)        .27, .17 or .12 for strides of 2, 3, 4

whatever that size is, and a small account's followers are met again in a large one of its group.
The rest comes in the same way, with a far greater stride, from a public that belongs to no group:
accounts of different groups have .002 in common.
"""

from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import islice
from typing import Final

import msgspec
import numpy as np

from simnet.chance import Dice, number
from simnet.interests import GROUPS
from simnet.people import INSTANCES, People

_BLOCK, _OWN = 20, 17  # of twenty followers in a row, seventeen are of the account's group
_STRIDES: Final = (2, 3, 4)
_PUBLIC, _PUBLIC_STRIDE = len(GROUPS), 40
_CLASSES: Final = len(GROUPS) + 1
_WORLDLY: Final = 8  # every eighth place in a group's order is one of the world's own people


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """One account in a list of followers; `person` is None for the many who post nothing here."""

    number: int
    person: int | None
    handle: str

    @property
    def home(self) -> int:
        """The instance a follower who is not of the world's people is at home on."""
        return self.number % len(INSTANCES)


class Audience:
    """The followers of the accounts of one network. Later followers come first, as networks
    list them.
    """

    def __init__(self, people: People, network: str) -> None:
        self._people, self._network = people, network
        self._keys: dict[int, int] = {}

    def size(self, person: int, now: int) -> int:
        """Return how many followers an account has at `now`."""
        return int(self._people.followers(self._network, [person], now)[0])

    def page(
        self,
        person: int,
        *,
        now: int,
        limit: int,
        below: int | None,
        shown: Callable[[Follower], bool] | None = None,
    ) -> list[tuple[int, Follower]]:
        """Return up to `limit` followers with their rank, newest first, below rank `below`.

        Ranks never move, so that a list that grows while it is read loses nobody. `shown` leaves
        out whom a server does not know.
        """
        end = self.size(person, now)
        end = end if below is None else min(end, max(below, 0))
        members = ((rank, self.member(person, rank)) for rank in range(end - 1, -1, -1))
        return list(islice(members if shown is None else _those(members, shown), limit))

    def member(self, person: int, rank: int) -> Follower:
        """Return the account that followed as number `rank`."""
        block, place = divmod(rank, _BLOCK)
        if place < _OWN:
            return self._fan(person, block * _OWN + place)
        return self._passer_by(person, block * (_BLOCK - _OWN) + place - _OWN)

    def _fan(self, person: int, index: int) -> Follower:
        """Return an account's follower of its own group: nobody is in two strides."""
        key, group = self._key(person), int(self._people.group[person])
        stride = _STRIDES[key % len(_STRIDES)]
        roll = Dice(key + index).roll(stride)
        if self._resident(group, index * stride + roll) == person:  # nobody follows himself
            roll = (roll + 1) % stride
        return self._at(group, index * stride + roll)

    def _passer_by(self, person: int, index: int) -> Follower:
        """Return an account's follower of no group."""
        roll = Dice(self._key(person) - index).roll(_PUBLIC_STRIDE)
        return self._at(_PUBLIC, index * _PUBLIC_STRIDE + roll)

    def _key(self, person: int) -> int:
        """Return the number that decides who follows an account."""
        key = self._keys.get(person)
        if key is None:
            key = number(self._people.seed, "audience", self._network, person)
            self._keys[person] = key
        return key

    def _at(self, group: int, place: int) -> Follower:
        """Return who has this place in the order of a group."""
        person = self._resident(group, place)
        if person is not None:
            return self.account(person)
        return self.account(self._people.count + place * _CLASSES + group)

    def _resident(self, group: int, place: int) -> int | None:
        """Return which of the world's people has a place in the order of a group."""
        at, rest = divmod(place, _WORLDLY)
        if rest or group == _PUBLIC or at >= len(self._residents[group]):
            return None
        return self._residents[group][at]

    @cached_property
    def _residents(self) -> list[list[int]]:
        """The world's people of each group."""
        groups = range(len(GROUPS))
        return [np.flatnonzero(self._people.group == group).tolist() for group in groups]

    def account(self, account: int) -> Follower:
        """Return the account with this number."""
        if account < self._people.count:
            return Follower(number=account, person=account, handle=self._people.handles[account])
        letters = Dice(account).roll(36**4)
        return Follower(number=account, person=None, handle=f"reader{account}_{letters:x}")


def _those(
    members: Iterable[tuple[int, Follower]], shown: Callable[[Follower], bool]
) -> Iterable[tuple[int, Follower]]:
    """Yield the members that are shown."""
    return (member for member in members if shown(member[1]))
