"""Audiences over HTTP: overlap of a campaign's publishers, similar accounts, communities."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from fakes.shelves import shelved
from insights.audiences.book import Book

Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """Of the 40 publishers 12 are known, in two groups, and one whose id is an address."""
    starts = {f"runner{number}": 1_000 * (number % 2) + 20 * number for number in range(12)}
    lists = {name: range(start, start + 400) for name, start in starts.items()}
    lists["https://social.example/users/zoe"] = range(100)
    return shelved(tmp_path_factory.mktemp("audiences"), "mastodon", lists)


@pytest.fixture
async def known(serve: Serve, book: Book) -> httpx.AsyncClient:
    return serve(audiences=book)


async def test_the_summary_tells_reach(known: httpx.AsyncClient, campaign: str) -> None:
    answer = (await known.get(f"/v1/campaigns/{campaign}/summary")).json()
    kpi, reach = answer["kpis"]["reach_estimate"], answer["reach"]
    assert kpi["unit"] == "people"
    assert 400 <= kpi["value"] == reach["people"]["value"] <= 2_000
    assert reach["publishers_known"] == kpi["known"] == 11
    assert reach["note"].startswith(f"of 11 of {reach['publishers']} publishers with ")
    assert reach["note"].endswith("counted; a lower bound for all")


async def test_the_summary_says_why_there_is_no_reach(
    api: httpx.AsyncClient, campaign: str
) -> None:
    answer = (await api.get(f"/v1/campaigns/{campaign}/summary")).json()
    assert answer["kpis"]["reach_estimate"]["value"] is None
    assert "no list of followers" in answer["reach"]["note"]


async def test_the_overlap_of_publishers_is_a_matrix(
    known: httpx.AsyncClient, campaign: str
) -> None:
    answer = (await known.get(f"/v1/campaigns/{campaign}/overlap?top=5")).json()
    (part,) = answer["overlaps"]["networks"]
    matrix = part["overlap_percent"]
    assert len(part["members"]) == len(matrix) == len(matrix[0]) == 5
    assert [matrix[place][place] for place in range(5)] == [100.0] * 5
    assert all(matrix[a][b] == matrix[b][a] for a in range(5) for b in range(5))
    assert answer["note"] == ""


async def test_an_overlap_of_nobody_says_why(api: httpx.AsyncClient, campaign: str) -> None:
    answer = (await api.get(f"/v1/campaigns/{campaign}/overlap")).json()
    assert answer["overlaps"]["networks"] == []
    assert "taglake audience collect" in answer["note"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("top=1", "top"),
        ("top=101", "top"),
        ("as_of=2026-05-15T12:00:00Z", "as_of"),
        ("side=who", "side"),
    ],
)
async def test_what_cannot_be_asked_names_the_field(
    known: httpx.AsyncClient, campaign: str, query: str, field: str
) -> None:
    answer = await known.get(f"/v1/campaigns/{campaign}/overlap?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_similar_accounts_come_with_intervals(known: httpx.AsyncClient) -> None:
    answer = await known.get("/v1/accounts/mastodon:runner2/similar?limit=2")
    found = answer.json()
    assert answer.status_code == 200
    assert found["account"]["id"] == "mastodon:runner2"
    assert {one["account"]["id"] for one in found["similar"]} == {
        *("mastodon:runner0", "mastodon:runner4")
    }
    exactly = {"value": 81.82, "low": 81.82, "high": 81.82}  # 360 of 440
    assert found["similar"][0]["similarity_percent"] == exactly
    assert found["similar"][0]["counted"]


@pytest.mark.parametrize("encode", [lambda text: quote(text, safe=""), lambda text: text])
async def test_an_id_may_be_an_address(
    known: httpx.AsyncClient, encode: Callable[[str], str]
) -> None:
    account = "mastodon:https://social.example/users/zoe"
    answer = await known.get(f"/v1/accounts/{encode(account)}/similar")
    assert answer.status_code == 200
    assert answer.json()["account"]["id"] == account


async def test_an_account_nobody_follows_here_is_missing(known: httpx.AsyncClient) -> None:
    answer = await known.get("/v1/accounts/mastodon:who/similar")
    assert answer.status_code == 404
    assert "not known" in answer.json()["detail"]


async def test_communities_are_listed_by_network(known: httpx.AsyncClient) -> None:
    (found,) = (await known.get("/v1/communities")).json()["networks"]
    assert (found["network"], found["accounts"]) == ("mastodon", 13)
    assert len(found["communities"]) == 2
    assert found["communities"][0]["accounts"] >= 6
    assert len(found["map"]) == 13


async def test_the_community_around_accounts_is_listed(known: httpx.AsyncClient) -> None:
    query = "account=mastodon:runner1&account=mastodon:runner3&account=mastodon:who&limit=4"
    found = (await known.get(f"/v1/communities/mastodon/around?{query}")).json()
    assert [one["id"] for one in found["seeds"]] == ["mastodon:runner1", "mastodon:runner3"]
    assert found["unknown"] == ["mastodon:who"]
    assert {one["account"]["id"] for one in found["found"]} == {
        f"mastodon:runner{number}" for number in (5, 7, 9, 11)
    }
    assert (await known.get("/v1/communities/mastodon/around")).status_code == 422


async def test_there_are_no_communities_without_audiences(api: httpx.AsyncClient) -> None:
    assert (await api.get("/v1/communities")).json() == {"networks": []}


@pytest.mark.parametrize(
    ("form", "starts"), [("svg", b"<svg"), ("png", b"\x89PNG"), ("json", b"{")]
)
async def test_the_map_comes_as_picture_and_as_vega_lite(
    known: httpx.AsyncClient, form: str, starts: bytes
) -> None:
    answer = await known.get(f"/v1/communities/mastodon/map.{form}?theme=dark")
    assert answer.status_code == 200
    assert answer.content.startswith(starts)


async def test_a_map_of_an_unknown_network_is_missing(known: httpx.AsyncClient) -> None:
    answer = await known.get("/v1/communities/x/map.svg")
    assert answer.status_code == 404
    assert "mastodon" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path", ["accounts/mastodon:runner2/similar", "communities", "communities/mastodon/map.svg"]
)
async def test_without_a_key_nothing_is_told(serve: Serve, book: Book, path: str) -> None:
    assert (await serve(key=None, audiences=book).get(f"/v1/{path}")).status_code == 401


async def test_the_overlap_is_drawn(known: httpx.AsyncClient, campaign: str) -> None:
    spec = (await known.get(f"/v1/campaigns/{campaign}/figures/overlap.json")).json()
    assert spec["description"].startswith("Overlap of the audiences of 11 publishers")


async def test_a_damaged_store_is_one_clear_refusal(
    serve: Serve, campaign: str, tmp_path: Path
) -> None:
    book = shelved(tmp_path, "mastodon", {"runner2": [1]})
    path = next((tmp_path / "mastodon").rglob("*.edges"))
    path.write_bytes(path.read_bytes()[:-9])
    (tmp_path / "mastodon" / "store.json").touch()
    api = serve(audiences=book)
    answer = await api.get("/v1/accounts/mastodon:runner2/similar")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "restore" not in answer.text  # the file is no business of a client
    summary = (await api.get(f"/v1/campaigns/{campaign}/summary")).json()
    assert summary["reach"]["note"].startswith("the lists of followers cannot be read now")
