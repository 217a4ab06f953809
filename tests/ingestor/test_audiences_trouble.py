"""Lists of followers beside campaigns, lists that are not whole, and networks that misbehave."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from aiohttp import web

from fakes.followed import FollowedBench, people
from fakes.village import START
from ingestor.contract import Page

DAY = timedelta(days=1)


@pytest.fixture
def bench(follower_bench: FollowedBench) -> FollowedBench:
    return follower_bench


# --- budget


async def test_the_campaigns_polls_are_made_at_the_same_instants_beside_a_long_list(
    bench: FollowedBench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    asked: list[list[tuple[float, str]]] = []
    for names in ((), ("nike",)):
        found: list[tuple[float, str]] = []
        asked.append(found)

        async def note(request: web.Request, found: list[tuple[float, str]] = found) -> None:
            if request.path.startswith("/tag/"):
                found.append((bench.clock.monotonic(), request.path))

        bench.village.misbehave = note
        bench.village.followers["nike"] = people(2_000)
        bench.path = tmp_path_factory.mktemp("run")
        await _from_the_start(bench)
        if not names:
            await bench.track("tag0", "tag1", "tag2", lanes=(bench.lane(limit=60, window=600.0),))
        await bench.registry.lanes.upsert([bench.lane(limit=60, window=600.0)])
        for name in names:
            await bench.registry.audiences.add("mastodon", name, host="village.example")
        await bench.play(hours=2)
    alone, beside = asked
    assert beside == alone
    assert len(alone) > 300
    assert 800 < len(bench.followers("nike")) < 2_000


async def _from_the_start(bench: FollowedBench) -> None:
    """Set clock and registry back for a second run of the same hours."""
    bench.clock._now = START
    async with bench.registry._database.write() as tx:
        for table in ("spending", "slots"):
            await tx.connection.exec_driver_sql(f"DELETE FROM {table}")
        await tx.connection.exec_driver_sql("UPDATE targets SET cursor = NULL")
        await tx.connection.exec_driver_sql("UPDATE lanes SET lease_until = NULL")


async def test_no_window_holds_more_than_the_share_that_nobody_needs(bench: FollowedBench) -> None:
    times: list[float] = []

    async def note(_: web.Request) -> None:
        times.append(bench.clock.monotonic())

    bench.village.misbehave = note
    bench.village.followers["nike"] = people(3_000)
    await bench.collect("nike", lanes=(bench.lane(limit=40, window=600.0),))
    await bench.play(hours=3)
    most = max(sum(at <= one < at + 600 for one in times) for at in times)
    assert most <= 27  # three quarters of nine tenths of 40
    assert len(times) > 27 * 15


async def test_a_lane_that_campaigns_need_whole_reads_no_followers(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(30)
    lanes = (bench.lane(limit=20, window=600.0),)
    await bench.track(*(f"tag{number}" for number in range(12)), lanes=lanes)
    await bench.collect("nike", lanes=lanes)
    await bench.play(hours=5)
    assert bench.followers("nike") == []


async def test_short_lists_are_whole_first_and_each_tells_its_length_at_once(
    bench: FollowedBench,
) -> None:
    bench.village.followers |= {"giant": people(400), "nike": people(40), "puma": people(12)}
    await bench.collect("giant", "nike", "puma", lanes=(bench.lane(limit=60, window=3600.0),))
    await bench.play(hours=0.9)
    ends = [(one.handle.partition("@")[0], one.seen) for one in bench.audiences("puma")[-1:]]
    assert ends == [("puma", 12)]
    assert (bench.audience("nike").complete, bench.audience("puma").complete) == (True, True)
    giant = bench.audience("giant")
    assert (giant.stated, giant.complete, giant.reason) == (400, False, "reading")
    assert bench.audience("puma").ended_at < bench.audience("nike").ended_at  # type: ignore[operator] # both ended
    assert giant.seen > 5


# --- lists that are not whole


async def test_a_hidden_list_is_said_to_be_hidden_and_not_asked_for_in_a_circle(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(30)
    bench.village.hidden.add("nike")
    await bench.collect("nike")
    await bench.play(hours=24 * 9)
    found = bench.audience("nike")
    assert (found.complete, found.reason, found.seen, found.stated) == (False, "hidden", 0, 30)
    assert (found.whole_from, found.ended_at is None) == (None, False)
    assert len(bench.pages()) == 1


async def test_a_list_that_is_hidden_later_turns_nobody_into_one_who_left(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(9)
    await bench.collect("nike", every_days=10)
    async with bench.running() as ingestor:
        await bench.clock.play(START + DAY, ingestor.idle)
        bench.village.hidden.add("nike")
        await bench.clock.play(START + 11 * DAY, ingestor.idle)
    found = bench.audience("nike")
    assert (found.complete, found.reason) == (False, "hidden")
    assert found.whole_from == START
    assert all(one.observed_at >= found.whole_from for one in bench.follows())


@pytest.mark.parametrize(
    ("listed", "stated", "reason"),
    [
        (100, 100, None),
        (95, 100, None),
        (94, 100, "short"),
        (9, 10, None),
        (8, 10, "short"),
        (0, 0, None),
        (12, None, "unstated"),
    ],
)
async def test_a_list_is_whole_if_nearly_all_that_are_stated_are_listed(
    bench: FollowedBench, listed: int, stated: int | None, reason: str | None
) -> None:
    bench.village.followers["nike"] = people(listed)
    bench.village.stated["nike"] = stated
    await bench.collect("nike")
    await bench.play(hours=1)
    found = bench.audience("nike")
    assert (found.complete, found.reason, found.seen) == (reason is None, reason, listed)


async def test_a_list_without_end_is_given_up(bench: FollowedBench) -> None:
    bench.village.stated["nike"] = 10
    circle = people(2_000)
    bench.village.followers["nike"] = circle

    async def circles(request: web.Request) -> None:
        circle.append(circle.pop(0))  # whoever was shown first comes again at the end

    bench.village.misbehave = circles
    await bench.collect("nike")
    await bench.play(hours=24)
    found = bench.audience("nike")
    assert (found.complete, found.reason) == (False, "endless")
    assert 1_020 < found.seen < 1_050


async def test_a_short_circle_of_cursors_is_given_up_at_once(bench: FollowedBench) -> None:
    bench.village.stated["nike"] = None
    bench.village.followers["nike"] = people(10)

    async def circle(request: web.Request) -> web.Response | None:
        if request.path.startswith("/account/"):
            return None
        there = request.query.get("behind") == "a"
        shown = {"account": "nike", "followers": people(10)[5 * there :][:5]}
        return web.json_response(shown | {"next": "b" if there else "a"})

    bench.village.misbehave = circle
    await bench.collect("nike")
    await bench.play(hours=3)
    assert bench.audience("nike").reason == "endless"
    assert len(bench.village.asked) < 8


# --- networks that misbehave


async def test_a_source_that_gives_no_page_is_asked_less_and_less(bench: FollowedBench) -> None:
    asked = 0

    async def nothing(*_: object) -> AsyncIterator[Page]:
        nonlocal asked
        asked += 1
        for page in ():
            yield page

    bench.source.poll = nothing  # type: ignore[method-assign] # a third party's fault
    await bench.collect("nike")
    await bench.play(hours=3)
    assert 3 < asked < 12


async def test_an_account_that_the_network_will_not_list_is_told_and_asked_once_a_day(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(9)

    async def block(_: web.Request) -> web.Response:
        return web.Response(status=400)

    bench.village.misbehave = block
    await bench.collect("nike")
    await bench.play(hours=47)
    assert len(bench.village.asked) == 2
    assert [gap.detail for gap in bench.gaps()] == ["400: an old cursor"] * 2
    assert bench.audiences("nike") == []


async def test_a_refused_cursor_starts_the_reading_over(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(30)

    async def expire(request: web.Request) -> None:
        if len(bench.pages()) == 4:
            bench.village.epoch = 1

    bench.village.misbehave = expire
    await bench.collect("nike")
    await bench.play(hours=1)
    found = bench.audience("nike")
    assert (found.seen, found.pages, found.complete) == (30, 7, True)
    assert set(bench.followers("nike")) == set(people(30))


async def test_a_network_whose_cursors_never_last_is_asked_twice_a_day(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(30)

    async def expire(request: web.Request) -> None:
        bench.village.epoch += 1

    bench.village.misbehave = expire
    await bench.collect("nike")
    await bench.play(hours=23)
    assert len(bench.village.asked) <= 6
    assert bench.audience("nike").reason == "reading"


async def test_an_account_that_is_gone_is_told_and_asked_for_once_a_day(
    bench: FollowedBench,
) -> None:
    await bench.collect("nobody")
    await bench.play(hours=47)
    assert bench.village.asked == ["/account/nobody"] * 2
    assert [(gap.target, gap.reason, gap.polls_missed, gap.detail) for gap in bench.gaps()] == [
        ("mastodon/followers/nobody@village.example", "failed", 0, "404: no such tag")
    ] * 2


async def test_an_account_that_goes_says_so_and_keeps_what_was_read(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(9)
    await bench.collect("nike", every_days=10)
    async with bench.running() as ingestor:
        await bench.clock.play(START + DAY, ingestor.idle)
        del bench.village.followers["nike"]
        await bench.clock.play(START + 10.5 * DAY, ingestor.idle)
    found = bench.audience("nike")
    assert (found.complete, found.reason, found.whole_from) == (False, "gone", START)


async def test_a_429_rests_the_lane_and_the_reading_goes_on_afterwards(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(30)
    times: list[float] = []

    async def refuse(_: web.Request) -> web.Response | None:
        times.append(bench.clock.monotonic())
        limited = web.Response(status=429, headers={"Retry-After": "900"})
        return limited if len(times) == 4 else None

    bench.village.misbehave = refuse
    await bench.collect("nike")
    await bench.play(hours=1)
    assert 900 <= times[4] - times[3] < 1_100
    assert bench.followers("nike") == people(30)
    assert bench.audience("nike").complete


async def test_a_refused_account_is_left_alone_and_another_lane_reads_on(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(30)

    async def refuse(_: web.Request) -> web.Response | None:
        return web.Response(status=401) if len(bench.village.asked) == 4 else None

    bench.village.misbehave = refuse
    await bench.collect("nike", lanes=(bench.lane("a"), bench.lane("b")))
    await bench.play(hours=1)
    lanes = await bench.registry.lanes.list()
    assert sorted(lane.quarantined_at is not None for lane in lanes) == [False, True]
    assert bench.followers("nike") == people(30)


async def test_an_outage_is_asked_less_and_less_and_ends(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(30)

    async def fail(_: web.Request) -> web.Response | None:
        return web.Response(status=503) if bench.clock.monotonic() < 3 * 3600 else None

    bench.village.misbehave = fail
    await bench.collect("nike")
    async with bench.running() as ingestor:
        await bench.clock.play(START + timedelta(hours=3), ingestor.idle)
        assert len(bench.village.asked) < 15
        await bench.clock.play(START + timedelta(hours=5), ingestor.idle)
    assert bench.followers("nike") == people(30)


async def test_a_full_spool_stops_the_reading_until_it_is_emptied(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(30)
    await bench.collect("nike")
    async with bench.running() as ingestor:
        ingestor._spool._fill = 0.95
        await bench.clock.play(START + timedelta(minutes=20), ingestor.idle)
        assert bench.village.asked == []
        ingestor._spool._fill = 0.0
        await bench.clock.play(START + timedelta(minutes=40), ingestor.idle)
    assert bench.followers("nike") == people(30)


async def test_a_list_that_is_wanted_no_more_is_read_no_further(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(300)
    bench.set(refresh=600.0)
    await bench.collect("nike", lanes=(bench.lane(limit=20, window=3600.0),))
    async with bench.running() as ingestor:
        await bench.clock.play(START + timedelta(hours=2), ingestor.idle)
        await bench.registry.audiences.remove("mastodon", "nike@village.example")
        await bench.clock.play(START + timedelta(hours=2.2), ingestor.idle)
        before = len(bench.village.asked)
        await bench.clock.play(START + timedelta(hours=9), ingestor.idle)
    assert 0 < len(bench.village.asked) == before
