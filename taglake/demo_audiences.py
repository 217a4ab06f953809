"""The demo's last act: the campaign is over, and the followers of who spoke about it are read.

After the campaign, not beside it: what its report says must not hang on what else is collected. The
lists are read as any operator's are, in what budget is to spare; the brands' own are so long that
some minutes are not enough, and they say so.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import islice

import msgspec
import numpy as np

from ingestor.clock import SteppedClock
from lake.contract import Lake, Where
from lake.records import Audience
from registry import Registry
from simnet.interests import GROUPS
from simnet.people import INSTANCES
from simnet.world import World, milliseconds
from taglake.settings import AccountSettings, Settings

MINUTES = timedelta(seconds=910)  # two windows of Mastodon's budget, the second just begun
# (requests, seconds) of each account, of which two thirds may go to followers: enough for all the
# publishers' lists and a beginning of the brands'. Each request costs the demo some milliseconds.
BUDGETS = {"mastodon": (300, 300.0), "bluesky": (1_800, 86_400.0)}
A_GROUP = {"mastodon": 4, "bluesky": 7}  # publishers whose audiences are read, of each group
SMALLEST, LARGEST = 300, 2_000  # followers: enough to share some, few enough to read in seconds


def with_budgets(settings: Settings) -> Settings:
    """Return the settings with budgets for followers."""
    accounts = tuple(_richer(account) for account in settings.accounts)
    return settings.model_copy(update={"accounts": accounts})


def _richer(account: AccountSettings) -> AccountSettings:
    limit, window = BUDGETS.get(account.source, (account.limit, account.window))
    return account.model_copy(update={"limit": limit, "window": window})


async def want(registry: Registry, world: World, clock: SteppedClock) -> int:
    """Register the audiences of the brands and of publishers of every group; return how many."""
    chosen = list(choice(world, milliseconds(clock.now())))
    for network, handle in chosen:
        await registry.audiences.add(network, handle, who="demo")
    return len(chosen)


def choice(world: World, now: int) -> Iterator[tuple[str, str]]:
    """Yield networks and handles: the brands' own accounts, and those who spoke most about them,
    as many of each group; beside them one who hides his list, and one of another server.
    """
    for network, count in A_GROUP.items():
        for brand in range(len(world.brands)):
            yield network, _handle(world, network, brand)
        for group in range(len(GROUPS)):
            for person in islice(_publishers(world, network, now, group=group), count):
                yield network, _handle(world, network, person)
    for home, hides in ((0, True), (1, False)):
        for person in islice(_publishers(world, "mastodon", now, home=home, hides=hides), 1):
            yield "mastodon", _handle(world, "mastodon", person)


def _publishers(
    world: World,
    network: str,
    now: int,
    *,
    group: int | None = None,
    home: int = 0,
    hides: bool = False,
) -> Iterator[int]:
    """Yield people who wrote about the brands, most posts first, with middling audiences."""
    people = world.people
    posts = np.bincount(world.networks[network].columns.person, minlength=people.count)
    size = people.followers(network, np.arange(people.count), now)
    fit = (posts > 0) & (size >= SMALLEST) & (size <= LARGEST) & ~people.is_brand
    if group is not None:
        fit &= people.group == group
    if network == "mastodon":  # elsewhere nobody has a server of his own, or can hide
        fit &= people.home == home
        fit &= np.array([people.hides(person) == hides for person in range(people.count)])
    found = np.flatnonzero(fit)
    yield from found[np.argsort(-posts[found], kind="stable")].tolist()


def _handle(world: World, network: str, person: int) -> str:
    people = world.people
    if network == "bluesky":
        return people.bluesky_handle(person)
    return f"{people.handles[person]}@{INSTANCES[people.home[person]]}"


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """What was read in those minutes."""

    audiences: int
    whole: int
    followers: int  # listed, those of two accounts twice
    reading: tuple[str, ...]  # handles of lists that go on


async def result(lake: Lake) -> Read:
    """Return what was read, as the lake has it."""
    found = [one async for batch in lake.scan(Audience, Where()) for one in batch]
    return Read(
        audiences=len(found),
        whole=sum(one.complete for one in found),
        followers=sum(one.seen for one in found),
        reading=tuple(sorted(one.handle for one in found if one.ended_at is None)),
    )


def told(read: Read) -> str:
    """Return one line on what was read."""
    return (
        f"followers of {read.audiences} accounts: {read.followers:,} listed, {read.whole} lists "
        f"whole, {len(read.reading)} not yet at their end"
    )
