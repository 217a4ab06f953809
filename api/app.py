"""The service put together: parts in, ASGI app out."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from api import (
    account,
    campaigns,
    errors,
    exports,
    figures,
    health,
    openapi,
    posts,
    reports,
    web,
)
from api.allowance import Allowance
from api.audiences import CommunityMaps
from api.audiences import router as audiences_router
from api.cache import SingleFlight
from api.errors import ApiError, Invalid, Malformed, Missing
from api.guards import BodyCap, Deadline, Protection
from api.meters import Metered, Meters
from api.problem import Problem, respond
from api.services import Services
from api.settings import ApiSettings
from api.validation import field_problems
from insights.audiences.around import Around
from insights.audiences.book import NOBODY, Book
from insights.audiences.campaign import CampaignOverlap
from insights.audiences.similar import Similar
from insights.comparison import Comparison
from insights.errors import InsightError
from insights.hashtags import HashtagList
from insights.history import History
from insights.posts import PostList
from insights.publishers import PublisherList
from insights.quality import Quality
from insights.shares import ShareOfVoice
from insights.spikes import Spikes
from insights.summary import Summary
from insights.timeseries import Timeseries
from lake.contract import Lake
from lake.errors import LakeError
from registry import Registry
from registry.errors import RegistryError
from registry.plan import Plan

log = structlog.get_logger()
ROUTERS = (
    campaigns.router, reports.router, audiences_router, posts.router, exports.router,
    figures.router, account.router, health.router, web.router,
)  # fmt: skip

KINDS = (
    account.Account, account.Definitions, Around, CommunityMaps, CampaignOverlap,
    campaigns.CampaignList, campaigns.CampaignOut,
    health.Health, Comparison, HashtagList, History, Plan, PostList, PublisherList, Quality,
    ShareOfVoice, Similar, Spikes, Summary, Timeseries,
)  # fmt: skip
"""What answers are made of, for the description."""


def create_app(
    *,
    lake: Lake,
    registry: Registry,
    now: Callable[[], datetime],
    settings: ApiSettings,
    audiences: Book = NOBODY,
) -> FastAPI:
    """Return the service over an open lake and registry, which stay the caller's to close.

    `now`: the clock reports are made by; simulated where the world is.
    """
    parts = _parts(lake, registry, audiences, now=now, settings=settings)
    app = FastAPI(
        title="taglake",
        openapi_url="/openapi.json" if settings.docs else None,
        docs_url=None,  # its script comes from a CDN, which our own policy forbids
        redoc_url=None,
        middleware=_layers(parts),
        redirect_slashes=False,
        lifespan=web.warmed,
    )
    app.state.services = parts
    _answer_errors(app)
    return _routed(app)


def description() -> dict[str, Any]:
    """Return the OpenAPI description, without lake or registry."""
    return _routed(FastAPI()).openapi()


def _routed(app: FastAPI) -> FastAPI:
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign] # FastAPI's documented way
    return app


def _parts(
    lake: Lake,
    registry: Registry,
    audiences: Book,
    *,
    now: Callable[[], datetime],
    settings: ApiSettings,
) -> Services:
    return Services(
        lake=lake,
        audiences=audiences,
        registry=registry,
        now=now,
        settings=settings,
        answers=SingleFlight(
            seconds=settings.cache_seconds, entries=settings.cache_entries, clock=time.monotonic
        ),
        keys=SingleFlight(seconds=settings.key_seconds, entries=4_096, clock=time.monotonic),
        allowance=Allowance(registry.limits.hit, clock=time.monotonic),
        meters=Meters(),
        exports=asyncio.Semaphore(settings.exports_at_once),
    )


def _layers(parts: Services) -> list[Middleware]:
    """Return the layers, outermost first: what counts and protects sees refusals too."""
    settings = parts.settings
    layers = [
        Middleware(Metered, meters=parts.meters, clock=time.monotonic),
        Middleware(Protection),
    ]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=settings.cors_origins,
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key"],
                expose_headers=["ETag", "Location", "Retry-After", "RateLimit-Remaining"],
            )
        )
    layers.append(Middleware(Deadline, seconds=settings.request_seconds))
    layers.append(Middleware(BodyCap, limit=settings.body_bytes))
    return layers


def _answer_errors(app: FastAPI) -> None:
    for known in (ApiError, LakeError, RegistryError, InsightError):
        app.add_exception_handler(known, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _refused(request: Request, error: Exception) -> Response:
    told = errors.problem(error, instance=request.url.path)
    if told.status >= 500:
        log.warning("refused", error=type(error).__name__, status=told.status)
    return respond(told, errors.headers(error))


async def _invalid(request: Request, error: Exception) -> Response:
    """Answer a body or parameters that did not pass validation."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    kind = Malformed if any(one["type"] == "json_invalid" for one in found) else Invalid
    details = field_problems(found)
    names = ", ".join(dict.fromkeys(one.field for one in details))
    refused = kind(f"These fields are not acceptable: {names}.", errors=details)
    return await _refused(request, refused)


async def _http(request: Request, error: Exception) -> Response:
    """Answer what the framework itself refuses: no such path, no such method, no JSON."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 404:
        return await _refused(request, Missing("There is no such path. See /openapi.json."))
    if error.status_code == 400:
        return await _refused(request, Malformed("The body is not JSON that can be read."))
    told = Problem(
        type="about:blank",
        title=str(error.detail),
        status=error.status_code,
        detail=f"{request.method} is not answered here.",
        instance=request.url.path,
    )
    return respond(told, error.headers)


async def _unexpected(request: Request, error: Exception) -> Response:
    """Answer a fault of ours. The framework raises it again, so that the server logs it."""
    return respond(errors.problem(error, instance=request.url.path))


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        app.openapi_schema = openapi.describe(app, version=version("taglake"), kinds=KINDS)
    return app.openapi_schema
