"""The answer to a bulk request as one verdict a line, and documents to delete.

Which answer means what was measured on Elasticsearch 8.19; tests/lake/test_bulk.py has the table.
"""

import re
from collections.abc import Sequence

import msgspec

from lake.connection import Fault
from lake.contract import STORED, Line, Verdict
from lake.errors import Misplaced, Unavailable
from lake.mappings import fields

STALE = Verdict(outcome="stale")

_CREATED = b'{"index":{"status":201}}'
_UPDATED = b'{"index":{"status":200}}'
_FRAME = b'{"items":[]}'
_FIELD = re.compile(r"field \[([\w.]+)\]")

_POISON = frozenset(
    {
        "document_parsing_exception",
        "mapper_parsing_exception",
        "strict_dynamic_mapping_exception",
        "illegal_argument_exception",  # a keyword over Lucene's limit, an unfit version
        "x_content_parse_exception",
        "json_parse_exception",
    }
)


class Result(msgspec.Struct, frozen=True):
    """What Elasticsearch says of one line."""

    status: int
    error: Fault | None = None


class Reply(msgspec.Struct, frozen=True):
    """The answer to a bulk request, reduced by `filter_path`."""

    items: list[dict[str, Result]]


_reply = msgspec.json.Decoder(Reply)
_encode = msgspec.json.Encoder().encode


def verdicts(answer: bytes, lines: Sequence[Line]) -> list[Verdict]:
    """Return one verdict a line. Raises Unavailable for an answer that is not one."""
    if _all_stored(answer, len(lines)):
        return [STORED] * len(lines)
    results = _results(answer, len(lines))
    return [verdict(result, line.table) for result, line in zip(results, lines, strict=True)]


def _all_stored(answer: bytes, count: int) -> bool:
    """Return whether an answer says nothing but that every document was stored, without reading
    it.

    Of this length, and with so many of these items, there is no room for anything else.
    """
    size = len(_FRAME) + count * (len(_CREATED) + 1) - 1
    return len(answer) == size and answer.count(_CREATED) + answer.count(_UPDATED) == count


def _results(answer: bytes, count: int) -> list[Result]:
    try:
        results = [next(iter(item.values())) for item in _reply.decode(answer).items]
    except (msgspec.DecodeError, StopIteration) as wrong:
        raise Unavailable("the answer to a bulk request cannot be read") from wrong
    if len(results) != count:
        raise Unavailable("the answer to a bulk request is not complete")
    return results


def verdict(result: Result, table: str) -> Verdict:
    """Return what one item's status and error mean for its line."""
    if result.status < 300:
        return STORED
    if result.status == 409:
        return STALE
    fault = result.error or Fault()
    if result.status == 429 and fault.type == "cluster_block_exception":
        return Verdict(outcome="parked", reason="disk: cluster_block_exception")
    if result.status == 429 or result.status >= 500:
        return Verdict(outcome="retry", reason=f"{result.status} {fault.type}")
    if result.status == 400 and fault.type in _POISON:
        return Verdict(outcome="poison", reason=_reason(fault, table))
    return Verdict(outcome="parked", reason=f"{_cause(result.status)}: {fault.type}")


def _cause(status: int) -> str:
    return {403: "write block", 404: "index missing", 401: "rights"}.get(status, "index")


def _reason(fault: Fault, table: str) -> str:
    """Return the type of a fault and the field if it is one of ours: its text quotes documents."""
    named = _FIELD.search(fault.reason or "")
    if named and named[1] in fields(table):
        return f"{fault.type}: field {named[1]}"
    return fault.type


class Deletion(msgspec.Struct, frozen=True):
    """A document to delete, unless it has become newer than `version`."""

    index: str
    id: str
    version: int

    @property
    def entry(self) -> bytes:
        """Return the line of a bulk body that deletes the document."""
        action = {
            "_index": self.index,
            "_id": self.id,
            "version": self.version,
            "version_type": "external_gte",
        }
        return b'{"delete":%b}\n' % _encode(action)

    @staticmethod
    def outcome(answer: bytes, count: int) -> tuple[int, int]:
        """Return how many documents went and how many were newer. Raises Unavailable, Misplaced."""
        statuses = [result.status for result in _results(answer, count)]
        for status in statuses:
            if status == 429 or status >= 500:
                raise Unavailable(f"Elasticsearch refused a deletion with {status}")
            if status not in (200, 404, 409):
                raise Misplaced("deletion", f"Elasticsearch refused a deletion with {status}")
        return statuses.count(200), statuses.count(409)
