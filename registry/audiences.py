"""The audiences an operator wants: whose followers are read, and how often."""

from typing import Any

import sqlalchemy as sa

from registry import schema
from registry.audit import AuditLog
from registry.database import Database, Transaction
from registry.drafts import handle as stored
from registry.drafts import is_plain
from registry.errors import BadField, Unknown
from registry.models import WatchedAudience
from registry.targets import pin_loose

EVERY_DAYS = 30  # lists are long and change slowly
MOST_DAYS = 366
MANY_SERVERS = frozenset({"mastodon"})  # there a handle is one only together with its server
_table, _targets = schema.audiences, schema.targets


class Audiences:
    """Adds, lists and removes audiences; each is a target of the kind "followers"."""

    def __init__(self, database: Database, audit: AuditLog) -> None:
        self._database = database
        self._audit = audit

    async def add(
        self,
        network: str,
        handle: str,
        *,
        host: str | None = None,
        every_days: int | None = EVERY_DAYS,
        who: str = "system",
    ) -> WatchedAudience:
        """Return the audience, wanted from now on, pinned to a lane that can ask for it.

        host: the account's server, if the handle does not say it. every_days: from reading to
        reading, None for once; of one that is wanted already this alone changes, and its lane is
        chosen anew: one of its own server may have come. Raises BadField.
        """
        name, home = tidy_account(network, handle, host)
        if every_days is not None and not 1 <= every_days <= MOST_DAYS:
            raise BadField("every_days", every_days, f"use 1 to {MOST_DAYS}, or none for once")
        key = f"{network}/followers/{name}"
        async with self._database.write() as tx:
            await tx.lock("targets")  # one order: targets, rows, audit
            before = await _of(tx, key)
            row = {"key": key, "network": network, "kind": "followers", "name": name, "host": home}
            await tx.run(tx.insert(_targets).values(row).on_conflict_do_nothing())
            await tx.run(_targets.update().where(_targets.c.key == key).values(lane_id=None))
            await _want(tx, key, every_days, who)
            await pin_loose(tx)
            after = await _of(tx, key)
            assert after is not None  # noqa: S101 # it was put there
            await self._audit.note(tx, who, "audience.add", subject=key, change=(before, after))
        return after

    async def list(self) -> tuple[WatchedAudience, ...]:
        """Return all audiences by network and handle."""
        async with self._database.read() as tx:
            rows = await tx.all(_chosen().order_by(_targets.c.key))
        return tuple(WatchedAudience(**row) for row in rows)

    async def remove(
        self, network: str, handle: str, *, host: str | None = None, who: str = "system"
    ) -> None:
        """Want an account's followers no longer; what was read stays in the lake, and how far the
        reading came stays here. Raises BadField, Unknown.
        """
        key = f"{network}/followers/{tidy_account(network, handle, host)[0]}"
        async with self._database.write() as tx:
            await tx.lock("targets")
            before = await _of(tx, key)
            if before is None:
                raise Unknown("audience", key)
            await tx.run(_table.delete().where(_table.c.target == key))
            await self._audit.note(tx, who, "audience.remove", subject=key, change=(before, None))


def tidy_account(network: str, handle: str, host: str | None = None) -> tuple[str, str | None]:
    """Return an account's handle as it is stored, and its server. Raises BadField.

    >>> tidy_account("mastodon", "@Nike", "mastodon.social")
    ('nike@mastodon.social', 'mastodon.social')
    """
    if not network or not is_plain(network):
        raise BadField("network", network, "use the name of a network: mastodon, bluesky")
    name = stored(handle)
    if not name or len(name) > 200 or not is_plain(name):
        raise BadField("handle", handle, "use one word of letters, digits and '_.-@'")
    user, _, home = name.partition("@")
    if network not in MANY_SERVERS:
        if home or host:
            raise BadField("handle", handle, f"write it without a server: {network} has one")
        return name, None
    home = home or stored(host or "")
    if not user or not home or "@" in home:
        raise BadField("handle", handle, f"add its server: {user or 'nike'}@mastodon.social")
    return f"{user}@{home}", home


async def _want(tx: Transaction, key: str, every_days: int | None, who: str) -> None:
    row = {"target": key, "every_days": every_days, "added_at": await tx.now(), "added_by": who}
    change = {"every_days": every_days}
    new = tx.insert(_table).values(row)
    await tx.run(new.on_conflict_do_update(index_elements=["target"], set_=change))


async def _of(tx: Transaction, key: str) -> WatchedAudience | None:
    row = await tx.first(_chosen().where(_table.c.target == key))
    return WatchedAudience(**row) if row else None


def _chosen() -> sa.Select[Any]:
    return sa.select(
        _targets.c.network,
        _targets.c.name.label("handle"),
        _targets.c.host,
        _targets.c.lane_id.label("lane"),
        _table.c.every_days,
        _table.c.added_at,
        _table.c.added_by,
    ).join(_targets, _targets.c.key == _table.c.target)
