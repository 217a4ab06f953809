"""Reports computed ahead: stored, fresh, and the same as live."""

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from fakes.campaign_world import NOW, campaign, day
from fakes.memory_lake import MemoryLake
from insights.campaigns import summary
from insights.catalogue import insights
from insights.errors import BadRequest
from insights.rollups import PARTS, Rollups, computed, fresh
from lake.contract import Lake

MINUTE = timedelta(minutes=1)


async def test_a_stored_report_is_the_live_one(lake: Lake) -> None:
    await lake.append(await Rollups().run(lake, [campaign()], day(15)))
    body = await fresh(lake, campaign(), "summary", day(15) + MINUTE, 5 * MINUTE)
    live = await summary(lake, campaign(), now=day(15))
    assert body is not None
    assert bytes(body) == msgspec.json.encode(live)


async def test_all_parts_of_each_active_campaign_are_stored(memory: MemoryLake) -> None:
    paused = campaign(id="paused", status="paused")
    records = await Rollups().run(memory, [campaign(), paused], day(15))
    assert [record.id for record in records] == [f"0195-nike/{name}" for name in PARTS]


async def test_an_old_report_is_not_fresh(memory: MemoryLake) -> None:
    await memory.append([await computed(memory, campaign(), "quality", now=day(15))])
    assert await fresh(memory, campaign(), "quality", day(15) + 5 * MINUTE, 5 * MINUTE)
    assert await fresh(memory, campaign(), "quality", day(15) + 6 * MINUTE, 5 * MINUTE) is None


async def test_a_change_of_the_campaign_makes_its_reports_stale(memory: MemoryLake) -> None:
    await memory.append([await computed(memory, campaign(), "quality", now=day(15))])
    assert await fresh(memory, campaign(revision=2), "quality", day(15), MINUTE) is None


async def test_a_report_that_is_not_there_is_none(memory: MemoryLake) -> None:
    assert await fresh(memory, campaign(), "summary", day(15), MINUTE) is None


async def test_a_campaign_that_is_over_keeps_its_last_report(memory: MemoryLake) -> None:
    last = NOW - timedelta(minutes=3)
    await memory.append(await Rollups().run(memory, [campaign()], last))
    assert await Rollups().run(memory, [campaign()], NOW + MINUTE) == []
    assert await fresh(memory, campaign(), "summary", NOW + timedelta(days=300), MINUTE)


async def test_a_campaign_that_just_ended_gets_its_last_report(memory: MemoryLake) -> None:
    ended = campaign(status="ended")
    records = await Rollups().run(memory, [ended], NOW - timedelta(minutes=3))
    assert len(records) == len(PARTS)


async def test_an_unknown_part_is_refused(memory: MemoryLake) -> None:
    with pytest.raises(BadRequest, match="use one of summary"):
        await computed(memory, campaign(), "reach", now=day(15))


def test_reports_are_made_after_the_audiences_they_show(tmp_path: Path) -> None:
    assert list(insights(tmp_path, every=60.0, audiences_every=300.0)) == ["audiences", "rollups"]
