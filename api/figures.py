"""The report's figures: the same Vega-Lite for the page, as PNG and as SVG."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api import answers
from api.answers import Answer
from api.deps import Parts, Readable
from api.errors import Missing
from api.openapi import binary
from api.params import Figure
from insights import campaigns as insight
from insights.audiences.campaign import campaign_overlap as overlapping
from insights.figures import audiences, campaigns, style

router = APIRouter(prefix="/v1/campaigns/{campaign_id}/figures", tags=["figures"])
Format = Literal["json", "svg", "png"]
MEDIA: Mapping[str, str] = {
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
}
Make = Callable[..., Awaitable[Any]]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One figure: the report it draws, with which options, and how."""

    report: Make
    options: Mapping[str, object] = {}
    draw: Callable[..., style.Spec]
    metric: str | None = None
    audiences: bool = False  # whether the report asks whose followers are known


SOURCES: Mapping[str, Source] = {
    "timeline": Source(report=insight.timeseries, draw=campaigns.timeline, metric="posts"),
    "engagements": Source(report=insight.timeseries, draw=campaigns.timeline, metric="engagements"),
    "tags": Source(
        report=insight.timeseries,
        options={"metrics": ("posts",), "breakdown": "tag"},
        draw=campaigns.tag_lines,
    ),
    "share-of-voice": Source(report=insight.share_of_voice, draw=campaigns.share_of_voice),
    "before-during-after": Source(
        report=insight.before_during_after, draw=campaigns.before_during_after
    ),
    "publishers": Source(
        report=insight.publishers, options={"limit": 15}, draw=campaigns.publishers
    ),
    "overlap": Source(report=overlapping, draw=audiences.overlap, audiences=True),
    "quality": Source(report=insight.quality, draw=campaigns.quality),
}
"""Name of a figure to what it draws."""


@router.get(
    "/{name}.{format}",
    operation_id="getFigure",
    response_class=Response,
    responses=binary(f"One of {', '.join(SOURCES)}", *MEDIA.values()),
)
async def figure(
    request: Request,
    parts: Parts,
    campaign: Readable,
    name: str,
    format: Format,  # the path's own word
    query: Annotated[Figure, Query()],
) -> Response:
    """Return a figure: Vega-Lite to be drawn at the reader's width, or a picture."""
    source = SOURCES.get(name)
    if source is None:
        raise Missing(f"There is no such figure. There are {', '.join(SOURCES)}.")

    async def make() -> Answer:
        """Draw it."""
        book = {"audiences": parts.audiences} if source.audiences else {}
        report = await source.report(
            parts.lake, campaign, now=parts.now(), as_of=query.as_of, **source.options, **book
        )
        # Drawing takes 20 to 200 ms of processor, which the loop's other callers must not wait for.
        return answers.tagged(await asyncio.to_thread(painted, source, report, query.theme, format))

    key = (campaign.id, campaign.updated_at, "figure", name, format, query.model_dump_json())
    found = await parts.answers.get(key, make)
    return answers.respond(request, found, media_type=MEDIA[format])


def painted(source: Source, report: Any, theme: style.Theme, form: Format) -> bytes:
    """Return the bytes of one figure. Blocks."""
    metric = {"metric": source.metric} if source.metric else {}
    width = {"width": "container"} if form == "json" else {}
    spec = source.draw(report, theme=theme, **metric, **width)
    return style.rendered(spec, form)
