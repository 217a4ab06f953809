"""Idempotency keys: a request that is sent twice is done once and answered twice."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa

from registry import schema
from registry.database import Database, Row, Transaction
from registry.errors import InProgress, KeyReused, Unknown
from registry.models import StoredResponse

KEEP_SECONDS = 86_400.0
WORK_SECONDS = 60.0  # a first request that has not answered by then has died
_table = schema.idempotency


class Idempotency:
    """`begin` every one; if it returns None, work, then `finish` with the answer or `abandon`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, client_id: str, key: str, request_hash: str) -> StoredResponse | None:
        """Return the answer the first such request got, or None: this is the first, do it.

        request_hash: of method, path and body. Raises KeyReused, or InProgress.
        """
        async with self._database.write() as tx:
            now = await tx.now()
            await tx.run(_table.delete().where(_table.c.expires_at <= now))
            new = tx.insert(_table).values(
                client_id=client_id,
                key=key,
                request_hash=request_hash,
                expires_at=now + timedelta(seconds=WORK_SECONDS),
            )
            begun = await tx.scalar(new.on_conflict_do_nothing().returning(_table.c.key))
            if begun is not None:
                return None
            return await _stored(tx, client_id, key, request_hash=request_hash, now=now)

    async def finish(
        self,
        client_id: str,
        key: str,
        *,
        status: int,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        seconds: float = KEEP_SECONDS,
    ) -> None:
        """Keep the answer for `seconds`. Raises Unknown if the request was not begun."""
        async with self._database.write() as tx:
            answer = {"status": status, "body": body, "headers": dict(headers or {})}
            answer["expires_at"] = await tx.now() + timedelta(seconds=seconds)
            if not (await tx.run(_mine(client_id, key).values(answer))).rowcount:
                raise Unknown("begun request", key)

    async def abandon(self, client_id: str, key: str) -> None:
        """Forget a request that failed before it did anything, so that it can be sent again."""
        open_one = _table.c.status.is_(None)
        mine = (_table.c.client_id == client_id) & (_table.c.key == key)
        async with self._database.write() as tx:
            await tx.run(_table.delete().where(mine, open_one))


def _mine(client_id: str, key: str) -> sa.Update:
    return _table.update().where(_table.c.client_id == client_id, _table.c.key == key)


async def _stored(
    tx: Transaction, client_id: str, key: str, *, request_hash: str, now: datetime
) -> StoredResponse:
    mine = (_table.c.client_id == client_id) & (_table.c.key == key)
    row = await tx.first(sa.select(_table).where(mine))
    if row is None:  # abandoned in this instant by the first request
        raise InProgress(key, 1.0)
    if row["request_hash"] != request_hash:
        raise KeyReused(key)
    return _answer(row, key, now)


def _answer(row: Row, key: str, now: datetime) -> StoredResponse:
    if row["status"] is None:
        raise InProgress(key, (row["expires_at"] - now).total_seconds())
    return StoredResponse(status=row["status"], body=row["body"], headers=row["headers"])
