"""What is known of some accounts, told of the others by whose audiences are alike."""

import asyncio
import math
from collections.abc import Mapping

import msgspec
import numpy as np

from insights.attributes import Attribute, aggregate, predict
from insights.audiences.book import Book, Shelf
from insights.audiences.estimates import Interval, hundredth
from insights.errors import BadRequest
from signatures.graphs.bands import neighbours
from signatures.hashing import id_of

LEAST = 0.02  # similarity of audiences that makes two accounts neighbours


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """How many of all accounts have a value; groups below 20 are not told."""

    value: str
    accounts: Interval


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted of one account; `value` is None where nothing is likely enough."""

    account: str
    value: str | None
    probability: float  # of the value, or of the likeliest one


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """An attribute of all accounts of a network, and how far it can be believed.

    accuracy: how often values that were hidden are told right, without abstaining; baseline: the
    same for the commonest value told of everybody; both in per cent. calibration_error: how far a
    probability is from how often it is right, 0 to 1. better: whether the accuracy beats the
    baseline beyond chance; if not, nothing is told.
    """

    network: str
    known: int
    unplaced: tuple[str, ...]  # accounts that were given and whose followers are not known
    accuracy: float
    baseline: float
    calibration_error: float
    better: bool
    shares: tuple[Share, ...]
    accounts: tuple[Told, ...]


async def traits(
    book: Book, network: str, known: Mapping[str, str], *, least: float = 0.5
) -> Traits:
    """Return an attribute of all accounts from what is `known` of some, native id to value.

    least: the probability below which a value stays unknown. Raises BadRequest with fewer than 50
    known accounts or one value.
    """
    shelf = book.shelf(network)
    if shelf is None:
        raise BadRequest("network", network, f"use one of {', '.join(book.networks) or 'none'}")
    return await asyncio.to_thread(_traits, shelf, known, least)


def _traits(shelf: Shelf, known: Mapping[str, str], least: float) -> Traits:
    names = sorted(known)
    rows = shelf.store.rows_of(np.array([id_of(name) for name in names], dtype=np.uint64))
    words = sorted(
        {known[name] for name, row in zip(names, rows.tolist(), strict=True) if row >= 0}
    )
    values = np.full(len(shelf.store), -1, dtype=np.int64)
    for name, row in zip(names, rows.tolist(), strict=True):
        if row >= 0:
            values[row] = words.index(known[name])
    graph = neighbours(shelf.index.signatures, least=LEAST)
    found = predict((graph.sources, graph.targets), values, weights=graph.weights, least=least)
    return Traits(
        network=shelf.network,
        known=int(found.known.sum()),
        unplaced=tuple(name for name, row in zip(names, rows.tolist(), strict=True) if row < 0),
        accuracy=hundredth(100 * found.accuracy),
        baseline=hundredth(100 * found.baseline),
        calibration_error=round(found.calibration_error, 3),
        better=found.better,
        shares=_shares(found, words),
        accounts=_told(found, words, shelf) if found.better else (),
    )


def _shares(found: Attribute, words: list[str]) -> tuple[Share, ...]:
    return tuple(
        Share(
            value=words[group.value],
            accounts=Interval(
                value=round(group.accounts), low=math.floor(group.low), high=math.ceil(group.high)
            ),
        )
        for group in aggregate(found)
    )


def _told(found: Attribute, words: list[str], shelf: Shelf) -> tuple[Told, ...]:
    rows = np.flatnonzero(~found.known)
    best = found.probabilities[rows].max(axis=1)
    return tuple(
        Told(
            account=account,
            value=None if value < 0 else words[value],
            probability=round(float(sure), 3),
        )
        for account, value, sure in zip(
            shelf.ids(rows), found.values[rows].tolist(), best.tolist(), strict=True
        )
    )
