import asyncio
import time
from datetime import timedelta

import pytest

from fakes.registered import START, Clock, draft, lane
from registry import Registry
from registry.errors import Fenced
from registry.models import Client, Competitor, Progress, WatchedTarget

DAY = 86_400.0


@pytest.fixture
async def client(registry: Registry) -> Client:
    return await registry.clients.create("Acme", max_targets=100_000)


async def test_a_target_carries_what_its_campaigns_want_most(
    registry: Registry, client: Client
) -> None:
    await registry.lanes.upsert([lane("a")])
    await registry.campaigns.create(client.id, draft(priority=2.0))
    later = START + timedelta(days=30)
    await registry.campaigns.create(client.id, draft(end=later, after_days=0, priority=0.5))
    assert await registry.targets.watched(START) == [
        WatchedTarget(
            key="mastodon/tag/nike",
            network="mastodon",
            kind="tag",
            name="nike",
            priority=2.0,
            tenant=client.id,
            lane="mastodon/a",
            until=later,
        )
    ]


async def test_a_target_belongs_to_the_client_that_wants_it_most(
    registry: Registry, client: Client
) -> None:
    other = await registry.clients.create("Rival")
    await registry.campaigns.create(client.id, draft())
    await registry.campaigns.create(other.id, draft(priority=2.0))
    await registry.campaigns.create(client.id, draft(hashtags=("puma",)))
    watched = await registry.targets.watched(START)
    assert [(one.name, one.tenant) for one in watched] == [("nike", other.id), ("puma", client.id)]


async def test_a_target_stays_while_one_campaign_wants_it(
    registry: Registry, client: Client
) -> None:
    rival = Competitor(name="Nike", hashtags=("nike",))
    first = await registry.campaigns.create(client.id, draft())
    await registry.campaigns.create(client.id, draft(hashtags=("puma",), competitors=(rival,)))
    await registry.campaigns.delete(client.id, first.id)
    names = [target.name for target in await registry.targets.watched(START)]
    assert names == ["nike", "puma"]


async def test_a_target_without_a_lane_waits_for_one(registry: Registry, client: Client) -> None:
    await registry.campaigns.create(client.id, draft())
    assert [target.lane for target in await registry.targets.watched(START)] == [None]
    await registry.lanes.upsert([lane("a")])
    assert [target.lane for target in await registry.targets.watched(START)] == ["mastodon/a"]


async def test_an_ingestor_reads_only_its_lanes_targets(registry: Registry, client: Client) -> None:
    await registry.lanes.upsert([lane("a"), lane("b")])
    tags = tuple(f"tag{number}" for number in range(40))
    await registry.campaigns.create(client.id, draft(hashtags=tags))
    ours = await registry.targets.watched(START, lanes=["mastodon/a"])
    theirs = await registry.targets.watched(START, lanes=["mastodon/b"])
    assert {target.lane for target in ours} == {"mastodon/a"}
    assert len(ours) + len(theirs) == 40
    assert min(len(ours), len(theirs)) > 8


async def test_progress_is_there_for_the_next_holder(registry: Registry, client: Client) -> None:
    await registry.lanes.upsert([lane("a")])
    await registry.campaigns.create(client.id, draft(hashtags=("nike", "puma")))
    (held,) = await registry.lanes.claim("one", most=1)
    made = Progress(target="mastodon/tag/nike", cursor="[1,2]", polled_at=START, rate=2.5)
    await registry.targets.progress(held.id, held.fence, [made])
    assert await registry.targets.progress_of(["mastodon/a"]) == {
        "mastodon/tag/nike": made,
        "mastodon/tag/puma": Progress(target="mastodon/tag/puma"),
    }
    assert await registry.targets.rates() == {"mastodon/tag/nike": 2.5}


async def test_a_zombies_progress_is_refused(
    registry: Registry, client: Client, clock: Clock
) -> None:
    await registry.lanes.upsert([lane("a")])
    await registry.campaigns.create(client.id, draft())
    (held,) = await registry.lanes.claim("one", most=1)
    clock.move(60)
    await registry.lanes.claim("two", most=1)
    with pytest.raises(Fenced):
        await registry.targets.progress(
            held.id, held.fence, [Progress(target="mastodon/tag/nike", cursor="old")]
        )
    (now,) = (await registry.targets.progress_of([held.id])).values()
    assert now.cursor is None


async def test_a_target_that_moved_takes_progress_from_its_new_lane_only(
    registry: Registry, client: Client
) -> None:
    await registry.lanes.upsert([lane("a")])
    await registry.campaigns.create(client.id, draft())
    await registry.lanes.quarantine("mastodon/a", "checkpoint")
    await registry.lanes.upsert([lane("b")])
    await registry.lanes.unquarantine("mastodon/a")
    held = {one.account: one for one in await registry.lanes.claim("one", most=2)}
    for name in ("b", "a"):
        row = Progress(target="mastodon/tag/nike", cursor=name)
        await registry.targets.progress(held[name].id, held[name].fence, [row])
    (now,) = (await registry.targets.progress_of(["mastodon/b"])).values()
    assert now.cursor == "b"


async def test_no_progress_is_no_write(registry: Registry) -> None:
    await registry.targets.progress("nobody's", 1, [])


async def test_progress_outlives_a_pause(registry: Registry, client: Client) -> None:
    await registry.lanes.upsert([lane("a")])
    made = await registry.campaigns.create(client.id, draft())
    (held,) = await registry.lanes.claim("one", most=1)
    row = Progress(target="mastodon/tag/nike", cursor="7")
    await registry.targets.progress(held.id, held.fence, [row])
    await registry.campaigns.pause(client.id, made.id)
    await registry.campaigns.resume(client.id, made.id)
    assert (await registry.targets.progress_of([held.id]))["mastodon/tag/nike"].cursor == "7"


async def test_a_tag_that_comes_back_keeps_the_lane_of_its_slot(
    registry: Registry, client: Client
) -> None:
    await registry.lanes.upsert([lane(name, slots=30) for name in "abcdefgh"])
    made = await registry.campaigns.create(client.id, draft())
    (before,) = await registry.targets.watched(START)
    assert before.lane is not None
    (held,) = await registry.lanes.claim("one", most=1, only=[before.lane])
    await registry.lanes.use_slot(held.id, held.fence, "nike")
    await registry.campaigns.pause(client.id, made.id)
    await registry.lanes.upsert([lane(name, slots=30) for name in "ijklmnop"])
    await registry.campaigns.resume(client.id, made.id)
    (after,) = await registry.targets.watched(START)
    assert after.lane == before.lane


async def test_a_tag_that_comes_back_to_a_full_lane_goes_elsewhere(
    registry: Registry, client: Client, clock: Clock
) -> None:
    await registry.lanes.upsert([lane("a", slots=1)])
    first = await registry.campaigns.create(client.id, draft())
    await registry.campaigns.pause(client.id, first.id)
    await registry.campaigns.create(client.id, draft(hashtags=("puma",)))
    await registry.lanes.upsert([lane("b", slots=1)])
    await registry.campaigns.resume(client.id, first.id)
    pins = {target.name: target.lane for target in await registry.targets.watched(clock())}
    assert pins == {"nike": "mastodon/b", "puma": "mastodon/a"}


async def test_new_lanes_move_no_target(registry: Registry, client: Client) -> None:
    await registry.lanes.upsert([lane("a"), lane("b")])
    tags = tuple(f"tag{number}" for number in range(40))
    await registry.campaigns.create(client.id, draft(hashtags=tags))
    before = await registry.targets.watched(START)
    await registry.lanes.upsert([lane("c"), lane("d")])
    assert await registry.targets.watched(START) == before


async def test_ten_thousand_targets_are_registered_and_read_in_seconds(
    registry: Registry, client: Client
) -> None:
    await registry.lanes.upsert([lane(f"{number:02}", limit=3_000) for number in range(20)])
    names = [tuple(f"t{number}x{place}" for place in range(1_000)) for number in range(10)]
    rivals = tuple(Competitor(name=f"r{n}", hashtags=tags) for n, tags in enumerate(names))
    start = time.process_time()
    await registry.campaigns.create(client.id, draft(competitors=rivals))
    found = await registry.targets.watched(START)
    assert len(found) == 10_001
    assert all(target.lane for target in found)
    assert time.process_time() - start < 8.0  # our own work, however busy the machine is


async def test_polling_goes_on_while_campaigns_and_lanes_change(
    registry: Registry, client: Client
) -> None:
    await registry.lanes.upsert([lane("a"), lane("b")])
    tags = tuple(f"tag{number}" for number in range(30))
    made = await registry.campaigns.create(client.id, draft(hashtags=tags))
    (held,) = await registry.lanes.claim("one", most=1, only=["mastodon/a"])
    batch = [Progress(target=f"mastodon/tag/{name}", cursor="1") for name in reversed(tags)]

    async def poll() -> None:
        for _ in range(15):
            await registry.targets.progress(held.id, held.fence, batch)
            await registry.lanes.reserve(held.id, held.fence, 1)

    async def change() -> None:
        for number in range(8):
            await registry.campaigns.pause(client.id, made.id)
            await registry.campaigns.resume(client.id, made.id)
            await registry.campaigns.create(client.id, draft(hashtags=(f"tag{number}", "new")))

    async def fall_ill() -> None:
        for _ in range(8):
            await registry.lanes.quarantine("mastodon/b", "checkpoint")
            await registry.lanes.unquarantine("mastodon/b")

    async with asyncio.timeout(30), asyncio.TaskGroup() as all_at_once:
        for task in (poll(), change(), fall_ill()):
            all_at_once.create_task(task)
    pins = {target.lane for target in await registry.targets.watched(START)}
    assert pins <= {"mastodon/a", "mastodon/b"}
    assert await registry.audit.check() is None
