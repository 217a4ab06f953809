"""Who the caller is, what may be watched, and what the words mean."""

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from api import answers
from api.deps import Parts, Reader
from api.errors import Missing
from api.openapi import answer
from api.params import Nothing
from insights.definitions import DEFINITIONS, Definition
from registry.models import Client, Key

router = APIRouter(prefix="/v1", tags=["account"])


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """The caller, the key it came with, and the networks that have accounts to watch with."""

    client: Client
    key: Key
    networks: tuple[str, ...]


class Definitions(msgspec.Struct, frozen=True, kw_only=True):
    """Every metric: its label, unit, meaning and formula."""

    definitions: tuple[Definition, ...]


@router.get(
    "/account",
    operation_id="getAccount",
    response_class=Response,
    responses=answer(Account, "You, your key, and the networks"),
)
async def account(
    request: Request, parts: Parts, key: Reader, query: Annotated[Nothing, Query()]
) -> Response:
    """Return who you are and which networks you may choose from."""
    client = await parts.registry.clients.get(key.client_id)
    if client is None:
        raise Missing("The client of this key is gone.")
    lanes = await parts.registry.lanes.list()
    networks = tuple(sorted({lane.network for lane in lanes if lane.quarantined_at is None}))
    return answers.plain(Account(client=client, key=key, networks=networks))


@router.get(
    "/definitions",
    operation_id="listDefinitions",
    response_class=Response,
    responses=answer(Definitions, "The glossary"),
)
async def definitions(
    request: Request, key: Reader, query: Annotated[Nothing, Query()]
) -> Response:
    """Return what each metric of a report means and how it is computed."""
    found = Definitions(definitions=tuple(DEFINITIONS.values()))
    return answers.respond(request, answers.encoded(found))
