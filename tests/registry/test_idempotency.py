import asyncio

import pytest

from fakes.registered import Clock
from registry import Registry
from registry.errors import InProgress, KeyReused, Unknown
from registry.models import Client, StoredResponse


@pytest.fixture
async def client(registry: Registry) -> Client:
    return await registry.clients.create("Acme")


async def test_the_second_request_gets_the_first_ones_answer(
    registry: Registry, client: Client
) -> None:
    assert await registry.idempotency.begin(client.id, "k", "hash") is None
    await registry.idempotency.finish(
        client.id, "k", status=201, body=b"{}", headers={"location": "/v1/x"}
    )
    assert await registry.idempotency.begin(client.id, "k", "hash") == StoredResponse(
        status=201, body=b"{}", headers={"location": "/v1/x"}
    )


async def test_one_key_stands_for_one_request(registry: Registry, client: Client) -> None:
    await registry.idempotency.begin(client.id, "k", "hash")
    with pytest.raises(KeyReused, match="'k' was used for another request"):
        await registry.idempotency.begin(client.id, "k", "other hash")


async def test_a_request_at_work_is_not_started_twice(
    registry: Registry, client: Client, clock: Clock
) -> None:
    await registry.idempotency.begin(client.id, "k", "hash")
    clock.move(20)
    with pytest.raises(InProgress) as working:
        await registry.idempotency.begin(client.id, "k", "hash")
    assert working.value.seconds == 40


async def test_a_request_that_died_can_be_sent_again(
    registry: Registry, client: Client, clock: Clock
) -> None:
    await registry.idempotency.begin(client.id, "k", "hash")
    clock.move(60)
    assert await registry.idempotency.begin(client.id, "k", "hash") is None


async def test_an_abandoned_request_can_be_sent_again(registry: Registry, client: Client) -> None:
    await registry.idempotency.begin(client.id, "k", "hash")
    await registry.idempotency.abandon(client.id, "k")
    assert await registry.idempotency.begin(client.id, "k", "hash") is None


async def test_an_answer_is_kept_for_a_day(
    registry: Registry, client: Client, clock: Clock
) -> None:
    await registry.idempotency.begin(client.id, "k", "hash")
    await registry.idempotency.finish(client.id, "k", status=200, body=b"a")
    clock.move(86_399)
    assert await registry.idempotency.begin(client.id, "k", "hash") is not None
    clock.move(1)
    assert await registry.idempotency.begin(client.id, "k", "hash") is None


async def test_two_clients_may_choose_one_key(registry: Registry, client: Client) -> None:
    other = await registry.clients.create("Other")
    await registry.idempotency.begin(client.id, "k", "hash")
    assert await registry.idempotency.begin(other.id, "k", "other hash") is None


async def test_of_many_at_once_one_works(registry: Registry, client: Client) -> None:
    tries = (registry.idempotency.begin(client.id, "k", "hash") for _ in range(10))
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert results.count(None) == 1
    assert sum(isinstance(result, InProgress) for result in results) == 9


async def test_what_was_not_begun_cannot_be_finished(registry: Registry, client: Client) -> None:
    with pytest.raises(Unknown, match="there is no begun request 'k'"):
        await registry.idempotency.finish(client.id, "k", status=200, body=b"")
