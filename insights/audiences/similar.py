"""Accounts that share an account's audience."""

import asyncio

import msgspec
import numpy as np

from insights.audiences.book import Book, Shelf
from insights.audiences.estimates import Interval, percent
from insights.audiences.named import Listed, listed
from insights.errors import BadRequest
from lake.contract import Lake
from signatures import Estimate, overlap
from signatures.arrays import I64
from signatures.edges.lists import shared

MOST = 500
EXACT = 20  # of the best, whose lists are compared one by one


class SimilarAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One account that shares followers with the asked one."""

    account: Listed
    similarity_percent: Interval  # of all who follow one of both, who follow both
    overlap_percent: Interval | None  # of the smaller audience, who follow both
    counted: bool  # from the lists themselves; else estimated from signatures


class Similar(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts most like one, by their followers, the most similar first.

    `account` is None, and nobody similar, if the followers of the asked one are not known.
    """

    account: Listed | None
    compared_with: int  # accounts of the network whose followers are known
    similar: tuple[SimilarAccount, ...]


async def similar(lake: Lake, book: Book, account_id: str, *, most: int = 50) -> Similar:
    """Return the accounts most like one. Raises BadRequest.

    The best 20 are compared by their lists and ranked by that, before those that are estimated.
    """
    if not 1 <= most <= MOST:
        raise BadRequest("limit", most, f"use 1 to {MOST}")
    place = book.rows([account_id]).get(account_id)
    if place is None:
        shelf = book.shelf(account_id.partition(":")[0])
        known = 0 if shelf is None else len(shelf.store)
        return Similar(account=None, compared_with=known, similar=())
    shelf, row = place
    rows, similarity, overlaps, counted = await asyncio.to_thread(_ranked, shelf, row, most)
    accounts = await listed(lake, [(shelf, row), *((shelf, one) for one in rows.tolist())])
    return Similar(
        account=accounts[0],
        compared_with=len(shelf.store) - 1,
        similar=tuple(
            SimilarAccount(
                account=account,
                similarity_percent=percent(similarity, (at,)) or Interval(value=0, low=0, high=0),
                overlap_percent=percent(overlaps, (at,)),
                counted=at < counted,
            )
            for at, account in enumerate(accounts[1:])
        ),
    )


def _ranked(shelf: Shelf, row: int, most: int) -> tuple[I64, Estimate, Estimate, int]:
    """Return the most similar rows, their similarity and overlap, and how many were counted."""
    index = shelf.index
    one = index.signatures[row]
    allowed = np.ones(len(index), dtype=bool)
    allowed[row] = False
    found = index.most_similar(one, most=most, allowed=allowed)
    rows = found.rows
    overlaps = overlap(index.signatures[rows], one)
    best = rows[:EXACT]
    mine, sizes = shelf.store.hashes(row), shelf.store.sizes
    both = np.array(
        [shared(mine, shelf.store.hashes(other)) for other in best.tolist()], dtype=float
    )
    union, smaller = sizes[best] + sizes[row] - both, np.minimum(sizes[best], sizes[row])
    order = np.lexsort((best, -both / union))
    order = np.concatenate([order, np.arange(len(best), len(rows))])
    exact = _replaced(found.similarity, both / union), _replaced(overlaps, both / smaller)
    similarity, overlaps = (Estimate(*(part[order] for part in _parts(one))) for one in exact)
    return rows[order], similarity, overlaps, len(best)


def _replaced(estimate: Estimate, exact: np.ndarray) -> Estimate:
    """Return the estimate with its first values counted."""
    parts = [part.copy() for part in _parts(estimate)]
    for part in parts:
        part[: len(exact)] = exact
    return Estimate(*parts)


def _parts(estimate: Estimate) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return estimate.value, estimate.low, estimate.high
