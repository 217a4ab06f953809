"""Before, during and after: complete days, the competitors' change, the wording ladder."""

from datetime import timedelta

import pytest

from fakes.campaign_world import NOW, START, campaign, day, published
from fakes.memory_lake import MemoryLake
from insights.campaigns import before_during_after
from insights.comparison import Comparison, Effect
from insights.errors import BadRequest
from lake.contract import Lake
from lake.records import Record
from registry.models import Campaign


def daily(tag: str, counts: list[int]) -> list[Record]:
    """Return so many posts a day from the 1st on."""
    return [
        record
        for number, count in enumerate(counts)
        for place in range(count)
        for record in published(
            f"{tag}{number}-{place}",
            day(1 + number, 3) + timedelta(minutes=place),
            [(1, 10, 0, 0)],
            tags=(tag,),
            author=f"author{place}",
        )
    ]


BEFORE = [4, 5, 6, 4, 5, 6, 5]  # 5 a day
DURING = [10, 12, 14, 10, 12, 14, 12] * 2  # 12 a day
FLAT = [6, 8, 7, 6, 7, 8, 7] * 3  # 7 a day

RIVAL = {"competitors": campaign().competitors[:1]}


async def compared(lake: Lake, brand: list[int], rival: list[int], **changes: object) -> Comparison:
    await lake.append([*daily("nike", brand), *daily("adidas", rival)])
    return await before_during_after(lake, campaign(**(RIVAL | changes)), now=day(22, 0))


async def test_daily_means_of_each_side_and_period(lake: Lake) -> None:
    found = await compared(lake, BEFORE + DURING, FLAT)
    assert [(m.side, m.period, m.days, m.mean) for m in found.means] == [
        ("nike", "baseline", 7, 5.0),
        ("nike", "during", 14, 12.0),
        ("adidas", "baseline", 7, 7.0),
        ("adidas", "during", 14, 7.0),
    ]
    assert all(m.low is not None and m.low < (m.mean or 0) for m in found.means)


async def test_lift_is_the_change_beyond_the_competitors(memory_empty: MemoryLake) -> None:
    doubled = [6, 8, 7, 6, 7, 8, 7] + [12, 16, 14, 12, 14, 16, 14] * 2
    effect = (await compared(memory_empty, BEFORE + DURING, doubled)).effects[0]
    assert effect.brand_percent == 140.0  # 12 against 5
    assert effect.competitors_percent == 100.0
    assert effect.lift_percent == 20.0  # 2.4 / 2.0
    assert effect.extra_per_day == 2.0  # 12 - 5 x 2
    assert effect.lift_low is not None
    assert effect.lift_low < 20.0


async def test_it_is_called_lift_only_if_the_interval_excludes_zero(
    memory_empty: MemoryLake,
) -> None:
    effect = (await compared(memory_empty, BEFORE + DURING, FLAT)).effects[0]
    assert (effect.wording, effect.lift_percent) == ("lift", 140.0)
    assert (effect.lift_low or 0) > 0
    assert effect.sentence.startswith("Posts during: lift of +140.0 % (95 % interval +")


async def test_without_a_clear_change_it_is_what_was_observed(memory_empty: MemoryLake) -> None:
    brand = BEFORE + [5, 6, 4, 5, 7, 4, 6] * 2
    effect = (await compared(memory_empty, brand, FLAT)).effects[0]
    assert effect.wording == "observed"
    assert (effect.lift_low or 0) < 0 < (effect.lift_high or 0)
    assert "No lift" in effect.sentence


async def _effect(lake: MemoryLake, watched: Campaign) -> Effect:
    return (await before_during_after(lake, watched, now=day(22, 0))).effects[0]


async def test_without_competitors_nothing_is_called_lift(memory_empty: MemoryLake) -> None:
    await memory_empty.append(daily("nike", BEFORE + DURING))
    effect = await _effect(memory_empty, campaign(competitors=()))
    assert (effect.wording, effect.lift_percent) == ("observed", None)
    assert effect.reason == "no competitors to compare with"
    assert effect.sentence == "Posts during: observed +140.0 % a day against the baseline."


async def test_fewer_than_four_days_have_no_interval_and_say_so(memory_empty: MemoryLake) -> None:
    await memory_empty.append([*daily("nike", BEFORE + DURING), *daily("adidas", FLAT)])
    watched = campaign(baseline_days=3, **RIVAL)
    effect = await _effect(memory_empty, watched)
    assert (effect.wording, effect.lift_low) == ("observed", None)
    assert effect.reason == "fewer than 4 complete days in baseline"


async def test_a_day_that_is_not_over_does_not_count(memory_empty: MemoryLake) -> None:
    await memory_empty.append(daily("nike", BEFORE + DURING))
    found = await before_during_after(memory_empty, campaign(), now=day(12, 15))
    during = next(mean for mean in found.means if mean.brand and mean.period == "during")
    assert (during.days, during.mean) == (4, 11.5)  # 10, 12, 14, 10


async def test_a_day_with_hidden_counts_is_left_out_of_every_side(
    memory_empty: MemoryLake,
) -> None:
    await memory_empty.append([*daily("nike", BEFORE), *daily("adidas", FLAT)])
    hidden = published("h", day(9, 3), [(1, None, None, None)])
    await memory_empty.append(hidden)
    found = await before_during_after(
        memory_empty, campaign(**RIVAL), now=day(15, 0), metric="engagements"
    )
    assert {m.side: m.days for m in found.means if m.period == "during"} == {
        "nike": 6,
        "adidas": 6,
    }


async def test_before_the_start_there_is_no_effect(memory: MemoryLake) -> None:
    found = await before_during_after(memory, campaign(), now=START)
    assert found.effects == ()


async def test_an_unknown_metric_is_refused(memory: MemoryLake) -> None:
    with pytest.raises(BadRequest, match="use one of posts, engagements, publishers"):
        await before_during_after(memory, campaign(), now=NOW, metric="reach")


@pytest.fixture
def memory_empty() -> MemoryLake:
    return MemoryLake()
