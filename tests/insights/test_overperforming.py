"""CrowdTangle's over-performing score."""

import pytest

from fakes.campaign_world import NOW, campaign, day, published
from insights.campaigns import posts
from insights.overperforming import middle_mean, score
from lake.contract import Lake


@pytest.mark.parametrize(
    ("actual", "benchmark", "expected"),
    [
        (100, 50, 2.0),
        (100, 200, -2.0),
        (0, 200, -400.0),
        (9, 5, 0.9),  # the benchmark is below 10: against 10
        (9, 0, 0.9),
        (30, 0, 3.0),
        (50, 50, 1.0),
    ],
)
def test_golden_numbers(actual: float, benchmark: float, expected: float) -> None:
    assert score(actual, benchmark) == expected


def test_the_middle_half_leaves_outliers_out() -> None:
    assert middle_mean([1, 2, 3, 4, 5, 6, 7, 1000]) == 4.5  # of 3, 4, 5, 6
    assert middle_mean([7]) == 7.0


async def test_posts_are_compared_at_the_same_age(lake: Lake) -> None:
    earlier = [10, 40, 60, 900]  # engagements after 5 hours; later they all had 5000
    for number, likes in enumerate(earlier):
        seen = [(5, likes, 0, 0), (30, 5000, 0, 0)]
        await lake.append(published(f"old{number}", day(2 + number), seen, tags=("other",)))
    await lake.append(published("new", day(10), [(6, 150, 0, 0)]))
    found = (await posts(lake, campaign(), now=NOW)).posts
    assert [(row.benchmark, row.benchmark_posts, row.overperforming) for row in found] == [
        (50.0, 4, 3.0)
    ]


async def test_another_kind_of_post_is_no_benchmark(lake: Lake) -> None:
    for number in range(5):
        old = published(f"old{number}", day(2), [(1, 50, 0, 0)], kind="video", tags=())
        await lake.append(old)
    await lake.append(published("new", day(10), [(6, 150, 0, 0)]))
    found = (await posts(lake, campaign(), now=NOW)).posts
    assert (found[0].overperforming, found[0].benchmark_posts) == (None, 0)


async def test_the_most_surprising_posts_can_be_asked_for(lake: Lake) -> None:
    for author, usual, now in (("ann", 20, 100), ("bob", 500, 600)):
        for number in range(4):
            seen = [(5, usual, 0, 0)]
            old = published(f"{author}{number}", day(2 + number), seen, author=author)
            await lake.append(old)
        await lake.append(published(f"{author}9", day(10), [(6, now, 0, 0)], author=author))
    found = (await posts(lake, campaign(), now=NOW, sort="overperforming")).posts
    assert [(row.id, row.overperforming) for row in found] == [
        ("mastodon:ann9", 5.0),
        ("mastodon:bob9", 1.2),
    ]
