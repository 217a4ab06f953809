"""Audiences: how those of a campaign's publishers overlap, whose are like one, which communities
they form. What the operator collected is every client's to read; whose it is, no answer says.
"""

import asyncio
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from api import answers
from api.answers import Answer
from api.deps import Parts, Readable, Reader
from api.errors import Missing
from api.figures import MEDIA
from api.openapi import answer, binary
from api.params import AroundOf, Figure, OverlapOf, Params, SimilarTo
from api.reports import report, shared
from api.services import Services
from api.words import Ident, Network
from insights.audiences.around import Around, around
from insights.audiences.campaign import CampaignOverlap, campaign_overlap
from insights.audiences.communities import CommunityMap, community_map, stored_communities
from insights.audiences.similar import Similar, similar
from insights.figures import audiences, style

router = APIRouter(prefix="/v1", tags=["audiences"])
ON = Annotated[Network, Path(description="Name of a network: mastodon, bluesky, ...")]


class CommunityMaps(msgspec.Struct, frozen=True, kw_only=True):
    """The communities of every network of which audiences are known."""

    networks: tuple[CommunityMap, ...]


@router.get(
    "/campaigns/{campaign_id}/overlap",
    operation_id="getOverlap",
    response_class=Response,
    responses=report(CampaignOverlap, "Overlap of audiences as a matrix for each network"),
)
async def overlap(
    request: Request, parts: Parts, campaign: Readable, query: Annotated[OverlapOf, Query()]
) -> Response:
    """Return how the audiences of the most followed publishers overlap, and what they reach."""
    return await shared(
        request, parts, campaign, query,
        lambda: campaign_overlap(
            parts.lake, campaign, audiences=parts.audiences, now=parts.now(),
            top=query.top, period=query.period, side=query.side,
        ),
    )  # fmt: skip


@router.get(
    "/accounts/{account_id:path}/similar",
    operation_id="listSimilarAccounts",
    response_class=Response,
    responses=answer(
        Similar, "Accounts that share followers, the most similar first", refusals="404"
    ),
)
async def similar_accounts(
    request: Request,
    parts: Parts,
    key: Reader,
    account_id: Annotated[Ident, Path(description="Id of an account, percent-encoded")],
    query: Annotated[SimilarTo, Query()],
) -> Response:
    """Return the accounts whose audience is most like an account's, with intervals."""

    async def make() -> Answer:
        """Search."""
        most = query.limit or parts.settings.page_size
        found = await similar(parts.lake, parts.audiences, account_id, most=most)
        if found.account is None:
            raise Missing(
                "The followers of this account are not known. The operator collects them."
            )
        return answers.encoded(found)

    made = await parts.answers.get((request.url.path, query.model_dump_json()), make)
    return answers.respond(request, made)


@router.get(
    "/communities",
    operation_id="listCommunities",
    response_class=Response,
    responses=answer(CommunityMaps, "Communities of accounts, network by network"),
)
async def list_communities(
    request: Request, parts: Parts, key: Reader, query: Annotated[Params, Query()]
) -> Response:
    """Return which communities accounts form by their audiences, and what these are about."""

    async def make() -> Answer:
        """Take what a worker found last, or find it now."""
        found = [await _communities(parts, network) for network in parts.audiences.networks]
        return answers.encoded({"networks": found})

    return answers.respond(request, await parts.answers.get(("communities",), make))


@router.get(
    "/communities/{network}/around",
    operation_id="listAccountsAround",
    response_class=Response,
    responses=answer(
        Around, "Accounts with audiences like those of some, the nearest first", refusals="404"
    ),
)
async def accounts_around(
    request: Request, parts: Parts, key: Reader, network: ON, query: Annotated[AroundOf, Query()]
) -> Response:
    """Return the community around some accounts, without a map of all."""

    async def make() -> Answer:
        """Expand."""
        found = await around(
            parts.lake, parts.audiences, network, query.account,
            most=query.limit or parts.settings.page_size, method=query.method,
        )  # fmt: skip
        if not found.seeds:
            raise Missing(
                "The followers of none of these accounts are known. The operator collects them."
            )
        return answers.encoded(found)

    made = await parts.answers.get((request.url.path, query.model_dump_json()), make)
    return answers.respond(request, made)


@router.get(
    "/communities/{network}/map.{format}",
    operation_id="getCommunityMap",
    response_class=Response,
    responses=binary("The map of a network's communities", *MEDIA.values()),
)
async def communities_drawn(
    request: Request,
    parts: Parts,
    key: Reader,
    network: ON,
    format: Literal["json", "svg", "png"],  # the path's own word
    query: Annotated[Figure, Query()],
) -> Response:
    """Return the communities of a network as a map: Vega-Lite, or a picture."""
    if network not in parts.audiences.networks:
        known = ", ".join(parts.audiences.networks) or "none"
        raise Missing(f"No audiences of this network are known. There are: {known}.")

    async def make() -> Answer:
        """Draw it."""
        found = msgspec.json.decode(await _communities(parts, network), type=CommunityMap)
        return answers.tagged(await asyncio.to_thread(_painted, found, query.theme, format))

    key_ = ("communities", network, format, query.theme)
    return answers.respond(request, await parts.answers.get(key_, make), media_type=MEDIA[format])


async def _communities(parts: Services, network: str) -> msgspec.Raw:
    stored = await stored_communities(parts.lake, network)
    if stored is not None:
        return stored
    found = await community_map(parts.lake, parts.audiences, network, now=parts.now())
    return msgspec.Raw(msgspec.json.encode(found))


def _painted(found: CommunityMap, theme: style.Theme, form: str) -> bytes:
    """Return the bytes of the map. Blocks."""
    width: dict[str, Any] = {"width": "container"} if form == "json" else {}
    spec = audiences.community_map(found, theme=theme, **width)
    return style.rendered(spec, form)
