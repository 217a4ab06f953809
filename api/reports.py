"""The campaign's reports: each is one function of the insights, its answer shared for seconds."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api import answers
from api.answers import Answer
from api.deps import Parts, Readable
from api.openapi import Responses, answer
from api.params import AsOf, Effect, Params, Publishers, Ranking, Series, SpikesOf, SummaryOf, Voice
from api.services import Services
from insights import campaigns as insight
from insights import rollups
from insights.comparison import Comparison
from insights.hashtags import HashtagList
from insights.publishers import PublisherList
from insights.quality import Quality
from insights.shares import ShareOfVoice
from insights.spikes import Spikes
from insights.summary import Summary
from insights.timeseries import Timeseries
from registry.models import Campaign

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["reports"])
Report = Callable[[], Awaitable[Any]]


async def shared(
    request: Request, parts: Services, campaign: Campaign, query: Params, report: Report
) -> Response:
    """Return a report: the one in memory, the one a worker made ahead, or one made now.

    In memory it lives for seconds, keyed by campaign, its last change, route and query; a campaign
    belongs to one tenant, so an answer cannot reach another.
    """
    route = request.scope["route"].path
    name = route.rpartition("/")[2]

    async def make() -> Answer:
        """Compute it."""
        ready = await made_ahead(parts, campaign, query, name)
        if ready is not None:
            return answers.tagged(bytes(ready))
        made = await report()
        return answers.encoded(made, tagged_by=answers.same(made))

    key = (campaign.id, campaign.updated_at, route, query.model_dump_json())
    return answers.respond(request, await parts.answers.get(key, make))


async def made_ahead(
    parts: Services, campaign: Campaign, query: Params, name: str
) -> msgspec.Raw | None:
    """Return the worker's report if the caller asks for nothing but the defaults."""
    oldest = timedelta(seconds=parts.settings.rollup_seconds)
    if not oldest or name not in rollups.PARTS or query.model_fields_set:
        return None
    return await rollups.fresh(parts.lake, campaign, name, parts.now(), oldest)


def report(kind: type, description: str) -> Responses:
    """Return what a report's route declares."""
    return answer(kind, description, refusals="404")


@router.get(
    "/summary",
    operation_id="getSummary",
    response_class=Response,
    responses=report(Summary, "Key numbers beside their baseline, top posts and publishers"),
)
async def summary(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[SummaryOf, Query()]
) -> Response:
    """Return what the campaign did in short, each number beside its baseline."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.summary(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of, compare=query.compare,
            audiences=parts.audiences,
        ),
    )  # fmt: skip


@router.get(
    "/timeseries",
    operation_id="getTimeseries",
    response_class=Response,
    responses=report(Timeseries, "Points by line and time, without holes"),
)
async def timeseries(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Series, Query()]
) -> Response:
    """Return metrics over time, cut by network, kind, tag or side."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.timeseries(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of,
            metrics=tuple(dict.fromkeys(query.metrics.split(","))), interval=query.interval,
            breakdown=query.breakdown, timezone=query.timezone, side=query.side,
        ),
    )  # fmt: skip


@router.get(
    "/publishers",
    operation_id="listPublishers",
    response_class=Response,
    responses=report(PublisherList, "Accounts, the highest first"),
)
async def publishers(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Publishers, Query()]
) -> Response:
    """Return the accounts that published, most engaging, most active or most followed first."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.publishers(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of, sort=query.sort,
            limit=query.limit or parts.settings.page_size, period=query.period, side=query.side,
        ),
    )  # fmt: skip


@router.get(
    "/hashtags",
    operation_id="listHashtags",
    response_class=Response,
    responses=report(HashtagList, "Hashtags, the most frequent first"),
)
async def hashtags(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Ranking, Query()]
) -> Response:
    """Return the hashtags that stand beside the watched ones."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.hashtags(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of,
            limit=query.limit or parts.settings.page_size, period=query.period, side=query.side,
        ),
    )  # fmt: skip


@router.get(
    "/share-of-voice",
    operation_id="getShareOfVoice",
    response_class=Response,
    responses=report(ShareOfVoice, "Each side's part, brand first"),
)
async def share_of_voice(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Voice, Query()]
) -> Response:
    """Return the brand's share of voice beside its competitors'."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.share_of_voice(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of,
            metric=query.metric, period=query.period,
        ),
    )  # fmt: skip


@router.get(
    "/before-during-after",
    operation_id="getBeforeDuringAfter",
    response_class=Response,
    responses=report(Comparison, "Daily means, changes and lifts with intervals"),
)
async def before_during_after(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Effect, Query()]
) -> Response:
    """Return what changed against the baseline, with the competitors as comparison group."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.before_during_after(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of, metric=query.metric
        ),
    )  # fmt: skip


@router.get(
    "/quality",
    operation_id="getQuality",
    response_class=Response,
    responses=report(Quality, "Polls, gaps to the minute, what is unknown"),
)
async def quality(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[AsOf, Query()]
) -> Response:
    """Return how completely the campaign was watched."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.quality(parts.lake, campaign, now=parts.now(), as_of=query.as_of),
    )  # fmt: skip


@router.get(
    "/spikes",
    operation_id="listSpikes",
    response_class=Response,
    responses=report(Spikes, "Posts that spiked, the strongest first"),
)
async def spikes(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[SpikesOf, Query()]
) -> Response:
    """Return the posts whose engagement grew far faster than before."""
    return await shared(
        request, parts, campaign, query,
        lambda: insight.spikes(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of,
            limit=query.limit or parts.settings.page_size, side=query.side,
        ),
    )  # fmt: skip
