"""Errors as the client sees them: RFC 9457 `application/problem+json`, one shape for all."""

from collections.abc import Mapping

import msgspec
from fastapi import Response

MEDIA_TYPE = "application/problem+json"


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field and what to write instead. `value` is shortened."""

    field: str
    value: str | None = None
    problem: str
    fix: str


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One refusal: `type` is a stable name for programs, `detail` a sentence for a person."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[FieldProblem, ...] = ()
    plan: msgspec.Raw | None = None  # of a campaign that does not fit: what would


def respond(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem as a response that no cache may keep."""
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def shown(value: object) -> str | None:
    """Return a scalar as short text for an error message, None for what is too large to echo."""
    if value is None or isinstance(value, dict | list | tuple | set | bytes):
        return None
    text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
