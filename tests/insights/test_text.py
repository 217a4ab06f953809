"""The report for a terminal."""

from datetime import timedelta

from fakes.campaign_world import NOW, START, campaign
from fakes.memory_lake import MemoryLake
from insights.campaigns import before_during_after, summary
from insights.text import ten_lines


async def test_ten_lines_tell_the_campaign(memory: MemoryLake) -> None:
    text = ten_lines(
        await summary(memory, campaign(), now=NOW),
        await before_during_after(memory, campaign(), now=NOW),
    )
    assert text.splitlines() == [
        "Spring run: #nike against adidas, puma, as of 2026-03-30 00:00 UTC",
        "posts        5 (0.4 a day, before 0.3, +25 %)",
        "publishers   3 (0.3 a day, before 0.3, +0 %); reach unknown",
        "engagements  211 (15.1 a day, before 4.6, +230 %); likes 188, comments 18, shares 5",
        "rate         4.97 % engagements per post and follower, 3 posts, before 1.10 %",
        "voice        nike 62 %, adidas 25 %, puma 12 % of posts",
        "top post     115 engagements by ann: https://social.example/p11",
        "top account  ann with 123 engagements in 2 posts; posts that spiked: 1",
        "effect       Posts during: observed +25.0 % a day against the baseline. "
        "(too few days with anything to count)",
        "data         24 of 36 polls made, 135 minutes in 2 gaps, 2 rate-limited, "
        "1 unknown authors, 1 deleted",
    ]


async def test_before_the_start_the_unknown_is_called_so(memory: MemoryLake) -> None:
    now = START - timedelta(days=30)
    text = ten_lines(
        await summary(memory, campaign(), now=now),
        await before_during_after(memory, campaign(), now=now),
    )
    assert len(text.splitlines()) == 10
    assert "posts        unknown" in text
    assert "effect       unknown: the campaign has not begun" in text
