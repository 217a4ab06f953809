"""Parameters: typed, named, bounded; nothing of them reaches the lake as a query language."""

import time

import httpx
import pytest

HOSTILE = [
    "summary?q=*",
    "summary?as_of=now-7d",
    "summary?as_of=2026-05-20",
    "summary?as_of=2026-05-20T00:00:00",
    "summary?as_of=2099-01-01T00:00:00Z",
    "summary?as_of=2026-13-45T00:00:00Z",
    "summary?as_of=yesterday",
    "summary?as_of=",
    "summary?as_of=%00",
    "summary?compare=never",
    "timeseries?interval=1s",
    "timeseries?interval=5m",
    "timeseries?metrics=password",
    "timeseries?metrics=posts,,likes",
    "timeseries?metrics=_source",
    "timeseries?breakdown=author_handle",
    "timeseries?breakdown=raw",
    "timeseries?timezone=Mars%2FOlympus",
    "timeseries?timezone=..%2F..%2Fetc%2Fpasswd",
    "timeseries?side=nobody",
    "posts?limit=0",
    "posts?limit=201",
    "posts?limit=1e2",
    "posts?limit=-1",
    "posts?limit=true",
    "posts?limit=%D9%A3",
    "posts?limit=" + "9" * 400,
    "posts?cursor=garbage",
    "posts?cursor=eyJhIjoxfQ==",
    "posts?cursor=" + "A" * 3_000,
    "posts?sort=raw",
    "posts?sort=likes:desc;drop",
    "posts?words=" + "x" * 257,
    "posts?words=a%00b",
    "posts?words=a%0Ab",
    "posts?kind=repost%22",
    "posts?network=../x",
    "posts?author=" + "a" * 600,
    "posts?lang=english",
    "posts?since=2026-05-20T00:00:00Z&since=x",
    "posts?period=always",
    "posts?size=10000",
    "posts?query=%7B%22match_all%22%3A%7B%7D%7D",
    "posts?" + "&".join(f"author=a{n}" for n in range(30)),
    "publishers?sort=author_id.keyword",
    "share-of-voice?metric=followers_sum",
    "share-of-voice?period=all",
    "before-during-after?metric=likes",
    "export?format=xlsx",
    "quality?debug=1",
]
HARMLESS = [
    "posts?words=*x*y*",
    "posts?words=%22%20OR%201%3D1%20--",
    "posts?words=%7B%22regexp%22%7D",
    "posts?words=(((((((((((",
    "posts?words=" + "ab%20" * 80,
    "posts?author=*",
    "posts?tag=.*",
    "posts?" + "&".join(f"author=a{n}" for n in range(20)),
]


@pytest.mark.parametrize("query", HOSTILE)
async def test_a_hostile_query_is_refused_by_name(
    api: httpx.AsyncClient, campaign: str, query: str
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/{query}")
    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["errors"]
    assert all(one["field"] and one["fix"] for one in problem["errors"])


@pytest.mark.parametrize("query", HARMLESS)
async def test_the_signs_of_query_languages_mean_nothing(
    api: httpx.AsyncClient, campaign: str, query: str
) -> None:
    started = time.perf_counter()
    answer = await api.get(f"/v1/campaigns/{campaign}/{query}")
    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or answer.json()["posts"] == []
    assert time.perf_counter() - started < 1


async def test_an_unknown_parameter_is_refused_on_every_reading_route(
    api: httpx.AsyncClient, campaign: str
) -> None:
    for path in ("/v1/campaigns", f"/v1/campaigns/{campaign}", "/v1/account", "/v1/definitions"):
        answer = await api.get(f"{path}?surprise=1")
        assert answer.status_code == 422, path
        assert answer.json()["errors"][0]["field"] == "surprise"


async def test_a_relative_date_is_refused_with_what_to_write(
    api: httpx.AsyncClient, campaign: str
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/summary?as_of=now-7d")
    assert answer.json()["errors"] == [
        {
            "field": "as_of",
            "value": "now-7d",
            "problem": "not an instant; relative dates and dates without offset are not known",
            "fix": "write RFC 3339 with an offset, for example 2026-05-01T00:00:00Z",
        }
    ]


@pytest.mark.parametrize("path", ["/v2/campaigns", "/v1/", "/v1/campaigns/", "/admin", "/%00"])
async def test_a_path_that_is_none_is_a_problem_too(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:taglake:problem:not-found"


async def test_a_method_that_is_none_is_a_problem_too(api: httpx.AsyncClient) -> None:
    answer = await api.put("/v1/campaigns", json={})
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 405
