"""Instants as clients write them: RFC 3339, or a day where that is clear. Never relative."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic_core import PydanticCustomError

MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
FIX = "write RFC 3339 with an offset, for example 2026-05-01T00:00:00Z"
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)  # before any network we watch
LATEST = datetime(2100, 1, 1, tzinfo=UTC)


def refusal(problem: str, *, fix: str, field: str = "") -> PydanticCustomError:
    """Return the error a validator raises; `fix` reaches the client beside the message.

    field: the one to name where a validator looks at several.
    """
    fields = (field,) if field else ()
    context = {"problem": problem, "fix": fix, "fields": fields}
    return PydanticCustomError("taglake", "{problem}", context)


def instant(text: object) -> datetime:
    """Return the instant that an RFC 3339 text names, in UTC."""
    if not isinstance(text, str):
        raise refusal("not a text", fix=FIX)
    if not MOMENT.fullmatch(text):
        raise refusal(
            "not an instant; relative dates and dates without offset are not known", fix=FIX
        )
    return _within(_parsed(text.upper()).astimezone(UTC))


def day_or_instant(text: object, *, timezone: str) -> datetime:
    """Return the instant of an RFC 3339 text, or the first one of a day in `timezone`."""
    if isinstance(text, str) and DAY.fullmatch(text):
        return _within(_parsed(text).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC))
    return instant(text)


def _parsed(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as exc:
        raise refusal(f"no such date: {exc}", fix=FIX) from exc


def _within(moment: datetime) -> datetime:
    if EARLIEST <= moment < LATEST:
        return moment
    raise refusal("out of the years we know", fix="write an instant from 2000 to 2099")
