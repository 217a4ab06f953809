import asyncio
from datetime import timedelta

import pytest

from fakes.registered import START, Clock, draft, lane
from registry import Registry
from registry.errors import BadField, Stale, TooManyTargets, Unknown
from registry.models import Client, Competitor

DAY = 86_400.0


@pytest.fixture
async def client(registry: Registry) -> Client:
    return await registry.clients.create("Acme")


async def watched(registry: Registry) -> list[str]:
    now = await registry.now()
    return [target.key for target in await registry.targets.watched(now)]


async def test_a_campaign_is_kept_as_it_was_made(registry: Registry, client: Client) -> None:
    rival = Competitor(name="Adidas", hashtags=("adidas",))
    made = await registry.campaigns.create(client.id, draft(competitors=(rival,)))
    assert await registry.campaigns.get(client.id, made.id) == made
    assert (made.status, made.revision, made.created_at) == ("active", 1, START)


async def test_its_targets_are_watched_at_once(registry: Registry, client: Client) -> None:
    await registry.campaigns.create(client.id, draft(hashtags=("#Nike", "adidas")))
    assert await watched(registry) == ["mastodon/tag/adidas", "mastodon/tag/nike"]


async def test_nobody_else_sees_or_touches_it(registry: Registry, client: Client) -> None:
    made = await registry.campaigns.create(client.id, draft())
    other = await registry.clients.create("Other")
    assert await registry.campaigns.get(other.id, made.id) is None
    assert (await registry.campaigns.list(other.id)).campaigns == ()
    for touch in (
        registry.campaigns.patch(other.id, made.id, {"name": "Mine"}),
        registry.campaigns.pause(other.id, made.id),
        registry.campaigns.resume(other.id, made.id),
        registry.campaigns.delete(other.id, made.id),
    ):
        with pytest.raises(Unknown, match="there is no campaign"):
            await touch
    assert await registry.campaigns.get(client.id, made.id) == made


async def test_pages_run_from_new_to_old_without_a_gap(
    registry: Registry, client: Client, clock: Clock
) -> None:
    for number in range(5):
        await registry.campaigns.create(client.id, draft(name=f"c{number}"))
        clock.move(1)
    names, cursor = [], None
    for _ in range(3):
        page = await registry.campaigns.list(client.id, limit=2, cursor=cursor)
        names.append([campaign.name for campaign in page.campaigns])
        cursor = page.cursor
    assert names == [["c4", "c3"], ["c2", "c1"], ["c0"]]
    assert cursor is None


@pytest.mark.parametrize("limit", [0, 201])
async def test_a_page_has_bounds(registry: Registry, client: Client, limit: int) -> None:
    with pytest.raises(BadField, match=f"limit is {limit}: use 1 to 200"):
        await registry.campaigns.list(client.id, limit=limit)


async def test_a_patch_moves_the_targets_and_the_revision(
    registry: Registry, client: Client, clock: Clock
) -> None:
    made = await registry.campaigns.create(client.id, draft())
    clock.move(5)
    changed = await registry.campaigns.patch(client.id, made.id, {"hashtags": ("puma",)})
    assert (changed.revision, changed.updated_at) == (2, START + timedelta(seconds=5))
    assert await watched(registry) == ["mastodon/tag/puma"]


async def test_a_patch_of_an_older_revision_is_refused(registry: Registry, client: Client) -> None:
    made = await registry.campaigns.create(client.id, draft())
    await registry.campaigns.patch(client.id, made.id, {"name": "B"}, expected=1)
    with pytest.raises(Stale, match="is at revision 2, not 1"):
        await registry.campaigns.patch(client.id, made.id, {"name": "C"}, expected=1)


@pytest.mark.parametrize("field", ["client_id", "status", "revision", "id", "budget"])
async def test_only_the_draft_can_be_patched(
    registry: Registry, client: Client, field: str
) -> None:
    made = await registry.campaigns.create(client.id, draft())
    with pytest.raises(BadField, match=f"{field} is 'x': change some of name, networks"):
        await registry.campaigns.patch(client.id, made.id, {field: "x"})


async def test_a_bad_patch_changes_nothing(registry: Registry, client: Client) -> None:
    made = await registry.campaigns.create(client.id, draft())
    with pytest.raises(BadField):
        await registry.campaigns.patch(client.id, made.id, {"end": START - timedelta(days=1)})
    assert await registry.campaigns.get(client.id, made.id) == made


async def test_a_paused_campaign_is_not_watched(registry: Registry, client: Client) -> None:
    made = await registry.campaigns.create(client.id, draft())
    paused = await registry.campaigns.pause(client.id, made.id)
    assert (paused.status, await watched(registry)) == ("paused", [])
    resumed = await registry.campaigns.resume(client.id, made.id)
    assert (resumed.status, await watched(registry)) == ("active", ["mastodon/tag/nike"])


async def test_a_patch_of_a_paused_campaign_leaves_it_paused(
    registry: Registry, client: Client
) -> None:
    made = await registry.campaigns.create(client.id, draft())
    await registry.campaigns.pause(client.id, made.id)
    changed = await registry.campaigns.patch(client.id, made.id, {"hashtags": ("puma",)})
    assert (changed.status, await watched(registry)) == ("paused", [])


async def test_a_deleted_campaign_is_gone_and_unwatched(registry: Registry, client: Client) -> None:
    made = await registry.campaigns.create(client.id, draft())
    await registry.campaigns.delete(client.id, made.id)
    assert await registry.campaigns.get(client.id, made.id) is None
    assert await watched(registry) == []


async def test_a_campaign_ends_by_itself_after_its_aftermath(
    registry: Registry, client: Client, clock: Clock
) -> None:
    made = await registry.campaigns.create(client.id, draft())
    clock.move(21 * DAY - 1)
    assert await watched(registry) == ["mastodon/tag/nike"]
    clock.move(1)
    ended = await registry.campaigns.get(client.id, made.id)
    assert ended is not None
    assert (ended.status, await watched(registry)) == ("ended", [])


async def test_collecting_starts_with_the_baseline(
    registry: Registry, client: Client, clock: Clock
) -> None:
    start = START + timedelta(days=10)
    dates = {"start": start, "end": start + timedelta(days=1)}
    made = await registry.campaigns.create(client.id, draft(**dates))
    assert (made.status, await watched(registry)) == ("active", [])
    clock.move(3 * DAY)
    assert await watched(registry) == ["mastodon/tag/nike"]


async def test_workers_see_active_campaigns_of_all_tenants(
    registry: Registry, client: Client, clock: Clock
) -> None:
    other = await registry.clients.create("Other")
    first = await registry.campaigns.create(client.id, draft())
    clock.move(1)
    second = await registry.campaigns.create(other.id, draft())
    third = await registry.campaigns.create(other.id, draft())
    await registry.campaigns.pause(other.id, third.id)
    found = await registry.campaigns.all_active(clock())
    assert [campaign.id for campaign in found] == [first.id, second.id]
    late = START + timedelta(days=21, hours=1)
    assert await registry.campaigns.all_active(late) == ()
    assert len(await registry.campaigns.all_active(late, grace=timedelta(hours=2))) == 2


async def test_a_client_watches_no_more_than_it_may(registry: Registry) -> None:
    small = await registry.clients.create("Small", max_targets=2)
    await registry.campaigns.create(small.id, draft(hashtags=("a", "b")))
    await registry.campaigns.create(small.id, draft(hashtags=("a",)))
    with pytest.raises(TooManyTargets, match="targets is 3: the client may watch 2"):
        await registry.campaigns.create(small.id, draft(hashtags=("a", "c")))
    assert await watched(registry) == ["mastodon/tag/a", "mastodon/tag/b"]


async def test_two_campaigns_at_once_cannot_pass_a_clients_limit(registry: Registry) -> None:
    small = await registry.clients.create("Small", max_targets=10)
    tries = [
        registry.campaigns.create(small.id, draft(hashtags=(f"a{number}", f"b{number}")))
        for number in range(8)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(result, TooManyTargets) for result in results) == 3
    assert len(await watched(registry)) == 10


async def test_campaigns_at_once_do_not_share_a_last_slot(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a", slots=5), lane("b", slots=5)])
    client = await registry.clients.create("Acme")
    tries = (registry.campaigns.create(client.id, draft(hashtags=(f"t{n}",))) for n in range(12))
    await asyncio.gather(*tries)
    pins = [target.lane for target in await registry.targets.watched(START)]
    assert sorted(pins, key=str).count("mastodon/a") == 5
    assert pins.count("mastodon/b") == 5
    assert pins.count(None) == 2


async def test_a_client_that_is_not_there_has_no_campaigns(registry: Registry) -> None:
    with pytest.raises(Unknown, match="there is no client 'x'"):
        await registry.campaigns.create("x", draft())
