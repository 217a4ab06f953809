"""Lines as the body of a bulk request: the reference of the compiled kernel."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from lake.contract import Line
from lake.derived import DERIVED, engagement_ppm, engagements
from lake.fit import Unfit, fitting
from lake.lines import UNDATED
from lake.records import Post

PART = 64 << 10
"""Bytes after which a part of a body is closed: a socket takes about as much at once, and memory of
this size is used again, where more would be asked of the system and given back each time."""

_ENTRY = b'{"index":{"_index":"%b","_id":%b,"version":%d,"version_type":"external_gte"}}\n%b\n'
_NAMES = tuple(name.encode() for name in DERIVED)
_DATED = re.compile(r"20\d\d\.(?:0[1-9]|1[0-2])", re.ASCII)

_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=4096)
def index_of(prefix: str, table: str, month: str) -> str:
    """Return the index of a month for ever.

    Months outside of this century go to the undated index: people set the dates of their posts as
    they like, and every odd month would cost the cluster a shard.
    """
    return f"{prefix}-{table}-{month if _DATED.fullmatch(month) else UNDATED}"


def entry(prefix: str, line: Line) -> bytes:
    """Return the two lines of a bulk body that write `line`. Raises Unfit."""
    record = fitting(line)
    index = index_of(prefix, line.table, line.month).encode()
    # A newline between two values is JSON, but to a bulk request it ends the document, and what a
    # network wrote behind it would be read as an action of ours.
    body = line.body.replace(b"\n", b" ")
    body = _with_derived(record, body) if isinstance(record, Post) else body
    return _ENTRY % (index, _encode(line.id), line.version, body)


def _with_derived(post: Post, body: bytes) -> bytes:
    """Return the document with the numbers this lake cannot compute in a question."""
    more = b"".join(
        b',"%b":%d' % (name, value)
        for name, value in zip(_NAMES, (engagements(post), engagement_ppm(post)), strict=True)
        if value is not None
    )
    return body.rstrip()[:-1] + more + b"}"


class Part(NamedTuple):
    """A part of the body of a bulk request."""

    body: bytes
    end: int  # the place of the first line that is not in it
    refused: dict[int, str]  # why which lines, by place, are left out
    indices: set[str]  # that it writes to


def entries(prefix: str, lines: Sequence[Line], start: int) -> Part:
    """Return a part of the body that writes `lines` from the one at `start`: as many as come to
    some `PART` bytes.
    """
    body = bytearray()
    refused: dict[int, str] = {}
    indices: set[str] = set()
    while start < len(lines) and len(body) < PART:
        line = lines[start]
        start += 1
        try:
            body += entry(prefix, line)
        except Unfit as wrong:
            refused[start - 1] = str(wrong)
        else:
            indices.add(index_of(prefix, line.table, line.month))
    return Part(bytes(body), start, refused, indices)
