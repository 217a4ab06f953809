"""From records to the lines a lake writes, and back: the one place that knows how a record becomes
bytes.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import cast

import msgspec

from lake.contract import Line
from lake.records import RECORDS, TABLES, Gap, Poll, Post, Record, Snapshot

UNDATED = "undated"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

_encoder = msgspec.json.Encoder()


def _shadow(kind: type[Record]) -> type[Record]:
    """Return a record type to decode into: msgspec reads `Raw`, but not `Raw | None`."""
    if "raw" not in kind.__struct_fields__:
        return kind
    field = ("raw", msgspec.Raw, msgspec.Raw(b"null"))
    name, bases = kind.__name__, (kind,)
    return cast(
        "type[Record]", msgspec.defstruct(name, [field], bases=bases, frozen=True, kw_only=True)
    )


_decoders = {table: msgspec.json.Decoder(_shadow(kind)) for table, kind in RECORDS.items()}


def milliseconds(instant: datetime) -> int:
    """Return milliseconds since 1970, rounded down: the version of what was observed at
    `instant`.
    """
    return (instant - _EPOCH) // _MILLISECOND


def instant_of(version: int) -> datetime:
    """Return the instant of a number of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=version)


def month_of(record: Record) -> str:
    """Return the month a record is kept under, for ever the same for one id.

    Posts go by when they were made, not seen, so that a re-poll in a later month finds the same
    index.
    """
    if isinstance(record, Post):
        instant = record.created_at
    elif isinstance(record, Snapshot | Gap | Poll):
        instant = record.observed_at
    else:
        return UNDATED
    return month_at(milliseconds(instant)) if instant else UNDATED


def month_at(version: int) -> str:
    """Return the month (YYYY.MM) of an instant in milliseconds since 1970."""
    return _month_of_day(version // 86_400_000)


@lru_cache(maxsize=4096)
def _month_of_day(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).strftime("%Y.%m")


def line_of(record: Record) -> Line:
    """Return the line that writes `record`."""
    return Line(
        table=TABLES[type(record)],
        id=record.id,
        version=milliseconds(record.observed_at),
        month=month_of(record),
        body=_encoder.encode(record),
    )


def record_of(table: str, body: bytes) -> Record:
    """Return the record a line's body holds. Raises msgspec.ValidationError."""
    shadow, kind = _decoders[table].decode(body), RECORDS[table]
    if type(shadow) is kind:
        return shadow
    values = {name: getattr(shadow, name) for name in kind.__struct_fields__}
    return kind(**values | {"raw": None if bytes(values["raw"]) == b"null" else values["raw"]})
