"""Fences: only the newest holder of a lane may write."""

import sqlalchemy as sa

from registry import schema
from registry.database import Row, Transaction
from registry.errors import Fenced, Unknown


async def hold(tx: Transaction, lane_id: str, fence: int) -> Row:
    """Return the lane's row, locked until the transaction ends. Raises Fenced, or Unknown.

    A lease that ran out does not matter here, only a successor does: the row's lock puts every
    claim before or after this write, and a claimer reads what was written before it.
    """
    # NO KEY UPDATE on PostgreSQL: pinning a target to the lane must not wait for us, nor we for it.
    mine = sa.select(schema.lanes).where(schema.lanes.c.id == lane_id)
    row = await tx.first(mine.with_for_update(key_share=True))
    if row is None:
        raise Unknown("lane", lane_id)
    if row["fence"] != fence:
        raise Fenced(lane_id, fence=fence, current=row["fence"])
    return row
