"""Cursors of paged answers: where the last page ended, sealed with the question it belongs to."""

import base64
import binascii
import hashlib
from datetime import datetime

import msgspec

from lake._files_schema import Column, Layout
from lake._files_where import Filter, Params
from lake.contract import Sort, Where
from lake.errors import BadQuestion

Place = int | float | str | bool | datetime | None


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    seal: str
    value: int | float | str | bool | None
    id: str


def _seal(layout: Layout, where: Where, sort: Sort) -> str:
    question = msgspec.json.encode([layout.table, where, sort])
    return hashlib.sha256(question).hexdigest()[:16]


def cursor_after(layout: Layout, where: Where, sort: Sort, *, place: Place, id: str) -> str:
    """Return the cursor behind the record with this sort value and id."""
    value = place.isoformat() if isinstance(place, datetime) else place
    cursor = _Cursor(seal=_seal(layout, where, sort), value=value, id=id)
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _read(text: str, seal: str) -> _Cursor:
    try:
        padded = text + "=" * (-len(text) % 4)
        cursor = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Cursor)
    except (ValueError, binascii.Error, msgspec.DecodeError) as wrong:
        raise BadQuestion("the cursor is none of ours; start without one") from wrong
    if cursor.seal != seal:
        raise BadQuestion("the cursor belongs to another question; start without one")
    return cursor


def behind(
    text: str, layout: Layout, where: Where, sort: Sort, filter: Filter, params: Params
) -> str:
    """Return the condition that a record comes after the cursor. Raises BadQuestion."""
    cursor = _read(text, _seal(layout, where, sort))
    column = layout.find(sort.field)
    name, id = filter.column(sort.field), params.add(cursor.id)
    filter.column("id")
    if cursor.value is None:
        return f"({name} IS NULL AND id > {id})"
    value = params.add(_value(column, cursor.value))
    sign = "<" if sort.descending else ">"
    return f"({name} {sign} {value} OR ({name} = {value} AND id > {id}) OR {name} IS NULL)"


def _value(column: Column, value: Place) -> Place:
    return (
        datetime.fromisoformat(value) if column.sort == "time" and isinstance(value, str) else value
    )
