"""Is it alive, is it ready, what did it count."""

import asyncio
from collections.abc import Awaitable

import msgspec
import structlog
from fastapi import APIRouter, Response

from api import answers
from api.deps import Parts
from api.openapi import answer
from lake.errors import LakeError
from lake.records import Rollup
from registry.errors import RegistryError

router = APIRouter(tags=["health"])
READY_SECONDS = 2.0  # a balancer asks every few seconds and must not queue behind itself
log = structlog.get_logger()


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the service, its registry and its lake answer."""

    status: str
    registry: str = "ok"
    lake: str = "ok"


@router.get(
    "/healthz",
    operation_id="alive",
    response_class=Response,
    responses={200: answer(Health, "The process runs")[200]},
)
async def alive() -> Response:
    """Answer as long as the process runs: what restarts it must not ask more."""
    return answers.plain(Health(status="ok"))


@router.get(
    "/readyz",
    operation_id="ready",
    response_class=Response,
    responses={
        200: answer(Health, "Registry and lake answer")[200],
        503: answer(Health, "One of them does not")[200],
    },
)
async def ready(parts: Parts) -> Response:
    """Answer 200 if the registry and the lake answer, else 503: take this replica out."""
    registry, lake = await asyncio.gather(
        _state("registry", parts.registry.clients.get("nobody")),
        _state("lake", parts.lake.get(Rollup, ("nothing",))),
    )
    fine = registry == lake == "ok"
    found = answers.plain(
        Health(status="ok" if fine else "unavailable", registry=registry, lake=lake)
    )
    found.status_code = 200 if fine else 503
    return found


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={200: {"description": "Counters", "content": {"text/plain": {}}}},
)
async def metrics(parts: Parts) -> Response:
    """Return this process's counters as Prometheus reads them."""
    text = parts.meters.text(answers_shared=parts.answers.hits, answers_made=parts.answers.misses)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _state(name: str, question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(READY_SECONDS):
            await question
    except (TimeoutError, LakeError, RegistryError) as error:
        log.warning("not_ready", part=name, error=type(error).__name__)
        return "unavailable"
    return "ok"
