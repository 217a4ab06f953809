"""Data quality: polls, gaps to the minute, what is unknown."""

from datetime import timedelta

from fakes.campaign_world import NIKE, NOW, campaign, day, gap
from fakes.memory_lake import MemoryLake
from insights.campaigns import quality
from insights.quality import merged, targets_of
from lake.contract import Lake


async def test_overlapping_gaps_of_a_target_are_one_to_the_minute(world: Lake) -> None:
    found = (await quality(world, campaign(), now=NOW)).gaps
    assert [(g.target, g.since, g.until, g.minutes, g.reasons, g.polls_missed) for g in found] == [
        # the part before the baseline is cut off
        ("mastodon/tag/puma", day(1, 0), day(1, 1), 60, ("down",), 1),
        (NIKE, day(10, 6), day(10, 7) + timedelta(minutes=15), 75, ("down", "rate_limited"), 3),
    ]


async def test_a_target_tells_how_it_was_watched(world: Lake) -> None:
    targets = (await quality(world, campaign(), now=NOW)).targets
    nike = next(target for target in targets if target.target == NIKE)
    assert (nike.polls_planned, nike.polls_made, nike.polls_failed) == (36, 24, 2)
    assert nike.unchanged_share == 79.1667  # 19 of 24
    assert nike.rate_limited_minutes == 1.5
    # the last success was at 22:55 on the 28th; collection ended with that day
    assert nike.freshness_seconds == 3900.0


async def test_a_target_that_was_never_polled_has_no_freshness(world: Lake) -> None:
    found = await quality(world, campaign(), now=NOW)
    puma = next(target for target in found.targets if target.target == "instagram/tag/puma")
    assert (puma.polls_made, puma.unchanged_share, puma.freshness_seconds) == (0, None, None)
    assert found.totals.oldest_freshness_seconds is None


async def test_totals_count_unknown_authors_and_deleted_posts(world: Lake) -> None:
    totals = (await quality(world, campaign(), now=NOW)).totals
    assert (totals.posts, totals.unknown_authors, totals.deleted_posts) == (12, 1, 1)
    assert (totals.targets, totals.polls_planned, totals.polls_made) == (6, 36, 24)
    assert totals.polls_made_share == 66.6667
    assert (totals.gaps, totals.gap_minutes) == (2, 135)


async def test_as_of_knows_no_later_gap_and_no_running_hour(memory: MemoryLake) -> None:
    half_past_five = day(10, 5) + timedelta(minutes=30)
    totals = (await quality(memory, campaign(), now=NOW, as_of=half_past_five)).totals
    assert (totals.polls_made, totals.gaps) == (0, 1)
    after = (await quality(memory, campaign(), now=NOW, as_of=day(10, 6))).totals
    assert after.polls_made == 12


def test_gaps_that_only_touch_are_one() -> None:
    first = gap(day(9, 1), day(9, 2), target=NIKE)
    second = gap(day(9, 2), day(9, 3), target=NIKE)
    apart = gap(day(9, 4), day(9, 4) + timedelta(seconds=1), target=NIKE)
    found = merged([second, apart, first], day(8), day(20))
    assert [(stretch.since, stretch.minutes) for stretch in found] == [
        (day(9, 1), 120),
        (day(9, 4), 1),
    ]


def test_targets_are_those_of_all_sides_on_all_networks() -> None:
    assert targets_of(campaign(profiles=("nike",), competitors=())) == (
        "instagram/profile/nike",
        "instagram/tag/nike",
        "mastodon/profile/nike",
        "mastodon/tag/nike",
    )
