"""The campaign's reports: each is one function of the insights, its answer shared for seconds."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from api import answers
from api.answers import Answer
from api.deps import Parts, Readable
from api.openapi import answer
from api.params import AsOf, Effect, Params, Ranking, Series, Voice
from api.services import Services
from insights import campaigns as insight
from registry.models import Campaign

router = APIRouter(prefix="/v1/campaigns/{campaign_id}", tags=["reports"])
Report = Callable[[], Awaitable[Any]]


async def shared(
    request: Request, parts: Services, campaign: Campaign, query: Params, report: Report
) -> Response:
    """Return a report, made at most once every few seconds for each campaign, route and query."""

    async def make() -> Answer:
        made = await report()
        return answers.encoded(made, tagged_by=answers.same(made))

    route = request.scope["route"].path
    key = (campaign.id, campaign.revision, campaign.updated_at, route, query.model_dump_json())
    return answers.respond(request, await parts.answers.get(key, make))
