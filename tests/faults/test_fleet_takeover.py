"""Case 30: an ingestor dies with 1,000 targets. Case 31: one is frozen longer than its lease."""

import asyncio
import os
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from faults.figures import record
from faults.fleet import PEPPER, Fleet, Held, Setup, Watcher, milliseconds
from faults.forms import form
from faults.judge import Asked
from registry import open_registry

LEASE = form(4.0, 12.0)
SETUP = Setup(lanes=4, limit=20, window=10.0, lease=LEASE, tags=form(400, 2200))


async def test_a_dead_processs_lanes_are_retaken_in_time_and_by_one(tmp_path: Path) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, f"sqlite:///{tmp_path}/registry.db", SETUP, stack)
        await fleet.prepare()
        async with (
            await open_registry(fleet.registry_url, pepper=PEPPER) as registry,
            Watcher(registry) as watcher,
        ):
            fleet.start("first")
            fleet.start("second")
            await watcher.shared({fleet.owner("first"), fleet.owner("second")}, least=2)
            await asyncio.sleep(form(3.0, 30.0))
            held = [one for one, who in watcher.owned().items() if who == fleet.owner("first")]
            targets = await registry.targets.watched(
                await registry.now(), lanes=[f"mastodon/{one}" for one in held]
            )
            dead = fleet.kill("first")
            killed_at = fleet.kills[-1][0]
            await watcher.shared({fleet.owner("second")}, least=SETUP.lanes)
            asked = await _heard(fleet, held, killed_at)
    delays = [_next(watcher.held[one], dead).at - killed_at for one in held]
    pauses = [_pause(asked, one, killed_at) for one in held]
    record(
        30, f"killed with {len(targets)} targets, lease {LEASE:g} s",
        retaken_after_most=round(max(delays) / 1000, 1), lease=LEASE,
        silent_most=round(max(pauses), 1), held_by_two=_overlaps(watcher.held),
        double_fetches=_doubles(asked, held, killed_at),
    )  # fmt: skip
    assert len(targets) >= 0.45 * SETUP.tags
    assert max(delays) / 1000 <= LEASE + 5.0
    assert _overlaps(watcher.held) == 0
    assert max(pauses) <= LEASE + 5.0 + 2 * SETUP.window  # the budget that was spent comes back


async def _heard(fleet: Fleet, accounts: list[str], since: int) -> Asked:
    """Return what the provider saw, once it has heard of all accounts since an instant."""
    async with asyncio.timeout(60.0):
        while True:
            asked = fleet.asked()
            if all(max(asked.at[f"token-of-{one}"]) > since for one in accounts):
                return asked
            await asyncio.sleep(0.2)


def _next(changes: list[Held], owner: str) -> Held:
    """Return the change by which another got what `owner` had."""
    place = max(number for number, one in enumerate(changes) if one.owner == owner)
    return changes[place + 1]


def _overlaps(held: dict[str, list[Held]]) -> int:
    """Return how often a lane changed hands without a new fence, or without one step of it."""
    return sum(
        after.fence not in (before.fence, before.fence + 1)
        or (after.fence == before.fence and after.owner not in (before.owner, None))
        for changes in held.values()
        for before, after in pairwise(changes)
    )


def _pause(asked: Asked, account: str, since: int) -> float:
    """Return the seconds from `since` until an account was heard of again."""
    return (min(at for at in asked.at[f"token-of-{account}"] if at > since) - since) / 1000


def _doubles(asked: Asked, held: list[str], killed_at: int) -> int:
    """Return how many tags the successor asked for within a minute after the dead one had."""
    doubles = 0
    for account in held:
        stamps, tags = asked.at[f"token-of-{account}"], asked.tags[f"token-of-{account}"]
        lately = {tag for at, tag in zip(stamps, tags, strict=True) if 0 <= killed_at - at < 60_000}
        again = {tag for at, tag in zip(stamps, tags, strict=True) if 0 < at - killed_at < 60_000}
        doubles += len(lately & again)
    return doubles


async def test_a_frozen_process_spends_nothing_after_its_lease_and_learns_what_it_lost(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, f"sqlite:///{tmp_path}/registry.db", SETUP, stack)
        await fleet.prepare()
        async with (
            await open_registry(fleet.registry_url, pepper=PEPPER) as registry,
            Watcher(registry) as watcher,
        ):
            fleet.start("zombie")
            fleet.start("other")
            zombie = fleet.owner("zombie")
            await watcher.shared({zombie, fleet.owner("other")}, least=2)
            await asyncio.sleep(3.0)
            held = [one for one, who in watcher.owned().items() if who == zombie]
            fleet.freeze("zombie")
            frozen_at = milliseconds()
            await watcher.shared({fleet.owner("other")}, least=SETUP.lanes)
            await asyncio.sleep(max(1.0, 1.5 * LEASE - (milliseconds() - frozen_at) / 1000))
            ports = _ports(fleet.processes["zombie"].pid)
            fleet.thaw("zombie")
            thawed_at = milliseconds()
            for _ in range(40):
                await asyncio.sleep(0.05)
                ports |= _ports(fleet.processes["zombie"].pid)
            asked = fleet.asked()
            codes = fleet.stop(["zombie", "other"])
        lost = [one for one in fleet.said("zombie") if one["event"] == "lane lost"]
    late = [
        at
        for account in held
        for at, port in zip(
            asked.at[f"token-of-{account}"], asked.ports[f"token-of-{account}"], strict=True
        )
        if port in ports and at > frozen_at + 1000  # what was on its way had come by then
    ]
    record(
        31, f"frozen for {(thawed_at - frozen_at) / 1000:.0f} s, lease {LEASE:g} s",
        requests_of_the_frozen=len(late), lanes_lost_and_told=len(lost), lanes_held=len(held),
        held_by_two=_overlaps(watcher.held),
    )  # fmt: skip
    assert late == []
    assert len(lost) == len(held)
    assert set(codes.values()) == {0}


def _ports(pid: int) -> set[int]:
    """Return the local ports of a process's TCP connections."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = os.readlink(entry)
        except OSError:
            continue  # closed meanwhile
        if name.startswith("socket:["):
            inodes.add(name[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[9] in inodes}


pytestmark = pytest.mark.timeout(form(180, 600))
