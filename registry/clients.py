"""Tenants."""

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from registry import schema
from registry.audit import AuditLog
from registry.database import Database, Transaction
from registry.errors import BadField, Taken, Unknown
from registry.ids import Entropy, uuid7
from registry.models import Client

MAX_TARGETS = 1_000  # what a client may watch at once unless an operator says otherwise
_table = schema.clients


class Clients:
    """Creates, lists and removes tenants."""

    def __init__(self, database: Database, audit: AuditLog, entropy: Entropy) -> None:
        self._database = database
        self._audit = audit
        self._entropy = entropy

    async def create(
        self, name: str, *, max_targets: int = MAX_TARGETS, who: str = "system"
    ) -> Client:
        """Return a new tenant. Raises Taken, or BadField."""
        _accept(name, max_targets)
        async with self._database.write() as tx:
            now = await tx.now()
            client = Client(
                id=uuid7(now, self._entropy),
                name=name.strip(),
                created_at=now,
                max_targets=max_targets,
            )
            await self._insert(tx, client)
            await self._audit.note(
                tx,
                who,
                "client.create",
                subject=client.id,
                client_id=client.id,
                change=(None, client),
            )
        return client

    async def _insert(self, tx: Transaction, client: Client) -> None:
        row = {field: getattr(client, field) for field in client.__struct_fields__}
        try:
            await tx.run(_table.insert().values(row))
        except IntegrityError:
            raise Taken("client", client.name) from None

    async def get(self, client_id: str) -> Client | None:
        """Return one tenant, or None."""
        async with self._database.read() as tx:
            row = await tx.first(sa.select(_table).where(_table.c.id == client_id))
        return Client(**row) if row else None

    async def list(self) -> tuple[Client, ...]:
        """Return all tenants by name."""
        async with self._database.read() as tx:
            return tuple(Client(**row) for row in await tx.all(sa.select(_table).order_by("name")))

    async def remove(self, client_id: str, *, who: str = "system") -> None:
        """Remove a tenant with its keys and campaigns; the audit log stays. Raises Unknown."""
        async with self._database.write() as tx:
            await tx.lock("targets")
            gone = await tx.first(
                sa.delete(_table).where(_table.c.id == client_id).returning(_table)
            )
            if gone is None:
                raise Unknown("client", client_id)
            await self._audit.note(
                tx,
                who,
                "client.remove",
                subject=client_id,
                client_id=client_id,
                change=(Client(**gone), None),
            )


def _accept(name: str, max_targets: int) -> None:
    if not 1 <= len(name.strip()) <= 200:
        raise BadField("name", name, "use 1 to 200 characters")
    if max_targets < 1:
        raise BadField("max_targets", max_targets, "use 1 or more")
