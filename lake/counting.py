"""Counting documents in Elasticsearch: totals, series, groups, different values, histograms."""

import heapq
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from lake import aggregations as ask
from lake.connection import Connection
from lake.contract import Bin, Bucket, Distinct, Group, Interval, Metric, Numbers, Where
from lake.errors import BadQuestion
from lake.query import Query, query, terms, time_field
from lake.records import TABLES, Record

BUCKETS = 10_000  # of one answer that is read page by page
GROUPS_PER_SHARD = 50_000
"""How many groups a shard may send for a ranking; if it has no more, that is exact at once."""

Answer = dict[str, Any]


class Counts:
    """Counts records of one lake."""

    def __init__(
        self, connection: Connection, prefix: str, *, groups_per_shard: int = GROUPS_PER_SHARD
    ) -> None:
        self._connection = connection
        self._prefix = prefix
        self._groups_per_shard = groups_per_shard

    async def _counted(self, kind: type[Record], wanted: Query, aggs: Query) -> Answer:
        """Return the aggregations of a question, with the number of documents as `doc_count`."""
        answer: Answer = msgspec.json.decode(
            await self._connection.ask(
                f"/{self._prefix}-{TABLES[kind]}-*/_search",
                _question(wanted, aggs),
                params={"allow_partial_search_results": "false"},
            )
        )
        return _aggregated(answer)

    async def tallies(
        self, kind: type[Record], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return the metrics over what each filter matches.

        In one request of many questions, not one question of many filters: each then reads its own
        documents only. Different values may need a second look, so they are asked for apart.
        """
        if any(metric.kind == "distinct" for metric in metrics):
            return [await self.totals(kind, where, metrics) for where in wheres]
        aggs = ask.aggregations(kind, metrics)
        questions = [_question(query(kind, where), aggs) for where in wheres]
        answers = await self._connection.ask_many(f"/{self._prefix}-{TABLES[kind]}-*", questions)
        return [ask.numbers(kind, metrics, _aggregated(each)) for each in answers]

    async def totals(self, kind: type[Record], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all records that match."""
        wanted = query(kind, where)
        aggs = ask.aggregations(kind, metrics, precision=ask.PRECISION)
        answer = await self._counted(kind, wanted, aggs)
        numbers = ask.numbers(kind, metrics, answer)
        for metric in metrics:
            if metric.kind == "distinct":
                refined = await self._refined(
                    kind, wanted, metric.field, ask.different(metric, answer)
                )
                numbers[metric.name] = refined.value
        return numbers

    async def _refined(
        self, kind: type[Record], wanted: Query, field: str, estimate: int
    ) -> Distinct:
        """Return the exact number of values where there are few enough, else the estimate."""
        if estimate > 1.02 * ask.EXACT_DISTINCT:  # ten times the error beyond the limit
            return ask.many_values(estimate)
        answer = await self._counted(kind, wanted, ask.few_values(field))
        exact = int(answer.get("values", {"count": 0})["count"])
        return ask.many_values(estimate) if exact > ask.EXACT_DISTINCT else Distinct(value=exact)

    async def distinct(self, kind: type[Record], where: Where, field: str) -> Distinct:
        """Return how many different known values a field has."""
        metric = Metric(kind="distinct", field=field)
        wanted = query(kind, where)
        aggs = ask.aggregations(kind, [metric], precision=ask.PRECISION)
        estimate = ask.different(metric, await self._counted(kind, wanted, aggs))
        return await self._refined(kind, wanted, field, estimate)

    async def histogram(
        self, kind: type[Record], where: Where, field: str, *, width: float
    ) -> list[Bin]:
        """Return counts by bins of `width`."""
        if not 0 < width < float("inf"):
            raise BadQuestion(f"width is {width}; a bin has a width above 0")
        name = ask.counted_field(kind, field)
        bars = {"histogram": {"field": name, "interval": width, "min_doc_count": 1}}
        answer = await self._counted(kind, query(kind, where), {"bars": bars})
        found = answer.get("bars", {"buckets": []})["buckets"]
        return [_bin(bar, width) for bar in found if bar["doc_count"]]

    async def series(
        self,
        kind: type[Record],
        where: Where,
        *,
        interval: Interval,
        timezone: str,
        metrics: Sequence[Metric],
        breakdown: str | None,
    ) -> list[Bucket]:
        """Return the metrics by interval, and by the values of `breakdown`."""
        zone = ask.zone_of(timezone)
        field = time_field(kind, where.time)
        times = {"field": field, "calendar_interval": ask.INTERVALS[interval]}
        times["time_zone"] = timezone
        sources = [{"start": {"date_histogram": times}}]
        if breakdown is not None:
            name = ask.group_field(kind, breakdown)
            sources.append({"key": {"terms": {"field": name}}})
        inner = ask.aggregations(kind, metrics)
        return [
            Bucket(
                start=ask.instant(bucket["key"]["start"], zone),
                key=bucket["key"].get("key"),
                numbers=ask.numbers(kind, metrics, bucket),
            )
            async for bucket in self._combinations(kind, query(kind, where), sources, inner)
        ]

    async def _combinations(
        self, kind: type[Record], wanted: Query, sources: list[Query], inner: Query
    ) -> AsyncIterator[Answer]:
        """Yield a bucket for each combination of values, in order: exact, however many."""
        after: object = None
        while True:
            each = ask.composite(sources, after, BUCKETS) | {"aggs": inner}
            answer = (await self._counted(kind, wanted, {"each": each})).get("each", {})
            for bucket in answer.get("buckets", ()):
                yield bucket
            after = answer.get("after_key")
            if after is None or len(answer["buckets"]) < BUCKETS:
                return

    async def top(
        self,
        kind: type[Record],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric],
        order: Metric,
        limit: int,
    ) -> list[Group]:
        """Return the groups with the highest `order`, ties by key."""
        if not 1 <= limit <= BUCKETS:
            raise BadQuestion(f"limit is {limit}; a ranking has 1 to {BUCKETS} groups")
        field, wanted = ask.group_field(kind, by), query(kind, where)
        ask.measured(kind, order)
        found = await self._found(kind, wanted, field, metrics, order=order, limit=limit)
        groups = sorted(found, key=lambda group: _rank(group.numbers[order.name], group.key))
        names = {metric.name for metric in metrics}
        return [
            Group(key=each.key, numbers={k: v for k, v in each.numbers.items() if k in names})
            for each in groups[:limit]
        ]

    async def _found(
        self,
        kind: type[Record],
        wanted: Query,
        field: str,
        metrics: Sequence[Metric],
        *,
        order: Metric,
        limit: int,
    ) -> list[Group]:
        """Return the highest groups with their numbers, in no order; a few more of an estimate.

        In one question where the shards need leave no group out. Different values are counted in
        the groups that are shown only, since each group takes registers for them.
        """
        every = [*metrics, order]
        if not any(metric.kind == "distinct" for metric in every):
            answer = await self._highest(kind, wanted, field, every, order=order, size=limit)
            if _is_exact(kind, order, answer, limit):
                return _groups_of(kind, every, answer)
        keys = await self._ranked(kind, wanted, field, order=order, limit=limit)
        return await self._groups(kind, wanted, field, keys=keys, metrics=every)

    async def _highest(
        self,
        kind: type[Record],
        wanted: Query,
        field: str,
        metrics: Sequence[Metric],
        *,
        order: Metric,
        size: int,
    ) -> Answer:
        """Return the highest groups as the server ranks them."""
        ranks = [{ask.path_of(order): "desc"}, {"_key": "asc"}]
        each: Query = {"field": field, "size": size, "order": ranks}
        each["shard_size"] = max(self._groups_per_shard, size)
        inner = ask.aggregations(kind, metrics, precision=100)
        answer = await self._counted(kind, wanted, {"each": {"terms": each, "aggs": inner}})
        found: Answer = answer.get("each", {"buckets": [], "doc_count_error_upper_bound": 0})
        return found

    async def _ranked(
        self, kind: type[Record], wanted: Query, field: str, *, order: Metric, limit: int
    ) -> list[str]:
        """Return the keys of the highest groups; a few more where the order is an estimate."""
        spare = limit + 50 if order.kind == "distinct" else 0
        size = limit + spare
        found = await self._highest(kind, wanted, field, [order], order=order, size=size)
        if _is_exact(kind, order, found, size):
            return [bucket["key"] for bucket in found["buckets"]]
        sources: list[Query] = [{"key": {"terms": {"field": field}}}]
        return await self._ranked_of_all(kind, wanted, sources, order=order, limit=size)

    async def _ranked_of_all(
        self, kind: type[Record], wanted: Query, sources: list[Query], *, order: Metric, limit: int
    ) -> list[str]:
        """Return the same by looking at every group, with no more than a page of them in memory."""
        inner = ask.aggregations(kind, [order], precision=100)
        best: list[tuple[tuple[bool, Any, str], str]] = []
        page: list[tuple[tuple[bool, Any, str], str]] = []
        async for bucket in self._combinations(kind, wanted, sources, inner):
            key = bucket["key"]["key"]
            page.append((_rank(ask.number(kind, order, bucket), key), key))
            if len(page) == BUCKETS:
                best, page = heapq.nsmallest(limit, best + page), []
        return [key for _, key in heapq.nsmallest(limit, best + page)]

    async def _groups(
        self,
        kind: type[Record],
        wanted: Query,
        field: str,
        *,
        keys: list[str],
        metrics: Sequence[Metric],
    ) -> list[Group]:
        """Return the numbers of some groups."""
        if not keys:
            return []
        inner = ask.aggregations(kind, metrics)
        each = {"terms": {"field": field, "size": len(keys), "include": keys}, "aggs": inner}
        both = {"bool": {"filter": [wanted, terms(kind, field, tuple(keys))]}}
        answer = await self._counted(kind, both, {"each": each})
        return _groups_of(kind, metrics, answer["each"])


def _question(wanted: Query, aggs: Query) -> Query:
    return {"size": 0, "track_total_hits": True, "query": wanted, "aggs": aggs}


def _aggregated(answer: Answer) -> Answer:
    found: Answer = answer.get("aggregations", {})
    return found | {"doc_count": answer["hits"]["total"]["value"]}


def _groups_of(kind: type[Record], metrics: Sequence[Metric], answer: Answer) -> list[Group]:
    return [
        Group(key=bucket["key"], numbers=ask.numbers(kind, metrics, bucket))
        for bucket in answer["buckets"]
    ]


def _is_exact(kind: type[Record], order: Metric, found: Answer, size: int) -> bool:
    """Return whether no shard had to leave a group out, and none without a value took a place.

    Elasticsearch ranks a group without a value as 0 (sum) or infinite (min); here it comes last.
    """
    if found["doc_count_error_upper_bound"]:
        return False
    buckets = found["buckets"]
    return len(buckets) < size or all(
        ask.number(kind, order, bucket) is not None for bucket in buckets
    )


def _rank(value: float | datetime | None, key: str) -> tuple[bool, Any, str]:
    """Return what sorts groups: highest first, unknown last, ties by key."""
    if value is None:
        return True, 0, key
    return False, -(value.timestamp() if isinstance(value, datetime) else value), key


def _bin(bar: Answer, width: float) -> Bin:
    place = round(bar["key"] / width)
    return Bin(low=place * width, high=(place + 1) * width, count=bar["doc_count"])
