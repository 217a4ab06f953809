"""How many requests a key may make: fixed small windows, counted for all replicas together.

A fixed window lets through twice its limit around its edge. That is fine for guarding ourselves,
with windows of seconds; the networks' budgets are exact sliding windows (`registry/lanes.py`).
"""

from datetime import UTC, datetime

import sqlalchemy as sa

from registry import schema
from registry.database import Database
from registry.errors import BadField
from registry.models import Quota

_table = schema.limits


class Limits:
    """Counts requests by name; the API names them by key."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hit(self, name: str, *, limit: int, seconds: float = 10.0, cost: int = 1) -> Quota:
        """Count `cost` requests and return whether they are allowed and what is left."""
        if limit < 1 or seconds <= 0:
            raise BadField("limit", limit, "allow 1 request or more in a time above 0 seconds")
        async with self._database.write() as tx:
            now = await tx.now()
            start = _start(now, seconds)
            new = tx.insert(_table).values(name=name, window_start=start, count=cost)
            same = _table.c.window_start == new.excluded.window_start
            count = sa.case((same, _table.c.count + cost), else_=cost)
            hit = new.on_conflict_do_update(
                index_elements=["name"],
                set_={"count": count, "window_start": new.excluded.window_start},
            )
            used = int(await tx.scalar(hit.returning(_table.c.count)))
        return Quota(
            allowed=used <= limit,
            limit=limit,
            remaining=max(0, limit - used),
            reset=seconds - (now - start).total_seconds(),
        )


def _start(now: datetime, seconds: float) -> datetime:
    """Return the start of the window `now` is in; windows are counted from 1970."""
    return datetime.fromtimestamp(now.timestamp() // seconds * seconds, UTC)
