"""The description of the API: kept in the repository, complete, with examples."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

SNAPSHOT = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture
async def described(api: httpx.AsyncClient) -> Any:
    return (await api.get("/openapi.json")).json()


async def test_the_description_in_the_repository_is_the_one_served(described: Any) -> None:
    """After a wanted change: `python -m api > docs/openapi.json`."""
    kept = msgspec.json.decode(SNAPSHOT.read_bytes())
    assert kept["paths"] == described["paths"]
    assert kept["components"] == described["components"]


async def test_every_operation_has_an_id_and_says_what_it_answers(described: Any) -> None:
    operations = [one for methods in described["paths"].values() for one in methods.values()]
    ids = [one["operationId"] for one in operations]
    assert len(set(ids)) == len(ids)
    assert all(one["summary"] and one["description"] for one in operations)
    assert all(set(one["responses"]) - {"422"} for one in operations)


async def test_every_reference_leads_somewhere(described: Any) -> None:
    text = msgspec.json.encode(described).decode()
    names = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert names <= set(described["components"]["schemas"])
    assert {"Summary", "Plan", "Problem", "CampaignIn"} <= names


async def test_the_example_of_a_campaign_is_one(api: httpx.AsyncClient, described: Any) -> None:
    example = described["components"]["schemas"]["CampaignIn"]["examples"][0]
    answer = await api.post("/v1/campaigns?dry_run=true", json=example)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/campaigns", 200),
        ("/v1/campaigns?limit=0", 422),
        ("/v1/campaigns/none", 404),
        ("/readyz", 200),
    ],
)
async def test_a_status_that_is_answered_is_described(
    api: httpx.AsyncClient, described: Any, path: str, status: int
) -> None:
    answer = await api.get(path)
    template = path.partition("?")[0].replace("none", "{campaign_id}")
    assert answer.status_code == status
    assert str(status) in described["paths"][template]["get"]["responses"]


async def test_docs_are_off_where_an_operator_says_so(serve: Any) -> None:
    closed = serve(docs=False)
    assert (await closed.get("/openapi.json")).status_code == 404
    assert (await closed.get("/docs")).status_code == 404
    assert (await serve().get("/docs")).status_code == 200
