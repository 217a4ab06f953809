"""Reports over HTTP: what the insights say, kept for seconds, not sent twice to who has it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest

from fakes import busy_world
from fakes.memory_lake import MemoryLake
from fakes.registered import Clock
from fakes.tenants import Tenant
from insights import campaigns, rollups
from lake.errors import Unavailable
from registry import Registry

Serve = Callable[..., httpx.AsyncClient]
REPORTS = [
    "summary",
    "timeseries",
    "posts",
    "publishers",
    "hashtags",
    "share-of-voice",
    "before-during-after",
    "quality",
    "spikes",
]


async def stored(registry: Registry, ours: Tenant, campaign: str) -> Any:
    return await registry.campaigns.get(ours.id, campaign)


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_is_what_the_insights_say(
    api: httpx.AsyncClient,
    campaign: str,
    name: str,
    full_lake: MemoryLake,
    registry: Registry,
    ours: Tenant,
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/{name}")
    report = getattr(campaigns, name.replace("-", "_"))
    said = await report(full_lake, await stored(registry, ours, campaign), now=busy_world.NOW)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.content == msgspec.json.encode(said)


@pytest.mark.parametrize("name", REPORTS)
async def test_a_report_of_the_past_repeats_itself(
    api: httpx.AsyncClient, campaign: str, name: str, clock: Clock
) -> None:
    path = f"/v1/campaigns/{campaign}/{name}?as_of=2026-05-15T12:00:00Z"
    first = await api.get(path)
    clock.move(3_600)
    again = await api.get(path)
    assert first.status_code == 200
    assert first.json()["header"]["as_of"] == "2026-05-15T12:00:00Z"
    assert again.content == first.content


async def test_an_unchanged_report_is_not_sent_again(
    api: httpx.AsyncClient, campaign: str, clock: Clock
) -> None:
    path = f"/v1/campaigns/{campaign}/share-of-voice"
    clock.move(10 * 86_400)  # the campaign is over: only the time of the report moves on
    first = await api.get(path)
    clock.move(1)
    known = await api.get(path, headers={"If-None-Match": first.headers["etag"]})
    other = await api.get(path, headers={"If-None-Match": 'W/"another"'})
    assert (known.status_code, known.content) == (304, b"")
    assert known.headers["etag"] == first.headers["etag"]
    assert other.status_code == 200
    assert first.headers["cache-control"] == "private, no-cache"


async def test_equal_questions_are_one_question_to_the_lake(
    serve: Serve, campaign: str, full_lake: MemoryLake
) -> None:
    api = serve(cache_seconds=60)
    await api.get(f"/v1/campaigns/{campaign}/publishers")
    asked = len(full_lake.asked)
    await api.get(f"/v1/campaigns/{campaign}/publishers")
    assert len(full_lake.asked) == asked
    await api.get(f"/v1/campaigns/{campaign}/publishers?limit=3")
    assert len(full_lake.asked) > asked


async def test_a_changed_campaign_is_asked_for_anew(
    serve: Serve, campaign: str, clock: Clock
) -> None:
    api = serve(cache_seconds=60)
    before = await api.get(f"/v1/campaigns/{campaign}/share-of-voice")
    clock.move(1)
    await api.patch(f"/v1/campaigns/{campaign}", json={"competitors": ["#puma"]})
    after = await api.get(f"/v1/campaigns/{campaign}/share-of-voice")
    assert len(before.json()["shares"]) == 3
    assert len(after.json()["shares"]) == 2


async def test_a_report_made_ahead_is_served_while_it_is_fresh(
    serve: Serve, campaign: str, registry: Registry, ours: Tenant, clock: Clock
) -> None:
    lake = MemoryLake()
    ahead = await rollups.computed(
        lake, await stored(registry, ours, campaign), "summary", now=clock()
    )
    marked = msgspec.structs.replace(ahead, body=msgspec.Raw(b'{"made":"ahead"}'))
    await lake.append([marked])
    api = serve(lake=lake, rollup_seconds=300)
    path = f"/v1/campaigns/{campaign}/summary"
    assert (await api.get(path)).json() == {"made": "ahead"}
    assert (await api.get(f"{path}?compare=after")).json()["side"] == "nike"
    clock.move(timedelta(seconds=301).total_seconds())
    assert (await api.get(path)).json()["side"] == "nike"


async def test_a_lake_that_is_down_is_a_problem_with_a_time(serve: Serve, campaign: str) -> None:
    class Down(MemoryLake):
        async def tallies(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("https://elastic.internal:9200 refused")

    api = serve(lake=Down())
    answer = await api.get(f"/v1/campaigns/{campaign}/share-of-voice")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "elastic.internal" not in answer.text
    summary = await api.get(f"/v1/campaigns/{campaign}/summary")
    assert summary.status_code == 503


async def test_a_fault_of_ours_tells_nothing_but_that(serve: Serve, campaign: str) -> None:
    class Broken(MemoryLake):
        async def tallies(self, *_: Any, **__: Any) -> Any:
            raise ZeroDivisionError("secret detail")

    answer = await serve(lake=Broken()).get(f"/v1/campaigns/{campaign}/share-of-voice")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:taglake:problem:unexpected"
    assert "secret detail" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_series_is_cut_by_side_in_the_zone_asked_for(
    api: httpx.AsyncClient, campaign: str
) -> None:
    query = "metrics=posts&interval=1w&breakdown=side&timezone=Asia/Tokyo"
    series = (await api.get(f"/v1/campaigns/{campaign}/timeseries?{query}")).json()
    assert {point["key"] for point in series["points"]} == {"nike", "Adidas", "puma"}
    assert series["points"][0]["start"].endswith("+09:00")
    assert set(series["points"][0]["values"]) == {"posts"}


async def test_the_glossary_defines_every_number_of_the_summary(
    api: httpx.AsyncClient, campaign: str
) -> None:
    terms = (await api.get("/v1/definitions")).json()["definitions"]
    kpis = (await api.get(f"/v1/campaigns/{campaign}/summary")).json()["kpis"]
    assert set(kpis) <= {term["name"] for term in terms}
