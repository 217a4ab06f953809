"""The registry as one thing: opened once, its stores as attributes, closed once."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from registry.audiences import Audiences
from registry.audit import AuditLog
from registry.campaigns import Campaigns
from registry.clients import Clients
from registry.database import Database
from registry.drafts import collection, tidy
from registry.errors import BadField
from registry.idempotency import Idempotency
from registry.ids import Entropy
from registry.jobs import Jobs
from registry.keys import Keys
from registry.lanes import Lanes
from registry.leases import all_lanes
from registry.limits import Limits
from registry.migrations import upgrade
from registry.models import CampaignDraft, WatchedTarget
from registry.pinning import pin, usable
from registry.plan import Plan, plan, polls_of
from registry.targets import Targets, lane_loads, slots_taken, watched_between
from registry.ticks import Ticks

MIN_PEPPER = 16


class Registry:
    """One SQL database of who may ask, what is watched, and which process does it.

    Made by `open_registry`; close it, or use it as an async context. Safe for many tasks at once.
    """

    def __init__(self, database: Database, *, pepper: str, entropy: Entropy) -> None:
        self._database = database
        self.audit = AuditLog(database, pepper)
        self.clients = Clients(database, self.audit, entropy)
        self.keys = Keys(database, self.audit, entropy, pepper=pepper)
        self.campaigns = Campaigns(database, self.audit, entropy)
        self.targets = Targets(database)
        self.audiences = Audiences(database, self.audit)
        self.lanes = Lanes(database, self.audit)
        self.jobs = Jobs(database)
        self.limits = Limits(database)
        self.idempotency = Idempotency(database)

    async def plan(self, draft: CampaignDraft) -> Plan:
        """Return what the campaign would cost beside all that is watched while it runs."""
        since, until = collection(tidy(draft))
        async with self._database.read() as tx:
            now = await tx.now()
            lanes = await all_lanes(tx)
            ahead = max(now, since)
            wanted = await watched_between(tx, ahead, max(ahead, until - timedelta.resolution))
            used = await slots_taken(tx, now)
        watched = [one for one in wanted if one.kind != "followers"]  # those wait for the polls
        rates = await self.targets.rates()
        # In a thread: beside 100,000 targets it is a second of work, and others wait for answers.
        return await asyncio.to_thread(
            plan, draft, lanes=lanes, watched=watched, rates=rates, slots_used=used
        )

    async def lanes_for(self, targets: Sequence[WatchedTarget]) -> dict[str, str | None]:
        """Return the lane that each target would be pinned to if it came now, by key."""
        async with self._database.read() as tx:
            return pin(targets, await lane_loads(tx, await tx.now()))

    async def spoken_for(self) -> dict[str, float]:
        """Return the polls per hour that campaigns take of each usable lane now."""
        async with self._database.read() as tx:
            now = await tx.now()
            lanes = {lane.id: lane for lane in usable(await all_lanes(tx))}
            watched = await watched_between(tx, now, now, lanes=list(lanes))
        polled = [one for one in watched if one.kind != "followers"]
        polls = polls_of(polled, lanes=lanes, rates=await self.targets.rates())
        taken = dict.fromkeys(lanes, 0.0)
        for target in polled:
            taken[target.lane or ""] += polls[target.key]
        return taken

    async def now(self) -> datetime:
        """Return the instant by the clock the leases run by; proves that the database answers."""
        async with self._database.read() as tx:
            return await tx.now()

    async def close(self) -> None:
        """Close all connections."""
        await self._database.close()

    async def __aenter__(self) -> Self:
        """Return the open registry."""
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()


async def open_registry(
    url: str,
    *,
    pepper: str,
    now: Callable[[], datetime] | None = None,
    entropy: Entropy = secrets.token_bytes,
    ticks: Ticks | None = None,
) -> Registry:
    """Return the registry at `url`, its tables made or brought up to date.

    url: sqlite:///path or postgresql://user@host/database.
    pepper: keys the hashes of API keys and the audit log; losing it ends all keys.
    now: replaces the database's clock everywhere, for tests and simulations.
    entropy: replaces the random source of ids and keys, for runs that repeat themselves.
    ticks: replaces the machine's own seconds, for tests of clocks that are set.
    Raises BadAddress, BadField and Unreachable.
    """
    if len(pepper) < MIN_PEPPER:
        raise BadField("pepper", "***", f"use {MIN_PEPPER} random characters or more")
    database = Database(url, now, ticks=ticks)
    try:
        async with database.write() as tx:
            await tx.lock("migrations")  # replicas that start together migrate once
            await tx.connection.run_sync(upgrade)
    except BaseException:
        await database.close()
        raise
    return Registry(database, pepper=pepper, entropy=entropy)
