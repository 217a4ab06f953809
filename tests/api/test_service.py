"""What surrounds the routes: health, counters, the page's files, protective headers, origins."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fakes.memory_lake import MemoryLake
from lake.errors import Unavailable

Serve = Callable[..., httpx.AsyncClient]


async def test_alive_asks_nobody(serve: Serve) -> None:
    class Down(MemoryLake):
        async def get(self, *_: Any, **__: Any) -> Any:
            raise Unavailable("down")

    api = serve(key=None, lake=Down())
    assert (await api.get("/healthz")).json()["status"] == "ok"
    ready = await api.get("/readyz")
    assert ready.status_code == 503
    assert ready.json() == {"status": "unavailable", "registry": "ok", "lake": "unavailable"}


async def test_ready_says_so(serve: Serve) -> None:
    answer = await serve(key=None).get("/readyz")
    assert (answer.status_code, answer.json()["lake"]) == (200, "ok")


async def test_requests_are_counted_by_route_never_by_address(serve: Serve, campaign: str) -> None:
    api = serve()
    await api.get(f"/v1/campaigns/{campaign}")
    await api.get("/v1/campaigns/none")
    await api.get("/no/such/path")
    text = (await api.get("/metrics")).text
    route = 'method="GET",route="/v1/campaigns/{campaign_id}"'
    assert f'taglake_api_requests_total{{{route},status="200"}} 1' in text
    assert f'taglake_api_requests_total{{{route},status="404"}} 1' in text
    assert 'route="none",status="404"} 1' in text
    assert campaign not in text
    assert "taglake_api_answers_made_total 0" in text


@pytest.mark.parametrize("path", ["/", "/page/app.js", "/page/style.css", "/v1/campaigns", "/no"])
async def test_every_answer_protects_the_browser(api: httpx.AsyncClient, path: str) -> None:
    headers = (await api.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "script-src 'self';" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]


async def test_the_page_needs_nothing_from_elsewhere(api: httpx.AsyncClient) -> None:
    page = (await api.get("/")).text
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "https://" not in page


async def test_the_pages_files_are_known_by_their_tags(api: httpx.AsyncClient) -> None:
    first = await api.get("/page/style.css")
    again = await api.get("/page/style.css", headers={"If-None-Match": first.headers["etag"]})
    assert first.headers["content-type"] == "text/css; charset=utf-8"
    assert again.status_code == 304


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2e%2e/app.py", "__init__.py"])
async def test_no_other_file_is_given_away(api: httpx.AsyncClient, name: str) -> None:
    assert (await api.get(f"/page/{name}")).status_code == 404


async def test_vega_comes_from_the_installed_package(api: httpx.AsyncClient) -> None:
    script = await api.get("/page/vega.js")
    assert script.headers["content-encoding"] == "gzip"
    assert "vegaEmbed" in script.text


async def test_only_listed_origins_may_call(serve: Serve) -> None:
    origin = {"Origin": "https://dash.example"}
    listed = serve(cors_origins=("https://dash.example",))
    assert (await listed.get("/healthz", headers=origin)).headers[
        "access-control-allow-origin"
    ] == "https://dash.example"
    closed = await serve().get("/healthz", headers=origin)
    assert "access-control-allow-origin" not in closed.headers
