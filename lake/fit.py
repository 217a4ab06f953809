"""What no lake takes, so that every lake refuses the same lines with the same words."""

from datetime import datetime
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

import msgspec

from lake.contract import Line
from lake.errors import LakeError
from lake.lines import record_of
from lake.records import RECORDS, Record

LONGEST_ID = 512  # bytes: Elasticsearch's limit of `_id`
LONGEST_KEYWORD = 32_766  # bytes: Lucene's limit of a term
DEEPEST = 20  # levels of objects and arrays

_FREE_TEXT = frozenset({"raw", "body", "text", "bio", "detail", "url", "link", "links", "media"})


class Unfit(LakeError):
    """A line that no lake takes; the text says why and holds nothing of the record's text."""


def _depth(body: bytes) -> int:
    """Return how deep objects and arrays nest. O(n), no recursion."""
    outside = b"".join(body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')[::2])
    level = deepest = 0
    for byte in outside:
        if byte in b"{[":
            level += 1
            deepest = max(deepest, level)
        elif byte in b"}]":
            level -= 1
    return deepest


def _is_keyword(hint: Any) -> bool:
    parts = get_args(hint) or (hint,)
    return get_origin(hint) is not dict and str in parts


@cache
def _keywords(kind: type[Record]) -> tuple[str, ...]:
    """Return the fields of one record that a lake indexes whole."""
    hints = get_type_hints(kind).items()
    return tuple(name for name, hint in hints if name not in _FREE_TEXT and _is_keyword(hint))


def _longest(value: Any) -> int:
    words = value if isinstance(value, tuple) else (value or "",)
    return max((len(word.encode()) for word in words), default=0)


def _check_words(record: Record) -> None:
    for name in _keywords(type(record)):
        if _longest(getattr(record, name)) > LONGEST_KEYWORD:
            raise Unfit(f"{name} is longer than {LONGEST_KEYWORD} bytes")


@cache
def _times(kind: type[Record]) -> tuple[str, ...]:
    hints = get_type_hints(kind).items()
    return tuple(name for name, hint in hints if datetime in (hint, *get_args(hint)))


def _check_times(record: Record) -> None:
    for name in _times(type(record)):
        instant = getattr(record, name)
        if instant is not None and instant.tzinfo is None:
            raise Unfit(f"the time in {name} says no time zone")


def fitting(line: Line) -> Record:
    """Return the record of a line. Raises Unfit with a reason that is safe to log and keep."""
    if line.table not in RECORDS:
        raise Unfit(f"there is no table {line.table[:40]!r}")
    if not 0 < _size(line.id) <= LONGEST_ID or "\0" in line.id:
        raise Unfit(f"the id is empty, longer than {LONGEST_ID} bytes or holds a NUL")
    if line.body.count(b"{") + line.body.count(b"[") > DEEPEST and _depth(line.body) > DEEPEST:
        raise Unfit(f"objects nest deeper than {DEEPEST}")
    try:
        record = record_of(line.table, line.body)
        if not line.body.isascii():
            line.body.decode()  # msgspec does not look into what is kept as it came
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Unfit(f"the line is no record of {line.table}: {_where(wrong)}") from wrong
    if record.id != line.id:
        raise Unfit("the id of the line is not the id of its record")
    if len(line.body) > LONGEST_KEYWORD:  # a shorter line holds no longer word
        _check_words(record)
    _check_times(record)
    return record


def _size(id: str) -> int:
    """Return the bytes of an id; 0 for half a pair of surrogates, which no bytes can say."""
    try:
        return len(id.encode())
    except UnicodeEncodeError:
        return 0


def _where(wrong: Exception) -> str:
    """Return which field is wrong, without its value."""
    _, found, path = str(wrong).rpartition("`$")
    if found:
        return f"field ${path.rstrip('`')}"
    # Of the whole record only the names of its fields and types are told.
    return str(wrong) if isinstance(wrong, msgspec.ValidationError) else "not JSON"
