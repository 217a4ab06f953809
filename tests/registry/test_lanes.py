import asyncio
import math
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.registered import PEPPER, START, Clock, draft, lane
from registry import Registry, open_registry
from registry.errors import BadField, Fenced, NoSlot, Unknown
from registry.models import Lane
from registry.ticks import Tick

WEEK = 7 * 86_400.0


async def claimed(registry: Registry, name: str = "a", **fields: int) -> Lane:
    await registry.lanes.upsert([lane(name, **fields)])
    (held,) = await registry.lanes.claim("one", most=1)
    return held


async def test_a_configured_lane_is_free(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a")])
    assert await registry.lanes.list() == (lane("a"),)


async def test_a_claim_gives_a_lease_and_a_higher_fence(registry: Registry) -> None:
    held = await claimed(registry)
    assert (held.lease_owner, held.fence) == ("one", 1)
    assert held.lease_until == START + timedelta(seconds=60)


async def test_a_held_lane_is_not_claimed_again(registry: Registry) -> None:
    await claimed(registry)
    assert await registry.lanes.claim("two", most=5) == ()


async def test_a_claim_takes_no_more_than_it_wants(registry: Registry) -> None:
    await registry.lanes.upsert([lane(name) for name in "abc"])
    held = await registry.lanes.claim("one", most=2)
    assert [one.account for one in held] == ["a", "b"]


async def test_a_claim_takes_only_lanes_it_has_credentials_for(registry: Registry) -> None:
    await registry.lanes.upsert([lane(name) for name in "abc"])
    held = await registry.lanes.claim("one", most=9, only=["mastodon/b"])
    assert [one.account for one in held] == ["b"]


async def test_a_dead_holders_lane_moves_after_its_lease(registry: Registry, clock: Clock) -> None:
    await claimed(registry)
    clock.move(60)
    (moved,) = await registry.lanes.claim("two", most=1)
    assert (moved.lease_owner, moved.fence) == ("two", 2)


async def test_a_renewed_lease_stays(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry)
    clock.move(50)
    renewed = await registry.lanes.renew(held.id, held.fence)
    clock.move(50)
    assert renewed.lease_until == START + timedelta(seconds=110)
    assert await registry.lanes.claim("two", most=1) == ()


async def test_a_released_lane_is_free_at_once(registry: Registry) -> None:
    held = await claimed(registry)
    await registry.lanes.release(held.id, held.fence)
    (again,) = await registry.lanes.claim("two", most=1)
    assert again.fence == 2


async def test_a_zombie_can_write_nothing(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry, slots=30)
    clock.move(60)
    await registry.lanes.claim("two", most=1)
    for write in (
        registry.lanes.renew(held.id, held.fence),
        registry.lanes.release(held.id, held.fence),
        registry.lanes.cool(held.id, held.fence, seconds=1),
        registry.lanes.reserve(held.id, held.fence, 1),
        registry.lanes.use_slot(held.id, held.fence, "nike"),
        registry.lanes.quarantine(held.id, "login", fence=held.fence),
    ):
        with pytest.raises(Fenced, match="moved on to fence 2; fence 1 may not write"):
            await write
    assert await registry.lanes.spent(held.id, 300) == ()


async def test_a_lane_nobody_configured_is_unknown(registry: Registry) -> None:
    with pytest.raises(Unknown, match="no lane 'x'"):
        await registry.lanes.renew("x", 1)


async def test_new_settings_leave_the_lease_alone(registry: Registry) -> None:
    held = await claimed(registry)
    await registry.lanes.upsert([lane("a", limit=100)])
    (now,) = await registry.lanes.list()
    assert (now.limit, now.fence, now.lease_owner) == (100, held.fence, "one")


async def test_impossible_settings_are_refused(registry: Registry) -> None:
    with pytest.raises(BadField, match=r"mastodon/a.limit is 0: use 1 request or more"):
        await registry.lanes.upsert([lane("a", limit=0)])


async def test_a_rest_is_kept_and_a_longer_one_stays(registry: Registry) -> None:
    held = await claimed(registry)
    await registry.lanes.cool(held.id, held.fence, seconds=900)
    cooled = await registry.lanes.cool(held.id, held.fence, seconds=30)
    assert cooled.cool_until == START + timedelta(seconds=900)


async def test_an_app_that_is_throttled_rests_all_its_lanes(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a"), lane("b"), lane("c", network="bluesky")])
    await registry.lanes.cool_source("mastodon", seconds=60)
    rests = {one.account: one.cool_until for one in await registry.lanes.list()}
    assert rests == {
        "a": START + timedelta(minutes=1),
        "b": START + timedelta(minutes=1),
        "c": None,
    }


async def test_a_quarantined_lane_waits_for_a_person(
    registry: Registry,
) -> None:
    held = await claimed(registry)
    await registry.lanes.quarantine(held.id, "checkpoint", fence=held.fence)
    assert await registry.lanes.claim("two", most=1) == ()
    freed = await registry.lanes.unquarantine(held.id, who="ops")
    assert (freed.quarantined_at, freed.quarantine_reason) == (None, None)
    assert len(await registry.lanes.claim("two", most=1)) == 1


async def test_an_operators_quarantine_stops_the_holder(registry: Registry) -> None:
    held = await claimed(registry)
    await registry.lanes.quarantine(held.id, "owner asked", who="ops")
    with pytest.raises(Fenced):
        await registry.lanes.reserve(held.id, held.fence, 1)


async def test_a_days_quarantine_ends_by_the_timer(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry)
    await registry.lanes.quarantine(held.id, "checkpoint", fence=held.fence)
    clock.move(86_399)
    assert await registry.lanes.parole() == ()
    clock.move(1)
    assert await registry.lanes.parole() == ("mastodon/a",)


async def test_a_removed_lane_is_gone_with_its_budget(registry: Registry) -> None:
    held = await claimed(registry)
    await registry.lanes.reserve(held.id, held.fence, 5)
    await registry.lanes.remove(held.id)
    assert await registry.lanes.list() == ()
    with pytest.raises(Unknown):
        await registry.lanes.remove(held.id)


async def test_spending_is_known_to_the_next_holder(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry)
    await registry.lanes.reserve(held.id, held.fence, 20, seconds=30)
    clock.move(100)
    await registry.lanes.reserve(held.id, held.fence, 10, seconds=30)
    clock.move(20)
    spent = await registry.lanes.spent(held.id, 300)
    assert [(one.grants, one.age) for one in spent] == [(20, 90.0), (10, -10.0)]


async def test_spending_leaves_the_window_with_its_last_possible_use(
    registry: Registry, clock: Clock
) -> None:
    held = await claimed(registry)
    await registry.lanes.reserve(held.id, held.fence, 20, seconds=30)
    clock.move(329)
    assert len(await registry.lanes.spent(held.id, 300)) == 1
    clock.move(1)
    assert await registry.lanes.spent(held.id, 300) == ()


async def test_old_spending_is_forgotten(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry)
    await registry.lanes.reserve(held.id, held.fence, 20, seconds=0)
    clock.move(600)
    await registry.lanes.reserve(held.id, held.fence, 1, seconds=0)
    clock.move(1)
    await registry.lanes.renew(held.id, held.fence)
    assert [one.grants for one in await registry.lanes.spent(held.id, 1e6)] == [1]


async def test_nothing_is_no_reservation(registry: Registry) -> None:
    held = await claimed(registry)
    with pytest.raises(BadField, match="grants is 0"):
        await registry.lanes.reserve(held.id, held.fence, 0)


async def test_after_a_restore_every_lane_starts_spent_and_unheld(
    registry: Registry, clock: Clock
) -> None:
    held = await claimed(registry)
    await registry.lanes.distrust()
    with pytest.raises(Fenced):
        await registry.lanes.reserve(held.id, held.fence, 1)
    assert [one.grants for one in await registry.lanes.spent(held.id, 300)] == [300]
    clock.move(300)
    assert await registry.lanes.spent(held.id, 300) == ()


async def test_thirty_hashtags_fit_and_no_more(registry: Registry) -> None:
    held = await claimed(registry, slots=30)
    for number in range(30):
        await registry.lanes.use_slot(held.id, held.fence, f"tag{number}")
    with pytest.raises(NoSlot) as refused:
        await registry.lanes.use_slot(held.id, held.fence, "tag30")
    assert refused.value.seconds == WEEK + 60
    assert len((await registry.lanes.slots_used())[held.id]) == 30


async def test_asking_again_is_free_and_does_not_restart_the_timer(
    registry: Registry, clock: Clock
) -> None:
    held = await claimed(registry, slots=1)
    assert await registry.lanes.use_slot(held.id, held.fence, "nike") == WEEK - 60
    clock.move(WEEK - 61)
    assert await registry.lanes.use_slot(held.id, held.fence, "nike") == 1
    clock.move(121)
    await registry.lanes.use_slot(held.id, held.fence, "adidas")
    assert await registry.lanes.slots_used() == {held.id: {"adidas"}}


async def test_around_a_slots_end_its_tag_rests(registry: Registry, clock: Clock) -> None:
    held = await claimed(registry, slots=30)
    await registry.lanes.use_slot(held.id, held.fence, "nike")
    clock.move(WEEK - 60)
    with pytest.raises(NoSlot) as refused:
        await registry.lanes.use_slot(held.id, held.fence, "nike")
    assert refused.value.seconds == 120
    clock.move(120)
    await registry.lanes.use_slot(held.id, held.fence, "nike")


async def test_a_lane_that_counts_no_hashtags_takes_any(registry: Registry) -> None:
    held = await claimed(registry)
    assert await registry.lanes.use_slot(held.id, held.fence, "nike") == math.inf
    assert await registry.lanes.slots_used() == {}


async def test_eight_claimers_never_share_a_lane(url: str) -> None:
    claimers = [await open_registry(url, pepper=PEPPER) for _ in range(8)]
    await claimers[0].lanes.upsert([lane(f"{number:02}") for number in range(40)])
    held: list[str] = []

    async def claim(number: int) -> None:
        while got := await claimers[number].lanes.claim(f"claimer {number}", most=3):
            held.extend(one.id for one in got)

    async with asyncio.TaskGroup() as all_at_once:
        for number in range(8):
            all_at_once.create_task(claim(number))
    for claimer in claimers:
        await claimer.close()
    assert len(held) == 40
    assert len(set(held)) == 40


async def test_without_a_clock_of_ours_the_lease_runs_by_the_databases(url: str) -> None:
    async with await open_registry(url, pepper=PEPPER) as registry:
        await registry.lanes.upsert([lane("a")])
        before = await registry.now()
        (held,) = await registry.lanes.claim("one", most=1, seconds=60)
        assert held.lease_until is not None
        assert timedelta(seconds=60) <= held.lease_until - before < timedelta(seconds=70)


async def test_targets_of_a_quarantined_lane_move(registry: Registry) -> None:
    held = await claimed(registry)
    client = await registry.clients.create("Acme")
    await registry.campaigns.create(client.id, draft())
    await registry.lanes.upsert([lane("b")])
    assert [one.lane for one in await registry.targets.watched(START)] == ["mastodon/a"]
    await registry.lanes.quarantine(held.id, "checkpoint", fence=held.fence)
    assert [one.lane for one in await registry.targets.watched(START)] == ["mastodon/b"]


async def test_targets_of_a_removed_lane_move(registry: Registry) -> None:
    held = await claimed(registry)
    client = await registry.clients.create("Acme")
    await registry.campaigns.create(client.id, draft())
    await registry.lanes.upsert([lane("b")])
    await registry.lanes.remove(held.id)
    assert [one.lane for one in await registry.targets.watched(START)] == ["mastodon/b"]


async def test_a_lane_that_was_asked_for_goes_to_who_asked(
    registry: Registry, clock: Clock
) -> None:
    await registry.lanes.upsert([lane(name) for name in "abcd"])
    held = await registry.lanes.claim("one", most=9)
    assert await registry.lanes.ask("two") == 60.0
    renewed = [await registry.lanes.renew(one.id, one.fence) for one in held]
    assert [one.wanted_by for one in renewed] == [None, None, "two", "two"]
    for one in renewed[2:]:
        await registry.lanes.release(one.id, one.fence)
    assert await registry.lanes.claim("three", most=9) == ()
    got = await registry.lanes.claim("two", most=9)
    assert [(one.account, one.wanted_by) for one in got] == [("c", None), ("d", None)]


async def test_a_lane_whose_asker_died_is_free_after_a_lease(
    registry: Registry, clock: Clock
) -> None:
    await registry.lanes.upsert([lane(name) for name in "ab"])
    held = await registry.lanes.claim("one", most=9)
    await registry.lanes.ask("two")
    await registry.lanes.release(held[1].id, held[1].fence)
    clock.move(59)
    assert await registry.lanes.claim("three", most=9) == ()
    clock.move(1)
    assert [one.account for one in await registry.lanes.claim("three", most=9)] == ["a", "b"]


async def test_the_rest_that_is_left_is_told_by_the_registrys_clock(
    registry: Registry, clock: Clock
) -> None:
    held = await claimed(registry)
    await registry.lanes.cool(held.id, held.fence, seconds=100)
    clock.move(30)
    assert (await registry.lanes.renew(held.id, held.fence)).rest == 70.0
    clock.move(60)
    (taken,) = await registry.lanes.claim("two", most=1)
    assert taken.rest == 10.0


@pytest.mark.parametrize("jump", [-3600, 3600, 10 * 365 * 86_400])
async def test_setting_the_clock_of_a_sqlite_registry_moves_no_spending(
    tmp_path: Path, clock: Clock, jump: float
) -> None:
    seconds = 1000.0
    url = f"sqlite:///{tmp_path}/registry.db"
    async with await open_registry(
        url, pepper=PEPPER, now=clock, ticks=lambda: Tick("boot", seconds)
    ) as registry:
        held = await claimed(registry, limit=10, window=600.0)
        await registry.lanes.reserve(held.id, held.fence, 4, seconds=60)
        clock.move(jump)
        seconds += 100.0
        await registry.lanes.renew(held.id, held.fence)  # forgets what is old
        (spent,) = await registry.lanes.spent(held.id, 600.0)
        assert (spent.age, spent.grants) == (40.0, 4)
        seconds += 560.0
        assert await registry.lanes.spent(held.id, 600.0) == ()


async def test_after_a_restart_of_the_machine_the_wall_clock_counts(
    tmp_path: Path, clock: Clock
) -> None:
    tick = Tick("first", 1000.0)
    url = f"sqlite:///{tmp_path}/registry.db"
    async with await open_registry(url, pepper=PEPPER, now=clock, ticks=lambda: tick) as registry:
        held = await claimed(registry, limit=10, window=600.0)
        await registry.lanes.reserve(held.id, held.fence, 4, seconds=60)
        clock.move(100)
        tick = Tick("second", 5.0)
        (spent,) = await registry.lanes.spent(held.id, 600.0)
        assert spent.age == 40.0
