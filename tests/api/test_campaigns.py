"""Registering, planning, listing, changing and forgetting campaigns."""

from collections.abc import Callable

import httpx
import pytest

from fakes.registered import Clock
from fakes.tenants import NIKE, Tenant
from registry import Registry


async def test_a_registered_campaign_is_told_with_its_plan_and_coverage(
    api: httpx.AsyncClient,
) -> None:
    answer = await api.post("/v1/campaigns", json=NIKE)
    made = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/v1/campaigns/{made['id']}"
    assert made["hashtags"] == ["nike"]
    assert [rival["name"] for rival in made["competitors"]] == ["Adidas", "puma"]
    assert made["status"] == "active"
    assert made["coverage"] == {
        "since": "2026-05-01T00:00:00Z",
        "until": "2026-06-05T00:00:00Z",
        "passed_percent": 83.9,
    }
    assert made["plan"]["fits"] is True
    assert "client_id" not in made
    assert (await api.get(answer.headers["location"])).json()["coverage"] == made["coverage"]


async def test_a_dry_run_answers_with_the_plan_and_saves_nothing(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/campaigns?dry_run=true", json=NIKE)
    plan = answer.json()
    assert answer.status_code == 200
    assert plan["fits"] is True
    assert [target["target"] for target in plan["targets"]] == [
        "instagram/tag/adidas",
        "instagram/tag/nike",
        "instagram/tag/puma",
        "mastodon/tag/adidas",
        "mastodon/tag/nike",
        "mastodon/tag/puma",
    ]
    assert {target["lane"] for target in plan["targets"]} == {"mastodon/one", "instagram/two"}
    assert plan["slots_needed"] == 3
    assert plan["slots_free"] == 5
    assert plan["requests_per_hour"] > 0
    assert all(target["freshness"] > 0 for target in plan["targets"])
    assert (await api.get("/v1/campaigns")).json() == {"campaigns": [], "cursor": None}


async def test_a_campaign_that_does_not_fit_is_refused_with_what_would(
    api: httpx.AsyncClient,
) -> None:
    wide = NIKE | {"networks": ["instagram"], "hashtags": [f"tag{n}" for n in range(9)]}
    answer = await api.post("/v1/campaigns", json=wide)
    problem = answer.json()
    assert answer.status_code == 409
    assert problem["type"] == "urn:taglake:problem:does-not-fit"
    assert problem["errors"][0]["field"] == "hashtags"
    assert problem["plan"]["fits"] is False
    assert problem["plan"]["would_fit"][0]["network"] == "instagram"
    assert (await api.get("/v1/campaigns")).json()["campaigns"] == []


async def test_a_network_without_an_account_is_refused(api: httpx.AsyncClient) -> None:
    answer = await api.post("/v1/campaigns", json=NIKE | {"networks": ["bluesky"]})
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "networks[0]"


async def test_a_day_is_midnight_in_the_time_zone_of_the_campaign(api: httpx.AsyncClient) -> None:
    dated = NIKE | {"start": "2026-05-08", "end": "2026-05-22", "timezone": "Europe/Berlin"}
    made = (await api.post("/v1/campaigns", json=dated)).json()
    assert (made["start"], made["end"]) == ("2026-05-07T22:00:00Z", "2026-05-21T22:00:00Z")


async def test_a_list_is_read_to_its_end_by_cursors(api: httpx.AsyncClient, clock: Clock) -> None:
    for number in range(5):
        clock.move(1)
        await api.post("/v1/campaigns", json=NIKE | {"name": f"Run {number}"})
    names, cursor, pages = [], "", 0
    while cursor is not None:
        query = f"&cursor={cursor}" if cursor else ""
        page = (await api.get(f"/v1/campaigns?limit=2{query}")).json()
        names += [one["name"] for one in page["campaigns"]]
        cursor, pages = page["cursor"], pages + 1
    assert names == ["Run 4", "Run 3", "Run 2", "Run 1", "Run 0"]
    assert pages == 3


async def test_a_patch_changes_what_it_names_and_raises_the_revision(
    api: httpx.AsyncClient, campaign: str
) -> None:
    answer = await api.patch(f"/v1/campaigns/{campaign}", json={"end": "2026-05-24T00:00:00Z"})
    assert answer.status_code == 200
    assert answer.json()["end"] == "2026-05-24T00:00:00Z"
    assert answer.json()["revision"] == 2
    assert answer.json()["hashtags"] == ["nike"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"end": "2026-05-01T00:00:00Z"}, "end"),
        ({"hashtags": []}, "hashtags"),
        ({"name": None}, "name"),
        ({}, "body"),
        ({"client_id": "other"}, "client_id"),
        ({"revision": 9}, "revision"),
        ({"status": "ended"}, "status"),
        ({"baseline_days": True}, "baseline_days"),
        ({"baseline_days": "7"}, "baseline_days"),
    ],
)
async def test_a_patch_that_makes_no_sense_is_refused_and_changes_nothing(
    api: httpx.AsyncClient, campaign: str, change: dict[str, object], field: str
) -> None:
    answer = await api.patch(f"/v1/campaigns/{campaign}", json=change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert (await api.get(f"/v1/campaigns/{campaign}")).json()["revision"] == 1


async def test_a_paused_campaign_is_watched_again_when_it_is_resumed(
    api: httpx.AsyncClient, campaign: str, registry: Registry, clock: Clock
) -> None:
    paused = await api.post(f"/v1/campaigns/{campaign}/pause")
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert await registry.targets.watched(clock()) == []
    resumed = await api.post(f"/v1/campaigns/{campaign}/resume")
    assert (resumed.status_code, resumed.json()["status"]) == (200, "active")
    assert len(await registry.targets.watched(clock())) == 6


async def test_a_deleted_campaign_is_gone(api: httpx.AsyncClient, campaign: str) -> None:
    assert (await api.delete(f"/v1/campaigns/{campaign}")).status_code == 204
    assert (await api.get(f"/v1/campaigns/{campaign}")).status_code == 404
    assert (await api.delete(f"/v1/campaigns/{campaign}")).status_code == 404


async def test_a_change_is_in_the_audit_log_under_the_prefix_of_the_key(
    api: httpx.AsyncClient, campaign: str, registry: Registry, ours: Tenant
) -> None:
    await api.post(f"/v1/campaigns/{campaign}/pause")
    entries = await registry.audit.list(client_id=ours.id, limit=100)
    assert [(one.who, one.what) for one in entries[-2:]] == [
        (ours.prefix, "campaign.create"),
        (ours.prefix, "campaign.pause"),
    ]


async def test_the_same_idempotency_key_registers_once(api: httpx.AsyncClient) -> None:
    named = {"Idempotency-Key": "spring-1"}
    first = await api.post("/v1/campaigns", json=NIKE, headers=named)
    again = await api.post("/v1/campaigns", json=NIKE, headers=named)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotency-replayed"] == "true"
    assert len((await api.get("/v1/campaigns")).json()["campaigns"]) == 1


async def test_an_idempotency_key_does_not_stand_for_another_body(api: httpx.AsyncClient) -> None:
    named = {"Idempotency-Key": "spring-1"}
    await api.post("/v1/campaigns", json=NIKE, headers=named)
    other = await api.post("/v1/campaigns", json=NIKE | {"name": "Other"}, headers=named)
    assert other.status_code == 422
    assert other.json()["type"] == "urn:taglake:problem:idempotency-key-reused"


async def test_a_refused_request_frees_its_idempotency_key(api: httpx.AsyncClient) -> None:
    named = {"Idempotency-Key": "spring-1"}
    bad = await api.post("/v1/campaigns", json=NIKE | {"networks": ["bluesky"]}, headers=named)
    good = await api.post("/v1/campaigns", json=NIKE, headers=named)
    assert (bad.status_code, good.status_code) == (409, 201)


async def test_tenants_may_choose_the_same_idempotency_key(
    serve: Callable[..., httpx.AsyncClient], theirs: Tenant
) -> None:
    named = {"Idempotency-Key": "spring-1"}
    first = await serve().post("/v1/campaigns", json=NIKE, headers=named)
    other = await serve(key=theirs.key).post("/v1/campaigns", json=NIKE, headers=named)
    assert first.json()["id"] != other.json()["id"]


@pytest.mark.parametrize(
    ("change", "field", "fix"),
    [
        ({"name": ""}, "name", "it should have at least 1 character"),
        ({"name": "a\x00b"}, "name", "write plain text in one line"),
        ({"name": "n" * 121}, "name", "it should have at most 120 characters"),
        ({"name": 7}, "name", "write a text in quotes"),
        ({"hashtags": "nike"}, "hashtags", "write a list in square brackets"),
        (
            {"hashtags": ["a b"]},
            "hashtags[0]",
            "write one word of letters, digits and _, e.g. #nike",
        ),
        ({"networks": []}, "networks", "it should have at least 1 item after validation, not 0"),
        ({"networks": ["Mast odon"]}, "networks[0]", None),
        ({"start": "now-7d"}, "start", "2026-05-01T00:00:00Z"),
        ({"start": "2026-05-08T00:00:00"}, "start", "2026-05-01T00:00:00Z"),
        ({"start": 1_777_000_000}, "start", "2026-05-01T00:00:00Z"),
        ({"start": "2026-02-30"}, "start", "2026-05-01T00:00:00Z"),
        ({"end": "2026-05-01T00:00:00Z"}, "end", "write an end that is later than start"),
        ({"end": "2031-05-01T00:00:00Z"}, "end", "let it last 732 days at most"),
        ({"baseline_days": -1}, "baseline_days", "it should be greater than or equal to 0"),
        ({"baseline_days": 7.5}, "baseline_days", "write a whole number without quotes"),
        ({"baseline_days": True}, "baseline_days", "write a whole number without quotes"),
        ({"timezone": "Mars/Olympus"}, "timezone", "write an IANA name, e.g. Europe/Berlin or UTC"),
        ({"timezone": "../../etc/passwd"}, "timezone", "IANA"),
        (
            {"competitors": [{"name": "A"}]},
            "competitors[0].hashtags",
            "name a hashtag or a profile",
        ),
        ({"competitors": ["#a", "#A"]}, "competitors", "give each a name of its own"),
        ({"competitors": [f"#rival{n}" for n in range(11)]}, "competitors", "at most 10 items"),
        ({"budget": 5}, "budget", "leave it out"),
        ({"client_id": "other"}, "client_id", "leave it out"),
        ({"hashtags": [f"t{n}" for n in range(101)]}, "hashtags", "at most 100 items"),
    ],
)
async def test_a_bad_field_is_named_with_its_fix(
    api: httpx.AsyncClient, change: dict[str, object], field: str, fix: str | None
) -> None:
    answer = await api.post("/v1/campaigns", json=NIKE | change)
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) >= {"type", "title", "status", "detail", "instance", "errors"}
    assert field in [one["field"] for one in problem["errors"]]
    told = next(one for one in problem["errors"] if one["field"] == field)
    assert fix is None or fix in told["fix"]
