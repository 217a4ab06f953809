"""Campaigns: plan, register, list, read, change, pause, resume, delete."""

from datetime import datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api import answers
from api.deps import Parts, Readable, Reader, Writable, Writer
from api.errors import DoesNotFit
from api.idempotency import IdempotencyKey, once
from api.openapi import answer
from api.params import DryRun, Nothing, Paging
from api.problem import FieldProblem
from api.schemas import CampaignIn, CampaignPatch
from api.services import Services
from registry.drafts import collection
from registry.models import Campaign, CampaignDraft, CampaignStatus, Key
from registry.plan import Misfit, Plan

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """Which time is collected, and how far that is."""

    since: datetime
    until: datetime
    passed_percent: float


class CampaignOut(CampaignDraft, frozen=True, kw_only=True):
    """A campaign as its owner sees it; `plan` is what watching it costs by now."""

    id: str
    status: CampaignStatus
    revision: int
    created_at: datetime
    updated_at: datetime
    coverage: Coverage
    plan: Plan | None = None  # only of a single campaign that is being watched


class CampaignList(msgspec.Struct, frozen=True, kw_only=True):
    """Campaigns, newest first, and the cursor that continues behind them."""

    campaigns: tuple[CampaignOut, ...]
    cursor: str | None


@router.post(
    "",
    operation_id="createCampaign",
    response_class=Response,
    responses={
        **answer(CampaignOut, "Registered; it is watched from now on", status=201, refusals="409"),
        200: answer(Plan, "The plan of `?dry_run=true`; nothing is saved")[200],
    },
)
async def create(
    request: Request,
    parts: Parts,
    key: Writer,
    body: CampaignIn,
    query: Annotated[DryRun, Query()],
    name: IdempotencyKey = None,
) -> Response:
    """Register a campaign, or only ask what it would cost.

    One that does not fit is refused with 409; the problem carries the plan, which says what would.
    """
    draft = body.draft()
    if query.dry_run:
        return answers.plain(await parts.registry.plan(draft))
    return await once(request, parts, key, name=name, act=lambda: register(parts, key, draft))


async def register(parts: Services, key: Key, draft: CampaignDraft) -> Response:
    """Register a campaign that fits; raises DoesNotFit."""
    proposal = await fitting(parts, draft)
    made = await parts.registry.campaigns.create(key.client_id, draft, who=key.prefix)
    return answers.created(shown(made, parts.now(), proposal), location=f"/v1/campaigns/{made.id}")


@router.get(
    "",
    operation_id="listCampaigns",
    response_class=Response,
    responses=answer(CampaignList, "Your campaigns, newest first"),
)
async def list_campaigns(
    request: Request, parts: Parts, key: Reader, query: Annotated[Paging, Query()]
) -> Response:
    """Return a page of your campaigns."""
    page = await parts.registry.campaigns.list(
        key.client_id, limit=query.limit or parts.settings.page_size, cursor=query.cursor
    )
    now = parts.now()
    found = CampaignList(
        campaigns=tuple(shown(one, now) for one in page.campaigns), cursor=page.cursor
    )
    return answers.respond(request, answers.encoded(found))


@router.get(
    "/{campaign_id}",
    operation_id="getCampaign",
    response_class=Response,
    responses=answer(CampaignOut, "The campaign, its coverage and plan", refusals="404"),
)
async def get_campaign(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[Nothing, Query()]
) -> Response:
    """Return one campaign with its status, its coverage and what watching it costs."""
    watching = campaign.status == "active"
    proposal = await parts.registry.plan(draft_of(campaign)) if watching else None
    found = shown(campaign, parts.now(), proposal)
    return answers.respond(request, answers.encoded(found))


@router.patch(
    "/{campaign_id}",
    operation_id="changeCampaign",
    response_class=Response,
    responses=answer(CampaignOut, "As it is now", refusals="404 409"),
)
async def change(
    request: Request,
    parts: Parts,
    key: Writer,
    campaign: Writable,
    body: CampaignPatch,
    query: Annotated[Nothing, Query()],
) -> Response:
    """Change a campaign; fields left out stay. What it then watches has to fit, as at the start.

    The revision the change is based on is checked, so two changes at once cannot mix.
    """
    draft = body.merged(campaign).draft()
    proposal = await fitting(parts, draft)
    changes = {name: getattr(draft, name) for name in body.model_fields_set}
    made = await parts.registry.campaigns.patch(
        key.client_id, campaign.id, changes, expected=campaign.revision, who=key.prefix
    )
    return answers.plain(shown(made, parts.now(), proposal))


@router.post(
    "/{campaign_id}/pause",
    operation_id="pauseCampaign",
    response_class=Response,
    responses=answer(CampaignOut, "Paused: its targets are no longer asked for", refusals="404"),
)
async def pause(
    request: Request,
    parts: Parts,
    key: Writer,
    campaign: Writable,
    query: Annotated[Nothing, Query()],
    name: IdempotencyKey = None,
) -> Response:
    """Stop watching until it is resumed; the report stays."""

    async def act() -> Response:
        """Pause it, once."""
        made = await parts.registry.campaigns.pause(key.client_id, campaign.id, who=key.prefix)
        return answers.plain(shown(made, parts.now()))

    return await once(request, parts, key, name=name, act=act)


@router.post(
    "/{campaign_id}/resume",
    operation_id="resumeCampaign",
    response_class=Response,
    responses=answer(CampaignOut, "Watched again", refusals="404 409"),
)
async def resume(
    request: Request,
    parts: Parts,
    key: Writer,
    campaign: Writable,
    query: Annotated[Nothing, Query()],
    name: IdempotencyKey = None,
) -> Response:
    """Watch a paused campaign again, if it still fits; raises DoesNotFit."""

    async def act() -> Response:
        """Resume it, once."""
        proposal = await fitting(parts, draft_of(campaign))
        made = await parts.registry.campaigns.resume(key.client_id, campaign.id, who=key.prefix)
        return answers.plain(shown(made, parts.now(), proposal))

    return await once(request, parts, key, name=name, act=act)


@router.delete(
    "/{campaign_id}",
    operation_id="deleteCampaign",
    response_class=Response,
    status_code=204,
    responses={
        204: {"description": "Forgotten; posts that were collected stay in the lake"},
        **{
            code: said
            for code, said in answer(CampaignOut, "", refusals="404").items()
            if code != 200
        },
    },
)
async def delete(
    parts: Parts, key: Writer, campaign: Writable, query: Annotated[Nothing, Query()]
) -> Response:
    """Forget a campaign."""
    await parts.registry.campaigns.delete(key.client_id, campaign.id, who=key.prefix)
    return Response(status_code=204)


async def fitting(parts: Services, draft: CampaignDraft) -> Plan:
    """Return the plan of a draft that fits; raises DoesNotFit with what would."""
    proposal = await parts.registry.plan(draft)
    if proposal.fits:
        return proposal
    reasons = tuple(misfit(one) for one in proposal.reasons)
    raise DoesNotFit(
        "The accounts' budgets cannot carry it. `plan.would_fit` says what they can.",
        errors=reasons,
        plan=msgspec.json.encode(proposal),
    )


def misfit(reason: Misfit) -> FieldProblem:
    """Return why a draft does not fit as a field problem."""
    fix = f"make it {reason.limit} at most" if reason.limit else "leave it out, or add an account"
    return FieldProblem(field=reason.field, value=str(reason.value), problem=reason.why, fix=fix)


def draft_of(campaign: Campaign) -> CampaignDraft:
    """Return what the client asked for."""
    return msgspec.convert(campaign, CampaignDraft, from_attributes=True)


def shown(campaign: Campaign, now: datetime, plan: Plan | None = None) -> CampaignOut:
    """Return a campaign as its owner sees it: whose it is, is not said."""
    draft = msgspec.structs.asdict(draft_of(campaign))
    return CampaignOut(
        **draft,
        id=campaign.id,
        status=campaign.status,
        revision=campaign.revision,
        created_at=campaign.created_at,
        updated_at=campaign.updated_at,
        coverage=coverage(campaign, now),
        plan=plan,
    )


def coverage(campaign: Campaign, now: datetime) -> Coverage:
    """Return which time is collected, and how much of it is over."""
    since, until = collection(campaign)
    passed = (min(max(now, since), until) - since) / (until - since)
    return Coverage(since=since, until=until, passed_percent=round(100 * passed, 1))
