"""Lanes: who holds them, which rest, which wait for a person."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry import schema
from registry.audit import AuditLog
from registry.database import Database, Row, Transaction
from registry.errors import BadField, Unknown
from registry.fences import hold
from registry.models import Lane
from registry.sharing import to_ask
from registry.targets import pin_loose
from registry.ticks import Tick

LEASE_SECONDS = 60.0  # renew every 20
PAROLE_SECONDS = 86_400.0
CONFIGURED = (
    *("source", "network", "account", "base_url"),
    *("limit", "window", "slots", "slot_window", "kinds"),
)
_table = schema.lanes


class Leases:
    """Lanes as configured, leased, cooled and quarantined."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    async def upsert(self, lanes: Sequence[Lane]) -> None:
        """Make the lanes as configured; leases, rests and quarantines stay as they are."""
        for lane in lanes:
            _accept(lane)
        if not lanes:
            return
        async with self._database.write() as tx:
            await tx.lock("targets")
            new = tx.insert(_table)
            change = {name: new.excluded[name] for name in CONFIGURED}
            rows = [{name: getattr(lane, name) for name in ("id", *CONFIGURED)} for lane in lanes]
            await tx.run(
                new.on_conflict_do_update(index_elements=["id"], set_=change),
                [row | {"fence": 0} for row in rows],
            )
            await pin_loose(tx)

    async def remove(self, lane_id: str, *, who: str = "system") -> None:
        """Forget a lane and its budget; its targets move. Raises Unknown."""
        async with self._database.write() as tx:
            await tx.lock("targets")
            if not (await tx.run(_table.delete().where(_table.c.id == lane_id))).rowcount:
                raise Unknown("lane", lane_id)
            await pin_loose(tx)
            await self._audit.note(tx, who, "lane.remove", subject=lane_id)

    async def list(self) -> tuple[Lane, ...]:
        """Return all lanes by id."""
        async with self._database.read() as tx:
            return await all_lanes(tx)

    async def claim(
        self,
        owner: str,
        *,
        most: int,
        seconds: float = LEASE_SECONDS,
        only: Collection[str] | None = None,
    ) -> tuple[Lane, ...]:
        """Return up to `most` lanes nobody holds, now the owner's, each with a fence one higher.

        only: ids of the lanes the owner has credentials for. Lanes in quarantine are left out.
        """
        async with self._database.write() as tx:
            now = await tx.now()
            free = _free(now, only, owner=owner, seconds=seconds).order_by(
                _table.c.lease_until.nulls_first(), _table.c.id
            )
            locked = free.limit(most).with_for_update(skip_locked=True, key_share=True)
            ids = [row["id"] for row in await tx.all(locked)]
            taken = _table.update().where(_table.c.id.in_(ids)).values(
                lease_owner=owner,
                lease_until=now + timedelta(seconds=seconds),
                fence=_table.c.fence + 1,
                wanted_by=None,
            )  # fmt: skip
            rows = await tx.all(taken.returning(_table)) if ids else []
        return tuple(sorted((_lane(row, now) for row in rows), key=lambda lane: lane.id))

    async def ask(self, owner: str, *, only: Collection[str] | None = None) -> float | None:
        """Ask for lanes of those who hold more than `owner`, so that a fleet shares them.

        Their holders see it when they renew (`Lane.wanted_by`), and release; `owner` has a lease's
        time to claim them before others may. Returns the seconds until the first lease of another
        ends, None if there is none: a dead holder's lanes are then free.
        """
        async with self._database.read() as tx:
            now = await tx.now()
            rows = await tx.all(sa.select(_table).where(_table.c.lease_until > now))
        leased = [Lane(**row) for row in rows if only is None or row["id"] in only]
        if asked := to_ask(leased, owner):
            await self._want(asked, owner)
        ends = [lane.lease_until for lane in leased if lane.lease_owner != owner]
        return min(((end - now).total_seconds() for end in ends if end is not None), default=None)

    async def _want(self, lane_ids: Collection[str], owner: str) -> None:
        async with self._database.write() as tx:
            others = _table.c.id.in_(lane_ids), _table.c.lease_owner.is_not(None)
            change = _table.update().where(*others, _table.c.wanted_by.is_(None))
            await tx.run(change.values(wanted_by=owner))

    async def renew(self, lane_id: str, fence: int, *, seconds: float = LEASE_SECONDS) -> Lane:
        """Return the lane as it is now, held for `seconds` more. Raises Fenced: stop at once."""
        async with self._database.write() as tx:
            row = await hold(tx, lane_id, fence)
            now = await tx.now()
            await _forget(tx, row, now)
            await _set(tx, lane_id, lease_until=now + timedelta(seconds=seconds))
            return _lane(await _any(tx, lane_id), now)

    async def release(self, lane_id: str, fence: int) -> None:
        """Give a lane back, so that another may claim it at once: who asked for it, if somebody
        did. Raises Fenced.
        """
        async with self._database.write() as tx:
            row = await hold(tx, lane_id, fence)
            ended = None if row["wanted_by"] is None else await tx.now()
            await _set(tx, lane_id, lease_owner=None, lease_until=ended)

    async def cool(self, lane_id: str, fence: int, *, seconds: float) -> Lane:
        """Return the lane, at rest for `seconds` at least; a longer rest stays. Raises Fenced."""
        async with self._database.write() as tx:
            row = await hold(tx, lane_id, fence)
            until = await tx.now() + timedelta(seconds=seconds)
            return await _set(tx, lane_id, cool_until=max(until, row["cool_until"] or until))

    async def cool_source(self, source: str, *, seconds: float) -> None:
        """Let all lanes of a source rest: the network throttles the whole app, not one account."""
        async with self._database.write() as tx:
            until = await tx.now() + timedelta(seconds=seconds)
            shorter = sa.or_(_table.c.cool_until.is_(None), _table.c.cool_until < until)
            change = _table.update().where(_table.c.source == source, shorter)
            await tx.run(change.values(cool_until=until))

    async def quarantine(
        self, lane_id: str, reason: str, *, fence: int | None = None, who: str = "system"
    ) -> Lane:
        """Return the lane, out of use until a person or the timer frees it; its targets move.

        fence: of the holder, which gives the lane up so. Without one an operator takes it away: the
        holder's next write is Fenced. Raises Fenced, Unknown.
        """
        async with self._database.write() as tx:
            await tx.lock("targets")
            row = await hold(tx, lane_id, fence) if fence is not None else await _any(tx, lane_id)
            lane = await _set(
                tx,
                lane_id,
                quarantined_at=await tx.now(),
                quarantine_reason=reason,
                fence=row["fence"] + (fence is None),
                lease_owner=None,
                lease_until=None,
                wanted_by=None,
            )
            await pin_loose(tx)
            await self._audit.note(tx, who, "lane.quarantine", subject=lane_id)
        return lane

    async def unquarantine(self, lane_id: str, *, who: str = "system") -> Lane:
        """Return the lane, free to be claimed again. Raises Unknown."""
        async with self._database.write() as tx:
            await tx.lock("targets")
            await _any(tx, lane_id)
            lane = await _set(tx, lane_id, quarantined_at=None, quarantine_reason=None)
            await pin_loose(tx)
            await self._audit.note(tx, who, "lane.unquarantine", subject=lane_id)
        return lane

    async def parole(self, *, seconds: float = PAROLE_SECONDS) -> tuple[str, ...]:
        """Free the lanes that were quarantined `seconds` ago or earlier; return their ids."""
        async with self._database.write() as tx:
            await tx.lock("targets")
            served = _table.c.quarantined_at <= await tx.now() - timedelta(seconds=seconds)
            change = _table.update().where(served)
            free = change.values(quarantined_at=None, quarantine_reason=None)
            freed = sorted(row["id"] for row in await tx.all(free.returning(_table.c.id)))
            await pin_loose(tx)
            for lane_id in freed:
                await self._audit.note(tx, "timer", "lane.unquarantine", subject=lane_id)
        return tuple(freed)


async def all_lanes(tx: Transaction) -> tuple[Lane, ...]:
    """Return all lanes by id."""
    return tuple(Lane(**row) for row in await tx.all(sa.select(_table).order_by(_table.c.id)))


def _lane(row: Row, now: datetime) -> Lane:
    """Return a lane with what is left of its rest."""
    cool = row["cool_until"]
    return Lane(**row, rest=0.0 if cool is None else max(0.0, (cool - now).total_seconds()))


def _free(
    now: datetime, only: Collection[str] | None, *, owner: str, seconds: float
) -> sa.Select[Any]:
    """Choose the lanes that `owner` may claim: what another asked for waits a lease for him."""
    unheld = sa.or_(_table.c.lease_until.is_(None), _table.c.lease_until <= now)
    late = _table.c.lease_until <= now - timedelta(seconds=seconds)
    unasked = sa.or_(_table.c.wanted_by.is_(None), _table.c.wanted_by == owner, late)
    chosen = sa.select(_table.c.id).where(unheld, unasked, _table.c.quarantined_at.is_(None))
    return chosen if only is None else chosen.where(_table.c.id.in_(only))


async def _any(tx: Transaction, lane_id: str) -> Any:
    mine = sa.select(_table).where(_table.c.id == lane_id)
    row = await tx.first(mine.with_for_update(key_share=True))
    if row is None:
        raise Unknown("lane", lane_id)
    return row


async def _set(tx: Transaction, lane_id: str, **values: Any) -> Lane:
    change = _table.update().where(_table.c.id == lane_id).values(values).returning(_table)
    row = await tx.first(change)
    assert row is not None  # noqa: S101 # the caller holds its lock
    return Lane(**row)


async def _forget(tx: Transaction, lane: Row, now: datetime) -> None:
    """Delete what no window can reach any more; twice the window leaves room for any padding."""
    spending = schema.spending
    old = long_ago(now, tx.tick(), seconds=2 * lane["window"])
    await tx.run(spending.delete().where(spending.c.lane_id == lane["id"], old))


def long_ago(now: datetime, tick: Tick | None, *, seconds: float) -> sa.ColumnElement[bool]:
    """Choose spending of more than `seconds` ago; the wall clock may have been set since."""
    by = schema.spending.c
    by_wall = by.at <= now - timedelta(seconds=seconds)
    if tick is None:
        return by_wall
    same = sa.and_(by.boot.is_not(None), by.boot == tick.boot)
    return sa.case((same, by.tick <= tick.seconds - seconds), else_=by_wall)


def _accept(lane: Lane) -> None:
    if lane.limit < 1:
        raise BadField(f"{lane.id}.limit", lane.limit, "use 1 request or more")
    if lane.window <= 0:
        raise BadField(f"{lane.id}.window", lane.window, "use a number of seconds above 0")
    if (lane.slots is None) != (lane.slot_window is None):
        raise BadField(f"{lane.id}.slots", lane.slots, "set slots and slot_window, or neither")
