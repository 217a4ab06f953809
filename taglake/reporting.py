"""Campaigns and their reports, for a terminal.

Of all tenants: who may read the settings and secrets of this machine may read everything.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ingestor.clock import SystemClock
from insights import campaigns as reports
from insights.audiences.book import NOBODY, Book
from insights.comparison import Comparison
from insights.hashtags import HashtagList
from insights.posts import PostList
from insights.publishers import PublisherList
from insights.quality import Quality
from insights.shares import ShareOfVoice
from insights.summary import Summary
from insights.text import ten_lines
from insights.timeseries import Timeseries
from lake.contract import Lake
from registry import Registry
from registry.models import Campaign
from taglake import wiring
from taglake.errors import NotThere
from taglake.settings import Settings


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report, as `taglake report --json` and `taglake demo --json` print it."""

    summary: Summary
    share_of_voice: ShareOfVoice
    before_during_after: Comparison
    posts: PostList
    publishers: PublisherList
    hashtags: HashtagList
    timeseries: Timeseries
    quality: Quality


async def full_report(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    audiences: Book = NOBODY,
) -> Report:
    """Return every part of a campaign's report. Raises LakeError."""
    return Report(
        summary=await reports.summary(lake, campaign, now=now, as_of=as_of, audiences=audiences),
        share_of_voice=await reports.share_of_voice(lake, campaign, now=now, as_of=as_of),
        before_during_after=await reports.before_during_after(lake, campaign, now=now, as_of=as_of),
        posts=await reports.posts(lake, campaign, now=now, as_of=as_of),
        publishers=await reports.publishers(lake, campaign, now=now, as_of=as_of),
        hashtags=await reports.hashtags(lake, campaign, now=now, as_of=as_of),
        timeseries=await reports.timeseries(lake, campaign, now=now, as_of=as_of),
        quality=await reports.quality(lake, campaign, now=now, as_of=as_of),
    )


async def in_short(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    audiences: Book = NOBODY,
) -> str:
    """Return the ten lines of a report. Raises LakeError."""
    summary = await reports.summary(lake, campaign, now=now, as_of=as_of, audiences=audiences)
    comparison = await reports.before_during_after(lake, campaign, now=now, as_of=as_of)
    return ten_lines(summary, comparison)


async def printed(settings: Settings, name: str, *, as_of: datetime | None, json: bool) -> str:
    """Return the report of a campaign, by id or name, as text or JSON. Raises TaglakeError."""
    async with wiring.open_lake(settings) as lake, wiring.open_the_registry(settings) as registry:
        campaign = await find_campaign(registry, name)
        now, audiences = SystemClock().now(), Book(settings.audience.folder)
        if not json:
            return await in_short(lake, campaign, now=now, as_of=as_of, audiences=audiences)
        report = await full_report(lake, campaign, now=now, as_of=as_of, audiences=audiences)
        return str(msgspec.json.encode(report), "utf-8")


async def listing(settings: Settings, *, json: bool) -> Sequence[str]:
    """Return one line a campaign."""
    async with wiring.open_the_registry(settings) as registry:
        found = await _all(registry)
    if json:
        return [str(msgspec.json.encode(campaign), "utf-8") for campaign in found]
    if not found:
        return ["there are no campaigns yet; `taglake track` or the page makes one"]
    return [_line(campaign) for campaign in found]


def _line(campaign: Campaign) -> str:
    days = f"{campaign.start:%Y-%m-%d} to {campaign.end:%Y-%m-%d}"
    return f"{campaign.id}  {campaign.status:<7} {days}  {campaign.name}"


async def find_campaign(registry: Registry, name: str) -> Campaign:
    """Return the campaign of an id or name, the newest of that name. Raises NotThere."""
    for campaign in await _all(registry):
        if name in (campaign.id, campaign.name):
            return campaign
    raise NotThere(f"campaign {name!r}: no such id or name; `taglake report` lists them")


async def _all(registry: Registry) -> list[Campaign]:
    found: list[Campaign] = []
    for client in await registry.clients.list():
        cursor = None
        while True:
            page = await registry.campaigns.list(client.id, limit=200, cursor=cursor)
            found += page.campaigns
            if (cursor := page.cursor) is None:
                break
    return sorted(found, key=lambda campaign: campaign.created_at, reverse=True)
