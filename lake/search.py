"""Reading documents out of Elasticsearch, as records."""

import base64
import binascii
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from operator import attrgetter
from typing import Any, TypeVar, cast

import msgspec

from lake.aggregations import composite
from lake.connection import Connection
from lake.contract import Page, R, Sort, Where
from lake.errors import BadQuestion, Misplaced, Unavailable
from lake.lines import record_of
from lake.mappings import field_of
from lake.query import Query, exists, moment, query
from lake.records import TABLES, Record, Snapshot

BATCH = 1_000  # documents of one answer: some megabytes with their raw
NEWEST = 1_000  # groups of one answer of `newest`
SUBJECTS = 2_000  # snapshots of one answer of `at`

S = TypeVar("S")


class Hit(msgspec.Struct, frozen=True, rename={"index": "_index", "id": "_id"}):
    """One document that matched, at its place in the order."""

    index: str
    id: str
    source: msgspec.Raw = msgspec.field(name="_source")
    version: int = msgspec.field(name="_version", default=0)
    sort: list[Any] = []


class Hits(msgspec.Struct, frozen=True):
    """The documents of one answer."""

    hits: list[Hit]


class Answer(msgspec.Struct, frozen=True):
    """An answer that holds documents."""

    hits: Hits


class Shards(msgspec.Struct, frozen=True):
    """How many shards a question reaches."""

    total: int


class View(msgspec.Struct, frozen=True):
    """A point in time: what it shows does not change while we read."""

    id: str
    shards: Shards = msgspec.field(name="_shards")


class Last(msgspec.Struct, frozen=True):
    """The newest snapshot of one subject."""

    last: Answer


class Subjects(msgspec.Struct, frozen=True):
    """Some subjects in order, and where they continue."""

    buckets: list[Last]
    after_key: dict[str, Any] | None = None


class BySubject(msgspec.Struct, frozen=True):
    """The only aggregation of `at`."""

    subjects: Subjects


class SubjectAnswer(msgspec.Struct, frozen=True):
    """An answer of `at`."""

    aggregations: BySubject


def decoded(answer: bytes, shape: type[S]) -> S:
    """Return an answer as `shape`. Raises Unavailable for one that was cut or is foreign."""
    try:
        return msgspec.json.decode(answer, type=shape)
    except msgspec.DecodeError as wrong:
        raise Unavailable("the answer to a question cannot be read") from wrong


def records(kind: type[R], hits: Sequence[Hit]) -> list[R]:
    """Return the records of hits. Raises Misplaced for documents that are none."""
    table = TABLES[kind]
    try:
        # A copy of each document: a view would keep the whole answer alive for one record's raw.
        found = [record_of(table, bytes(hit.source)) for hit in hits]
    except msgspec.DecodeError as wrong:
        raise Misplaced("documents", f"the index of {table} holds what is no record") from wrong
    return cast("list[R]", found)


class Documents:
    """Reads records of one lake; knows no writing."""

    def __init__(self, connection: Connection, prefix: str) -> None:
        self._connection = connection
        self._prefix = prefix

    def indices(self, kind: type[Record]) -> str:
        """Return the pattern of all indices of a table."""
        return f"/{self._prefix}-{TABLES[kind]}-*"

    async def get(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Return the newest records with these ids."""
        found: dict[str, R] = {}
        for start in range(0, len(ids), BATCH):
            wanted = {"ids": {"values": list(ids[start : start + BATCH])}}
            body = {"query": wanted, "size": 2 * BATCH}
            hits = await self._hits(f"{self.indices(kind)}/_search", body)
            for record in records(kind, hits):
                seen = found.get(record.id)
                # An id should never change its month, but a network may tell a post's date late.
                if seen is None or seen.observed_at <= record.observed_at:
                    found[record.id] = record
        return found

    async def _hits(self, path: str, body: Query) -> list[Hit]:
        whole = {"allow_partial_search_results": "false"}  # an answer with holes is no answer
        return decoded(await self._connection.ask(path, body, params=whole), Answer).hits.hits

    @asynccontextmanager
    async def _view(self, kind: type[Record]) -> AsyncIterator[View]:
        path = f"{self.indices(kind)}/_pit"
        view = decoded(await self._connection.ask(path, params={"keep_alive": "5m"}), View)
        try:
            yield view
        finally:
            await self._connection.manage("DELETE", "/_pit", {"id": view.id})

    async def walk(self, kind: type[Record], body: Query) -> AsyncIterator[list[Hit]]:
        """Yield the hits of a question in id order, a batch at a time, from one point in time."""
        async with self._view(kind) as view:
            if not view.shards.total:
                return
            body |= {"size": BATCH, "sort": [{"id": "asc"}], "pit": {"id": view.id}}
            body |= {"track_total_hits": False}
            while hits := await self._hits("/_search", body):
                yield hits
                if len(hits) < BATCH:
                    return
                body["search_after"] = hits[-1].sort

    async def scan(self, kind: type[R], where: Where, *, raw: bool) -> AsyncIterator[list[R]]:
        """Yield all records that match, by id."""
        body: Query = {"query": query(kind, where)}
        if not raw:
            body["_source"] = {"excludes": ["raw"]}
        async for hits in self.walk(kind, body):
            yield records(kind, hits)

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int, cursor: str | None
    ) -> Page:
        """Return one page in the order of `sort`."""
        if not 1 <= limit <= 1_000:
            raise BadQuestion(f"limit is {limit}; a page holds 1 to 1000 records")
        digest = _digest(kind, where, sort)
        body: Query = {"query": query(kind, where), "sort": order(kind, sort), "size": limit + 1}
        body |= {"track_total_hits": False, "_source": {"excludes": ["raw"]}}
        if cursor is not None:
            body["search_after"] = _opened(cursor, digest)
        hits = await self._hits(f"{self.indices(kind)}/_search", body)
        shown = hits[:limit]
        more = _sealed(digest, shown[-1].sort) if len(hits) > limit else None
        return Page(records=list(records(kind, shown)), cursor=more)

    async def newest(self, kind: type[R], where: Where, by: str) -> dict[str, R]:
        """Return the newest record of each value of a field."""
        field = field_of(kind, by)
        if field.kind != "word" or field.many:
            raise BadQuestion(f"{by!r} of {TABLES[kind]} is no field of single words")
        body: Query = {
            "query": query(kind, where, exists(by)),
            "sort": order(kind, Sort(field=where.time)),
            "collapse": {"field": by},
            "size": NEWEST,
            "track_total_hits": False,
            "_source": {"excludes": ["raw"]},
        }
        found = records(kind, await self._hits(f"{self.indices(kind)}/_search", body))
        key_of = attrgetter(by)
        return {key_of(record): record for record in found}

    async def at(self, where: Where, instant: datetime) -> AsyncIterator[list[Snapshot]]:
        """Yield the last snapshot not later than `instant` of each subject, by subject."""
        until: Query = {"range": {"observed_at": {"lte": moment(instant)}}}
        wanted = query(Snapshot, where, until)
        async with self._view(Snapshot) as view:
            after: object = None
            while view.shards.total:
                answer = await self._connection.ask("/_search", _last(wanted, after, view))
                subjects = decoded(answer, SubjectAnswer).aggregations.subjects
                if subjects.buckets:
                    yield records(Snapshot, [each.last.hits.hits[0] for each in subjects.buckets])
                if subjects.after_key is None or len(subjects.buckets) < SUBJECTS:
                    return
                after = subjects.after_key


def _last(wanted: Query, after: object, view: View) -> Query:
    newest = {"size": 1, "sort": [{"observed_at": "desc"}, {"id": "asc"}]}
    each = composite([{"subject": {"terms": {"field": "subject_id"}}}], after, SUBJECTS)
    return {
        "query": wanted,
        "size": 0,
        "track_total_hits": False,
        "pit": {"id": view.id},
        "aggs": {"subjects": {**each, "aggs": {"last": {"top_hits": newest}}}},
    }


def order(kind: type[Record], sort: Sort) -> list[Query]:
    """Return an order of documents, unknown values last, ties by id. Raises BadQuestion."""
    field = field_of(kind, sort.field)
    if field.many or field.kind in ("text", "kept"):
        raise BadQuestion(f"{TABLES[kind]} have no order by {sort.field!r}; take a single value")
    way = "desc" if sort.descending else "asc"
    first = {sort.field: {"order": way, "missing": "_last"}}
    return [first] if sort.field == "id" else [first, {"id": "asc"}]


def _digest(kind: type[Record], where: Where, sort: Sort) -> str:
    asked = msgspec.json.encode([TABLES[kind], where, sort])
    return hashlib.sha256(asked).hexdigest()[:12]


def _sealed(digest: str, values: list[Any]) -> str:
    """Return a cursor: the place behind the last record, bound to its question."""
    return base64.urlsafe_b64encode(msgspec.json.encode([digest, values])).decode().rstrip("=")


def _opened(cursor: str, digest: str) -> list[Any]:
    """Return the place a cursor names. Raises BadQuestion if it is of another question."""
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        told, values = msgspec.json.decode(
            base64.b64decode(padded, altchars=b"-_", validate=True), type=tuple[str, list[Any]]
        )
    except (msgspec.DecodeError, binascii.Error, UnicodeError) as wrong:
        raise BadQuestion("the cursor is not one of this lake; start without one") from wrong
    if told != digest:
        raise BadQuestion("the cursor belongs to another question; start without one")
    return values
