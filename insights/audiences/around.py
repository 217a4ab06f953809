"""The community around some accounts: whose audiences are like theirs, without a map of all."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from insights.audiences.book import Book, Shelf
from insights.audiences.estimates import hundredth
from insights.audiences.named import Listed, listed
from insights.errors import BadRequest
from lake.contract import Lake
from signatures.graphs.expansion import Ranked, expand, slot_similarity

Method = Literal["similarity", "agglomerative"]
MOST_SEEDS, MOST = 50, 500


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """One account of the community; `score` is its mean likeness, 0 to 100, to the seeds or, by
    the agglomerative method, to all that were taken before it. Rare followers count more.
    """

    account: Listed
    score: float


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """The accounts nearest to some seeds, the nearest first."""

    network: str
    method: Method
    seeds: tuple[Listed, ...]
    unknown: tuple[str, ...]  # ids of the seeds whose followers are not known
    found: tuple[Near, ...]


async def around(
    lake: Lake,
    book: Book,
    network: str,
    seeds: Sequence[str],
    *,
    most: int = 50,
    method: Method = "similarity",
) -> Around:
    """Return the community around the seeds, lake's ids of one network. Raises BadRequest.

    "similarity" ranks by likeness to the seeds alone; "agglomerative" lets each account that is
    taken speak for the next, which finds long-drawn communities and strays from blurred ones.
    """
    _check(seeds, most)
    places = book.rows(seeds)
    rows = [row for shelf, row in places.values() if shelf.network == network]
    shelf = book.shelf(network)
    found = []
    if shelf is not None and rows:
        ranked = await asyncio.to_thread(_ranked, shelf, rows, most, method)
        names = await listed(lake, [(shelf, row) for row in ranked.accounts.tolist()])
        scores = ranked.scores.tolist()
        found = [
            Near(account=account, score=hundredth(100 * score))
            for account, score in zip(names, scores, strict=True)
            if score > 0
        ]
    return Around(
        network=network,
        method=method,
        seeds=tuple(await listed(lake, [(shelf, row) for row in rows])) if shelf else (),
        unknown=tuple(seed for seed in seeds if seed not in places),
        found=tuple(found),
    )


def _check(seeds: Sequence[str], most: int) -> None:
    if not 1 <= len(seeds) <= MOST_SEEDS:
        raise BadRequest("account", len(seeds), f"name 1 to {MOST_SEEDS}")
    if not 1 <= most <= MOST:
        raise BadRequest("limit", most, f"use 1 to {MOST}")


def _ranked(shelf: Shelf, rows: Sequence[int], most: int, method: Method) -> Ranked:
    similarity = slot_similarity(shelf.index.signatures.minima)
    return expand(similarity, np.array(rows), most=most, greedy=method == "agglomerative")
