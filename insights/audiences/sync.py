"""From the lake's follows to the stores of audiences: what the ingestors read becomes searchable.

Runs as an insight. A list that was read to its end and is whole replaces what was known of the
account, so who has left goes; one that the network cut short only adds. A list that is being read,
or is hidden, changes nothing. For the same lake the stores become the same, so a run that is cut
short, or runs twice, does no harm.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import structlog

from insights.audiences.book import Book
from insights.audiences.communities import community_records
from insights.errors import Damaged
from lake.contract import Lake, Where
from lake.lines import milliseconds
from lake.records import Audience, Follow, Record
from registry.models import Campaign
from signatures import Writer
from signatures.arrays import I64, Bools
from signatures.edges.changes import Changes
from signatures.errors import BadStore, StoreBusy
from signatures.hashing import id_of

log = structlog.get_logger()

AT_ONCE = 5_000_000  # followers in one change of a store
ARRIVED = 0.98  # of the followers a reading listed; who follows anew meanwhile is listed twice
LATEST = timedelta(hours=1)  # that edges may be on their way
SEGMENTS = 8  # a store of more is compacted


class AudienceSync:
    """Keeps the stores below a folder up to date with the lake."""

    name = "audiences"

    def __init__(self, folder: Path, *, every: float) -> None:
        self.every = every
        self._folder = folder
        self._book = Book(folder)

    async def run(self, lake: Lake, campaigns: Sequence[Campaign], now: datetime) -> list[Record]:
        """Bring the stores up to date; return the communities of networks that changed."""
        found: list[Record] = []
        for network, audiences in sorted((await self._due(lake)).items()):
            try:
                await self._take(lake, network, audiences, now)
                found += await community_records(lake, self._book, network, now=now)
            except StoreBusy as busy:  # somebody imports: next time
                log.warning("audiences wait", network=network, reason=str(busy))
            except (BadStore, Damaged, OSError) as exc:  # one network must not hold up the others
                log.error("audiences not taken", network=network, reason=str(exc))
            else:
                log.info("audiences taken", network=network, accounts=len(audiences))
        return found

    async def _due(self, lake: Lake) -> dict[str, list[Audience]]:
        """Return the audiences that were read since they were taken, by network."""
        due: dict[str, list[Audience]] = {}
        damaged: set[str] = set()
        async for batch in lake.scan(Audience, Where(time="observed_at")):
            for one in batch:
                if one.ended_at is None or not one.seen or one.network in damaged:
                    continue
                try:
                    if not self._taken(one):
                        due.setdefault(one.network, []).append(one)
                except Damaged:  # the log names the file
                    damaged.add(one.network)
        return due

    def _taken(self, audience: Audience) -> bool:
        """Return whether this reading of a list is in its store. Raises Damaged."""
        place = self._book.rows([audience.id]).get(audience.id)
        if place is None or audience.ended_at is None:
            return False
        shelf, row = place
        return int(shelf.store.read_at[row]) >= milliseconds(audience.ended_at)

    async def _take(
        self, lake: Lake, network: str, audiences: Sequence[Audience], now: datetime
    ) -> None:
        """Put some audiences into their store, and sign it."""
        with Writer(self._folder / network) as writer:
            for part in _parts(audiences):
                for whole in (True, False):
                    chosen = [one for one in part if one.complete is whole]
                    await self._write(lake, writer, chosen, now)
            await asyncio.to_thread(writer.sign)
            if writer.segments > SEGMENTS:
                await asyncio.to_thread(writer.compact)

    async def _write(
        self, lake: Lake, writer: Writer, audiences: Sequence[Audience], now: datetime
    ) -> None:
        """Write lists that are all whole, or all cut short."""
        with writer.changes() as changes:
            taken = [one for one in audiences if await _gather(lake, changes, one, now)]
            if not taken:
                return
            read_at, complete = _states(changes, taken)
            whole = taken[0].complete
            await asyncio.to_thread(
                writer.apply,
                changes,
                "replace" if whole else "add",
                read_at=read_at,
                complete=complete,
            )


async def _gather(lake: Lake, changes: Changes, audience: Audience, now: datetime) -> bool:
    """Add the followers of one account that its last reading met; return whether they are there.

    The last page's edges may reach the lake after the record that tells the list's end: a list of
    far fewer than were seen waits for the next run, but not for ever: some may have been erased.
    """
    name, found = _native(audience.id), [np.zeros(0, dtype=np.uint64)]
    since = audience.whole_from if audience.complete else audience.started_at
    where = Where(accounts=(audience.account_id,), time="observed_at", since=since)
    async for batch in lake.scan(Follow, where, raw=False):
        ids = [id_of(_native(one.follower_id)) for one in batch]
        found.append(np.array(ids, dtype=np.uint64))
    followers = np.concatenate(found)
    late = audience.ended_at is not None and now - audience.ended_at > LATEST
    if len(followers) < ARRIVED * audience.seen and not late:
        log.info(
            "followers are on their way",
            account=audience.id,
            seen=audience.seen,
            there=len(followers),
        )
        return False
    key, named = np.array([id_of(name)], dtype=np.uint64), np.array([name], dtype=object)
    changes.add_accounts(key, named)
    changes.add(np.repeat(key, len(followers)), followers, lambda places: named[places * 0])
    return True


def _states(changes: Changes, audiences: Sequence[Audience]) -> tuple[I64, Bools]:
    """Return when each list was read and whether it is complete, in the order of the keys."""
    by_key = {id_of(_native(one.id)): one for one in audiences}
    ordered = [by_key[key] for key in changes.keys.tolist()]
    read_at = [milliseconds(one.ended_at) for one in ordered if one.ended_at is not None]
    return np.array(read_at, dtype=np.int64), np.array([one.complete for one in ordered])


def _parts(audiences: Sequence[Audience]) -> list[list[Audience]]:
    """Return the audiences in parts that are not too large for one change."""
    parts: list[list[Audience]] = []
    held = AT_ONCE
    for one in audiences:
        if held + one.seen > AT_ONCE:
            parts.append([])
            held = 0
        parts[-1].append(one)
        held += one.seen
    return parts


def _native(account_id: str) -> str:
    return account_id.partition(":")[2]
