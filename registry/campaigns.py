"""Campaigns: what clients registered. Every call names the client, so tenants never meet."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from registry import schema
from registry.audit import AuditLog
from registry.database import Database, Row, Transaction
from registry.drafts import collection, tidy, wanted
from registry.errors import BadField, Stale, TooManyTargets, Unknown
from registry.ids import Entropy, uuid7
from registry.models import Campaign, CampaignDraft, CampaignPage, CampaignStatus
from registry.targets import watch

MAX_PAGE = 200
_table = schema.campaigns
_fields = CampaignDraft.__struct_fields__


class Campaigns:
    """Keeps campaigns; a change, its targets and its audit entry are one transaction."""

    def __init__(self, database: Database, audit: AuditLog, entropy: Entropy) -> None:
        self._database = database
        self._audit = audit
        self._entropy = entropy

    async def create(
        self, client_id: str, draft: CampaignDraft, *, who: str = "system"
    ) -> Campaign:
        """Return the campaign, its targets watched from now on.

        Raises BadField, TooManyTargets, or Unknown for the client.
        """
        draft = tidy(draft)
        async with self._changing() as tx:
            now = await tx.now()
            campaign = Campaign(
                **_parts(draft),
                id=uuid7(now, self._entropy),
                client_id=client_id,
                status=_status(collection(draft)[1], now, paused=False),
                created_at=now,
                updated_at=now,
            )
            limit = await _limit(tx, client_id)
            await tx.run(_table.insert().values(_row(campaign)))
            await self._settle(tx, campaign, limit=limit)
            await self._note(tx, who, "campaign.create", (None, campaign))
        return campaign

    async def get(self, client_id: str, campaign_id: str) -> Campaign | None:
        """Return one campaign of the client, or None, also for one of somebody else."""
        async with self._database.read() as tx:
            row = await tx.first(_mine(client_id, campaign_id))
            return _campaign(row, await tx.now()) if row else None

    async def list(
        self, client_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> CampaignPage:
        """Return a page of the client's campaigns, newest first, from `cursor` on."""
        if not 1 <= limit <= MAX_PAGE:
            raise BadField("limit", limit, f"use 1 to {MAX_PAGE}")
        chosen = sa.select(_table).where(_table.c.client_id == client_id)
        if cursor is not None:
            chosen = chosen.where(_table.c.id < cursor)
        async with self._database.read() as tx:
            rows = await tx.all(chosen.order_by(_table.c.id.desc()).limit(limit + 1))
            now = await tx.now()
        found = tuple(_campaign(row, now) for row in rows[:limit])
        return CampaignPage(campaigns=found, cursor=found[-1].id if len(rows) > limit else None)

    async def all_active(
        self, now: datetime, *, grace: timedelta = timedelta(0)
    ) -> tuple[Campaign, ...]:
        """Return all tenants' campaigns collected for at `now`, or until `grace` ago."""
        chosen = sa.select(_table).where(
            _table.c.paused.is_(False), _table.c.since <= now, _table.c.until > now - grace
        )
        async with self._database.read() as tx:
            return tuple(_campaign(row, now) for row in await tx.all(chosen.order_by("id")))

    async def patch(
        self,
        client_id: str,
        campaign_id: str,
        changes: Mapping[str, Any],
        *,
        expected: int | None = None,
        who: str = "system",
    ) -> Campaign:
        """Return the campaign with some fields of its draft changed, under the next revision.

        expected: the revision the caller has seen; raises Stale if there is a newer one.
        Raises Unknown, BadField and TooManyTargets, and changes nothing then.
        """
        unknown = sorted(set(changes) - set(_fields))
        if unknown:
            raise BadField(unknown[0], changes[unknown[0]], f"change some of {', '.join(_fields)}")
        async with self._changing() as tx:
            before = await _locked(tx, client_id, campaign_id)
            if expected is not None and expected != before.revision:
                raise Stale(campaign_id, expected=expected, found=before.revision)
            draft = tidy(CampaignDraft(**_parts(before) | dict(changes)))
            after = msgspec.structs.replace(before, **_parts(draft), revision=before.revision + 1)
            return await self._change(tx, (before, after), who=who, what="campaign.patch")

    async def pause(self, client_id: str, campaign_id: str, *, who: str = "system") -> Campaign:
        """Return the campaign, collected for no longer until it is resumed. Raises Unknown."""
        return await self._turn(client_id, campaign_id, "paused", who=who)

    async def resume(self, client_id: str, campaign_id: str, *, who: str = "system") -> Campaign:
        """Return the campaign, collected for again. Raises Unknown, TooManyTargets."""
        return await self._turn(client_id, campaign_id, "active", who=who)

    async def delete(self, client_id: str, campaign_id: str, *, who: str = "system") -> None:
        """Forget a campaign; what was collected stays in the lake. Raises Unknown."""
        async with self._changing() as tx:
            campaign = await _locked(tx, client_id, campaign_id)
            await tx.run(_table.delete().where(_table.c.id == campaign_id))
            await self._note(tx, who, "campaign.delete", (campaign, None))

    @asynccontextmanager
    async def _changing(self) -> AsyncIterator[Transaction]:
        """Yield a transaction that holds the targets before any row: one order, no deadlock."""
        async with self._database.write() as tx:
            await tx.lock("targets")
            yield tx

    async def _turn(
        self, client_id: str, campaign_id: str, status: CampaignStatus, *, who: str
    ) -> Campaign:
        async with self._changing() as tx:
            before = await _locked(tx, client_id, campaign_id)
            after = msgspec.structs.replace(before, status=status)
            what = "campaign.pause" if status == "paused" else "campaign.resume"
            return await self._change(tx, (before, after), who=who, what=what)

    async def _change(
        self, tx: Transaction, change: tuple[Campaign, Campaign], *, who: str, what: str
    ) -> Campaign:
        before, after = change
        now = await tx.now()
        status = _status(collection(after)[1], now, paused=after.status == "paused")
        after = msgspec.structs.replace(after, status=status, updated_at=now)
        await tx.run(_table.update().where(_table.c.id == after.id).values(_row(after)))
        await self._settle(tx, after, limit=await _limit(tx, after.client_id))
        await self._note(tx, who, what, (before, after))
        return after

    async def _settle(self, tx: Transaction, campaign: Campaign, *, limit: int) -> None:
        if campaign.status == "active" and (asked := len(wanted(campaign))) > limit:
            raise TooManyTargets(asked, limit)  # before the work
        await watch(tx, campaign)
        watched = await _count_targets(tx, campaign.client_id, campaign.updated_at)
        if watched > limit and campaign.status == "active":
            raise TooManyTargets(watched, limit)

    async def _note(
        self,
        tx: Transaction,
        who: str,
        what: str,
        change: tuple[Campaign | None, Campaign | None],
    ) -> None:
        one = change[1] or change[0]
        assert one is not None  # noqa: S101 # a change of nothing is no change
        await self._audit.note(
            tx, who, what, subject=one.id, client_id=one.client_id, change=change
        )


def _mine(client_id: str, campaign_id: str) -> sa.Select[Any]:
    return sa.select(_table).where(_table.c.id == campaign_id, _table.c.client_id == client_id)


async def _locked(tx: Transaction, client_id: str, campaign_id: str) -> Campaign:
    row = await tx.first(_mine(client_id, campaign_id).with_for_update(key_share=True))
    if row is None:
        raise Unknown("campaign", campaign_id)
    return _campaign(row, await tx.now())


async def _limit(tx: Transaction, client_id: str) -> int:
    """Return how many targets the client may watch; its row is locked against a second campaign."""
    clients = schema.clients
    chosen = (
        sa.select(clients.c.max_targets)
        .where(clients.c.id == client_id)
        .with_for_update(key_share=True)
    )
    limit: int | None = await tx.scalar(chosen)
    if limit is None:
        raise Unknown("client", client_id)
    return limit


async def _count_targets(tx: Transaction, client_id: str, now: datetime) -> int:
    watches = schema.watches
    chosen = (
        sa.select(sa.func.count(sa.distinct(watches.c.target)))
        .join(_table, _table.c.id == watches.c.campaign_id)
        .where(_table.c.client_id == client_id, watches.c.until > now)
    )
    return int(await tx.scalar(chosen))


def _status(until: datetime, now: datetime, *, paused: bool) -> CampaignStatus:
    if now >= until:
        return "ended"
    return "paused" if paused else "active"


def _parts(draft: CampaignDraft) -> dict[str, Any]:
    return {field: getattr(draft, field) for field in _fields}


def _row(campaign: Campaign) -> dict[str, Any]:
    since, until = collection(campaign)
    return {
        "id": campaign.id,
        "client_id": campaign.client_id,
        "paused": campaign.status == "paused",
        "revision": campaign.revision,
        "draft": msgspec.json.encode(CampaignDraft(**_parts(campaign))).decode(),
        "since": since,
        "until": until,
        "created_at": campaign.created_at,
        "updated_at": campaign.updated_at,
    }


def _campaign(row: Row, now: datetime) -> Campaign:
    return Campaign(
        **_parts(msgspec.json.decode(row["draft"], type=CampaignDraft)),
        id=row["id"],
        client_id=row["client_id"],
        status=_status(row["until"], now, paused=row["paused"]),
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
