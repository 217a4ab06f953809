"""What the API refuses, and the one table from error class to status.

ApiError
├── Unauthorised     no key, or one that is unknown, revoked or expired
├── Forbidden        the key lacks a scope
├── Missing          no such thing, or not the caller's: the two are never told apart
├── Malformed        the body is not JSON at all
├── Invalid          a body, parameter or header is wrong; says which field and what to write
├── Conflict         the request contradicts what is stored
├── DoesNotFit       a campaign costs more than the lanes can give; carries the plan
├── TooMany          the caller is over a limit; carries the seconds to wait
├── TooLarge         a body is over the size or structure cap
└── TooSlow          no answer within the time allowed
"""

from collections.abc import Mapping
from math import ceil

import msgspec

from api.problem import FieldProblem, Problem, shown
from insights.errors import BadRequest, Damaged
from lake.errors import BadQuestion, LakeError, Unavailable
from registry.errors import (
    BadField,
    InProgress,
    KeyReused,
    RegistryError,
    Stale,
    Taken,
    Unknown,
)


class ApiError(Exception):
    """The base of all refusals: `detail` is shown to the client as it is."""

    def __init__(self, detail: str, *, errors: tuple[FieldProblem, ...] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors


class Unauthorised(ApiError):
    """The caller did not show a key that is good now."""


class Forbidden(ApiError):
    """The caller's key does not carry the scope this needs."""


class Missing(ApiError):
    """What was asked for does not exist for this caller."""


class Malformed(ApiError):
    """The body is not what its Content-Type says."""


class Invalid(ApiError):
    """The request is malformed or asks for what cannot be."""


class Conflict(ApiError):
    """The request contradicts what is stored."""


class DoesNotFit(ApiError):
    """The campaign does not fit into budgets or slots; `plan` says what would."""

    def __init__(self, detail: str, *, errors: tuple[FieldProblem, ...], plan: bytes) -> None:
        super().__init__(detail, errors=errors)
        self.plan = plan


class TooMany(ApiError):
    """The caller is over a limit until `retry_after` seconds from now."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLarge(ApiError):
    """The body is over the cap on bytes, depth or number of values."""


class TooSlow(ApiError):
    """The answer did not begin within the time allowed."""


STATUSES: tuple[tuple[type[Exception], int, str, str], ...] = (
    (Malformed, 400, "malformed", "The body cannot be read"),
    (Unauthorised, 401, "unauthorised", "A valid API key is needed"),
    (Forbidden, 403, "forbidden", "The key may not do this"),
    (Missing, 404, "not-found", "Not found"),
    (DoesNotFit, 409, "does-not-fit", "The campaign does not fit"),
    (Conflict, 409, "conflict", "The request contradicts what is stored"),
    (TooLarge, 413, "too-large", "The body is too large"),
    (Invalid, 422, "invalid", "The request is not valid"),
    (TooMany, 429, "too-many-requests", "Too many requests"),
    (TooSlow, 503, "too-slow", "The answer took too long"),
    (BadQuestion, 422, "invalid", "The request is not valid"),
    (BadRequest, 422, "invalid", "The request is not valid"),
    (BadField, 422, "invalid", "The request is not valid"),
    (Unknown, 404, "not-found", "Not found"),
    (Stale, 409, "conflict", "The request contradicts what is stored"),
    (Taken, 409, "conflict", "The request contradicts what is stored"),
    (InProgress, 409, "in-progress", "The first request is still at work"),
    (KeyReused, 422, "idempotency-key-reused", "The Idempotency-Key stands for another request"),
    (Damaged, 503, "audiences-unavailable", "The audiences cannot be read"),
    (RegistryError, 503, "registry-unavailable", "The registry does not answer"),
    (Unavailable, 503, "lake-unavailable", "The lake does not answer"),
    (LakeError, 503, "lake-unavailable", "The lake does not answer"),
)
"""Error class, status, last part of the problem's type, title. The first class that fits counts."""

SAID = (BadQuestion, BadRequest, BadField, Unknown, Stale, Taken, InProgress, KeyReused)
"""Errors of other rooms whose own words are written for the caller."""

UNEXPECTED = (500, "unexpected", "Something went wrong here")
LAKE_WAIT = 5  # seconds: about what a refresh or a failover of the lake takes


def problem(error: Exception, *, instance: str) -> Problem:
    """Return what the client is told of an error; of an unexpected one only that it happened."""
    status, slug, title = _row(error)
    return Problem(
        type=f"urn:taglake:problem:{slug}",
        title=title,
        status=status,
        detail=_detail(error),
        instance=instance,
        errors=_errors(error),
        plan=msgspec.Raw(error.plan) if isinstance(error, DoesNotFit) else None,
    )


def headers(error: Exception) -> Mapping[str, str]:
    """Return the headers that belong to an error: when to come back, how to say who one is."""
    if isinstance(error, Unauthorised):
        return {"WWW-Authenticate": 'Bearer realm="taglake"'}
    if isinstance(error, TooMany):
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, InProgress):
        return {"Retry-After": str(ceil(error.seconds))}
    if _row(error)[0] == 503:
        return {"Retry-After": str(LAKE_WAIT)}
    return {}


def _errors(error: Exception) -> tuple[FieldProblem, ...]:
    if isinstance(error, ApiError):
        return error.errors
    if isinstance(error, BadRequest | BadField):
        value = shown(error.value)
        return (
            FieldProblem(field=error.field, value=value, problem="cannot be used", fix=error.fix),
        )
    return ()


def _row(error: Exception) -> tuple[int, str, str]:
    for kind, status, slug, title in STATUSES:
        if isinstance(error, kind):
            return status, slug, title
    return UNEXPECTED


def _detail(error: Exception) -> str:
    if isinstance(error, ApiError):
        return error.detail
    if isinstance(error, SAID):
        return str(error)
    if isinstance(error, Damaged):
        return "The lists of followers cannot be read now. The operator finds why in the log."
    if isinstance(error, LakeError | RegistryError):
        # Its own words name hosts and indices, which are no business of a client.
        return "The store of posts is not available now; nothing is lost. Try again soon."
    return "The error is in our log. Try again; if it stays, tell the operator when it came."
