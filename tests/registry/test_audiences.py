"""Audiences an operator wants: kept, pinned, told to ingestors, never in a campaign's way."""

from datetime import timedelta

import msgspec
import pytest

from fakes.registered import START, Clock, draft, lane
from registry import Registry
from registry.audiences import tidy_account
from registry.errors import BadField, Unknown
from registry.models import Lane, Progress, WatchedAudience, WatchedTarget

NIKE = "mastodon/followers/nike@mastodon.social"
ALL = ("tag", "profile", "followers", "post")


def at(server: str, *, kinds: tuple[str, ...] = ALL, network: str = "mastodon") -> Lane:
    plain = lane(server, network=network)
    return msgspec.structs.replace(plain, base_url=f"https://{server}", kinds=kinds)


async def test_an_audience_is_kept_with_who_wants_it_and_how_often(registry: Registry) -> None:
    await registry.lanes.upsert([at("mastodon.social")])
    made = await registry.audiences.add("mastodon", "@Nike@mastodon.social", who="ops")
    assert made == WatchedAudience(
        network="mastodon",
        handle="nike@mastodon.social",
        host="mastodon.social",
        every_days=30,
        added_at=START,
        added_by="ops",
        lane="mastodon/mastodon.social",
    )
    assert made.target == NIKE
    assert await registry.audiences.list() == (made,)


async def test_it_is_watched_beside_the_campaigns_targets(registry: Registry) -> None:
    await registry.lanes.upsert([at("mastodon.social")])
    client = await registry.clients.create("Acme")
    await registry.campaigns.create(client.id, draft())
    await registry.audiences.add("mastodon", "nike", host="mastodon.social", every_days=None)
    followers, tag = await registry.targets.watched(START)
    assert followers == WatchedTarget(
        key=NIKE,
        network="mastodon",
        kind="followers",
        name="nike@mastodon.social",
        host="mastodon.social",
        lane="mastodon/mastodon.social",
    )
    assert (tag.key, tag.host, tag.every_days) == ("mastodon/tag/nike", None, None)
    assert await registry.targets.watched(START, lanes=["mastodon/else"]) == []


async def test_it_is_watched_from_when_it_was_added_and_without_end(registry: Registry) -> None:
    await registry.audiences.add("bluesky", "nike.bsky.social")
    assert await registry.targets.watched(START - timedelta(seconds=1)) == []
    (target,) = await registry.targets.watched(START + timedelta(days=900))
    assert (target.kind, target.until, target.tenant, target.every_days) == (
        "followers", None, None, 30,
    )  # fmt: skip


async def test_its_own_server_is_asked_where_there_is_an_account_for_it(registry: Registry) -> None:
    servers = [f"s{number}.example" for number in range(12)]
    await registry.lanes.upsert([at(server) for server in servers])
    for server in servers:
        made = await registry.audiences.add("mastodon", f"nike@{server}")
        assert made.lane == f"mastodon/{server}"
    elsewhere = await registry.audiences.add("mastodon", "nike@unknown.example")
    assert elsewhere.lane is not None


async def test_adding_it_again_changes_how_often_and_chooses_its_lane_anew(
    registry: Registry, clock: Clock
) -> None:
    await registry.lanes.upsert([at("else.example")])
    first = await registry.audiences.add("mastodon", "nike@mastodon.social", who="ops")
    await registry.lanes.upsert([at("mastodon.social")])
    clock.move(60)
    again = await registry.audiences.add("mastodon", "nike@mastodon.social", every_days=7)
    assert (first.lane, again.lane) == ("mastodon/else.example", "mastodon/mastodon.social")
    assert (again.every_days, again.added_at, again.added_by) == (7, START, "ops")
    assert len(await registry.audiences.list()) == 1


async def test_a_lane_whose_source_lists_no_followers_is_left_out(registry: Registry) -> None:
    await registry.lanes.upsert([at("graph", network="instagram", kinds=("tag", "profile"))])
    made = await registry.audiences.add("instagram", "nike")
    assert made.lane is None
    await registry.lanes.upsert([at("web", network="instagram")])
    (now,) = await registry.audiences.list()
    assert now.lane == "instagram/web"


async def test_a_lane_in_quarantine_loses_it_to_another(registry: Registry) -> None:
    await registry.lanes.upsert([at("a.example"), at("b.example")])
    await registry.audiences.add("mastodon", "nike@a.example")
    await registry.lanes.quarantine("mastodon/a.example", "asked")
    (now,) = await registry.audiences.list()
    assert now.lane == "mastodon/b.example"


async def test_audiences_take_no_place_of_targets_that_are_polled(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a", limit=1, window=3600.0)])  # at the floor: four targets
    for number in range(9):
        await registry.audiences.add("mastodon", f"brand{number}@a.example")
    client = await registry.clients.create("Acme")
    tags = tuple(f"tag{number}" for number in range(5))
    await registry.campaigns.create(client.id, draft(hashtags=tags))
    watched = await registry.targets.watched(START)
    pinned = [target for target in watched if target.lane is not None]
    assert [sum(one.kind == kind for one in pinned) for kind in ("followers", "tag")] == [9, 4]


async def test_a_plan_is_the_same_beside_audiences(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a", limit=100, window=3600.0)])
    client = await registry.clients.create("Acme")
    await registry.campaigns.create(client.id, draft(hashtags=("puma", "adidas")))
    before = await registry.plan(draft())
    await registry.audiences.add("mastodon", "nike@a.example")
    assert await registry.plan(draft()) == before


async def test_what_campaigns_take_of_each_lane_is_told(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a"), lane("b", network="bluesky"), lane("c")])
    await registry.lanes.quarantine("mastodon/c", "asked")
    client = await registry.clients.create("Acme")
    await registry.campaigns.create(client.id, draft(hashtags=("puma", "adidas")))
    await registry.audiences.add("mastodon", "nike@a.example")
    assert await registry.spoken_for() == {"mastodon/a": 120.0, "bluesky/b": 0.0}


async def test_how_far_a_reading_came_outlives_a_stop(registry: Registry) -> None:
    await registry.lanes.upsert([at("mastodon.social")])
    made = await registry.audiences.add("mastodon", "nike@mastodon.social")
    (held,) = await registry.lanes.claim("one", most=1)
    progress = Progress(target=made.target, cursor="page 7", polled_at=START)
    await registry.targets.progress(held.id, held.fence, [progress])
    await registry.audiences.remove("mastodon", "@nike@mastodon.social", who="ops")
    assert await registry.audiences.list() == ()
    assert await registry.targets.watched(START) == []
    await registry.audiences.add("mastodon", "nike@mastodon.social")
    assert await registry.targets.progress_of([held.id]) == {NIKE: progress}


async def test_changes_are_noted(registry: Registry) -> None:
    await registry.audiences.add("bluesky", "nike.bsky.social", who="ops")
    await registry.audiences.add("bluesky", "nike.bsky.social", every_days=7, who="ops")
    await registry.audiences.remove("bluesky", "nike.bsky.social", who="ops")
    first, second, third = await registry.audit.list()
    assert [one.what for one in (first, second, third)] == [
        "audience.add", "audience.add", "audience.remove",
    ]  # fmt: skip
    assert (first.before, first.after) == (None, second.before)
    assert (second.after, third.after) == (third.before, None)
    assert {one.subject for one in (first, second, third)} == {"bluesky/followers/nike.bsky.social"}


async def test_one_that_nobody_wanted_cannot_be_stopped(registry: Registry) -> None:
    with pytest.raises(Unknown, match="there is no audience 'bluesky/followers/nike"):
        await registry.audiences.remove("bluesky", "nike.bsky.social")


@pytest.mark.parametrize(
    ("network", "handle", "host", "field", "fix"),
    [
        ("mastodon", "nike", None, "handle", "add its server: nike@mastodon.social"),
        ("mastodon", "@nike@", None, "handle", "add its server"),
        ("mastodon", "@", "mastodon.social", "handle", "use one word"),
        ("mastodon", "just do it", "mastodon.social", "handle", "use one word"),
        ("bluesky", "nike@bsky.social", None, "handle", "bluesky has one"),
        ("bluesky", "nike.bsky.social", "bsky.social", "handle", "bluesky has one"),
        ("", "nike", None, "network", "use the name of a network"),
    ],
)
def test_an_account_that_cannot_be_is_refused_with_what_to_do(
    network: str, handle: str, host: str | None, field: str, fix: str
) -> None:
    with pytest.raises(BadField) as refused:
        tidy_account(network, handle, host)
    assert refused.value.field == field
    assert fix in refused.value.fix


@pytest.mark.parametrize("days", [0, -1, 367])
async def test_a_rhythm_that_cannot_be_is_refused(registry: Registry, days: int) -> None:
    with pytest.raises(BadField, match=f"every_days is {days}: use 1 to 366, or none for once"):
        await registry.audiences.add("bluesky", "nike.bsky.social", every_days=days)


async def test_a_did_is_a_handle_too(registry: Registry) -> None:
    made = await registry.audiences.add("bluesky", "did:plc:abc234")
    assert made.handle == "did:plc:abc234"
