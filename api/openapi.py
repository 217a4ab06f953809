"""The OpenAPI description: shapes come from the very structs that are encoded."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problem import MEDIA_TYPE, Problem

_REF = "#/components/schemas/{name}"
DESCRIPTION = """Register a hashtag campaign, see what watching it costs, read its report.

Every id is opaque. Instants are RFC 3339 in UTC. Unknown is null, never 0. Errors are RFC 9457
problems with `errors: [{field, value, problem, fix}]`. POST takes an `Idempotency-Key`. Lists go on
with `cursor`. Answers carry `RateLimit-*` and, where they can be kept, `ETag`."""

Responses = dict[int | str, dict[str, Any]]
EXAMPLE = {
    "type": "urn:taglake:problem:invalid",
    "title": "The request is not valid",
    "status": 422,
    "detail": "These fields are not acceptable: end.",
    "instance": "/v1/campaigns",
    "errors": [
        {
            "field": "end",
            "value": None,
            "problem": "not after start",
            "fix": "write an end that is later than start",
        }
    ],
}
REFUSALS: Mapping[int, str] = {
    401: "No valid key",
    403: "The key lacks the scope",
    404: "No such thing of yours",
    409: "Contradicts what is stored, or does not fit",
    413: "Body too large",
    422: "Not valid; `errors` says which field and what to write",
    429: "Over the limit; see Retry-After",
    503: "Not available now; see Retry-After",
}


def answer(kind: type, description: str, *, status: int = 200, refusals: str = "") -> Responses:
    """Return what a route declares: its answer, the refusals all share, and its own (by status)."""
    own = [int(code) for code in refusals.split()]
    shared = (401, 403, 413, 422, 429, 503)
    content = {"application/json": {"schema": reference(kind)}}
    return {
        status: {"description": description, "content": content},
        **{code: refusal(code) for code in sorted({*shared, *own})},
    }


def refusal(status: int) -> dict[str, Any]:
    """Return the description of one refusal."""
    schema = {"$ref": _REF.format(name="Problem")}
    content: dict[str, Any] = {MEDIA_TYPE: {"schema": schema}}
    if status == 422:
        content[MEDIA_TYPE]["example"] = EXAMPLE
    return {"description": REFUSALS[status], "content": content}


def binary(description: str, *media_types: str) -> Responses:
    """Return what a route declares that answers with a file."""
    content = {one: {"schema": {"type": "string", "format": "binary"}} for one in media_types}
    codes = (401, 403, 404, 413, 422, 429, 503)
    return {
        200: {"description": description, "content": content},
        **{code: refusal(code) for code in codes},
    }


def reference(kind: type) -> dict[str, str]:
    """Return a reference to the schema of a struct, which `describe` then adds."""
    return {"$ref": _REF.format(name=kind.__name__)}


def describe(app: FastAPI, *, version: str, kinds: tuple[type, ...]) -> dict[str, Any]:
    """Return the whole description; `kinds` are the structs that answers are made of."""
    made = get_openapi(title="taglake", version=version, description=DESCRIPTION, routes=app.routes)
    _, components = msgspec.json.schema_components((Problem, *kinds), ref_template=_REF)
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas.update(components)
    return made
