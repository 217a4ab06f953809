import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from fakes.village import START, Bench
from ingestor.ingest import Options


def publish(bench: Bench, tag: str, count: int, *, first: int = 0) -> None:
    for number in range(first, first + count):
        bench.village.publish(tag, number, START + timedelta(minutes=number))


async def test_posts_of_a_tracked_tag_reach_the_spool_once(bench: Bench) -> None:
    publish(bench, "nike", 12)
    await bench.track("nike")
    await bench.play(hours=1)
    assert sorted(int(post.native_id) for post in bench.posts()) == list(range(12))
    assert len(bench.snapshots()) == 12


async def test_one_seed_gives_the_same_records(
    bench: Bench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    publish(bench, "nike", 30)
    publish(bench, "puma", 7, first=20)
    await bench.track("nike", "puma")
    await bench.play(hours=2)
    first, bench.records = bench.records, []
    bench.path = tmp_path_factory.mktemp("again")
    bench.clock._now = START
    async with bench.registry._database.write() as tx:  # a second run of the same virtual weeks
        for table in ("spending", "slots"):
            await tx.connection.exec_driver_sql(f"DELETE FROM {table}")
        await tx.connection.exec_driver_sql("UPDATE targets SET cursor = NULL")
        await tx.connection.exec_driver_sql("UPDATE lanes SET lease_until = NULL")
    await bench.play(hours=2)
    assert bench.records == first


async def test_a_poll_stops_at_the_posts_it_knows(bench: Bench) -> None:
    publish(bench, "nike", 40)
    await bench.track("nike")
    await bench.play(hours=1)
    bench.village.asked.clear()
    publish(bench, "nike", 3, first=40)
    await bench.play(hours=0.02)
    assert len(bench.village.asked) >= 1
    assert not any("from" in path for path in bench.village.asked)


async def test_growth_is_kept_as_a_delta_and_the_post_is_written_anew(bench: Bench) -> None:
    post = bench.village.publish("nike", 1, START)
    await bench.track("nike")
    async with bench.running() as ingestor:
        await bench.clock.play(START + timedelta(minutes=30), ingestor.idle)
        post["likes"] = 40
        await bench.clock.play(START + timedelta(minutes=50), ingestor.idle)
    first, second = bench.snapshots()
    assert (first.delta, first.counts.likes) == (None, 0)
    assert second.delta is not None
    assert (second.delta.likes, second.delta.comments, second.counts.likes) == (40, None, 40)
    assert second.previous_at == first.observed_at
    assert [post.counts.likes for post in bench.posts()] == [0, 40]


async def test_unchanged_answers_are_not_even_parsed_and_write_nothing(bench: Bench) -> None:
    publish(bench, "nike", 3)
    await bench.track("nike")
    ingestor = await bench.play(hours=0.9)
    assert ingestor.metrics.ended["unchanged"] > 20
    assert bench.source.parsed == 1
    assert len(bench.posts()) == len(bench.snapshots()) == 3


async def test_unchanged_counts_are_confirmed_every_hour(bench: Bench) -> None:
    publish(bench, "nike", 1)
    await bench.track("nike")
    await bench.play(hours=3.5)
    confirmed = [one for one in bench.snapshots() if one.delta is not None]
    assert len(confirmed) == 3
    assert {one.delta.likes for one in confirmed if one.delta} == {0}
    assert len(bench.posts()) == 1


async def test_deltas_go_on_after_a_restart(bench: Bench) -> None:
    post = bench.village.publish("nike", 1, START, likes=10)
    await bench.track("nike")
    await bench.play(hours=0.2)
    post["likes"] = 25
    await bench.play(hours=0.2)
    assert [one.delta and one.delta.likes for one in bench.snapshots()] == [None, 15]


async def test_more_new_posts_than_a_poll_can_page_is_told_as_an_overflow(bench: Bench) -> None:
    publish(bench, "nike", 5)
    bench.options = Options(**{**_fields(bench.options), "page_cap": 2})
    await bench.track("nike")
    await bench.play(hours=0.2)
    publish(bench, "nike", 15, first=5)
    await bench.play(hours=0.2)
    gap = next(gap for gap in bench.gaps() if gap.reason == "overflow")
    assert (gap.since, gap.until) == (START + timedelta(minutes=4), START + timedelta(minutes=10))


async def test_polls_are_accounted_by_target_and_hour(bench: Bench) -> None:
    publish(bench, "nike", 3)
    await bench.track("nike")
    await bench.play(hours=2.5)
    last = [poll for _, poll in sorted(bench.polls().items())]
    assert [poll.hour for poll in last] == [START + timedelta(hours=hour) for hour in range(3)]
    assert all(poll.planned == poll.made > 0 for poll in last)
    assert (last[0].posts_seen, last[0].posts_new) == (3, 3)


async def test_the_first_page_tells_how_much_a_tag_brings(bench: Bench) -> None:
    for number, age in enumerate((10, 5, 1)):
        bench.village.publish("nike", number, START - timedelta(hours=age))
    await bench.track("nike")
    await bench.play(hours=0.01)
    rates = await bench.registry.targets.rates()
    assert rates == {"mastodon/tag/nike": pytest.approx(3.5 / 10.5, rel=0.01)}


async def test_two_lanes_never_exceed_their_budgets_and_both_are_used(bench: Bench) -> None:
    lanes = tuple(bench.lane(name, limit=10, window=600.0) for name in "ab")
    await bench.track(*(f"tag{number}" for number in range(20)), lanes=lanes)
    ingestor = await bench.play(hours=2)
    assert ingestor.metrics.lanes == 2
    assert 150 < len(bench.village.asked) <= 2 * 10 * 13


# --- networks that misbehave


async def test_a_429_rests_the_lane_as_long_as_it_asks_and_leaves_a_gap(bench: Bench) -> None:
    publish(bench, "nike", 3)
    times: list[float] = []

    async def refuse(_: web.Request) -> web.Response | None:
        times.append(bench.clock.monotonic())
        return web.Response(status=429, headers={"Retry-After": "900"}) if len(times) == 1 else None

    bench.village.misbehave = refuse
    await bench.track("nike")
    await bench.play(hours=1)
    assert 900 <= times[1] - times[0] < 1000
    gap = bench.gaps()[0]
    assert (gap.reason, gap.polls_missed) == ("rate_limited", 17)  # one a minute were planned
    assert sum(poll.rate_limited_seconds for poll in bench.polls().values()) >= 900


async def test_a_refused_account_is_asked_once_and_its_targets_move(bench: Bench) -> None:
    publish(bench, "nike", 3)
    asked: list[str] = []

    async def refuse(request: web.Request) -> web.Response | None:
        asked.append(request.path)
        return web.Response(status=401) if len(asked) == 1 else None

    bench.village.misbehave = refuse
    await bench.track("nike", lanes=(bench.lane("a"), bench.lane("b")))
    ingestor = await bench.play(hours=1)
    lanes = {lane.id: lane for lane in await bench.registry.lanes.list()}
    assert sorted(lane.quarantined_at is not None for lane in lanes.values()) == [False, True]
    assert ingestor.metrics.ended["login_required"] == 1
    assert len(bench.posts()) == 3
    assert bench.gaps()[0].reason == "quarantined"


async def test_without_another_lane_a_refused_account_is_left_alone(bench: Bench) -> None:
    async def refuse(_: web.Request) -> web.Response:
        return web.Response(status=403)

    bench.village.misbehave = refuse
    await bench.track("nike", "puma")
    await bench.play(hours=5)
    assert len(bench.village.asked) <= 3


async def test_an_outage_opens_the_breaker(bench: Bench) -> None:
    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=503)

    bench.village.misbehave = fail
    await bench.track(*(f"tag{number}" for number in range(40)))
    await bench.play(hours=1 / 12)
    assert len(bench.village.asked) <= 20 + 10
    assert {gap.reason for gap in bench.gaps()} == {"down"}


async def test_an_outage_costs_one_probe_at_a_time_however_many_lanes_there_are(
    bench: Bench,
) -> None:
    async def fail(_: web.Request) -> web.Response:
        return web.Response(status=503)

    bench.village.misbehave = fail
    lanes = tuple(bench.lane(name) for name in "abcdefgh")
    await bench.track(*(f"tag{number}" for number in range(80)), lanes=lanes)
    await bench.play(hours=1 / 12)
    assert len(bench.village.asked) <= 20 + 10


async def test_a_slow_account_is_refused_three_times_at_most_and_holds_nobody_up(
    bench: Bench,
) -> None:
    silent = asyncio.Event()

    async def dawdle(_: web.Request) -> web.Response:
        await silent.wait()
        return web.Response(status=401)

    bench.village.misbehave = dawdle
    await bench.track(*(f"tag{number}" for number in range(40)))
    async with bench.running() as ingestor:
        for minute in range(1, 4):
            bench.clock.advance_to(START + timedelta(minutes=minute))
            await asyncio.sleep(0.1)
        assert len(bench.village.asked) == 3  # of 40 that are due, and 64 that might be in flight
        silent.set()
        await bench.clock.play(START + timedelta(hours=1), ingestor.idle)
    assert len(bench.village.asked) == 3


async def test_a_lane_of_an_account_that_the_settings_name_no_more_is_left_alone(
    bench: Bench,
) -> None:
    bench.strangers.add("b")
    await bench.track(
        *(f"tag{number}" for number in range(8)), lanes=(bench.lane(), bench.lane("b"))
    )
    ingestor = await bench.play(hours=0.1)
    assert ingestor.metrics.lanes == 1
    assert 0 < len(set(bench.village.asked)) < 8


HOSTILE = {
    "html": b"<html>please log in</html>",
    "truncated": b'{"posts": [{"id": 1, "at": 17',
    "deep": b'{"posts": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "wrong root": b'{"items": 3}',
    "wrong types": b'{"posts": [{"id": 1, "at": "never", "likes": {}, "text": 7}]}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_body_leaves_a_gap_and_nothing_else(bench: Bench, body: bytes) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type="application/json")

    bench.village.misbehave = answer
    await bench.track("nike")
    await bench.play(hours=0.1)
    assert {gap.reason for gap in bench.gaps()} == {"bad_answer"}
    assert bench.posts() == bench.snapshots() == []
    assert not any(b"never" in gap.detail.encode() for gap in bench.gaps())


async def test_parts_that_cannot_be_read_are_told_once_an_hour(bench: Bench) -> None:
    publish(bench, "nike", 2)
    bench.village.posts["nike"].append({"id": "x"})
    await bench.track("nike")
    await bench.play(hours=0.5)
    assert len(bench.posts()) == 2
    assert [gap.detail for gap in bench.gaps()] == ["1 parts set aside: id is no number"]


async def test_a_gone_target_is_not_asked_again_for_a_day(bench: Bench) -> None:
    async def gone(_: web.Request) -> web.Response:
        return web.Response(status=404)

    bench.village.misbehave = gone
    slow = {"lease": 20_000.0, "refresh": 20_000.0, "replan": 20_000.0, "revisit": 20_000.0}
    bench.options = Options(**{**_fields(bench.options), **slow})
    await bench.track("nike")
    await bench.play(hours=20)
    assert len(bench.village.asked) == 1


async def test_a_full_spool_stops_the_polls_until_it_is_emptied(bench: Bench) -> None:
    publish(bench, "nike", 3)
    await bench.track("nike")
    async with bench.running() as ingestor:
        spool = ingestor._spool
        spool._fill = 0.95
        await bench.clock.play(START + timedelta(minutes=20), ingestor.idle)
        assert bench.village.asked == []
        spool._fill = 0.0
        await bench.clock.play(START + timedelta(minutes=40), ingestor.idle)
    assert len(bench.posts()) == 3


async def test_a_lost_registry_stops_the_polls_when_the_lease_ends(bench: Bench) -> None:
    publish(bench, "nike", 3)
    await bench.track("nike")
    async with bench.running() as ingestor:
        await bench.clock.play(START + timedelta(minutes=30), ingestor.idle)
        await bench.registry.close()
        for path in bench.path.glob("registry.db*"):
            path.unlink()
        (bench.path / "registry.db").mkdir()
        before = len(bench.village.asked)
        await bench.clock.play(START + timedelta(hours=3), ingestor.idle)
        assert len(bench.village.asked) - before <= 12
        last = len(bench.village.asked)
        await bench.clock.play(START + timedelta(hours=5), ingestor.idle)
        assert len(bench.village.asked) == last


async def test_stop_in_the_middle_of_a_poll_loses_nothing_spooled(bench: Bench) -> None:
    publish(bench, "nike", 12)
    await bench.track("nike")
    waiting = asyncio.Event()

    async def hang(request: web.Request) -> None:
        if "from" in request.query:
            waiting.set()
            await asyncio.sleep(3600)

    bench.village.misbehave = hang
    bench.options = Options(**{**_fields(bench.options), "grace": 0.05})
    async with bench.running() as ingestor:
        play = asyncio.create_task(bench.clock.play(START + timedelta(hours=1), ingestor.idle))
        await waiting.wait()
        play.cancel()
        await asyncio.gather(play, return_exceptions=True)
    assert len(bench.posts()) == 5  # the first page was durable
    bench.village.misbehave = None
    bench.records.clear()
    await bench.play(hours=0.1)
    assert len(bench.posts()) == 7  # the cursor had not moved: the rest is found


def _fields(options: Options) -> dict[str, object]:
    return {name: getattr(options, name) for name in Options.__struct_fields__}
