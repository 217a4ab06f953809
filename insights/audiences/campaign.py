"""What a campaign's publishers reach together, and how their audiences overlap."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec

from insights.audiences.book import Book
from insights.audiences.estimates import Interval, hundredth
from insights.audiences.reach import Overlaps, Reached, added, by_shelf, overlaps, together
from insights.errors import BadRequest, Damaged
from insights.past import posts_of
from insights.periods import Header, header, side_named, where_of
from insights.posts import stretch
from insights.publishers import Audience, audience
from lake.contract import Lake
from registry.models import Campaign

MOST = 100  # publishers in a matrix that somebody looks at

_PAST = "lists of followers are kept as they are now, so there is no reach of the past"
_NOBODY = "no list of followers of these publishers is known: `taglake audience collect` reads them"
_DAMAGED = "the lists of followers cannot be read now; the operator finds why in the log"
_NO_AUTHORS = "no publisher is known by name"


class CampaignReach(msgspec.Struct, frozen=True, kw_only=True):
    """How many different people follow the publishers of a period, as far as their lists are known.

    `people` is None with the reason in `note`. Otherwise it is of `publishers_known`, which bear
    `followers_known_percent` of all followers that the networks state, each publisher once: a lower
    bound for all of them.
    """

    people: Interval | None
    publishers: int  # that are known by name
    publishers_known: int  # whose lists of followers are known
    followers_known_percent: float | None
    incomplete: int  # of these lists, those that the network cut short
    networks: tuple[Reached, ...]
    note: str


class CampaignOverlap(msgspec.Struct, frozen=True, kw_only=True):
    """How the audiences of a campaign's most followed publishers overlap, network by network.

    `top` are the accounts of each network at the most, those with the longest known lists.
    """

    header: Header
    side: str
    period: str
    top: int
    publishers: int  # that are known by name
    overlaps: Overlaps
    note: str  # why there is no overlap; "" if there is one


async def campaign_reach(book: Book, publishers: Audience | None, *, past: bool) -> CampaignReach:
    """Return what the publishers of a period reach. past: whether the report is of an instant in
    the past, of which no lists are kept.
    """
    stated = {} if publishers is None else publishers.stated
    note = _PAST if past else _NOBODY if stated else _NO_AUTHORS
    try:
        places = {} if past else book.rows(list(stated))
    except Damaged:  # a report must not fail for one of its numbers; the log names the file
        places, note = {}, _DAMAGED
    if not places:
        return CampaignReach(
            people=None, publishers=len(stated), publishers_known=0,
            followers_known_percent=None, incomplete=0, networks=(), note=note,
        )  # fmt: skip
    found = [
        await asyncio.to_thread(together, shelf, rows)
        for shelf, rows in by_shelf(list(places.values()))
    ]
    total = sum(number or 0 for number in stated.values())
    held = sum(stated[account] or 0 for account in places)
    share = hundredth(100 * held / total) if total else None
    cut = sum(not shelf.store.complete[row] for shelf, row in places.values())
    return CampaignReach(
        people=added([one.people for one in found]),
        publishers=len(stated),
        publishers_known=len(places),
        followers_known_percent=share,
        incomplete=cut,
        networks=tuple(found),
        note=_told(len(places), len(stated), share, found),
    )


def _told(known: int, publishers: int, share: float | None, found: list[Reached]) -> str:
    """Return in a line what the number stands on."""
    parts = [f"of {known:,} of {publishers:,} publishers"]
    if share is not None:
        parts.append(f"with {share:g} % of their followers")
    said = ["counted" if all(one.counted for one in found) else "estimated"]
    if known < publishers:
        said.append("a lower bound for all")
    return "; ".join([" ".join(parts), *said])


async def campaign_overlap(  # noqa: PLR0913 - the arguments are what a client may ask for
    lake: Lake,
    campaign: Campaign,
    *,
    audiences: Book,
    now: datetime,
    as_of: datetime | None = None,
    top: int = 20,
    period: str = "during",
    side: str | None = None,
) -> CampaignOverlap:
    """Return the overlap of the most followed publishers whose followers are known, up to `top` of
    each network. Raises BadRequest.
    """
    if as_of is not None:
        raise BadRequest("as_of", as_of.isoformat(), f"leave it out: {_PAST}")
    if not 2 <= top <= MOST:
        raise BadRequest("top", top, f"use 2 to {MOST}")
    head = header(campaign, now=now, as_of=None)
    chosen = side_named(campaign, side)
    where = stretch(where_of(campaign, chosen), campaign, period, head.instant)
    view = await posts_of(lake, campaign, None)
    stated = (await audience(view, where)).stated if where else {}
    found = await overlaps(lake, audiences, _foremost(audiences, list(stated), top))
    return CampaignOverlap(
        header=head,
        side=chosen.name,
        period=period,
        top=top,
        publishers=len(stated),
        overlaps=found,
        note="" if found.networks else _NOBODY if stated else _NO_AUTHORS,
    )


def _foremost(book: Book, accounts: Sequence[str], top: int) -> list[str]:
    """Return the accounts with the longest lists, up to `top` of each network.

    By the lists, not by what a network states: it may not state anything beside a post.
    """
    places = book.rows(accounts)
    longest = sorted(places, key=lambda one: -int(places[one][0].store.sizes[places[one][1]]))
    found: dict[str, list[str]] = {}
    for account in longest:
        found.setdefault(places[account][0].network, []).append(account)
    return [account for chosen in found.values() for account in chosen[:top]]
