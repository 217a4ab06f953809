"""How many different people a set of accounts reaches, and how their audiences overlap.

On each network by itself: that two accounts on two networks are one person is known to nobody. What
is reached on several networks is added up, and says so.
"""

import asyncio
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from insights.audiences.book import Book, Shelf
from insights.audiences.estimates import Interval, hundredth, matrix, people, percent, ratio
from insights.audiences.named import Listed, listed
from insights.errors import BadRequest
from lake.contract import Lake
from signatures.reach import (
    MOST,
    Reach,
    Together,
    counted_reach,
    counted_together,
    estimated_reach,
    estimated_together,
)


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What accounts of one network reach together."""

    network: str
    accounts: int
    followers_sum: int  # a person counts once for each account
    people: Interval  # different followers
    frequency: Interval | None  # of the accounts, how many each of these people follows on average
    follow_percent: tuple[float, ...]  # of these people, who follow 1, 2, ... accounts
    counted: bool  # from the lists themselves; else estimated from signatures


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """One of the accounts, and the part of its audience that follows no other of them."""

    account: Listed
    exclusive_percent: Interval | None  # None: nobody follows it


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """How the audiences of accounts of one network overlap.

    The matrices are in the order of `members`: row by column the part of the smaller audience that
    follows both, in per cent; 100 on the diagonal, None where one has no followers.
    """

    reach: Reached
    members: tuple[Member, ...]
    overlap_percent: tuple[tuple[float | None, ...], ...]
    low_percent: tuple[tuple[float | None, ...], ...]
    high_percent: tuple[tuple[float | None, ...], ...]


class Overlaps(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a question about some accounts: a part for each network."""

    people: Interval | None  # on all networks, added up; None: nobody's followers are known
    networks: tuple[Overlap, ...]
    unknown: tuple[str, ...]  # ids of the accounts whose followers are not known


async def overlaps(lake: Lake, book: Book, account_ids: Sequence[str]) -> Overlaps:
    """Return what accounts reach together and how they overlap. Raises BadRequest for too many."""
    if len(account_ids) > MOST:
        raise BadRequest("accounts", len(account_ids), f"name at most {MOST}")
    places = book.rows(account_ids)
    found = [await _overlap(lake, shelf, rows) for shelf, rows in by_shelf(list(places.values()))]
    return Overlaps(
        people=added([one.reach.people for one in found]),
        networks=tuple(found),
        unknown=tuple(account for account in account_ids if account not in places),
    )


async def _overlap(lake: Lake, shelf: Shelf, rows: Sequence[int]) -> Overlap:
    reach = await asyncio.to_thread(_measured, shelf, rows)
    members = await listed(lake, [(shelf, row) for row in rows])
    return Overlap(
        reach=_reached(shelf.network, reach.together),
        members=tuple(
            Member(account=account, exclusive_percent=percent(reach.exclusive, (place,)))
            for place, account in enumerate(members)
        ),
        overlap_percent=matrix(reach.matrix.value),
        low_percent=matrix(reach.matrix.low),
        high_percent=matrix(reach.matrix.high),
    )


def _measured(shelf: Shelf, rows: Sequence[int]) -> Reach:
    """Return the reach of accounts: counted if their followers are few enough, else estimated."""
    places = np.array(rows, dtype=np.int64)
    if shelf.small(places):
        return counted_reach(shelf.lists(places))
    return estimated_reach(shelf.signatures(places))


def together(shelf: Shelf, rows: Sequence[int]) -> Reached:
    """Return what any number of accounts reaches together: counted or estimated, as above."""
    places = np.array(rows, dtype=np.int64)
    if shelf.small(places):
        return _reached(shelf.network, counted_together(shelf.lists(places)))
    return _reached(shelf.network, estimated_together(shelf.signatures(places)))


def _reached(network: str, found: Together) -> Reached:
    """Return what accounts reach as a report shows it."""
    shares = [hundredth(100 * share) for share in found.repeated.tolist()]
    while shares and shares[-1] == 0:
        shares.pop()
    return Reached(
        network=network,
        accounts=len(found.sizes),
        followers_sum=found.gross,
        people=people(found.union),
        frequency=ratio(found.frequency),
        follow_percent=tuple(shares),
        counted=found.exact,
    )


def by_shelf(places: Sequence[tuple[Shelf, int]]) -> list[tuple[Shelf, list[int]]]:
    """Return the rows of each shelf, in the order given; shelves by network."""
    found: dict[str, tuple[Shelf, list[int]]] = {}
    for shelf, row in places:
        found.setdefault(shelf.network, (shelf, []))[1].append(row)
    return [found[network] for network in sorted(found)]


def added(parts: Sequence[Interval]) -> Interval | None:
    """Return the sum of independent estimates, None of none."""
    if not parts:
        return None
    value = sum(part.value for part in parts)
    below = math.hypot(*(part.value - part.low for part in parts))
    above = math.hypot(*(part.high - part.value for part in parts))
    return Interval(value=value, low=math.floor(value - below), high=math.ceil(value + above))
