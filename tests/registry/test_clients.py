import pytest

from fakes.registered import START, Clock, draft
from registry import Registry
from registry.errors import BadField, Taken, Unknown
from registry.models import Client


async def test_a_client_is_kept_as_it_was_made(registry: Registry) -> None:
    client = await registry.clients.create("Acme", max_targets=50)
    expected = Client(id=client.id, name="Acme", created_at=START, max_targets=50)
    assert await registry.clients.get(client.id) == expected


async def test_clients_are_listed_by_name(registry: Registry) -> None:
    for name in ("Zoo", "Acme"):
        await registry.clients.create(name)
    assert [client.name for client in await registry.clients.list()] == ["Acme", "Zoo"]


async def test_a_name_is_given_once(registry: Registry) -> None:
    await registry.clients.create("Acme")
    with pytest.raises(Taken, match="there is a client 'Acme' already"):
        await registry.clients.create("Acme")


@pytest.mark.parametrize(
    ("name", "max_targets", "words"),
    [(" ", 1, "name is ' ': use 1 to 200"), ("A", 0, "max_targets is 0: use 1 or more")],
)
async def test_a_bad_value_names_its_field(
    registry: Registry, name: str, max_targets: int, words: str
) -> None:
    with pytest.raises(BadField, match=words):
        await registry.clients.create(name, max_targets=max_targets)


async def test_a_removed_client_takes_its_keys_and_campaigns_along(registry: Registry) -> None:
    client = await registry.clients.create("Acme")
    full, _ = await registry.keys.issue(client.id)
    await registry.campaigns.create(client.id, draft())
    await registry.clients.remove(client.id, who="ops")
    assert await registry.clients.get(client.id) is None
    assert await registry.keys.verify(full.reveal()) is None
    assert await registry.targets.watched(START) == []


async def test_a_client_that_is_not_there_cannot_be_removed(registry: Registry) -> None:
    with pytest.raises(Unknown, match="there is no client 'x'"):
        await registry.clients.remove("x")


async def test_ids_sort_by_creation(registry: Registry, clock: Clock) -> None:
    first = await registry.clients.create("A")
    clock.move(0.001)
    second = await registry.clients.create("B")
    assert first.id < second.id
    assert first.id[14] == "7"
