"""The audit log: append-only, each entry sealed together with the seal of the one before."""

import hashlib
import hmac
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import schema
from registry.database import Database, Transaction
from registry.models import AuditEntry

START = "0" * 64  # what the first entry is chained to
_table = schema.audit


class AuditLog:
    """Who changed what and when. The other stores write to it inside the change's own transaction.

    The seal is keyed with the pepper: who can write to the database alone cannot make a new chain.
    Entries cut off at the very end leave a valid, shorter chain: keep `last().number` elsewhere.
    """

    def __init__(self, database: Database, pepper: str) -> None:
        self._database = database
        self._key = hashlib.sha256(b"audit:" + pepper.encode()).digest()

    async def append(
        self,
        who: str,
        what: str,
        *,
        subject: str,
        client_id: str | None = None,
        change: tuple[object, object] = (None, None),
    ) -> AuditEntry:
        """Add an entry in a transaction of its own; `change` is the thing before and after."""
        async with self._database.write() as tx:
            return await self.note(
                tx, who, what, subject=subject, client_id=client_id, change=change
            )

    async def note(
        self,
        tx: Transaction,
        who: str,
        what: str,
        *,
        subject: str,
        client_id: str | None = None,
        change: tuple[object, object] = (None, None),
    ) -> AuditEntry:
        """Add an entry to the open transaction, as its last act: the chain is locked then."""
        await tx.lock("audit")
        last = await tx.first(_newest())
        entry = AuditEntry(
            number=last["number"] + 1 if last else 1,
            at=await tx.now(),
            who=who,
            what=what,
            client_id=client_id,
            subject=subject,
            before=_fingerprint(change[0]),
            after=_fingerprint(change[1]),
            hash="",
        )
        sealed = msgspec.structs.replace(
            entry, hash=self._seal(last["hash"] if last else START, entry)
        )
        await tx.run(_table.insert().values(**msgspec.structs.asdict(sealed)))
        return sealed

    async def list(
        self, *, client_id: str | None = None, after: int = 0, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return entries behind number `after`, oldest first, of one client or of all."""
        chosen = _behind(after, limit)
        if client_id is not None:
            chosen = chosen.where(_table.c.client_id == client_id)
        async with self._database.read() as tx:
            return tuple(AuditEntry(**row) for row in await tx.all(chosen))

    async def last(self) -> AuditEntry | None:
        """Return the newest entry, or None of an empty log."""
        async with self._database.read() as tx:
            row = await tx.first(_newest())
        return AuditEntry(**row) if row else None

    async def check(self, *, page: int = 1_000) -> int | None:
        """Return the number of the first entry that was changed, removed or put in, or None."""
        number, seal = 0, START
        async with self._database.read() as tx:
            while rows := await tx.all(_behind(number, page)):
                for row in rows:
                    entry = AuditEntry(**row)
                    number += 1
                    if entry.number != number or entry.hash != self._seal(seal, entry):
                        return number
                    seal = entry.hash
        return None

    def _seal(self, previous: str, entry: AuditEntry) -> str:
        # Whole microseconds: both databases keep exactly those.
        plain = msgspec.structs.replace(entry, hash="")
        sealed = previous.encode() + msgspec.json.encode(plain, order="sorted")
        return hmac.new(self._key, sealed, hashlib.sha256).hexdigest()


def _newest() -> sa.Select[Any]:
    return sa.select(_table).order_by(_table.c.number.desc()).limit(1)


def _behind(number: int, limit: int) -> sa.Select[Any]:
    return sa.select(_table).where(_table.c.number > number).order_by(_table.c.number).limit(limit)


def _fingerprint(thing: object) -> str | None:
    if thing is None:
        return None
    return hashlib.sha256(msgspec.json.encode(thing, order="sorted")).hexdigest()
