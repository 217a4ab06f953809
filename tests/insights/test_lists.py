"""Posts, publishers, hashtags and shares: order, cursors, sides, periods."""

from datetime import timedelta

import pytest

from fakes.campaign_world import NOW, campaign
from fakes.memory_lake import MemoryLake
from insights.campaigns import hashtags, posts, publishers, share_of_voice, sides
from insights.errors import BadRequest
from lake.contract import Lake
from lake.errors import BadQuestion
from registry.models import Competitor


async def test_a_cursor_continues_where_the_page_ended(world: Lake) -> None:
    first = await posts(world, campaign(), now=NOW, limit=3)
    assert first.cursor is not None
    rest = await posts(world, campaign(), now=NOW, limit=3, cursor=first.cursor)
    assert rest.cursor is None
    assert [row.id for row in (*first.posts, *rest.posts)] == [
        "mastodon:p11",
        "mastodon:p12",
        "instagram:p14",
        "mastodon:p15",
        "mastodon:p13",
    ]


async def test_a_cursor_of_a_running_campaign_serves_later(world: Lake) -> None:
    now = campaign().end - timedelta(seconds=5)
    first = await posts(world, campaign(), now=now, limit=3)
    rest = await posts(
        world, campaign(), now=now + timedelta(seconds=2), limit=3, cursor=first.cursor
    )
    ids = [row.id for row in (*first.posts, *rest.posts)]
    assert len(ids) == len(set(ids)) == 5


@pytest.mark.parametrize("cursor", ["", "x.e30", "-1.e30", "99999999999999999.e30", "12.e30"])
async def test_a_foreign_cursor_is_refused(world: Lake, cursor: str) -> None:
    with pytest.raises(BadQuestion, match="cursor"):
        await posts(world, campaign(), now=NOW, cursor=cursor)


async def test_a_competitor_has_posts_of_its_own(world: Lake) -> None:
    found = await posts(world, campaign(), now=NOW, side="adidas", sort="created_at", period="all")
    assert [row.id for row in found.posts] == ["mastodon:a11", "mastodon:p12", "mastodon:a01"]


async def test_publishers_by_followers_put_the_unknown_last(world: Lake) -> None:
    found = (await publishers(world, campaign(), now=NOW, sort="followers")).publishers
    assert [(who.handle, who.followers) for who in found] == [
        ("bob", 2000),
        ("ann", 1200),
        ("cid", None),
    ]


async def test_hashtags_beside_the_watched_one(world: Lake) -> None:
    found = await hashtags(world, campaign(), now=NOW)
    assert [(tag.tag, tag.posts, tag.share_percent) for tag in found.hashtags] == [
        ("run", 2, 40.0),
        ("adidas", 1, 20.0),
    ]


async def test_share_of_voice_does_not_narrow_the_denominator_to_the_brand(world: Lake) -> None:
    found = await share_of_voice(world, campaign(), now=NOW, metric="engagements")
    assert found.total == 336
    assert [(share.side, share.value, share.share_percent) for share in found.shares] == [
        ("nike", 211, 62.7976),
        ("adidas", 115, 34.2262),  # 60 and the 55 of the post that names both
        ("puma", 10, 2.9762),
    ]


async def test_a_quarter_of_the_mentions_is_25_percent(lake: Lake) -> None:
    from fakes.campaign_world import day, published

    for number in range(8):
        tag = "nike" if number < 2 else "adidas"
        await lake.append(published(f"p{number}", day(9), [(1, 1, 0, 0)], tags=(tag,)))
    found = await share_of_voice(lake, campaign(), now=NOW)
    assert found.shares[0].share_percent == 25.0


def test_a_competitor_that_nothing_stands_for_is_no_side() -> None:
    # An empty filter would match every post of the network.
    rivals = (Competitor(name="nobody"), Competitor(name="puma", profiles=("puma",)))
    assert [side.name for side in sides(campaign(competitors=rivals))] == ["nike", "puma"]


def test_a_campaign_that_watches_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="at least one hashtag or profile"):
        sides(campaign(hashtags=()))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"sort": "reach"}, "sort"),
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"period": "now"}, "period"),
        ({"side": "reebok"}, "side"),
    ],
)
async def test_bad_arguments_name_their_field(
    memory: MemoryLake, options: dict[str, object], field: str
) -> None:
    for report in (posts, publishers):
        with pytest.raises(BadRequest) as caught:
            await report(memory, campaign(), now=NOW, **options)  # type: ignore[operator]
        assert caught.value.field == field
