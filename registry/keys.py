"""API keys: shown once, kept as a keyed hash.

`pk_<8 prefix>_<43 secret>`. The prefix finds the row, the secret is 256 random bits. HMAC-SHA256
with a pepper that is not in the database costs 6 us a check; a password hash (argon2id, 750 ms)
guards weak secrets, which these are not.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from registry import schema
from registry.audit import AuditLog
from registry.database import Database, Row, Transaction
from registry.errors import BadField, Unknown
from registry.ids import Entropy
from registry.models import Key
from registry.secrets import Secret

SCOPES = ("read", "write", "admin")
GRACE_SECONDS = 7 * 86_400.0  # how long the old key of a rotation lives on
USE_SECONDS = 60.0  # last_used_at is written no more often
_SHAPE = re.compile(r"pk_([a-z2-7]{8})_[A-Za-z0-9_-]{43}")
_NOBODY = bytes(32)  # compared with when there is no such key, so that both answers take as long
_table = schema.keys


class Keys:
    """Issues, checks, rotates and revokes the keys of tenants."""

    def __init__(
        self, database: Database, audit: AuditLog, entropy: Entropy, *, pepper: str
    ) -> None:
        self._database = database
        self._audit = audit
        self._entropy = entropy
        self._pepper = pepper.encode()

    async def issue(
        self,
        client_id: str,
        *,
        scopes: Sequence[str] = ("read", "write"),
        expires_at: datetime | None = None,
        who: str = "system",
    ) -> tuple[Secret, Key]:
        """Return a new key, in full for the only time, and what is kept of it. Raises Unknown."""
        _accept(scopes)
        async with self._database.write() as tx:
            owner = sa.select(schema.clients.c.id).where(schema.clients.c.id == client_id)
            if await tx.scalar(owner) is None:
                raise Unknown("client", client_id)
            return await self._issue(tx, client_id, scopes, expires_at=expires_at, who=who)

    async def _issue(
        self,
        tx: Transaction,
        client_id: str,
        scopes: Sequence[str],
        *,
        expires_at: datetime | None,
        who: str,
    ) -> tuple[Secret, Key]:
        prefix = base64.b32encode(self._entropy(5)).decode().lower()
        full = f"pk_{prefix}_{base64.urlsafe_b64encode(self._entropy(32)).decode().rstrip('=')}"
        key = Key(
            prefix=prefix,
            client_id=client_id,
            scopes=tuple(scope for scope in SCOPES if scope in scopes),
            created_at=await tx.now(),
            expires_at=expires_at,
        )
        row = {field: getattr(key, field) for field in key.__struct_fields__}
        row |= {"scopes": list(key.scopes), "digest": self._digest(full)}
        await tx.run(_table.insert().values(row))
        await self._note(tx, who, "key.issue", (None, key))
        return Secret(full), key

    async def verify(self, full_key: str) -> Key | None:
        """Return the key if it is genuine and lives, else None; both answers take as long."""
        shape = _SHAPE.fullmatch(full_key)
        async with self._database.read() as tx:
            found = await tx.first(_by_prefix(shape[1] if shape else ""))
            now = await tx.now()
        digest = found["digest"] if found else _NOBODY
        if not hmac.compare_digest(digest, self._digest(full_key)) or found is None:
            return None
        key = _key(found)
        if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
            return None
        await self._used(key, now)
        return key

    async def _used(self, key: Key, now: datetime) -> None:
        if key.last_used_at and now - key.last_used_at < timedelta(seconds=USE_SECONDS):
            return
        async with self._database.write() as tx:
            mine = _table.c.prefix == key.prefix
            await tx.run(_table.update().where(mine).values(last_used_at=now))

    async def rotate(
        self, client_id: str, prefix: str, *, seconds: float = GRACE_SECONDS, who: str = "system"
    ) -> tuple[Secret, Key]:
        """Return a new key with the old one's scopes; the old one lives on for `seconds`.

        Raises Unknown for a key that is not the client's or has ended.
        """
        async with self._database.write() as tx:
            old = await self._live(tx, client_id, prefix)
            now = await tx.now()
            last = now + timedelta(seconds=seconds)
            ends = min(last, old.expires_at) if old.expires_at else last
            await tx.run(_table.update().where(_table.c.prefix == prefix).values(expires_at=ends))
            return await self._issue(
                tx, client_id, old.scopes, expires_at=_same_life(old, now), who=who
            )

    async def revoke(self, client_id: str, prefix: str, *, who: str = "system") -> None:
        """End a key at once. Raises Unknown for a key that is not the client's or has ended."""
        async with self._database.write() as tx:
            key = await self._live(tx, client_id, prefix)
            mine = _table.c.prefix == prefix
            await tx.run(_table.update().where(mine).values(revoked_at=await tx.now()))
            await self._note(tx, who, "key.revoke", (key, None))

    async def list(self, client_id: str) -> tuple[Key, ...]:
        """Return a client's keys, newest first, the ended ones too."""
        chosen = sa.select(_table).where(_table.c.client_id == client_id)
        async with self._database.read() as tx:
            rows = await tx.all(chosen.order_by(_table.c.created_at.desc(), _table.c.prefix))
        return tuple(_key(row) for row in rows)

    async def _live(self, tx: Transaction, client_id: str, prefix: str) -> Key:
        row = await tx.first(_by_prefix(prefix).where(_table.c.client_id == client_id))
        if row is None or row["revoked_at"] is not None:
            raise Unknown("key", prefix)
        if row["expires_at"] is not None and row["expires_at"] <= await tx.now():
            raise Unknown("key", prefix)
        return _key(row)

    async def _note(
        self, tx: Transaction, who: str, what: str, change: tuple[Key | None, Key | None]
    ) -> None:
        key = change[0] or change[1]
        assert key is not None  # noqa: S101 # a change of nothing is no change
        await self._audit.note(
            tx, who, what, subject=key.prefix, client_id=key.client_id, change=change
        )

    def _digest(self, full_key: str) -> bytes:
        return hmac.new(self._pepper, full_key.encode(), hashlib.sha256).digest()


def _by_prefix(prefix: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(_table).where(_table.c.prefix == prefix)


def _key(row: Row) -> Key:
    kept = {field: row[field] for field in Key.__struct_fields__}
    return Key(**kept | {"scopes": tuple(row["scopes"])})


def _same_life(old: Key, now: datetime) -> datetime | None:
    """Return the new key's end: as long a life as the old one was given, from its start."""
    return now + (old.expires_at - old.created_at) if old.expires_at else None


def _accept(scopes: Sequence[str]) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise BadField("scopes", list(scopes), f"use some of {', '.join(SCOPES)}")
