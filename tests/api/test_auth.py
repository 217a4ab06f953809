"""Keys: who may come in, what a scope allows, how long a revoked one lives."""

from collections.abc import Callable

import httpx
import pytest

from fakes.registered import Clock
from fakes.tenants import NIKE, Tenant
from registry import Registry

Serve = Callable[..., httpx.AsyncClient]


async def test_a_request_without_a_key_is_told_how_to_send_one(serve: Serve) -> None:
    answer = await serve(key=None).get("/v1/campaigns")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="taglake"'
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("Send the API key as 'Authorization: Bearer pk_...'")


async def test_both_headers_carry_a_key(serve: Serve, ours: Tenant) -> None:
    api = serve(key=None)
    by_bearer = await api.get("/v1/account", headers={"Authorization": f"Bearer {ours.key}"})
    by_name = await api.get("/v1/account", headers={"X-API-Key": ours.key})
    assert by_bearer.json()["client"] == by_name.json()["client"]
    assert by_name.json()["client"]["name"] == "Ours"
    assert by_name.json()["networks"] == ["instagram", "mastodon"]
    assert ours.key not in by_name.text


@pytest.mark.parametrize(
    "shown",
    ["pk_", "secret", "pk_aaaaaaaa_" + "x" * 43, "pk_" + "a" * 5_000, "Bearer pk_x", "é"],
)
async def test_a_wrong_key_is_refused_without_being_repeated(serve: Serve, shown: str) -> None:
    answer = await serve(key=None).get("/v1/campaigns", headers={"X-API-Key": shown.encode()})
    assert answer.status_code == 401
    assert shown not in answer.text


async def test_the_right_prefix_with_another_secret_is_refused(serve: Serve, ours: Tenant) -> None:
    forged = ours.key[:-1] + ("A" if ours.key[-1] != "A" else "B")
    assert (await serve(key=forged).get("/v1/campaigns")).status_code == 401


async def test_a_reading_key_may_not_write(serve: Serve, ours: Tenant) -> None:
    api = serve(key=ours.reading_key)
    refused = await api.post("/v1/campaigns", json=NIKE)
    assert refused.status_code == 403
    assert "this needs write" in refused.json()["detail"]
    assert (await api.get("/v1/campaigns")).status_code == 200


async def test_a_revoked_key_ends_at_once(serve: Serve, registry: Registry, ours: Tenant) -> None:
    api = serve()
    assert (await api.get("/v1/campaigns")).status_code == 200
    await registry.keys.revoke(ours.id, ours.prefix)
    assert (await api.get("/v1/campaigns")).status_code == 401


async def test_a_remembered_key_is_believed_for_five_seconds_at_most() -> None:
    from pydantic import ValidationError

    from api import ApiSettings

    assert ApiSettings().key_seconds == 2.0
    with pytest.raises(ValidationError):
        ApiSettings(key_seconds=6)


async def test_an_expired_key_ends(
    serve: Serve, registry: Registry, ours: Tenant, clock: Clock
) -> None:
    api = serve()
    rotated, _ = await registry.keys.rotate(ours.id, ours.prefix, seconds=60)
    assert (await api.get("/v1/campaigns")).status_code == 200
    clock.move(61)
    assert (await api.get("/v1/campaigns")).status_code == 401
    assert (await serve(key=rotated.reveal()).get("/v1/campaigns")).status_code == 200


async def test_the_limit_is_counted_down_and_then_refuses_with_a_time(serve: Serve) -> None:
    api = serve(requests_per_minute=3)
    answers = [await api.get("/v1/campaigns") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["ratelimit-limit"] for one in answers] == ["3"] * 4
    assert [one.headers["ratelimit-remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert 0 < int(answers[3].headers["retry-after"]) <= 60
    assert answers[3].headers["retry-after"] == answers[3].headers["ratelimit-reset"]
    assert answers[3].json()["type"] == "urn:taglake:problem:too-many-requests"


async def test_replicas_share_one_limit(serve: Serve) -> None:
    replicas = [serve(requests_per_minute=4), serve(requests_per_minute=4)]
    codes = [(await replicas[n % 2].get("/v1/campaigns")).status_code for n in range(8)]
    assert codes.count(200) == 4


async def test_tenants_do_not_spend_each_others_limit(serve: Serve, theirs: Tenant) -> None:
    ours_app = serve(requests_per_minute=1)
    await ours_app.get("/v1/campaigns")
    assert (await ours_app.get("/v1/campaigns")).status_code == 429
    other = serve(key=theirs.key, requests_per_minute=1)
    assert (await other.get("/v1/campaigns")).status_code == 200


async def test_guessing_keys_is_slowed_and_harms_no_good_key(serve: Serve, ours: Tenant) -> None:
    api = serve(key=None, refusals_per_minute=3)
    guesses = [
        (await api.get("/v1/campaigns", headers={"X-API-Key": f"pk_{n}"})).status_code
        for n in range(5)
    ]
    assert guesses == [401, 401, 401, 429, 429]
    good = await api.get("/v1/campaigns", headers={"X-API-Key": ours.key})
    assert good.status_code == 200
