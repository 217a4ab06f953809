"""Metrics over time: no holes, days of a time zone, one line a key."""

from datetime import UTC, datetime

import pytest

from fakes.campaign_world import NOW, campaign, day, published
from fakes.memory_lake import MemoryLake
from insights.campaigns import timeseries
from insights.errors import BadRequest
from lake.contract import Lake


async def test_every_day_has_a_point_in_its_period(world: Lake) -> None:
    points = (await timeseries(world, campaign(), now=NOW)).points
    assert len(points) == 28
    assert [point.period for point in points] == (
        ["baseline"] * 7 + ["during"] * 14 + ["after"] * 7
    )
    assert {point.start.day: point.values for point in points if point.values["posts"]} == {
        2: {"posts": 1, "engagements": 12},
        5: {"posts": 1, "engagements": 20},
        8: {"posts": 1, "engagements": 115},
        9: {"posts": 2, "engagements": 58},
        15: {"posts": 1, "engagements": 30},
        20: {"posts": 1, "engagements": 8},
        23: {"posts": 1, "engagements": 5},
    }
    assert points[0].values == {"posts": 0, "engagements": 0}


async def test_each_watched_tag_has_a_line(world: Lake) -> None:
    found = await timeseries(world, campaign(), now=NOW, metrics=["posts"], breakdown="tag")
    sums: dict[str | None, int] = {}
    for point in found.points:
        sums[point.key] = sums.get(point.key, 0) + int(point.values["posts"] or 0)
    assert sums == {"adidas": 3, "nike": 8, "puma": 1}


async def test_hidden_counts_of_a_day_are_unknown_not_zero(lake: Lake) -> None:
    await lake.append(published("p1", day(9), [(1, None, None, None)]))
    points = (await timeseries(lake, campaign(), now=NOW)).points
    found = next(point for point in points if point.start.day == 9)
    assert found.values == {"posts": 1, "engagements": None}


async def test_days_are_those_of_the_time_zone_across_summer_time(lake: Lake) -> None:
    # Berlin: 29 March 2026 has 23 hours, from 28 March 23:00 to 29 March 22:00 UTC.
    for name, at in (("a", (28, 22)), ("b", (28, 23)), ("c", (29, 21)), ("d", (29, 22))):
        await lake.append(published(name, day(*at), [(1, 1, 0, 0)]))
    watched = campaign(end=day(31, 0), after_days=0, timezone="Europe/Berlin")
    found = await timeseries(lake, watched, now=day(31, 0), metrics=["posts"])
    counted = {p.start.astimezone(UTC): p.values["posts"] for p in found.points}
    assert counted[datetime(2026, 3, 27, 23, tzinfo=UTC)] == 1
    assert counted[datetime(2026, 3, 28, 23, tzinfo=UTC)] == 2
    assert counted[datetime(2026, 3, 29, 22, tzinfo=UTC)] == 1


async def test_an_hour_that_happens_twice_is_two_points(memory: MemoryLake) -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    autumn = campaign(
        start=start,
        end=datetime(2026, 10, 25, 23, tzinfo=UTC),
        baseline_days=0,
        after_days=0,
        timezone="Europe/Berlin",
    )
    now = datetime(2026, 11, 1, tzinfo=UTC)
    found = await timeseries(memory, autumn, now=now, interval="1h")
    assert len(found.points) == 25


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"metrics": ["reach"]}, "metrics"),
        ({"interval": "5m"}, "interval"),
        ({"breakdown": "author"}, "breakdown"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timezone": "../etc"}, "timezone"),
        ({"side": "reebok"}, "side"),
    ],
)
async def test_bad_arguments_name_their_field(
    memory: MemoryLake, options: dict[str, object], field: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        await timeseries(memory, campaign(), now=NOW, **options)  # type: ignore[arg-type]
    assert caught.value.field == field
    assert "use" in caught.value.fix
