"""The first page of a campaign report: what it did, each number beside its baseline."""

import asyncio
from datetime import datetime

import msgspec

from insights.audiences.book import NOBODY, Book
from insights.audiences.campaign import CampaignReach, campaign_reach
from insights.errors import BadRequest
from insights.kpis import Kpi, kpis, measured, reach, spiking, voice
from insights.past import Posts, posts_of
from insights.periods import Header, Period, header, periods, sides, where_of, within
from insights.posts import PostRow
from insights.posts import ranked as ranked_posts
from insights.publishers import Publisher
from insights.publishers import ranked as ranked_publishers
from insights.quality import QualityTotals, quality_of
from insights.shares import Share, shares_of
from insights.spikes import Spike, spikes
from lake.contract import Lake, Where
from registry.models import Campaign

SHOWN = 10  # posts, publishers and spikes of the first page


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The summary of a campaign's brand.

    `period` and `compared_with` are None before there is such a period.
    """

    header: Header
    side: str
    period: Period | None
    compared_with: Period | None
    kpis: dict[str, Kpi]
    reach: CampaignReach
    share_of_voice: tuple[Share, ...]
    spikes: tuple[Spike, ...]
    spikes_complete: bool
    top_posts: tuple[PostRow, ...]
    top_publishers: tuple[Publisher, ...]
    quality: QualityTotals


async def summary(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    compare: str = "before",
    audiences: Book = NOBODY,
) -> Summary:
    """Return the summary, compared with the time before or after the campaign. Raises BadRequest.

    Everything is asked at once and added up by the lake; no post is scanned (but for `as_of`).
    Reach needs `audiences`.
    """
    if compare not in ("before", "after"):
        raise BadRequest("compare", compare, "use before or after")
    head = header(campaign, now=now, as_of=as_of)
    view = await posts_of(lake, campaign, head.as_of)
    begun = periods(campaign, head.instant)
    period = begun.get("during")
    reference = begun.get("baseline" if compare == "before" else "after")
    where = within(where_of(campaign, sides(campaign)[0]), period) if period else None
    numbers, then, (shares, _), spiked, (top_posts, top_publishers), seen = await asyncio.gather(
        measured(view, campaign, period),
        measured(view, campaign, reference),
        shares_of(view, campaign, "posts", period, reference),
        spikes(lake, campaign, now=now, as_of=as_of),
        _best(lake, view, where, head.instant),
        quality_of(lake, view, campaign, head),
    )
    reached = [
        await campaign_reach(audiences, one.audience if one else None, past=as_of is not None)
        for one in (numbers, then)
    ]
    strip = [*kpis(numbers, then), reach(*reached)]
    strip += [voice(shares[0]), spiking(spiked.count, complete=spiked.complete)]
    return Summary(
        header=head,
        side=sides(campaign)[0].name,
        period=period,
        compared_with=reference,
        kpis={kpi.name: kpi for kpi in strip},
        reach=reached[0],
        share_of_voice=tuple(shares),
        spikes=spiked.spikes[:SHOWN],
        spikes_complete=spiked.complete,
        top_posts=tuple(top_posts),
        top_publishers=tuple(top_publishers),
        quality=seen.totals,
    )


async def _best(
    lake: Lake, view: Posts, where: Where | None, instant: datetime
) -> tuple[list[PostRow], list[Publisher]]:
    """Return the top posts and publishers of what matches; none before the campaign begins."""
    if where is None:
        return [], []
    (rows, _), accounts = await asyncio.gather(
        ranked_posts(lake, view, where, "engagements", SHOWN, None, instant),
        ranked_publishers(lake, view, where, sort="engagements", limit=SHOWN),
    )
    return rows, accounts
