"""Periodic jobs, each run by one process at a time: there is no second scheduler."""

import math
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from registry import schema
from registry.database import Database, Row, Transaction
from registry.errors import BadField, Fenced, Unknown
from registry.models import Job, JobLease

LEASE_SECONDS = 300.0
RETRY_SECONDS = 5.0  # after a first failure; doubles with each further one, up to the job's period
MAX_ERROR = 500  # signs of an error that are kept
_table = schema.jobs


class Jobs:
    """A worker ensures its jobs, then claims what is due, renews while it runs, and finishes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ensure(self, name: str, *, every: float) -> None:
        """Make a job known, due at once; a known one only takes the new period (seconds)."""
        if every <= 0:
            raise BadField(f"{name}.every", every, "use a number of seconds above 0")
        async with self._database.write() as tx:
            new = tx.insert(_table).values(
                name=name, every=every, next_at=await tx.now(), fence=0, failures=0
            )
            await tx.run(new.on_conflict_do_update(index_elements=["name"], set_={"every": every}))

    async def claim(
        self, owner: str, *, names: Collection[str] | None = None, seconds: float = LEASE_SECONDS
    ) -> JobLease | None:
        """Return the lease of the job that is due the longest, or None if nothing is due."""
        async with self._database.write() as tx:
            now = await tx.now()
            row = await tx.first(_due(now, names).with_for_update(skip_locked=True))
            if row is None:
                return None
            until = now + timedelta(seconds=seconds)
            lease = {"lease_owner": owner, "lease_until": until, "fence": row["fence"] + 1}
            await _set(tx, row["name"], lease)
        return JobLease(
            name=row["name"],
            fence=row["fence"] + 1,
            until=until,
            due_at=row["next_at"],
            failures=row["failures"],
        )

    async def renew(self, name: str, fence: int, *, seconds: float = LEASE_SECONDS) -> datetime:
        """Return the instant until which the job is held now. Raises Fenced: stop the run."""
        async with self._database.write() as tx:
            await _hold(tx, name, fence)
            until = await tx.now() + timedelta(seconds=seconds)
            await _set(tx, name, {"lease_until": until})
        return until

    async def finish(self, name: str, fence: int) -> None:
        """Note a run's success; the next is due a period after this one was, late ones are skipped.

        Raises Fenced.
        """
        async with self._database.write() as tx:
            row = await _hold(tx, name, fence)
            now = await tx.now()
            done = {"next_at": _after(row, now), "finished_at": now, "failures": 0, "error": None}
            await _set(tx, name, done | {"lease_owner": None, "lease_until": None})

    async def fail(self, name: str, fence: int, reason: str) -> None:
        """Note a run's failure; the next try comes soon, then ever later. Raises Fenced.

        reason: without secrets and without text of people.
        """
        async with self._database.write() as tx:
            row = await _hold(tx, name, fence)
            wait = min(row["every"], RETRY_SECONDS * 2 ** min(row["failures"], 30))
            failed = {
                "next_at": await tx.now() + timedelta(seconds=wait),
                "failures": row["failures"] + 1,
                "error": reason[:MAX_ERROR],
            }
            await _set(tx, name, failed | {"lease_owner": None, "lease_until": None})

    async def list(self) -> tuple[Job, ...]:
        """Return all jobs by name."""
        async with self._database.read() as tx:
            rows = await tx.all(sa.select(_table).order_by("name"))
        return tuple(Job(**{field: row[field] for field in Job.__struct_fields__}) for row in rows)


def _due(now: datetime, names: Collection[str] | None) -> sa.Select[Any]:
    unheld = sa.or_(_table.c.lease_until.is_(None), _table.c.lease_until <= now)
    chosen = sa.select(_table).where(unheld, _table.c.next_at <= now)
    if names is not None:
        chosen = chosen.where(_table.c.name.in_(names))
    return chosen.order_by(_table.c.next_at, _table.c.name).limit(1)


async def _hold(tx: Transaction, name: str, fence: int) -> Row:
    row = await tx.first(sa.select(_table).where(_table.c.name == name).with_for_update())
    if row is None:
        raise Unknown("job", name)
    if row["fence"] != fence:
        raise Fenced(name, fence=fence, current=row["fence"])
    return row


async def _set(tx: Transaction, name: str, values: dict[str, Any]) -> None:
    await tx.run(_table.update().where(_table.c.name == name).values(values))


def _after(row: Row, now: datetime) -> datetime:
    """Return the first due time after `now` that keeps the job's rhythm."""
    due: datetime = row["next_at"]
    late = (now - due).total_seconds()
    return due + timedelta(seconds=row["every"] * (math.floor(late / row["every"]) + 1))
