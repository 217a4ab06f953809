"""`taglake export`: a campaign or a time range out of the lake."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from insights.periods import whole
from lake.contract import Where
from lake.export import Exported
from lake.export import export as write
from lake.records import RECORDS
from registry.models import Campaign
from taglake import wiring
from taglake.errors import BadSetting
from taglake.reporting import find_campaign
from taglake.settings import Settings


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """What to take out of the lake."""

    campaign: str | None
    since: datetime | None
    until: datetime | None
    tables: tuple[str, ...]
    format: Literal["csv", "jsonl", "parquet"]


async def write_export(
    settings: Settings, cut: Cut, destination: Path, progress: Callable[[int], None]
) -> Exported:
    """Write the cut to `destination` and return what was written. Raises TaglakeError."""
    if await asyncio.to_thread(destination.exists):
        raise BadSetting(f"DESTINATION {destination}: is there already; name a new folder")
    if cut.since and cut.until and cut.since >= cut.until:
        raise BadSetting(f"--until {cut.until.isoformat()}: choose an instant after --since")
    async with wiring.open_lake(settings) as lake:
        where = await _where(settings, cut)
        kinds = [RECORDS[table] for table in cut.tables]
        return await write(lake, kinds, where, destination, format=cut.format, progress=progress)


async def _where(settings: Settings, cut: Cut) -> Where:
    if cut.campaign is None:
        return Where(since=cut.since, until=cut.until)
    async with wiring.open_the_registry(settings) as registry:
        return _campaign_where(await find_campaign(registry, cut.campaign), cut)


def _campaign_where(campaign: Campaign, cut: Cut) -> Where:
    """Return the filter of all posts of a campaign, competitors included."""
    ours = campaign.competitors
    since, until = whole(campaign, datetime.max.replace(tzinfo=campaign.end.tzinfo))
    return Where(
        networks=campaign.networks,
        tags=campaign.hashtags + tuple(tag for one in ours for tag in one.hashtags),
        handles=campaign.profiles + tuple(name for one in ours for name in one.profiles),
        since=max(filter(None, (since, cut.since))),
        until=min(filter(None, (until, cut.until))),
    )
