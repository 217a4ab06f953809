"""From what a network says when it refuses to the errors the ingestor acts on."""

from collections.abc import Mapping
from datetime import datetime

from ingestor.contract import Answer, Fault
from ingestor.errors import (
    BadAnswer,
    BadRequest,
    Down,
    Gone,
    IngestError,
    RateLimited,
    Refused,
)
from ingestor.retry_after import LONGEST, retry_after

SMALL = 65_536  # bytes: an error is short, so only short good answers are searched for one


def error_of(fault: Fault, *, whole_app: bool = False) -> IngestError:
    """Return the error that stands for a fault of a whole answer."""
    why, code = fault.reason or fault.kind, fault.code
    if fault.kind == "rate_limited":
        return RateLimited(why, seconds=fault.retry_after, code=code, whole_app=whole_app)
    if fault.kind in ("login_required", "checkpoint"):
        return Refused(why, code=code, checkpoint=fault.kind == "checkpoint")
    if fault.kind == "gone":
        return Gone(why, code=code)
    if fault.kind == "bad_request":
        return BadRequest(why, code=code)
    if fault.kind == "server":
        return Down(why, code=code)
    return BadAnswer(why, code=code)


def fault_of(error: IngestError) -> Fault:
    """Return the fault that stands for an error."""
    seconds = error.seconds if isinstance(error, RateLimited) else None
    return Fault(kind=error.kind, code=error.code, reason=str(error), retry_after=seconds)  # type: ignore[arg-type]  # `kind` of our errors is one of Fault's


def by_status(status: int) -> Fault | None:
    """Return what an HTTP status alone says; None for 2xx."""
    if 200 <= status < 300:
        return None
    code = str(status)
    if status == 429:
        return Fault(kind="rate_limited", code=code, reason="too many requests")
    if status in (401, 403):
        return Fault(kind="login_required", code=code, reason=f"refused with {status}")
    if status in (404, 410):
        return Fault(kind="gone", code=code, reason="not found")
    if status >= 500 or status == 408:
        return Fault(kind="server", code=code, reason=f"the server failed with {status}")
    if status >= 400:
        return Fault(kind="bad_request", code=code, reason=f"refused with {status}")
    return Fault(kind="unknown", code=code, reason=f"an unexpected redirect ({status})")


def not_json(body: bytes, why: str = "not JSON") -> Fault:
    """Return the fault of a body that cannot be read."""
    if not body.strip():
        return Fault(kind="unknown", code="empty", reason="an empty answer")
    if body[:200].lstrip()[:1] == b"<":
        return Fault(kind="unknown", code="html", reason="HTML where JSON belongs")
    return Fault(kind="unknown", code="not_json", reason=why)


def of_long(body: bytes) -> Fault | None:
    """Return the fault of a body too long to be searched for an error: HTML shows at its start.

    JSON that ends too early shows only when it is read; `parse` says so.
    """
    return not_json(body) if body[:200].lstrip()[:1] == b"<" else None


def wait(answer: Answer, now: datetime) -> float | None:
    """Return the seconds an answer's Retry-After asks for."""
    return retry_after(answer.headers.get("retry-after"), now)


def whole(headers: Mapping[str, str], name: str) -> int | None:
    """Return a header that is a whole number; None if it is not there or is something else."""
    value = headers.get(name, "").strip()
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 17 else None


def until(moment: datetime | None, now: datetime) -> float | None:
    """Return the seconds from `now` to a reset, within 0 and a day; None if it is not known."""
    if moment is None:
        return None
    return min(max((moment - now).total_seconds(), 0.0), LONGEST)
