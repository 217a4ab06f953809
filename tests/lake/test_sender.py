"""The sender against an Elasticsearch that fails: nothing lost or doubled, poison set aside."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from fakes.elastic import FakeElastic, Fault, Item, Refusal
from fakes.outbox import Clock, MemoryOutbox
from lake.contract import Line
from lake.elastic import ElasticLake
from lake.lines import line_of
from lake.pacing import Pace
from lake.records import Tag
from lake.sender import Sender

REFUSED = "refused: the lake refused a request of 1 documents: illegal_argument_exception"
NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


def line(number: int, *, seconds: int = 0) -> Line:
    record = Tag(
        id=f"n:{number}",
        network="n",
        observed_at=NOON + timedelta(seconds=seconds),
        name=f"tag{number}",
        source="s",
        parser_version=1,
    )
    return line_of(record)


def lines(count: int) -> list[Line]:
    return [line(number) for number in range(count)]


@pytest.fixture
async def fake() -> AsyncIterator[FakeElastic]:
    async with FakeElastic() as server:
        yield server


@pytest.fixture
async def writer(fake: FakeElastic) -> AsyncIterator[ElasticLake]:
    lake = ElasticLake(fake.url, prefix="p", seconds=0.5)
    yield lake
    await lake.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


def sender_of(
    outbox: MemoryOutbox, writer: ElasticLake, clock: Clock, *, max_lines: int = 50, widest: int = 4
) -> Sender:
    rng = random.Random(7)
    pace = Pace(rng=rng, widest=widest)
    return Sender(
        outbox, writer, rng=rng, pace=pace, max_lines=max_lines, clock=clock, sleep=clock.sleep
    )


async def test_an_outbox_is_emptied_and_readers_see_it(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    outbox = MemoryOutbox(lines(120), clock)
    sender = sender_of(outbox, writer, clock)
    await sender.drain()
    assert outbox.lines == {}
    assert len(fake.ids) == 120
    assert fake.refreshed == ["/p-tags-undated/_refresh"]
    assert (sender.progress.stored, sender.progress.requests) == (120, 3)
    assert sender.progress.in_flight == 0


async def test_bulk_requests_are_posts_which_no_client_sends_twice(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    await sender_of(MemoryOutbox(lines(3), clock), writer, clock).drain()
    assert fake.methods == {"POST": 1}


async def test_a_stale_line_counts_as_done(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    outbox = MemoryOutbox([line(1, seconds=9), line(1, seconds=3), line(1, seconds=9)], clock)
    sender = sender_of(outbox, writer, clock)
    await sender.drain()
    assert outbox.lines == {}
    assert (sender.progress.stored, sender.progress.stale) == (2, 1)


FAULTS: list[Fault] = ["reset", "reset after apply", "stall", "cut answer", "not json"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_request_without_an_answer_is_sent_again(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, fault: Fault
) -> None:
    fake.faults.append(fault)
    outbox = MemoryOutbox(lines(20), clock)
    sender = sender_of(outbox, writer, clock)
    await sender.drain()
    assert outbox.lines == {}
    assert len(fake.ids) == len(fake.documents) == 20
    assert sender.progress.requests == 2
    assert len(fake.bulks) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_an_overloaded_lake_is_left_alone_for_a_while(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, status: int
) -> None:
    fake.faults.extend([Refusal(status), Refusal(status)])
    outbox = MemoryOutbox(lines(5), clock)
    await sender_of(outbox, writer, clock).drain()
    assert outbox.lines == {}
    assert [0.25 <= clock.naps[0] <= 0.5, 0.5 <= clock.naps[1] <= 1.0] == [True, True]
    assert len(fake.bulks) == 3


@pytest.mark.parametrize(
    ("wish", "least", "most"), [("7", 7.0, 7.7), ("1e9", 60.0, 66.0), ("soon", 0.25, 0.5)]
)
async def test_retry_after_is_obeyed_up_to_a_cap(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, wish: str, least: float, most: float
) -> None:
    fake.faults.append(Refusal(429, retry_after=wish))
    await sender_of(MemoryOutbox(lines(5), clock), writer, clock).drain()
    assert least <= clock.naps[0] <= most


async def test_only_the_refused_items_of_a_mixed_batch_are_sent_again(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    for number in range(0, 100, 3):
        fake.items[f"n:{number}"] = Item(429, "es_rejected_execution_exception", times=1)
    outbox = MemoryOutbox(lines(100), clock)
    sender = sender_of(outbox, writer, clock, max_lines=100)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    while outbox.lines:
        await asyncio.sleep(0)
    stop.set()
    await running
    assert len(fake.ids) == 100
    assert len(fake.bulks[0]) == 100
    assert sum(map(len, fake.bulks[1:])) == 34
    assert sender.progress.retried == 34


async def test_poison_goes_to_the_dead_letters_once_and_without_its_text(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    quoting = "failed to parse field [counts.posts] of type [long], value 'SECRET TEXT'"
    fake.items["n:7"] = Item(400, "document_parsing_exception", quoting)
    outbox = MemoryOutbox(lines(20), clock)
    await sender_of(outbox, writer, clock).drain()
    assert outbox.dead == [("n:7", "document_parsing_exception: field counts.posts")]
    assert len(fake.ids) == 19


async def test_a_refused_request_is_halved_down_to_its_culprits(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.malformed = {"n:137", "n:600"}
    outbox = MemoryOutbox(lines(1000), clock)
    sender = sender_of(outbox, writer, clock, max_lines=1000)
    with capture_logs() as logs:
        await sender.drain()
    assert sorted(outbox.dead) == [("n:137", REFUSED), ("n:600", REFUSED)]
    assert len(fake.ids) == 998
    # Each culprit costs two requests a halving, and ten halvings are 1024 lines.
    assert sender.progress.requests <= 2 * 2 * 10 + 1
    assert "SECRET" not in repr((logs, sender.progress, outbox.dead))


async def test_a_body_that_is_too_large_is_halved(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.most_bytes = 3_000
    outbox = MemoryOutbox(lines(50), clock)
    await sender_of(outbox, writer, clock).drain()
    assert outbox.dead == []
    assert len(fake.ids) == 50
    assert max(size for size in fake.sizes[1:] if size <= 3_000) <= 3_000


async def test_a_line_no_lake_is_large_enough_for_is_poison(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.most_bytes = 100
    outbox = MemoryOutbox(lines(1), clock)
    await sender_of(outbox, writer, clock).drain()
    assert [id_ for id_, reason in outbox.dead if reason.startswith("too large: ")] == ["n:0"]


async def test_a_lake_that_refuses_every_line_condemns_none(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.malformed = {f"n:{number}" for number in range(200)}
    outbox = MemoryOutbox(lines(200), clock)
    sender = sender_of(outbox, writer, clock, max_lines=200)
    stop = asyncio.Event()
    running = asyncio.create_task(sender.run(stop))
    while sender.progress.alarm is None:
        await asyncio.sleep(0)
    fake.malformed = {"n:3"}
    while outbox.lines:
        await asyncio.sleep(0)
    stop.set()
    await running
    assert outbox.dead == [("n:3", REFUSED)]
    assert len(fake.ids) == 199
    assert sender.progress.alarm is None


FOREIGN: list[Fault] = ["html 400", "old client"]


@pytest.mark.parametrize("fault", FOREIGN)
async def test_a_400_about_the_way_we_talk_judges_no_document(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, fault: Fault
) -> None:
    fake.faults.append(fault)
    outbox = MemoryOutbox(lines(40), clock)
    sender = sender_of(outbox, writer, clock)
    with capture_logs() as logs:
        await sender.drain()
    assert outbox.dead == []
    assert len(fake.ids) == 40
    assert [entry["event"] for entry in logs] == [
        "lake takes no writes",
        "lake takes writes again",
    ]


async def test_a_full_disk_alarms_once_and_waits(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    for number in range(10):
        fake.items[f"n:{number}"] = Item(429, "cluster_block_exception", times=3)
    outbox = MemoryOutbox(lines(10), clock, retry_seconds=5.0)
    sender = sender_of(outbox, writer, clock)
    stop = asyncio.Event()
    with capture_logs() as logs:
        running = asyncio.create_task(sender.run(stop))
        while len(fake.bulks) < 3:
            await asyncio.sleep(0)
        assert sender.progress.alarm == "disk"
        while outbox.lines:
            await asyncio.sleep(0)
        stop.set()
        await running
    assert [(entry["event"], entry.get("cause")) for entry in logs] == [
        ("lake takes no writes", "disk"),
        ("lake takes writes again", None),
    ]
    assert outbox.dead == []
    assert sender.progress.alarm is None
    assert sum(nap >= 10.0 for nap in clock.naps) == 3


@pytest.mark.parametrize(
    ("status", "type_", "cause"),
    [
        (400, "index_closed_exception", "index"),
        (404, "index_not_found_exception", "index missing"),
        (403, "cluster_block_exception", "write block"),
    ],
)
async def test_a_fault_of_the_operator_parks_lines_and_alarms(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, status: int, type_: str, cause: str
) -> None:
    fake.items["n:1"] = Item(status, type_)
    outbox = MemoryOutbox(lines(2), clock, retry_seconds=30.0)
    sender = sender_of(outbox, writer, clock)
    await sender.drain()
    assert outbox.dead == []
    assert [held.id for held in outbox.lines.values()] == ["n:1"]
    assert (sender.progress.parked, sender.progress.alarm) == (1, cause)


async def test_a_dead_lake_is_probed_by_one_request_at_a_time(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.faults.extend([Refusal(503)] * 6)
    outbox = MemoryOutbox(lines(400), clock)
    sender = sender_of(outbox, writer, clock, max_lines=10)
    with capture_logs() as logs:
        await sender.drain()
    assert len(fake.bulks) == 40 + 6
    assert outbox.lines == {}
    assert [entry["event"] for entry in logs] == ["lake does not answer", "lake answers again"]


async def test_width_grows_to_its_limit_and_never_beyond(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.thinking_seconds = 0.002
    outbox = MemoryOutbox(lines(600), clock)
    await sender_of(outbox, writer, clock, max_lines=5, widest=3).drain()
    assert fake.most_open == 3
    assert len(fake.ids) == 600


async def test_stop_lets_what_is_in_flight_end(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.hold = asyncio.Event()
    outbox = MemoryOutbox(lines(10), clock)
    stop = asyncio.Event()
    running = asyncio.create_task(sender_of(outbox, writer, clock).run(stop))
    while not fake.open_bulks:
        await asyncio.sleep(0)
    stop.set()
    fake.hold.set()
    await running
    assert outbox.lines == {}
    assert outbox.flying == set()


async def test_a_cancelled_sender_puts_its_lines_back(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    fake.hold = asyncio.Event()
    outbox = MemoryOutbox(lines(10), clock)
    running = asyncio.create_task(sender_of(outbox, writer, clock).run(asyncio.Event()))
    while not fake.open_bulks:
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert outbox.flying == set()
    assert len(outbox.lines) == 10


async def test_lines_that_come_while_it_runs_are_sent(
    fake: FakeElastic, writer: ElasticLake, clock: Clock
) -> None:
    outbox = MemoryOutbox([], clock)
    stop = asyncio.Event()
    running = asyncio.create_task(sender_of(outbox, writer, clock).run(stop))
    for number in range(3):
        outbox.put([line(number)])
        while outbox.lines:
            await asyncio.sleep(0)
    stop.set()
    await running
    assert len(fake.ids) == 3


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_after_any_faults_every_line_is_there_in_its_newest_version(
    fake: FakeElastic, writer: ElasticLake, clock: Clock, seed: int
) -> None:
    rng = random.Random(seed)
    kinds: list[Fault | Refusal] = [
        "reset", "reset after apply", "cut answer", "not json", Refusal(429), Refusal(503),
    ]  # fmt: skip
    fake.faults.extend(rng.choice(kinds) for _ in range(25))
    issued = [line(rng.randrange(150), seconds=rng.randrange(50)) for _ in range(1_000)]
    newest: dict[str, int] = {}
    for each in issued:
        newest[each.id] = max(newest.get(each.id, 0), each.version)
    outbox = MemoryOutbox(issued, clock)
    await sender_of(outbox, writer, clock, max_lines=30).drain()
    assert outbox.lines == {}
    assert {key[1]: version for key, (version, _) in fake.documents.items()} == newest
