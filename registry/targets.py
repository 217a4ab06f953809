"""The targets: what active campaigns and audiences want, through which lane, and how far that
came.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry import schema
from registry.database import Database, Transaction
from registry.drafts import collection, wanted
from registry.fences import hold
from registry.models import Campaign, Lane, Progress, WatchedTarget
from registry.pinning import Load, pin, usable

IDENTITY = ("key", "network", "kind", "name", "host")  # what makes a target
_targets, _watches, _audiences = schema.targets, schema.watches, schema.audiences


class Targets:
    """Says what to watch and keeps the progress of polling; campaigns and lanes change the set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def watched(
        self, now: datetime, *, lanes: Collection[str] | None = None
    ) -> list[WatchedTarget]:
        """Return what campaigns and audiences want watched at `now`, by key; only of `lanes`, if
        given.
        """
        async with self._database.read() as tx:
            return await watched_between(tx, now, now, lanes=lanes)

    async def progress(self, lane_id: str, fence: int, batch: Sequence[Progress]) -> None:
        """Write how far the polling of some targets has come, about a hundred at a time.

        Targets that are pinned elsewhere by now are left to their new lane's holder.
        Raises Fenced, and writes nothing, if the lane has a new holder.
        """
        if not batch:
            return
        rows = [
            {
                "b_key": one.target,
                "cursor": one.cursor,
                "polled_at": one.polled_at,
                "rate": one.rate,
            }
            for one in sorted(batch, key=lambda one: one.target)  # one order: no deadlocks
        ]
        mine = (_targets.c.key == sa.bindparam("b_key")) & (_targets.c.lane_id == lane_id)
        names = ("cursor", "polled_at", "rate")
        change = _targets.update().where(mine).values({name: sa.bindparam(name) for name in names})
        async with self._database.write() as tx:
            # Beside other batches, never beside a change of the set, which takes rows as they come.
            await tx.lock("targets", shared=True)
            await hold(tx, lane_id, fence)
            await tx.run(change, rows)

    async def progress_of(self, lanes: Collection[str]) -> dict[str, Progress]:
        """Return how far the targets of some lanes are, by key: where a new holder starts."""
        columns = (_targets.c[name] for name in ("key", "cursor", "polled_at", "rate"))
        chosen = sa.select(*columns).where(_targets.c.lane_id.in_(lanes))
        async with self._database.read() as tx:
            return {
                key: Progress(target=key, cursor=cursor, polled_at=polled_at, rate=rate)
                async for key, cursor, polled_at, rate in tx.each(chosen)
            }

    async def rates(self) -> dict[str, float]:
        """Return the new posts per hour that were observed, by key; the unknown are absent."""
        chosen = sa.select(_targets.c.key, _targets.c.rate).where(_targets.c.rate.is_not(None))
        async with self._database.read() as tx:
            return {key: rate async for key, rate in tx.each(chosen)}


async def watched_between(
    tx: Transaction, since: datetime, until: datetime, *, lanes: Collection[str] | None = None
) -> list[WatchedTarget]:
    """Return the targets that campaigns and audiences want at some instant of [since, until]."""
    wanting = _wanting(since, until)
    terms = [wanting.c[name] for name in ("priority", "tenant", "until")]
    chosen = _pinned(*terms).join(wanting, wanting.c.target == _targets.c.key)
    chosen = chosen.where(wanting.c.place == 1).order_by(_targets.c.key)
    followed = _pinned(_audiences.c.every_days)
    followed = followed.join(_audiences, _audiences.c.target == _targets.c.key)
    followed = followed.where(_audiences.c.added_at <= until).order_by(_targets.c.key)
    if lanes is not None:
        chosen = chosen.where(_targets.c.lane_id.in_(lanes))
        followed = followed.where(_targets.c.lane_id.in_(lanes))
    found = [
        WatchedTarget(**_identity(row), priority=row[6], tenant=row[7], until=row[8])
        async for row in tx.each(chosen)
    ]
    found += [WatchedTarget(**_identity(row), every_days=row[6]) async for row in tx.each(followed)]
    return sorted(found, key=lambda target: target.key)


def _pinned(*terms: sa.ColumnElement[Any]) -> sa.Select[Any]:
    """Choose what makes a target, its lane, and some columns more."""
    identity = (_targets.c[name] for name in IDENTITY)
    return sa.select(*identity, _targets.c.lane_id, *terms)


def _identity(row: Sequence[Any]) -> dict[str, Any]:
    return dict(zip((*IDENTITY, "lane"), row[:6], strict=True))


def _wanting(since: datetime, until: datetime) -> sa.Subquery:
    """Return who wants each target at some instant, the campaign that wants it most in place 1;
    the oldest of equals.
    """
    campaigns = schema.campaigns
    most = (_watches.c.priority.desc(), _watches.c.campaign_id)
    last = sa.func.max(_watches.c.until, type_=schema.Instant)
    return (
        sa.select(
            _watches.c.target,
            _watches.c.priority,
            campaigns.c.client_id.label("tenant"),
            last.over(partition_by=_watches.c.target).label("until"),
            sa.func.row_number().over(partition_by=_watches.c.target, order_by=most).label("place"),
        )
        .join(campaigns, campaigns.c.id == _watches.c.campaign_id)
        .where(_watches.c.since <= until, _watches.c.until > since)
        .subquery()
    )


async def watch(tx: Transaction, campaign: Campaign) -> None:
    """Make the campaign's targets follow it: its own while it is active, none else. Then pin."""
    await tx.lock("targets")  # two campaigns must not pin to one last slot
    targets = wanted(campaign) if campaign.status == "active" else ()
    if targets:
        await _loosen(tx, [target.key for target in targets])
    await tx.run(_watches.delete().where(_watches.c.campaign_id == campaign.id))
    if targets:
        await _add(tx, campaign, targets)
        await pin_loose(tx)


async def _loosen(tx: Transaction, keys: Collection[str]) -> None:
    """Take their old lane from targets nobody wanted lately: its slots may be others' by now."""
    mine = _targets.c.key == sa.bindparam("b_key")
    wanted_later = _wanted_later(await tx.now()).where(_watches.c.target == _targets.c.key)
    loose = _targets.update().where(mine, ~wanted_later.exists()).values(lane_id=None)
    await tx.run(loose, [{"b_key": key} for key in keys])


async def _add(tx: Transaction, campaign: Campaign, targets: Sequence[WatchedTarget]) -> None:
    since, until = collection(campaign)
    rows = [{name: getattr(target, name) for name in IDENTITY} for target in targets]
    await tx.run(tx.insert(_targets).on_conflict_do_nothing(), rows)
    terms = {"campaign_id": campaign.id, "since": since, "until": until}
    terms["priority"] = campaign.priority
    await tx.run(_watches.insert(), [terms | {"target": target.key} for target in targets])


async def pin_loose(tx: Transaction) -> None:
    """Pin every wanted target that has no usable lane. The caller holds the lock "targets"."""
    now = await tx.now()
    loose = await _loose(tx, now)
    if not loose:
        return
    pinned = pin(loose, await lane_loads(tx, now))
    mine = _targets.c.key == sa.bindparam("b_key")
    change = _targets.update().where(mine).values(lane_id=sa.bindparam("b_lane"))
    rows = [{"b_key": key, "b_lane": lane} for key, lane in sorted(pinned.items())]
    await tx.run(change, rows)


async def _loose(tx: Transaction, now: datetime) -> list[WatchedTarget]:
    lanes = schema.lanes
    chosen = (
        sa.select(*(_targets.c[name] for name in IDENTITY))
        .outerjoin(lanes, lanes.c.id == _targets.c.lane_id)
        .where(sa.or_(lanes.c.id.is_(None), lanes.c.quarantined_at.is_not(None)))
        .where(_targets.c.key.in_(sa.union(_wanted_later(now), sa.select(_audiences.c.target))))
    )
    return [WatchedTarget(**row) for row in await tx.all(chosen)]


async def lane_loads(tx: Transaction, now: datetime) -> dict[str, Load]:
    """Return what the usable lanes carry: counts for all, names only where tags are counted."""
    lanes = usable([Lane(**row) for row in await tx.all(sa.select(schema.lanes))])
    counted = sa.select(_targets.c.lane_id, sa.func.count().label("targets"))
    chosen = counted.where(_targets.c.key.in_(_wanted_later(now))).group_by(_targets.c.lane_id)
    targets = {row["lane_id"]: row["targets"] for row in await tx.all(chosen)}
    taken = await slots_taken(tx, now)
    for row in await tx.all(_pinned_tags(now, [lane.id for lane in lanes if lane.slots])):
        taken.setdefault(row["lane_id"], set()).add(row["name"])
    return {
        lane.id: Load(lane, targets=targets.get(lane.id, 0), tags=taken.get(lane.id, ()))
        for lane in lanes
    }


def _pinned_tags(now: datetime, lanes: Collection[str]) -> sa.Select[Any]:
    return sa.select(_targets.c.lane_id, _targets.c.name).where(
        _targets.c.kind == "tag",
        _targets.c.lane_id.in_(lanes),
        _targets.c.key.in_(_wanted_later(now)),
    )


def _wanted_later(now: datetime) -> sa.Select[tuple[str]]:
    """Return the keys that a campaign wants now or some day: their place is kept for them."""
    return sa.select(_watches.c.target).where(_watches.c.until > now)


async def slots_taken(tx: Transaction, now: datetime) -> dict[str, set[str]]:
    """Return the tags that hold a slot of each lane at `now`."""
    slots, lanes = schema.slots, schema.lanes
    chosen = sa.select(slots, lanes.c.slot_window).join(lanes, lanes.c.id == slots.c.lane_id)
    taken: dict[str, set[str]] = {}
    for row in await tx.all(chosen):
        if now < row["first_used_at"] + timedelta(seconds=row["slot_window"] or 0.0):
            taken.setdefault(row["lane_id"], set()).add(row["tag"])
    return taken
