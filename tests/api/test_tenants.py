"""Every route of the description is tried with another tenant's ids: they are as none."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from api.app import description
from fakes.tenants import NIKE, Tenant

Serve = Callable[..., httpx.AsyncClient]
BODIES: dict[tuple[str, str], Any] = {
    ("post", "/v1/campaigns"): NIKE,
    ("patch", "/v1/campaigns/{campaign_id}"): {"name": "stolen"},
}
POST = "mastodon:https://social.example/users/runner1/statuses/nike1"


def routes() -> list[tuple[str, str]]:
    """Return every method and path of the description."""
    return [
        (method, path) for path, methods in description()["paths"].items() for method in methods
    ]


ROUTES = routes()
WITH_IDS = [(method, path) for method, path in ROUTES if "{" in path]
GUARDED = [(method, path) for method, path in ROUTES if path.startswith("/v1")]


def address(path: str, campaign: str) -> str:
    filled = path.format(
        campaign_id=campaign,
        post_id=POST,
        account_id="mastodon:nobody",
        network="mastodon",
        name="timeline",
        format="json",
        key_prefix="aaaaaaaa",
    )
    return f"{filled}?account=mastodon:nobody" if path.endswith("/around") else filled


def test_the_description_holds_the_routes_of_the_contract() -> None:
    assert len(WITH_IDS) >= 15
    assert {path for _, path in ROUTES} >= {
        "/v1/campaigns",
        "/v1/campaigns/{campaign_id}",
        "/v1/campaigns/{campaign_id}/pause",
        "/v1/campaigns/{campaign_id}/resume",
        "/v1/campaigns/{campaign_id}/summary",
        "/v1/campaigns/{campaign_id}/timeseries",
        "/v1/campaigns/{campaign_id}/posts",
        "/v1/campaigns/{campaign_id}/publishers",
        "/v1/campaigns/{campaign_id}/hashtags",
        "/v1/campaigns/{campaign_id}/share-of-voice",
        "/v1/campaigns/{campaign_id}/before-during-after",
        "/v1/campaigns/{campaign_id}/quality",
        "/v1/campaigns/{campaign_id}/export",
        "/v1/campaigns/{campaign_id}/figures/{name}.{format}",
        "/v1/campaigns/{campaign_id}/overlap",
        "/v1/accounts/{account_id}/similar",
        "/v1/communities",
        "/v1/communities/{network}/around",
        "/v1/communities/{network}/map.{format}",
        "/v1/posts/{post_id}/history",
        "/v1/definitions",
        "/healthz",
        "/readyz",
        "/metrics",
    }


@pytest.mark.parametrize(("method", "path"), WITH_IDS)
async def test_a_foreign_id_is_as_missing_as_none(
    serve: Serve, campaign: str, theirs: Tenant, method: str, path: str
) -> None:
    stranger = serve(key=theirs.key)
    body = BODIES.get((method, path))
    foreign = await stranger.request(method, address(path, campaign), json=body)
    absent = await stranger.request(method, address(path, "no-such-campaign"), json=body)
    assert foreign.status_code == 404
    assert absent.status_code == 404
    assert without_path(foreign) == without_path(absent)


def without_path(answer: httpx.Response) -> dict[str, Any]:
    return {name: value for name, value in answer.json().items() if name != "instance"}


@pytest.mark.parametrize(("method", "path"), GUARDED)
async def test_every_route_wants_a_key(serve: Serve, campaign: str, method: str, path: str) -> None:
    nobody = serve(key=None)
    answer = await nobody.request(method, address(path, campaign), json=BODIES.get((method, path)))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path"), [one for one in GUARDED if one[0] in ("post", "patch", "delete", "put")]
)
async def test_every_change_wants_the_scope_to_write(
    serve: Serve, ours: Tenant, campaign: str, method: str, path: str
) -> None:
    reading = serve(key=ours.reading_key)
    body = BODIES.get((method, path))
    answer = await reading.request(method, address(path, campaign), json=body)
    assert answer.status_code == 403


async def test_a_list_holds_no_foreign_campaign(
    serve: Serve, campaign: str, theirs: Tenant
) -> None:
    stranger = serve(key=theirs.key)
    assert (await stranger.get("/v1/campaigns")).json()["campaigns"] == []
    assert (await stranger.get(f"/v1/campaigns?cursor={campaign}")).json()["campaigns"] == []


async def test_a_memory_shared_by_tenants_does_not_leak(
    serve: Serve, campaign: str, theirs: Tenant
) -> None:
    ours_app = serve(cache_seconds=60)
    assert (await ours_app.get(f"/v1/campaigns/{campaign}/summary")).status_code == 200
    stolen = await ours_app.get(
        f"/v1/campaigns/{campaign}/summary", headers={"Authorization": f"Bearer {theirs.key}"}
    )
    assert stolen.status_code == 404
