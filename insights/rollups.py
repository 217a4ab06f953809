"""Reports computed ahead, so that a campaign over millions of posts opens at once.

A worker runs `Rollups` every minute and appends what it returns; the API asks `fresh` before it
asks the lake. A report of the past (`as_of`) or with other than the default options is never
taken from here.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from insights import campaigns as reports
from insights.audiences.book import NOBODY, Book
from insights.audiences.campaign import campaign_overlap
from insights.errors import BadRequest
from insights.periods import instant_of
from lake.contract import Lake
from lake.records import Record, Rollup
from registry.models import Campaign

KEPT_UP = timedelta(days=1)
"""How long after the last day a campaign is kept up: late polls still move its numbers."""

# A report computed so shortly before that is the last one.
_LAST_RUN = timedelta(hours=1)


async def _summary(
    lake: Lake, campaign: Campaign, now: datetime, audiences: Book = NOBODY
) -> msgspec.Struct:
    """Return the summary."""
    return await reports.summary(lake, campaign, now=now, audiences=audiences)


async def _overlap(
    lake: Lake, campaign: Campaign, now: datetime, audiences: Book = NOBODY
) -> msgspec.Struct:
    """Return how the audiences of the publishers overlap."""
    return await campaign_overlap(lake, campaign, audiences=audiences, now=now)


async def _timeseries(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return posts and engagements a day."""
    return await reports.timeseries(lake, campaign, now=now)


async def _tags(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return posts a day for each watched tag."""
    return await reports.timeseries(
        lake, campaign, now=now, metrics=("posts",), interval="1d", breakdown="tag"
    )


async def _posts(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the most engaging posts."""
    return await reports.posts(lake, campaign, now=now)


async def _publishers(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the most engaging publishers."""
    return await reports.publishers(lake, campaign, now=now)


async def _hashtags(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the hashtags beside the watched ones."""
    return await reports.hashtags(lake, campaign, now=now)


async def _share_of_voice(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the shares by posts."""
    return await reports.share_of_voice(lake, campaign, now=now)


async def _comparison(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return before, during and after by posts."""
    return await reports.before_during_after(lake, campaign, now=now)


async def _quality(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the data quality."""
    return await reports.quality(lake, campaign, now=now)


async def _spikes(lake: Lake, campaign: Campaign, now: datetime) -> msgspec.Struct:
    """Return the posts that spiked."""
    return await reports.spikes(lake, campaign, now=now)


PARTS: dict[str, Callable[..., Awaitable[msgspec.Struct]]] = {
    "summary": _summary,
    "overlap": _overlap,
    "timeseries": _timeseries,
    "timeseries/tag": _tags,
    "posts": _posts,
    "publishers": _publishers,
    "hashtags": _hashtags,
    "share-of-voice": _share_of_voice,
    "before-during-after": _comparison,
    "quality": _quality,
    "spikes": _spikes,
}
"""Name of a stored report to the report with its default options."""

_OF_AUDIENCES = ("summary", "overlap")


class Rollups:
    """The insight that keeps the stored reports of all active campaigns up to date."""

    name = "rollups"

    def __init__(self, audiences: Book = NOBODY, *, every: float = 60.0) -> None:
        self._audiences = audiences
        self.every = every

    async def run(self, lake: Lake, campaigns: Sequence[Campaign], now: datetime) -> list[Record]:
        """Return one record for each report of each campaign that is still collected."""
        instant = instant_of(now, None)
        found: list[Record] = []
        for campaign in campaigns:
            if is_moving(campaign, instant):
                # One after the other: this runs beside the API, which should not wait for it.
                for name in PARTS:
                    found.append(  # noqa: PERF401 - it waits for each
                        await computed(lake, campaign, name, now=instant, audiences=self._audiences)
                    )
        return found


def is_moving(campaign: Campaign, now: datetime) -> bool:
    """Tell whether a campaign's numbers can still change by what is collected.

    One that ended is kept up a day longer: only then its last report is made, which stays for ever.
    """
    return campaign.status != "paused" and now <= _last(campaign)


async def computed(
    lake: Lake, campaign: Campaign, name: str, *, now: datetime, audiences: Book = NOBODY
) -> Rollup:
    """Return a stored report, computed now. Raises BadRequest for a name that is not in PARTS."""
    if name not in PARTS:
        raise BadRequest("name", name, f"use one of {', '.join(PARTS)}")
    known = {"audiences": audiences} if name in _OF_AUDIENCES else {}
    body = await PARTS[name](lake, campaign, now, **known)
    return Rollup(
        id=_id(campaign, name),
        network="*",
        observed_at=now,
        campaign_id=campaign.id,
        name=name,
        revision=campaign.revision,
        computed_at=now,
        body=msgspec.Raw(msgspec.json.encode(body)),
    )


async def fresh(
    lake: Lake, campaign: Campaign, name: str, now: datetime, max_age: timedelta
) -> msgspec.Raw | None:
    """Return the JSON of a stored report, None if there is none or it is too old.

    A report of another revision of the campaign does not count. The last one, after which nothing
    is collected any more, stays fresh for ever.
    """
    record = (await lake.get(Rollup, [_id(campaign, name)])).get(_id(campaign, name))
    if record is None or record.revision != campaign.revision:
        return None
    final = record.computed_at + _LAST_RUN > _last(campaign)
    # The worker's clock may be a little ahead of the reader's.
    return record.body if final or abs(now - record.computed_at) <= max_age else None


def _last(campaign: Campaign) -> datetime:
    """Return when the campaign's numbers stop to move."""
    return campaign.end + timedelta(days=campaign.after_days) + KEPT_UP


def _id(campaign: Campaign, name: str) -> str:
    """Return the id of a stored report."""
    return f"{campaign.id}/{name}"
