"""Lists of followers: read to their end, again and again, across crashes and handovers."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from fakes.followed import FollowedBench, people
from fakes.village import START, drained
from ingestor.spool import Spool
from lake.records import Profile

NIKE = "mastodon/followers/nike@village.example"
DAY = timedelta(days=1)


@pytest.fixture
def bench(follower_bench: FollowedBench) -> FollowedBench:
    return follower_bench


async def test_a_list_is_read_to_its_end_and_every_follower_is_kept_once(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(13)
    await bench.collect("nike")
    await bench.play(hours=1)
    assert bench.followers("nike") == people(13)
    found = bench.audience("nike")
    assert (found.handle, found.account_id) == ("nike@village.example", "mastodon:@nike")
    assert (found.pages, found.seen, found.stated) == (3, 13, 13)
    assert (found.complete, found.reason) == (True, None)
    assert found.whole_from == found.started_at == START
    assert found.ended_at is not None


async def test_a_full_last_page_has_a_cursor_and_an_empty_one_ends_the_list(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(10)
    await bench.collect("nike")
    await bench.play(hours=1)
    assert len(bench.pages()) == 3
    assert (bench.audience("nike").seen, bench.audience("nike").complete) == (10, True)


async def test_every_page_tells_how_far_the_reading_is(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(12)
    await bench.collect("nike")
    await bench.play(hours=1)
    told = [(one.seen, one.complete, one.reason) for one in bench.audiences("nike")]
    assert told == [(5, False, "reading"), (10, False, "reading"), (12, True, None)]
    versions = [one.observed_at for one in bench.audiences("nike")]
    assert versions == sorted(set(versions))  # each is newer than the one before


async def test_the_accounts_own_profile_is_kept_and_nobody_elses(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(12)
    await bench.collect("nike")
    await bench.play(hours=1)
    (profile,) = [one for one in bench.records if isinstance(one, Profile)]
    assert (profile.handle, profile.counts.followers, profile.bio) == ("nike", 12, "nike runs")


async def test_followers_are_no_polls_and_leave_no_gaps(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(60)
    await bench.collect("nike")
    ingestor = await bench.play(hours=30)
    assert (bench.polls(), bench.gaps()) == ({}, [])
    assert (ingestor.metrics.started, ingestor.metrics.follows) == (0, 60)
    assert ingestor.metrics.targets == 0


# --- again and again


async def test_a_list_is_read_again_when_its_refresh_is_due_and_not_before(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(7)
    await bench.collect("nike", every_days=10)
    async with bench.running() as ingestor:
        await bench.clock.play(START + timedelta(days=9.9), ingestor.idle)
        assert len(bench.pages()) == 2
        await bench.clock.play(START + timedelta(days=10.1), ingestor.idle)
        assert len(bench.pages()) == 4
    assert bench.audience("nike").whole_from == START + 10 * DAY
    assert bench.followers("nike") == people(7) * 2


async def test_a_list_that_is_wanted_once_is_read_once(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(7)
    await bench.collect("nike", every_days=None)
    await bench.play(hours=24 * 12)
    assert len(bench.pages()) == 2


async def test_who_left_between_two_readings_is_older_than_the_last_whole_one(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(8)
    await bench.collect("nike", every_days=10)
    async with bench.running() as ingestor:
        await bench.clock.play(START + DAY, ingestor.idle)
        bench.village.followers["nike"].remove("fan003")
        bench.village.followers["nike"].insert(0, "newcomer")
        await bench.clock.play(START + 11 * DAY, ingestor.idle)
    newest = {one.follower_id: one.observed_at for one in bench.follows()}
    whole_from = bench.audience("nike").whole_from
    assert whole_from == START + 10 * DAY
    left = [follower for follower, seen in newest.items() if seen < whole_from]
    assert left == ["mastodon:@fan003"]
    assert len(newest) == 9


async def test_a_second_reading_keeps_the_whole_one_before_it_until_it_ends(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(12)
    await bench.collect("nike", every_days=10)
    await bench.play(hours=24 * 10.5)
    second = [one for one in bench.audiences("nike") if one.started_at > START]
    assert [(one.seen, one.complete) for one in second] == [(5, True), (10, True), (12, True)]
    assert [one.whole_from for one in second] == [START, START, START + 10 * DAY]


async def test_a_list_that_grows_while_it_is_read_loses_nobody(bench: FollowedBench) -> None:
    bench.village.followers["nike"] = people(20)

    async def grow(request: web.Request) -> None:
        if request.path.startswith("/followers/"):
            bench.village.followers["nike"].insert(0, f"late{len(bench.village.asked)}")

    bench.village.misbehave = grow
    await bench.collect("nike")
    await bench.play(hours=1)
    assert set(bench.followers("nike")) >= set(people(20))
    assert len(bench.followers("nike")) == len(set(bench.followers("nike")))
    assert bench.audience("nike").complete


# --- crashes and handovers


@pytest.mark.parametrize("page", [1, 2, 3])
async def test_a_reading_that_is_killed_goes_on_and_loses_and_doubles_nothing(
    bench: FollowedBench, page: int
) -> None:
    bench.village.followers["nike"] = people(23)
    await bench.collect("nike")
    hanging = asyncio.Event()

    async def hang(request: web.Request) -> None:
        if len(bench.pages()) > page:
            hanging.set()
            await asyncio.sleep(3600)

    bench.village.misbehave = hang
    bench.set(grace=0.05)
    async with bench.running() as ingestor:
        play = asyncio.create_task(bench.clock.play(START + timedelta(hours=1), ingestor.idle))
        await hanging.wait()
        play.cancel()
        await asyncio.gather(play, return_exceptions=True)
    assert len(bench.followers("nike")) == 5 * page
    bench.village.misbehave = None
    bench.clock.advance_to(START + timedelta(hours=2))
    await bench.play(hours=1)
    assert bench.followers("nike") == people(23)
    found = bench.audience("nike")
    assert (found.pages, found.seen, found.complete) == (5, 23, True)
    assert found.whole_from == START  # when the reading began, not when it went on


async def test_the_next_holder_of_a_lane_goes_on_with_right_numbers(
    bench: FollowedBench, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bench.village.followers["nike"] = people(60)
    # Six requests an hour to spare of ten.
    await bench.collect("nike", lanes=(bench.lane(limit=10, window=3600.0),))
    await bench.play(hours=0.5)
    assert 0 < len(bench.followers("nike")) < 60
    bench.path = tmp_path_factory.mktemp("another machine")
    await bench.play(hours=30)
    assert bench.followers("nike") == people(60)
    found = bench.audience("nike")
    assert (found.pages, found.seen, found.complete, found.whole_from) == (13, 60, True, START)


async def test_edges_and_the_place_behind_them_are_one_page_of_the_spool(
    bench: FollowedBench,
) -> None:
    bench.village.followers["nike"] = people(7)
    await bench.collect("nike")
    await bench.play(hours=1)
    kinds = [type(one).__name__ for one in bench.records]
    # The audience that says "whole" comes right behind the last page's edges.
    assert kinds[-3:] == ["Follow", "Follow", "Audience"]
    spool = Spool(bench.path / "spool.db", clock=bench.clock)
    await spool.open()
    assert await spool.position(NIKE) is not None
    assert await drained(spool) == []
    await spool.close()
