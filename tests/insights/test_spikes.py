"""Posts whose engagement spikes: the rule, and that ordinary growth never meets it."""

from datetime import timedelta
from math import exp

import pytest

from fakes.campaign_world import NOW, campaign, day, published
from insights.campaigns import spikes
from insights.spikes import spike_of
from lake.contract import Lake
from lake.records import Snapshot


def last_step(*seen: tuple[float, int]) -> Snapshot:
    """Return the last snapshot of a post seen at some hours after publication with some likes."""
    records = published("p", day(8), [(hours, likes, 0, 0) for hours, likes in seen])
    last = records[-1]
    assert isinstance(last, Snapshot)
    return last


def test_a_burst_is_a_spike_with_what_was_expected() -> None:
    spike = spike_of(last_step((10, 100), (12, 190)))
    assert spike is not None
    assert (spike.gain, spike.expected, spike.ratio, spike.per_hour) == (90, 20.0, 4.5, 45.0)


@pytest.mark.parametrize(
    "seen",
    [
        [(10, 100), (12, 150)],  # 2.5 times as fast
        [(10, 3), (12, 22)],  # fewer than 20
        [(10, 30), (11, 33)],  # as ever
        [(0.5, 10), (1.5, 100)],  # younger than an hour
        [(10, 100), (40, 2000)],  # nobody looked for more than a day
        [(10, 100)],  # no step
        [(10, 100), (11, 20)],  # likes taken back
    ],
)
def test_anything_less_is_none(seen: list[tuple[float, int]]) -> None:
    assert spike_of(last_step(*seen)) is None


def test_engagement_that_decays_never_spikes() -> None:
    total = [round(5000 * (1 - exp(-hour / 9))) for hour in range(1, 72)]
    steps = [last_step((hour, total[hour - 1]), (hour + 1, total[hour])) for hour in range(1, 71)]
    assert [spike_of(step) for step in steps] == [None] * 70


async def test_the_strongest_spike_of_each_post_is_told(lake: Lake) -> None:
    twice = [(10, 100, 0, 0), (12, 200, 0, 0), (40, 210, 0, 0), (41, 900, 0, 0)]
    await lake.append(published("p1", day(9), twice))
    await lake.append(published("p2", day(9), [(5, 1, 1, 1), (6, 20, 20, 20)]))
    await lake.append(published("r1", day(9), [(5, 1, 0, 0), (6, 500, 0, 0)], kind="repost"))
    await lake.append(published("q1", day(9), [(5, 1, 0, 0), (6, 500, 0, 0)], tags=("puma",)))
    found = await spikes(lake, campaign(), now=NOW)
    assert (found.count, found.complete) == (2, True)
    assert [(spike.post_id, spike.gain) for spike in found.spikes] == [
        ("mastodon:p1", 690),
        ("mastodon:p2", 57),
    ]


async def test_a_spike_after_as_of_is_not_known_yet(lake: Lake) -> None:
    await lake.append(published("p1", day(9), [(10, 100, 0, 0), (12, 300, 0, 0)]))
    at = day(9) + timedelta(hours=12)
    assert (await spikes(lake, campaign(), now=NOW, as_of=at)).count == 1
    before = at - timedelta(milliseconds=1)
    assert (await spikes(lake, campaign(), now=NOW, as_of=before)).count == 0
