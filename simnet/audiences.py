"""Who follows whom: lists as long as the counts say, any part of them without building the rest."""

from typing import Final

import msgspec

from simnet.chance import Dice, number
from simnet.people import People

POPULATION: Final = 1 << 22  # accounts a network has; the world's people are the first of them


class Follower(msgspec.Struct, frozen=True, kw_only=True):
    """One account in a list of followers; `person` is None for the many who post nothing here."""

    number: int
    person: int | None
    handle: str


class Audience:
    """The followers of the accounts of one network. Later followers come first, as networks
    list them.
    """

    def __init__(self, people: People, network: str) -> None:
        self._people, self._network = people, network

    def size(self, person: int, now: int) -> int:
        """Return how many followers an account has at `now`."""
        return min(int(self._people.followers(self._network, [person], now)[0]), POPULATION - 1)

    def page(
        self, person: int, *, now: int, limit: int, below: int | None
    ) -> list[tuple[int, Follower]]:
        """Return up to `limit` followers with their rank, newest first, below rank `below`.

        Ranks never move, so that a list that grows while it is read loses nobody.
        """
        end = self.size(person, now)
        end = end if below is None else min(end, max(below, 0))
        ranks = range(end - 1, max(end - limit, 0) - 1, -1)
        return [(rank, self.member(person, rank)) for rank in ranks]

    def member(self, person: int, rank: int) -> Follower:
        """Return the account that followed as number `rank`."""
        key = number(self._people.seed, "audience", self._network, person)
        # An odd multiplier permutes the population: nobody follows twice.
        account = (rank * (key | 1) + (key >> 20)) % POPULATION
        return self.account(account)

    def account(self, account: int) -> Follower:
        """Return the account with this number."""
        if account < self._people.count:
            return Follower(number=account, person=account, handle=self._people.handles[account])
        letters = Dice(account).roll(36**4)
        return Follower(number=account, person=None, handle=f"reader{account}_{letters:x}")
