"""The lake of a team: Elasticsearch 8.19, core features only.

One index a table and month, named `<prefix>-<table>-YYYY.MM`. An id is a document's `_id`, its
observation time the document's version, so a replay changes nothing and a late answer never
replaces a newer one. Times are compared to the millisecond, sums are exact to 2 ** 53. After a
delete Elasticsearch forgets a document's version (`index.gc_deletes`, one minute): what must stay
away has to be refused before it is written.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lake.bulk import Deletion, verdicts
from lake.connection import Connection
from lake.contract import (
    COUNT,
    Bin,
    Bucket,
    Distinct,
    Group,
    Interval,
    Line,
    Metric,
    Numbers,
    Page,
    R,
    Sort,
    Verdict,
    Where,
)
from lake.counting import Counts
from lake.entries import entries
from lake.errors import BadQuestion, Misplaced, Refused, Unavailable
from lake.lines import line_of
from lake.mappings import lacking, properties, template
from lake.query import narrows, query
from lake.records import RECORDS, Record, Snapshot
from lake.search import Documents

_BODY = 4 << 20  # bytes of one request of `append`
_LONGEST_LIST = 30  # names in one address; more are asked for by pattern
_BREATH = 4  # parts of a body between two chances for the event loop: under 5 ms if all is odd


class ElasticLake:
    """A `Lake` on Elasticsearch. `open` it once, use it from one event loop, `close` it."""

    def __init__(  # noqa: PLR0913 - one argument a setting
        self,
        url: str,
        *,
        prefix: str = "taglake",
        user: str | None = None,
        password: str | None = None,
        api_key: str | None = None,
        ca_certs: str | None = None,
        shards: int = 1,
        replicas: int = 0,
        seconds: float = 30.0,
    ) -> None:
        """Make a lake that is not connected yet.

        prefix: of all index and template names. ca_certs: path of a PEM file. seconds: how long to
        wait for any one answer.
        """
        self._prefix = prefix
        self._shards = shards
        self._replicas = replicas
        self._connection = Connection(
            url,
            user=user,
            password=password,
            api_key=api_key,
            ca_certs=ca_certs,
            seconds=seconds,
        )
        self._documents = Documents(self._connection, prefix)
        self._counts = Counts(self._connection, prefix)
        self._unseen: set[str] = set()  # indices with writes that readers may not see yet

    async def open(self) -> None:
        """Install the index templates that differ, and their fields in the indices there are."""
        stored = await self._connection.manage("GET", f"/_index_template/{self._prefix}-*") or b""
        # Together, since Elasticsearch then makes one change of its state out of many.
        await asyncio.gather(*(self._install(table, stored) for table in RECORDS))

    async def _install(self, table: str, stored: bytes) -> None:
        wanted = template(table, prefix=self._prefix, shards=self._shards, replicas=self._replicas)
        if wanted["_meta"]["digest"].encode() in stored:
            return
        name = f"{self._prefix}-{table}"
        await self._connection.manage("PUT", f"/_index_template/{name}", wanted)
        if f'"{name}"'.encode() in stored:
            await self._add_fields(table)

    async def _add_fields(self, table: str) -> None:
        """Give the indices of a table the fields that came after them."""
        answer = await self._connection.manage("GET", f"/{self._prefix}-{table}-*/_mapping")
        for index, told in msgspec.json.decode(answer or b"{}").items():
            fields = lacking(properties(table), told["mappings"].get("properties", {}))
            if fields:
                wanted = {"properties": fields}
                await self._connection.manage("PUT", f"/{index}/_mapping", wanted)

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        """Write lines in one request and return one verdict each."""
        parts: list[bytes] = []
        refused: dict[int, str] = {}
        indices: set[str] = set()
        end = 0
        while end < len(lines):
            part = entries(self._prefix, lines, end)
            parts.append(part.body)
            end = part.end
            refused |= part.refused
            indices |= part.indices
            if len(parts) % _BREATH == 0:
                await asyncio.sleep(0)
        if not refused:
            return await self._sent(parts, lines, indices)
        sent = [line for place, line in enumerate(lines) if place not in refused]
        told = iter(await self._sent(parts, sent, indices))
        return [
            Verdict(outcome="poison", reason=refused[place]) if place in refused else next(told)
            for place in range(len(lines))
        ]

    async def _sent(
        self, parts: Sequence[bytes], lines: Sequence[Line], indices: set[str]
    ) -> list[Verdict]:
        if not lines:
            return []
        try:
            answer = await self._connection.bulk(*parts, documents=len(lines))
        finally:
            # Also without an answer, and not before: a refresh meanwhile might miss these lines.
            self._unseen |= indices
        return verdicts(answer, lines)

    async def flush(self) -> None:
        """Refresh the indices that were written to."""
        written = sorted(self._unseen)
        if not written:
            return
        names = ",".join(written) if len(written) <= _LONGEST_LIST else f"{self._prefix}-*"
        await self._connection.ask(f"/{names}/_refresh", params={"ignore_unavailable": "true"})
        self._unseen.difference_update(written)

    async def append(self, records: Sequence[Record]) -> None:
        """Write records and flush."""
        for lines in _bodies([line_of(record) for record in records]):
            for verdict in await self.write(lines):
                _insist(verdict, len(lines))
        await self.flush()

    async def get(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Return the newest records with these ids."""
        return await self._documents.get(kind, ids)

    def scan(self, kind: type[R], where: Where, *, raw: bool = True) -> AsyncIterator[list[R]]:
        """Yield all records that match, in batches, by id."""
        return self._documents.scan(kind, where, raw=raw)

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Return up to `limit` records in the order of `sort`."""
        return await self._documents.page(kind, where, sort=sort, limit=limit, cursor=cursor)

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all records that match."""
        return await self._counts.totals(kind, where, metrics)

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the totals of each filter, asked in one request."""
        return await self._counts.tallies(kind, wheres, metrics)

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        """Return the newest record of each value of a field."""
        return await self._documents.newest(kind, where, by)

    async def series(
        self,
        kind: type[R],
        where: Where,
        *,
        interval: Interval,
        timezone: str = "UTC",
        metrics: Sequence[Metric] = (COUNT,),
        breakdown: str | None = None,
    ) -> list[Bucket]:
        """Return the metrics by interval of `where.time`."""
        return await self._counts.series(
            kind,
            where,
            interval=interval,
            timezone=timezone,
            metrics=metrics,
            breakdown=breakdown,
        )

    async def top(
        self,
        kind: type[R],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric] = (COUNT,),
        order: Metric = COUNT,
        limit: int = 10,
    ) -> list[Group]:
        """Return the values of `by` with the highest `order`."""
        return await self._counts.top(kind, where, by=by, metrics=metrics, order=order, limit=limit)

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        """Return how many different values `field` has: exact up to 10,000."""
        return await self._counts.distinct(kind, where, field)

    async def histogram(
        self, kind: type[R], where: Where, field: str, *, width: float
    ) -> list[Bin]:
        """Return counts of records by `field`."""
        return await self._counts.histogram(kind, where, field, width=width)

    def at(self, where: Where, instant: datetime) -> AsyncIterator[list[Snapshot]]:
        """Yield the last snapshot not later than `instant` of each subject."""
        return self._documents.at(where, instant)

    async def delete(self, kind: type[R], where: Where) -> int:
        """Delete what matches, also what is written meanwhile, and return how many records went."""
        if not narrows(where):
            raise BadQuestion("a delete needs a filter; an empty one would take the whole table")
        gone = 0
        for _ in range(5):
            await self.flush()
            went, raced = await self._delete_once(kind, where)
            gone += went
            if not raced:
                await self.flush()
                return gone
        raise Unavailable("records are written faster than they can be deleted; try again")

    async def _delete_once(self, kind: type[R], where: Where) -> tuple[int, int]:
        """Return how many documents went, and how many were newer than what was asked for."""
        went = raced = 0
        body: dict[str, Any] = {"query": query(kind, where), "version": True}
        body["_source"] = ["id"]
        async for hits in self._documents.walk(kind, body):
            doomed = [Deletion(hit.index, hit.id, hit.version) for hit in hits]
            self._unseen.update(hit.index for hit in hits)
            joined = b"".join(each.entry for each in doomed)
            answer = await self._connection.bulk(joined, documents=len(doomed))
            outcome = Deletion.outcome(answer, len(doomed))
            went, raced = went + outcome[0], raced + outcome[1]
        return went, raced


def _bodies(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Yield the lines in requests of a size that no server refuses."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and size + len(line.body) > _BODY:
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.body)
    if batch:
        yield batch


def _insist(verdict: Verdict, documents: int) -> None:
    """Raise unless a line is in the lake."""
    if verdict.outcome == "poison":
        raise Refused(documents, verdict.reason)
    if verdict.outcome == "parked":
        raise Misplaced(verdict.reason.partition(":")[0], verdict.reason)
    if verdict.outcome == "retry":
        raise Unavailable(f"Elasticsearch refused a document for now: {verdict.reason}")
