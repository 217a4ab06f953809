"""Registering, planning, listing, changing and forgetting campaigns."""

import httpx
from fakes.tenants import NIKE


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
    assert made["coverage"]["since"] == "2026-05-01T00:00:00Z"
    assert made["plan"]["fits"] is True
    assert "client_id" not in made
    assert (await api.get(answer.headers["location"])).json()["id"] == made["id"]
