"""What only Elasticsearch does: indices, templates, a real node's verdicts, many shards."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec
import pytest

from lake.connection import Connection
from lake.contract import COUNT, STORED, Group, Line, Metric, Sort, Verdict, Where
from lake.counting import Counts
from lake.elastic import ElasticLake
from lake.errors import BadQuestion, Misplaced, Refused, TooLarge, Unavailable
from lake.lines import line_of, milliseconds
from lake.records import Counts as SnapshotCounts
from lake.records import Location, Post, PostCounts, Snapshot, Tag

pytestmark = pytest.mark.elastic

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def post(number: int, **more: object) -> Post:
    base: dict[str, object] = {
        "id": f"m:{number}",
        "network": "m",
        "observed_at": NOON,
        "native_id": str(number),
        "kind": "text",
        "created_at": NOON,
        "source": "m",
        "parser_version": 1,
    }
    return Post(**base | more)  # type: ignore[arg-type]  # literal values of a test


def tag(name: str, **more: object) -> Tag:
    base: dict[str, object] = {
        "id": f"m:{name}",
        "network": "m",
        "observed_at": NOON,
        "name": name,
        "source": "m",
        "parser_version": 1,
    }
    return Tag(**base | more)  # type: ignore[arg-type]  # literal values of a test


def forged(number: int, **fields: object) -> Line:
    """Return a line whose body Elasticsearch refuses, though it is a record."""
    line = line_of(tag(str(number)))
    body = msgspec.json.encode(json.loads(line.body) | fields)
    return Line(table="tags", id=line.id, version=line.version, month=line.month, body=body)


class Server:
    """The node as an operator sees it."""

    def __init__(self, url: str, prefix: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self.prefix = prefix

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Send one request and return the decoded answer."""
        async with self._session.request(method, f"{self._url}{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()


@pytest.fixture(scope="module")
def prefix() -> str:
    """One prefix for all tests here: its templates stay, its indices go after each test."""
    return f"e{uuid.uuid4().hex[:12]}"


@pytest.fixture
async def server(elastic_url: str, prefix: str) -> AsyncIterator[Server]:
    async with aiohttp.ClientSession() as session:
        server = Server(elastic_url, prefix, session)
        yield server
        indices = await server.ask(
            "GET", f"/_cat/indices/{prefix}-*?format=json&expand_wildcards=all"
        )
        if indices:
            await server.ask("DELETE", "/" + ",".join(index["index"] for index in indices))


@pytest.fixture
async def lake(elastic_url: str, server: Server) -> AsyncIterator[ElasticLake]:
    lake = ElasticLake(elastic_url, prefix=server.prefix)
    await lake.open()
    yield lake
    await lake.close()


async def test_each_month_of_a_table_is_an_index(lake: ElasticLake, server: Server) -> None:
    june = NOON.replace(month=6)
    await lake.append([post(1), post(2, created_at=june), post(3, created_at=None), tag("nike")])
    found = await server.ask("GET", f"/_cat/indices/{server.prefix}-*?format=json")
    assert sorted(index["index"].removeprefix(server.prefix) for index in found) == [
        "-posts-2024.05",
        "-posts-2024.06",
        "-posts-undated",
        "-tags-undated",
    ]


async def test_an_index_is_strict_compressed_and_keeps_raw_unindexed(
    lake: ElasticLake, server: Server
) -> None:
    await lake.append([post(1)])
    index = f"{server.prefix}-posts-2024.05"
    found = (await server.ask("GET", f"/{index}"))[index]
    assert found["mappings"]["dynamic"] == "strict"
    assert found["mappings"]["properties"]["raw"] == {"type": "object", "enabled": False}
    assert found["settings"]["index"]["codec"] == "best_compression"


async def test_opening_again_changes_nothing_and_a_new_field_reaches_old_indices(
    lake: ElasticLake, elastic_url: str, server: Server
) -> None:
    await lake.append([post(1)])
    await lake.open()
    older = f"/{server.prefix}-posts-2023.01"
    indexed = {"type": "keyword", "index": True, "doc_values": True}
    await server.ask("PUT", older, {"mappings": {"properties": {"native_id": indexed}}})
    path = f"/_index_template/{server.prefix}-posts"
    stored = (await server.ask("GET", path))["index_templates"][0]["index_template"]
    stored["_meta"]["digest"] = "of an older version"
    del stored["template"]["mappings"]["properties"]["engagements"]
    await server.ask("PUT", path, stored)
    await lake.open()  # how an index that is there holds a field cannot be changed, and is left
    again = (await server.ask("GET", path))["index_templates"][0]["index_template"]
    assert again["template"]["mappings"]["properties"]["engagements"] == {"type": "long"}


async def test_any_json_is_kept_as_raw(lake: ElasticLake) -> None:
    raws = [b'{"a":[1,{"b":null}]}', b"[1,[2,3]]", b'"text"', b"7"]
    posts = [post(number, raw=msgspec.Raw(raw)) for number, raw in enumerate(raws)]
    await lake.append(posts)
    found = await lake.get(Post, [each.id for each in posts])
    assert [bytes(found[each.id].raw or b"") for each in posts] == raws


async def test_an_impossible_place_does_not_cost_the_post(lake: ElasticLake) -> None:
    nowhere = post(1, location=Location(lat=200.0, lon=3.0))
    await lake.append([nowhere])
    assert (await lake.get(Post, ["m:1"]))["m:1"] == nowhere


async def test_a_record_that_moved_into_a_dated_index_is_read_in_its_newest_state(
    lake: ElasticLake,
) -> None:
    early = post(1, created_at=None)
    late = post(1, observed_at=NOON + timedelta(hours=1))
    await lake.append([late, early])
    assert (await lake.get(Post, ["m:1"]))["m:1"] == late


async def test_poison_is_told_from_what_is_stored(lake: ElasticLake) -> None:
    lines = [
        line_of(tag("good")),
        forged(1, unknown_field=1),
        forged(2, counts={"posts": 2**70}),
        forged(3, id="another"),
        line_of(tag("fine")),
    ]
    found = await lake.write(lines)
    assert [verdict.outcome for verdict in found] == [
        "stored",
        "poison",
        "poison",
        "poison",
        "stored",
    ]
    assert found[1].reason == "strict_dynamic_mapping_exception"
    assert found[2].reason == "document_parsing_exception: field counts.posts"


async def test_a_replay_is_stored_and_an_older_version_is_stale(lake: ElasticLake) -> None:
    line = line_of(tag("a"))
    older = line_of(tag("a", observed_at=NOON - timedelta(seconds=1)))
    assert await lake.write([line]) == [STORED]
    assert await lake.write([line, older]) == [STORED, Verdict(outcome="stale")]


async def test_a_closed_index_parks(lake: ElasticLake, server: Server) -> None:
    await lake.append([tag("a")])
    await server.ask("POST", f"/{server.prefix}-tags-undated/_close")
    found = await lake.write([line_of(tag("b"))])
    assert found == [Verdict(outcome="parked", reason="index: index_closed_exception")]


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("index.blocks.write", "write block: cluster_block_exception"),
        ("index.blocks.read_only_allow_delete", "disk: cluster_block_exception"),
    ],
)
async def test_a_block_parks_and_says_which(
    lake: ElasticLake, server: Server, block: str, reason: str
) -> None:
    await lake.append([tag("a")])
    await server.ask("PUT", f"/{server.prefix}-tags-undated/_settings", {block: True})
    found = await lake.write([line_of(tag("b"))])
    assert found == [Verdict(outcome="parked", reason=reason)]
    with pytest.raises(Misplaced, match=reason.partition(":")[0]):
        await lake.append([tag("c")])
    await server.ask("PUT", f"/{server.prefix}-tags-undated/_settings", {block: None})
    assert await lake.write([line_of(tag("b"))]) == [STORED]


async def test_a_missing_index_parks_where_none_may_be_made(
    lake: ElasticLake, server: Server
) -> None:
    never = {"persistent": {"action.auto_create_index": f"-{server.prefix}-*,+*"}}
    await server.ask("PUT", "/_cluster/settings", never)
    try:
        found = await lake.write([line_of(tag("b"))])
    finally:
        forget = {"persistent": {"action.auto_create_index": None}}
        await server.ask("PUT", "/_cluster/settings", forget)
    assert found == [Verdict(outcome="parked", reason="index missing: index_not_found_exception")]


async def test_a_broken_body_is_refused_as_a_whole(elastic_url: str) -> None:
    connection = Connection(elastic_url)
    with pytest.raises(Refused) as raised:
        await connection.bulk(b'{"index":{"_index":"x","_id":\n{"SECRET":1}\n', documents=1)
    assert "SECRET" not in str(raised.value)
    await connection.close()


async def test_a_body_over_the_limit_of_the_server_is_too_large(elastic_url: str) -> None:
    connection = Connection(elastic_url)
    part = b'{"index":{"_index":"x","_id":"1"}}\n{"a":"' + b"x" * (1 << 20) + b'"}\n'
    with pytest.raises(TooLarge):
        await connection.bulk(*[part] * 101, documents=101)  # http.max_content_length: 100 MB
    await connection.close()
    await asyncio.sleep(0.1)  # the loop hears that the connection is gone


async def test_nobody_home_is_unavailable() -> None:
    lake = ElasticLake("http://127.0.0.1:1", seconds=1.0)
    with pytest.raises(Unavailable):
        await lake.open()
    await lake.close()


async def test_append_of_many_records_goes_in_parts(lake: ElasticLake) -> None:
    long = "x" * 60_000
    await lake.append([post(number, text=f"{number} {long}") for number in range(100)])
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 100}


async def test_writers_at_once_store_each_record_once(lake: ElasticLake) -> None:
    batches = [[line_of(post(b * 500 + n)) for n in range(500)] for b in range(8)]
    found = await asyncio.gather(*(lake.write(batch) for batch in batches))
    await lake.flush()
    assert {verdict.outcome for verdicts in found for verdict in verdicts} == {"stored"}
    assert await lake.totals(Post, Where(), [COUNT]) == {"count": 4000}


async def test_distinct_is_exact_to_ten_thousand_and_then_says_its_error(
    lake: ElasticLake,
) -> None:
    for start in (0, 6_000):
        lines = [line_of(tag(str(number))) for number in range(start, start + 6_000)]
        assert set(await lake.write(lines)) == {STORED}
    await lake.flush()
    first = Where(ids=tuple(f"m:{number}" for number in range(10_000)))
    assert (await lake.distinct(Tag, first, "name")).error == 0.0
    assert (await lake.distinct(Tag, first, "name")).value == 10_000
    many = await lake.distinct(Tag, Where(), "name")
    # Five sigma of the stated error: wrong once in two million seeds, and the hash has none.
    assert many.error == 0.0021
    assert abs(many.value - 12_000) <= 5 * many.error * 12_000


def month(number: int) -> datetime:
    return NOON.replace(month=number)


async def test_a_ranking_over_many_shards_is_exact_even_if_none_sends_all(
    lake: ElasticLake, elastic_url: str, server: Server
) -> None:
    # "late" is second in each month, and first over all: a shard that sends only its best hides it.
    posts, number = [], 0
    for each in range(1, 6):
        for handle, times in ((f"star{each}", 5), ("late", 3), (f"other{each}", 2)):
            for _ in range(times):
                number += 1
                counts = PostCounts(likes=1)
                posts.append(
                    post(number, created_at=month(each), author_handle=handle, counts=counts)
                )
    await lake.append(posts)
    connection = Connection(elastic_url)
    counts_ = Counts(connection, server.prefix, groups_per_shard=1)
    for order in (COUNT, Metric(kind="sum", field="counts.likes")):
        found = await counts_.top(
            Post, Where(), by="author_handle", metrics=[COUNT], order=order, limit=1
        )
        assert found == [Group(key="late", numbers={"count": 15})]
    await connection.close()


async def test_cursors_of_another_question_are_refused(lake: ElasticLake) -> None:
    await lake.append([post(number) for number in range(3)])
    page = await lake.page(Post, Where(), sort=Sort(), limit=1)
    for foreign in (page.cursor, "x", "", "W10", "☃", "eyJhIjoxfQ"):
        with pytest.raises(BadQuestion, match="cursor"):
            await lake.page(Post, Where(networks=("m",)), sort=Sort(), limit=1, cursor=foreign)


async def test_last_snapshots_of_more_subjects_than_one_answer_holds(lake: ElasticLake) -> None:
    snapshots = [
        Snapshot(
            id=f"m:{number:05}@{milliseconds(NOON + timedelta(hours=hour))}",
            network="m",
            observed_at=NOON + timedelta(hours=hour),
            subject="post",
            subject_id=f"m:{number:05}",
            observer="o",
            counts=SnapshotCounts(likes=hour),
        )
        for number in range(2_500)
        for hour in range(3)
    ]
    await lake.append(snapshots)
    found = [
        each async for batch in lake.at(Where(), NOON + timedelta(hours=1.5)) for each in batch
    ]
    assert [each.subject_id for each in found] == [f"m:{number:05}" for number in range(2_500)]
    assert {each.counts.likes for each in found} == {1}


async def test_a_delete_leaves_what_became_newer_meanwhile_to_the_next_round(
    lake: ElasticLake,
) -> None:
    await lake.append([tag("a"), tag("b")])
    newer = tag("a", observed_at=NOON + timedelta(hours=1))
    assert await lake.write([line_of(newer)]) == [STORED]
    assert await lake.delete(Tag, Where(ids=("m:a",))) == 1
    assert await lake.get(Tag, ["m:a", "m:b"]) == {"m:b": tag("b")}
