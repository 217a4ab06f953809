"""Every part of the report: equal bytes on every lake, names from the catalogue."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from fakes.campaign_world import NOW, campaign, day
from fakes.memory_lake import MemoryLake
from insights import campaigns as reports
from insights.definitions import DEFINITIONS
from insights.rollups import PARTS
from lake.contract import Lake

Report = Callable[[Lake], Awaitable[msgspec.Struct]]

PAST = day(9, 13)
HOURLY = {"interval": "1h", "breakdown": "kind", "timezone": "Asia/Kolkata"}

VARIANTS: dict[str, Report] = {
    "by network": lambda lake: reports.timeseries(
        lake, campaign(), now=NOW, metrics=["posts", "publishers", "likes"], breakdown="network"
    ),
    "by kind and hour": lambda lake: reports.timeseries(lake, campaign(), now=NOW, **HOURLY),  # type: ignore[arg-type]
    "by side and month": lambda lake: reports.timeseries(
        lake, campaign(), now=NOW, interval="1M", breakdown="side"
    ),
    "newest posts": lambda lake: reports.posts(
        lake, campaign(), now=NOW, sort="created_at", period="all"
    ),
    "most liked posts": lambda lake: reports.posts(lake, campaign(), now=NOW, sort="likes"),
    "most active publishers": lambda lake: reports.publishers(
        lake, campaign(), now=NOW, sort="posts"
    ),
    "most followed publishers": lambda lake: reports.publishers(
        lake, campaign(), now=NOW, sort="followers"
    ),
    "publishers' share": lambda lake: reports.share_of_voice(
        lake, campaign(), now=NOW, metric="publishers"
    ),
    "engagements compared": lambda lake: reports.before_during_after(
        lake, campaign(), now=NOW, metric="engagements"
    ),
    "history": lambda lake: reports.history(lake, "mastodon:p11", now=NOW),
    "past summary": lambda lake: reports.summary(lake, campaign(), now=NOW, as_of=PAST),
    "past series": lambda lake: reports.timeseries(lake, campaign(), now=NOW, as_of=PAST),
    "past posts": lambda lake: reports.posts(lake, campaign(), now=NOW, as_of=PAST),
    "past quality": lambda lake: reports.quality(lake, campaign(), now=NOW, as_of=PAST),
    "past shares": lambda lake: reports.share_of_voice(lake, campaign(), now=NOW, as_of=PAST),
    "past tags": lambda lake: reports.hashtags(lake, campaign(), now=NOW, as_of=PAST),
    "past publishers": lambda lake: reports.publishers(lake, campaign(), now=NOW, as_of=PAST),
}


@pytest.mark.parametrize("name", VARIANTS)
async def test_every_lake_gives_the_same_bytes(name: str, world: Lake, memory: MemoryLake) -> None:
    expected = msgspec.json.encode(await VARIANTS[name](memory))
    assert msgspec.json.encode(await VARIANTS[name](world)) == expected


@pytest.mark.parametrize("name", PARTS)
async def test_every_stored_report_is_the_same_from_every_lake(
    name: str, world: Lake, memory: MemoryLake
) -> None:
    expected = msgspec.json.encode(await PARTS[name](memory, campaign(), NOW))
    assert msgspec.json.encode(await PARTS[name](world, campaign(), NOW)) == expected


async def test_every_number_of_the_strip_is_defined(memory: MemoryLake) -> None:
    kpis = (await reports.summary(memory, campaign(), now=NOW)).kpis
    assert set(kpis) <= set(DEFINITIONS)
    assert all(kpi.unit == DEFINITIONS[name].unit for name, kpi in kpis.items())


def test_definitions_never_call_a_sum_of_followers_reach() -> None:
    for entry in DEFINITIONS.values():
        assert entry.label
        assert entry.definition.endswith(".")
        assert entry.formula
        told = f"{entry.label} {entry.definition} {entry.formula}".casefold()
        assert "reach" not in told or entry.name in ("reach_estimate", "frequency")
