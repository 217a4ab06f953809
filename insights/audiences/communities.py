"""Which communities accounts form by their audiences, and what these are about."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from insights.audiences.book import Book, Shelf
from insights.audiences.estimates import hundredth
from insights.audiences.named import Listed, listed
from lake.contract import Lake, Where
from lake.records import Post, Profile, Record, Rollup
from signatures.graphs.bands import Graph, neighbours
from signatures.graphs.communities import Communities, communities
from signatures.graphs.labels import label, terms_of
from signatures.graphs.layout import MOST as DRAWN
from signatures.graphs.layout import layout

LEAST = 0.02  # similarity; less is noise of 128 slots
LABELLED = 2_000  # accounts of a network whose words are read, the most followed first
TAGS = 50  # of a community
TERMS = 5
EVERYBODY = "*"  # campaign and revision of a stored report that belongs to no campaign


class Community(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts whose audiences overlap more with each other's than with others'.

    `conductance` is the share of its accounts' similarity that leads out of it, 0 to 1: low is
    well separated.
    """

    number: int
    terms: tuple[str, ...]  # of bios, names and hashtags, that tell it from the others; best first
    accounts: int
    followers_sum: int
    conductance: float
    members: tuple[Listed, ...]  # the most followed first, 10 at the most


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where an account stands on the map; -1 to 1 in both directions."""

    id: str
    handle: str | None
    community: int  # -1: it shares an audience with nobody
    followers: int
    x: float
    y: float


class CommunityMap(msgspec.Struct, frozen=True, kw_only=True):
    """The communities of a network's accounts whose followers are known, the largest first.

    `modularity`: how much more similarity lies within communities than chance would put there, 0
    none, up to 1. `stability`: how far runs from different seeds agree, 1 fully, 0 as by chance;
    None with fewer than two communities to compare. `meaningful`: whether the communities describe
    the similarities better than none at all; if not, there are none to speak of.
    """

    network: str
    computed_at: datetime
    accounts: int
    pairs: int  # of accounts that share at least 2 % of both audiences
    modularity: float
    stability: float | None
    meaningful: bool
    alone: int  # accounts in no community
    communities: tuple[Community, ...]
    map: tuple[Place, ...]  # of the most followed, 1,000 at the most
    links: tuple[tuple[int, int], ...]  # pairs of places, the most similar first


async def community_map(lake: Lake, book: Book, network: str, *, now: datetime) -> CommunityMap:
    """Return the communities of a network; none of a network without audiences."""
    shelf = book.shelf(network)
    if shelf is None:
        return _nobody(network, now)
    graph, found = await asyncio.to_thread(_found, shelf)
    order = np.argsort(-shelf.store.sizes, kind="stable")
    accounts = await listed(lake, [(shelf, int(row)) for row in order[: max(DRAWN, LABELLED)]])
    known = dict(zip(order.tolist(), accounts, strict=False))
    terms = await _terms(lake, shelf, found, order[:LABELLED])
    drawn = order[:DRAWN]
    places, links = await asyncio.to_thread(_drawn, graph, found, drawn)
    return CommunityMap(
        network=network,
        computed_at=now,
        accounts=len(shelf.store),
        pairs=len(graph),
        modularity=hundredth(found.modularity),
        stability=None if np.isnan(found.stability) else hundredth(found.stability),
        meaningful=found.evidence > 0,
        alone=int((found.labels < 0).sum()),
        communities=tuple(
            _community(shelf, found, number, terms[number], known) for number in range(found.number)
        ),
        map=tuple(
            Place(
                id=known[row].id, handle=known[row].handle, community=int(found.labels[row]),
                followers=known[row].followers, x=round(x, 4), y=round(y, 4),
            )
            for row, (x, y) in zip(drawn.tolist(), places.tolist(), strict=True)
        ),
        links=links,
    )  # fmt: skip


def _nobody(network: str, now: datetime) -> CommunityMap:
    return CommunityMap(
        network=network, computed_at=now, accounts=0, pairs=0, modularity=0.0, stability=None,
        meaningful=False, alone=0, communities=(), map=(), links=(),
    )  # fmt: skip


def _found(shelf: Shelf) -> tuple[Graph, Communities]:
    """Return the graph of similar audiences and its communities."""
    graph = neighbours(shelf.index.signatures, least=LEAST)
    return graph, communities(graph.sources, graph.targets, graph.weights, n=len(shelf.store))


def _community(
    shelf: Shelf, found: Communities, number: int, terms: Sequence[str], known: dict[int, Listed]
) -> Community:
    rows = np.flatnonzero(found.labels == number)
    sizes = shelf.store.sizes[rows]
    best = rows[np.argsort(-sizes, kind="stable")[:10]].tolist()
    return Community(
        number=number,
        terms=tuple(terms),
        accounts=len(rows),
        followers_sum=int(sizes.sum()),
        conductance=hundredth(float(found.conductance[number])),
        members=tuple(known[row] for row in best if row in known),
    )


async def _terms(lake: Lake, shelf: Shelf, found: Communities, rows: np.ndarray) -> list[list[str]]:
    """Return what each community is about: words of bios and names, and hashtags of its posts."""
    documents: list[list[str]] = [[] for _ in range(len(shelf.store))]
    ids = dict(zip(shelf.ids(rows), rows.tolist(), strict=True))
    for account, profile in (await lake.get(Profile, list(ids))).items():
        documents[ids[account]] += terms_of(f"{profile.name or ''} {profile.bio or ''}")
    for number in range(found.number):
        members = [account for account, row in ids.items() if found.labels[row] == number]
        for account, tags in (await _tags(lake, members)).items():
            documents[ids[account]] += tags
    best = label(documents, found.labels, most=TERMS)
    return [[one.term for one in terms] for terms in best]


async def _tags(lake: Lake, accounts: Sequence[str]) -> dict[str, list[str]]:
    """Return the hashtags of each account's posts, of those most used by all of them."""
    if not accounts:
        return {}
    where = Where(authors=tuple(accounts))
    common = {group.key for group in await lake.top(Post, where, by="tags", limit=TAGS)}
    found: dict[str, set[str]] = {}
    async for batch in lake.scan(Post, where, raw=False):
        for post in batch:
            if post.author_id is not None:
                found.setdefault(post.author_id, set()).update(common.intersection(post.tags))
    return {account: sorted(tags) for account, tags in found.items()}


def _drawn(
    graph: Graph, found: Communities, rows: np.ndarray
) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """Return a place for each drawn account, and the strongest links between them."""
    place = np.full(len(found.labels), -1)
    place[rows] = np.arange(len(rows))
    a, b = place[graph.sources], place[graph.targets]
    inside = (a >= 0) & (b >= 0)
    a, b, weights = a[inside], b[inside], graph.weights[inside]
    places = layout(a, b, weights, found.labels[rows].astype(np.int64), n=len(rows))
    strongest = np.argsort(-weights, kind="stable")[: 3 * len(rows)]
    links = tuple(zip(a[strongest].tolist(), b[strongest].tolist(), strict=True))
    return places, links


async def community_records(lake: Lake, book: Book, network: str, *, now: datetime) -> list[Record]:
    """Return the communities of a network as a stored report."""
    body = await community_map(lake, book, network, now=now)
    return [
        Rollup(
            id=_id(network),
            network=EVERYBODY,
            observed_at=now,
            campaign_id=EVERYBODY,
            name=f"communities/{network}",
            revision=0,
            computed_at=now,
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
    ]


async def stored_communities(lake: Lake, network: str) -> msgspec.Raw | None:
    """Return the JSON of the communities that a worker found last, None if none did."""
    record = (await lake.get(Rollup, [_id(network)])).get(_id(network))
    return None if record is None else record.body


def _id(network: str) -> str:
    return f"{EVERYBODY}/communities/{network}"
