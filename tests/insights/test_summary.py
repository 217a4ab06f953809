"""The summary: each number beside its baseline, equal on every lake."""

from datetime import timedelta

import msgspec
import pytest

from fakes.campaign_world import END, NOW, RECORDS, START, campaign, day, published
from fakes.memory_lake import MemoryLake
from insights.campaigns import summary
from insights.errors import BadRequest
from lake.contract import Lake


async def test_numbers_stand_beside_their_baseline(world: Lake) -> None:
    kpis = (await summary(world, campaign(), now=NOW)).kpis
    found = {name: (kpi.value, kpi.baseline, kpi.change_percent) for name, kpi in kpis.items()}
    assert found == {
        "posts": (5, 2, 25.0),  # 5 in 14 days against 2 in 7
        "publishers": (3, 2, 0.0),  # 4 publisher days in 14 against 2 in 7
        "engagements": (211, 32, 229.6875),
        "likes": (188, 30, 213.3333),
        "comments": (18, 1, 800.0),
        "shares": (5, 1, 150.0),
        "engagement_rate": (4.9722, 1.1, 352.0182),  # mean of 11.5, 2.75 and 0.6666 %
        "views": (None, None, None),
        "followers_sum": (4200, 3000, -30.0),  # 1000 + 2000 + 1200
        "publishers_followers_sum": (3200, 3000, None),  # ann once, with 1200
        "reach_estimate": (None, None, None),  # nobody's followers are known
        "reposts": (1, 0, None),
        "unknown_authors": (1, 0, None),
        "share_of_voice": (62.5, 66.6667, -6.25),  # 5 of 8: the post for both counts for both
        "spiking_posts": (1, None, None),
    }


async def test_numbers_say_over_how_many_posts_they_are_known(world: Lake) -> None:
    kpis = (await summary(world, campaign(), now=NOW)).kpis
    assert kpis["engagement_rate"].known == 3
    assert kpis["likes"].known == 4
    assert kpis["publishers_followers_sum"].known == 2
    assert kpis["engagement_rate"].unit == "%"


async def test_top_posts_come_with_links_and_deleted_ones_without_text(world: Lake) -> None:
    posts = (await summary(world, campaign(), now=NOW)).top_posts
    assert [(post.id, post.engagements) for post in posts] == [
        ("mastodon:p11", 115),
        ("mastodon:p12", 55),
        ("instagram:p14", 30),
        ("mastodon:p15", 8),
        ("mastodon:p13", 3),
    ]
    assert posts[0].url == "https://social.example/p11"
    assert (posts[3].text, posts[3].deleted_at) == (None, day(25))


async def test_top_publishers_have_names_and_unknown_authors_are_nobody(world: Lake) -> None:
    found = (await summary(world, campaign(), now=NOW)).top_publishers
    assert [(who.handle, who.name, who.posts, who.engagements) for who in found] == [
        ("ann", "Ann", 2, 123),
        ("bob", None, 1, 55),
        ("cid", None, 1, 3),
    ]


async def test_quality_in_short_is_part_of_the_summary(world: Lake) -> None:
    quality = (await summary(world, campaign(), now=NOW)).quality
    assert (quality.gap_minutes, quality.unknown_authors, quality.deleted_posts) == (135, 1, 1)


async def test_comparing_with_after_uses_the_time_after(world: Lake) -> None:
    posts = (await summary(world, campaign(), now=NOW, compare="after")).kpis["posts"]
    assert (posts.value, posts.baseline) == (5, 1)


async def test_as_of_counts_what_was_known_then(world: Lake) -> None:
    report = await summary(world, campaign(), now=NOW, as_of=day(8, 13))
    kpis = report.kpis
    assert report.period is not None
    assert report.period.until == day(8, 13)
    assert (kpis["posts"].value, kpis["posts"].baseline) == (1, 2)
    assert kpis["engagements"].value == 22  # p11 an hour old, not the 115 of today
    assert kpis["engagements"].baseline == 12 + 20  # p02 had its last counts later, still 20
    assert kpis["spiking_posts"].value == 0  # the spike came two hours later
    assert kpis["engagement_rate"].value is None  # ann's profile was first seen on the 9th


async def test_as_of_is_the_same_after_more_data_arrived(lake: Lake) -> None:
    then = day(8, 13)
    await lake.append([record for record in RECORDS if record.observed_at <= then])
    await lake.append(published("p11", day(8, 10), [(0.2, 10, 1, 0), (1, 20, 2, 0)]))
    first = await summary(lake, campaign(), now=day(8, 14), as_of=then)
    await lake.append([record for record in RECORDS if record.observed_at > then])
    second = await summary(lake, campaign(), now=NOW, as_of=then)
    assert (await summary(lake, campaign(), now=NOW)).kpis["posts"].value == 5
    assert msgspec.json.encode(first) == msgspec.json.encode(second)


async def test_before_the_start_all_is_unknown_and_nothing_zero(memory: MemoryLake) -> None:
    report = await summary(memory, campaign(), now=START - timedelta(days=2))
    assert report.period is None
    assert report.kpis["posts"].value is None
    assert report.kpis["posts"].baseline == 2
    assert report.top_posts == ()


async def test_a_running_campaign_is_cut_off_at_now(memory: MemoryLake) -> None:
    report = await summary(memory, campaign(), now=day(10, 0))
    assert report.period is not None
    assert (report.period.days, report.period.planned_days) == (2.0, 14.0)
    assert report.kpis["posts"].value == 3


async def test_the_live_summary_scans_neither_posts_nor_all_snapshots(memory: MemoryLake) -> None:
    memory.asked.clear()
    await summary(memory, campaign(), now=NOW)
    assert "scan posts" not in memory.asked
    assert "at" not in memory.asked


async def test_an_empty_lake_gives_zero_posts_and_unknown_rates(lake: Lake) -> None:
    report = await summary(lake, campaign(), now=NOW)
    assert (report.kpis["posts"].value, report.kpis["engagements"].value) == (0, 0)
    assert report.kpis["engagement_rate"].value is None
    assert report.kpis["share_of_voice"].value is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"as_of": END + timedelta(days=90)}, "give a time that has passed"),
        ({"as_of": END.replace(tzinfo=None)}, "give a time zone"),
        ({"compare": "never"}, "use before or after"),
    ],
)
async def test_bad_arguments_are_named(
    memory: MemoryLake, options: dict[str, object], message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        await summary(memory, campaign(), now=NOW, **options)  # type: ignore[arg-type]
