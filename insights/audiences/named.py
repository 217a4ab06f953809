"""Accounts with their names, as a report lists them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from insights.audiences.book import Book, Shelf
from lake.contract import Lake, Where
from lake.lines import instant_of
from lake.records import Audience, Profile


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose followers are known, and how well.

    `followers` is how many the list names, `stated` how many the network said there are.
    """

    id: str
    network: str
    handle: str | None
    name: str | None
    followers: int
    stated: int | None
    complete: bool  # whether the list names all, as far as is known
    read_at: datetime | None  # when it was read to its end


async def listed(lake: Lake, places: Sequence[tuple[Shelf, int]]) -> list[Listed]:
    """Return some accounts with what the lake knows of them, in order."""
    ids = [f"{shelf.network}:{shelf.store.names[row]}" for shelf, row in places]
    profiles = await lake.get(Profile, ids)
    found = []
    for account, (shelf, row) in zip(ids, places, strict=True):
        profile, store = profiles.get(account), shelf.store
        read_at = int(store.read_at[row])
        found.append(
            Listed(
                id=account,
                network=shelf.network,
                handle=profile.handle if profile else None,
                name=profile.name if profile else None,
                followers=int(store.sizes[row]),
                stated=profile.counts.followers if profile else None,
                complete=bool(store.complete[row]),
                read_at=instant_of(read_at) if read_at >= 0 else None,
            )
        )
    return found


async def ids_of(lake: Lake, book: Book, network: str, names: Iterable[str]) -> dict[str, str]:
    """Return the lake's id of each account that somebody named: by its id, with or without the
    network in front, or by its handle. One that nobody knows keeps its name as id.
    """
    found: dict[str, str] = {}
    handles: dict[str, str] = {}
    for name in names:
        native = name.removeprefix(f"{network}:")
        found[name] = f"{network}:{native}"
        if not book.rows([found[name]]):
            handles[native.removeprefix("@").lower()] = name
    if not handles:
        return found
    # Lakes compare handles letter by letter; those of readings are in small letters.
    typed = {one.removeprefix(f"{network}:").removeprefix("@") for one in handles.values()}
    named = Where(networks=(network,), handles=tuple(typed | set(handles)))
    async for batch in lake.scan(Profile, named, raw=False):
        found |= {handles[one.handle.lower()]: one.id for one in batch}
    async for read in lake.scan(Audience, Where(networks=(network,))):
        found |= {handles[one.handle]: one.id for one in read if one.handle in handles}
    return found
