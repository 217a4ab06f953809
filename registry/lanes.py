"""What a lane may spend, written ahead: requests in a sliding window, hashtags in seven days."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from registry import schema
from registry.database import Row, Transaction
from registry.errors import BadField, NoSlot
from registry.fences import hold
from registry.leases import Leases, long_ago
from registry.models import Spent
from registry.targets import slots_taken
from registry.ticks import Tick

CHUNK_SECONDS = 60.0  # how long reserved grants may be used
SLOT_PAD_SECONDS = 60.0  # how late a request we stamped may be stamped by the network
# Above any fence a lost registry can have given out, so a holder from before cannot write.
FENCES_AFTER_LOSS = 1_000_000
_spending, _slots = schema.spending, schema.slots


class Lanes(Leases):
    """Leases of lanes, and the budgets inside them.

    A holder claims, reads `spent`, reserves in chunks, spends each chunk within its seconds, renews
    in time, releases. What it wrote ahead and did not use is lost: crashes waste, never overspend.
    """

    async def reserve(
        self, lane_id: str, fence: int, grants: int, *, seconds: float = CHUNK_SECONDS
    ) -> Spent:
        """Write `grants` requests ahead and return them; they are void after `seconds`.

        How many fit is the holder's to know, from its exact log and, at takeover, from `spent`.
        Raises Fenced: then none may be used.
        """
        if grants < 1 or seconds < 0:
            raise BadField("grants", grants, "reserve 1 or more, for 0 seconds or more")
        async with self._database.write() as tx:
            await hold(tx, lane_id, fence)
            at = await tx.now() + timedelta(seconds=seconds)
            chunk = {"lane_id": lane_id, "fence": fence, "at": at, "grants": grants}
            if (tick := tx.tick()) is not None:
                chunk |= {"boot": tick.boot, "tick": tick.seconds + seconds}
            await tx.run(_spending.insert().values(chunk))
        return Spent(at=at, age=-seconds, grants=grants)

    async def spent(self, lane_id: str, window: float) -> tuple[Spent, ...]:
        """Return what may have been spent in the last `window` seconds, or still may be."""
        async with self._database.read() as tx:
            now, tick = await tx.now(), tx.tick()
            chosen = sa.select(_spending).where(
                _spending.c.lane_id == lane_id, ~long_ago(now, tick, seconds=window)
            )
            rows = await tx.all(chosen.order_by(_spending.c.at, _spending.c.id))
        return tuple(
            Spent(at=row["at"], age=_age(row, now, tick), grants=row["grants"]) for row in rows
        )

    async def distrust(self, *, who: str = "system") -> None:
        """After a loss or restore of the registry: all lanes start spent and unheld.

        What was spent since the backup is unknown, so each lane waits one window.
        """
        async with self._database.write() as tx:
            now = await tx.now()
            lanes = schema.lanes
            fence = lanes.c.fence + FENCES_AFTER_LOSS
            unheld = {"lease_owner": None, "lease_until": None, "wanted_by": None}
            await tx.run(lanes.update().values(fence=fence, **unheld))
            full = sa.select(
                lanes.c.id, lanes.c.fence, sa.literal(now, schema.Instant), lanes.c.limit
            )
            await tx.run(_spending.insert().from_select(["lane_id", "fence", "at", "grants"], full))
            await self._audit.note(tx, who, "lanes.distrust", subject="*")

    async def use_slot(
        self, lane_id: str, fence: int, tag: str, *, pad: float = SLOT_PAD_SECONDS
    ) -> float:
        """Take a hashtag slot before the tag is asked for, or keep the one it has.

        Returns the seconds for which the tag may be asked for without calling again: a holder keeps
        that in memory, for as long as its lease.
        pad: seconds the network's stamp may lag ours. A slot ends for us `pad` later than for the
        network, and serves its own tag until `pad` before: in between the tag rests, because nobody
        could tell whether a request would start a new slot.
        Raises NoSlot with the seconds to wait, or Fenced.
        """
        async with self._database.write() as tx:
            lane = await hold(tx, lane_id, fence)
            if lane["slots"] is None:
                return math.inf
            now = await tx.now()
            kept = await _kept_slots(tx, lane, now, pad)
            if tag in kept:
                return _left(lane, tag, (now - kept[tag]).total_seconds(), pad=pad)
            if len(kept) >= lane["slots"]:
                raise NoSlot(lane_id, tag, _wait(lane, kept, now, pad))
            await tx.run(_slots.insert().values(lane_id=lane_id, tag=tag, first_used_at=now))
            return _left(lane, tag, 0.0, pad=pad)

    async def slots_used(self) -> dict[str, set[str]]:
        """Return the tags that hold a slot now, by lane."""
        async with self._database.read() as tx:
            return await slots_taken(tx, await tx.now())


def _age(row: Row, now: datetime, tick: Tick | None) -> float:
    """Return the seconds since spending, by the machine's own clock if that has run since then."""
    if tick is not None and row["boot"] == tick.boot:
        return float(tick.seconds - row["tick"])
    return float((now - row["at"]).total_seconds())


async def _kept_slots(tx: Transaction, lane: Row, now: datetime, pad: float) -> dict[str, datetime]:
    """Return the slots that may still count, tag to first use; the others are deleted."""
    mine = _slots.c.lane_id == lane["id"]
    ended = _slots.c.first_used_at <= now - timedelta(seconds=lane["slot_window"] + pad)
    await tx.run(_slots.delete().where(mine, ended))
    rows = await tx.all(sa.select(_slots).where(mine))
    return {row["tag"]: row["first_used_at"] for row in rows}


def _left(lane: Row, tag: str, age: float, *, pad: float) -> float:
    """Return how long a slot of `age` seconds still surely serves its tag. Raises NoSlot."""
    window: float = lane["slot_window"]
    if age >= window - pad:
        raise NoSlot(lane["id"], tag, window + pad - age)
    return window - pad - age


def _wait(lane: Row, kept: Mapping[str, datetime], now: datetime, pad: float) -> float:
    oldest = min(kept.values())
    return lane["slot_window"] + pad - (now - oldest).total_seconds()  # type: ignore[no-any-return] # a number
