"""Answers about audiences, for a terminal."""

import csv
from collections.abc import Sequence
from pathlib import Path

import msgspec

from ingestor.clock import SystemClock
from insights.audiences.around import Around, Method, around
from insights.audiences.book import Book
from insights.audiences.communities import CommunityMap, community_map
from insights.audiences.estimates import Interval
from insights.audiences.named import Listed, ids_of
from insights.audiences.reach import Member, Overlap, Overlaps, overlaps
from insights.audiences.similar import Similar, SimilarAccount, similar
from insights.audiences.traits import Traits, traits
from insights.figures import audiences, style
from taglake import wiring
from taglake.audiences.files import store_of
from taglake.errors import BadSetting, NotThere
from taglake.settings import Settings


async def overlaps_of(settings: Settings, network: str, names: Sequence[str]) -> Overlaps:
    """Return what accounts reach together and how they overlap. Raises NotThere, BadRequest."""
    store_of(settings, network)
    book = Book(settings.audience.folder)
    async with wiring.open_lake(settings) as lake:
        ids = await ids_of(lake, book, network, names)
        return await overlaps(lake, book, list(dict.fromkeys(ids.values())))


async def similar_to(settings: Settings, network: str, name: str, *, most: int) -> Similar:
    """Return the accounts most like one. Raises NotThere, BadRequest."""
    store_of(settings, network)
    book = Book(settings.audience.folder)
    async with wiring.open_lake(settings) as lake:
        account = (await ids_of(lake, book, network, [name]))[name]
        found = await similar(lake, book, account, most=most)
    if found.account is None:
        raise NotThere(
            f"account {name}: its followers are not known among {found.compared_with:,} of "
            f"{network}; `taglake audience collect` reads them"
        )
    return found


async def communities_of(settings: Settings, network: str) -> CommunityMap:
    """Return the communities of a network, found anew. Raises NotThere."""
    store_of(settings, network)
    async with wiring.open_lake(settings) as lake:
        now = SystemClock().now()
        return await community_map(lake, Book(settings.audience.folder), network, now=now)


async def around_of(
    settings: Settings, network: str, names: Sequence[str], *, most: int, method: Method
) -> Around:
    """Return the community around some accounts. Raises NotThere, BadRequest."""
    store_of(settings, network)
    book = Book(settings.audience.folder)
    async with wiring.open_lake(settings) as lake:
        ids = list(dict.fromkeys((await ids_of(lake, book, network, names)).values()))
        found = await around(lake, book, network, ids, most=most, method=method)
    if not found.seeds:
        raise NotThere(f"account {', '.join(names)}: nobody's followers are known on {network}")
    return found


async def traits_of(
    settings: Settings, network: str, labels: Path, *, least: float, each: bool
) -> Traits:
    """Return an attribute of all accounts from a CSV of what is known; without single accounts
    unless `each`. Raises NotThere, BadSetting, BadRequest.
    """
    store_of(settings, network)
    known = _labels(labels, network)
    found = await traits(Book(settings.audience.folder), network, known, least=least)
    return found if each else msgspec.structs.replace(found, accounts=())


def _labels(path: Path, network: str) -> dict[str, str]:
    """Return the values of a CSV by native id. Raises BadSetting naming the line."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"account", "value"} <= set(rows.fieldnames or ()):
            raise BadSetting(f"{path}: its first line names no columns account and value; add them")
        known = {}
        for row in rows:
            if not row["account"] or not row["value"]:
                raise BadSetting(
                    f"{path}, line {rows.line_num}: account or value is empty; fill it"
                )
            known[row["account"].removeprefix(f"{network}:")] = row["value"]
    return known


def draw(found: CommunityMap, path: Path) -> None:
    """Write the map of communities as a picture, by the ending of the file's name."""
    path.write_bytes(style.rendered(audiences.community_map(found), path.suffix[1:]))


def told_reach(found: Overlaps) -> str:
    """Return what accounts reach together, as lines."""
    lines = []
    for part in found.networks:
        reach = part.reach
        lines.append(
            f"{reach.network}: {reach.accounts} accounts reach {range_of(reach.people)} people "
            f"together, of {reach.followers_sum:,} followers in sum "
            f"({'counted' if reach.counted else 'estimated'})"
        )
        if reach.frequency is not None:
            lines.append(f"  each of them follows {reach.frequency.value:g} of the accounts")
        shares = enumerate(reach.follow_percent, start=1)
        lines.append("  " + ", ".join(f"{share:g} % follow {count}" for count, share in shares))
        lines += [f"  {_member(one)}" for one in part.members]
    return "\n".join(lines + [_unknown(one) for one in found.unknown])


def told_overlap(found: Overlaps) -> str:
    """Return how audiences overlap, a line for each pair, the largest first."""
    lines = [line for part in found.networks for line in _pairs(part)]
    return "\n".join(lines + [_unknown(one) for one in found.unknown])


def _pairs(part: Overlap) -> list[str]:
    names = [name_of(one.account) for one in part.members]
    pairs = [
        (value, names[a], names[b], part.low_percent[a][b], part.high_percent[a][b])
        for a in range(len(names))
        for b in range(a + 1, len(names))
        if (value := part.overlap_percent[a][b]) is not None
    ]
    return [
        f"{value:6.2f} %  {a} and {b}" + ("" if low == high else f"  ({low:g} to {high:g} %)")
        for value, a, b, low, high in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2]))
    ]


def told_similar(found: Similar) -> str:
    """Return similar accounts, a line each."""
    if found.account is None or not found.similar:
        return f"none of {found.compared_with:,} accounts shares followers with it"
    head = f"most like {name_of(found.account)}, of {found.compared_with:,} accounts"
    return "\n".join([head, *(_alike(one) for one in found.similar)])


def _alike(one: SimilarAccount) -> str:
    overlap = "" if one.overlap_percent is None else f"overlap {one.overlap_percent.value:g} %"
    alike = one.similarity_percent
    how = "counted" if one.counted else f"{alike.low:g} to {alike.high:g} %"
    return (
        f"{alike.value:6.2f} %  {name_of(one.account)}  "
        f"({one.account.followers:,} followers, {overlap}, {how})"
    )


def told_communities(found: CommunityMap) -> str:
    """Return communities, some lines each."""
    stable = "unknown" if found.stability is None else f"{found.stability:g}"
    lines = [
        f"{found.network}: {len(found.communities)} communities of {found.accounts:,} accounts, "
        f"{found.alone:,} in none; modularity {found.modularity:g}, stability {stable}"
    ]
    if found.communities and not found.meaningful:
        lines.append("too few accounts to say that these are more than chance")
    for one in found.communities:
        about = ", ".join(one.terms) or "no common words"
        members = ", ".join(name_of(member) for member in one.members[:5])
        lines.append(f"{one.number + 1:3}  {about}")
        lines.append(f"     {one.accounts:,} accounts, conductance {one.conductance:g}: {members}")
    return "\n".join(lines)


def told_around(found: Around) -> str:
    """Return the accounts around some others, a line each."""
    seeds = ", ".join(name_of(one) for one in found.seeds)
    lines = [f"around {seeds}, by {found.method}"]
    lines += [
        f"{one.score:6.2f}  {name_of(one.account)}  ({one.account.followers:,} followers)"
        for one in found.found
    ]
    return "\n".join(lines + [_unknown(one) for one in found.unknown])


def told_traits(found: Traits) -> str:
    """Return an attribute of accounts, as lines."""
    lines = [
        f"{found.known:,} known; of hidden ones {found.accuracy:g} % are told right, "
        f"{found.baseline:g} % by the commonest value"
    ]
    if not found.better:
        lines.append("no better than the commonest value: nothing is told")
    else:
        lines.append(f"probabilities are off by {found.calibration_error:g} on average")
        lines += [f"  {one.value}: {range_of(one.accounts)} accounts" for one in found.shares]
        lines += [
            f"{one.account}  {one.value or 'unknown'}  {one.probability:g}"
            for one in found.accounts
        ]
    return "\n".join(lines + [_unknown(f":{one}") for one in found.unplaced])


def name_of(account: Listed) -> str:
    """Return how an account is called."""
    return account.handle or account.id


def range_of(people: Interval) -> str:
    """Return a number of people with its interval."""
    if people.low == people.high:
        return f"{people.value:,.0f}"
    return f"{people.value:,.0f} ({people.low:,.0f} to {people.high:,.0f})"


def _member(one: Member) -> str:
    alone = one.exclusive_percent
    share = "nobody follows it" if alone is None else f"{alone.value:g} % follow no other"
    cut = "" if one.account.complete else ", list cut short by the network"
    return f"{name_of(one.account)}: {one.account.followers:,} followers, {share}{cut}"


def _unknown(account: str) -> str:
    return f"unknown: the followers of {account.partition(':')[2]}"
