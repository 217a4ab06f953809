import re
from datetime import timedelta

import pytest

from fakes.registered import START, Clock
from registry import Registry, open_registry
from registry.database import Database
from registry.errors import BadField, Unknown
from registry.models import Client
from registry.schema import keys

DAY = 86_400.0


@pytest.fixture
async def client(registry: Registry) -> Client:
    return await registry.clients.create("Acme")


async def test_a_key_has_the_documented_shape(registry: Registry, client: Client) -> None:
    full, key = await registry.keys.issue(client.id)
    assert re.fullmatch(r"pk_[a-z2-7]{8}_[A-Za-z0-9_-]{43}", full.reveal())
    assert full.reveal()[3:11] == key.prefix


async def test_a_key_is_shown_as_stars(registry: Registry, client: Client) -> None:
    full, _ = await registry.keys.issue(client.id)
    assert f"{full} {full!r}" == "*** Secret(***)"


async def test_a_genuine_key_is_known(registry: Registry, client: Client) -> None:
    full, _ = await registry.keys.issue(client.id, scopes=["admin", "read"])
    known = await registry.keys.verify(full.reveal())
    assert known is not None
    assert (known.client_id, known.scopes) == (client.id, ("read", "admin"))


async def test_a_key_with_one_sign_changed_is_nobodys(registry: Registry, client: Client) -> None:
    full, _ = await registry.keys.issue(client.id)
    last = "A" if full.reveal()[-1] != "A" else "B"
    assert await registry.keys.verify(full.reveal()[:-1] + last) is None


@pytest.mark.parametrize("text", ["", "pk_", "x" * 5000, "pk_aaaaaaaa_" + "A" * 43, "\0", "ключ"])
async def test_what_is_no_key_is_nobodys(registry: Registry, text: str) -> None:
    assert await registry.keys.verify(text) is None


async def test_another_pepper_knows_no_key(
    registry: Registry, client: Client, url: str, clock: Clock
) -> None:
    full, _ = await registry.keys.issue(client.id)
    async with await open_registry(url, pepper="some other pepper", now=clock) as other:
        assert await other.keys.verify(full.reveal()) is None


async def test_the_database_holds_no_secret(registry: Registry, client: Client, url: str) -> None:
    full, _ = await registry.keys.issue(client.id)
    database = Database(url, None)
    async with database.read() as tx:
        (row,) = await tx.all(keys.select())
    await database.close()
    assert full.reveal()[12:] not in str(dict(row))
    assert len(row["digest"]) == 32


async def test_an_expired_key_is_nobodys(registry: Registry, client: Client, clock: Clock) -> None:
    full, _ = await registry.keys.issue(client.id, expires_at=START + timedelta(days=1))
    clock.move(DAY - 1)
    assert await registry.keys.verify(full.reveal()) is not None
    clock.move(1)
    assert await registry.keys.verify(full.reveal()) is None


async def test_a_revoked_key_is_nobodys_at_once(registry: Registry, client: Client) -> None:
    full, key = await registry.keys.issue(client.id)
    await registry.keys.revoke(client.id, key.prefix)
    assert await registry.keys.verify(full.reveal()) is None
    with pytest.raises(Unknown):
        await registry.keys.revoke(client.id, key.prefix)


async def test_a_client_cannot_revoke_anothers_key(registry: Registry, client: Client) -> None:
    full, key = await registry.keys.issue(client.id)
    other = await registry.clients.create("Other")
    with pytest.raises(Unknown, match="there is no key"):
        await registry.keys.revoke(other.id, key.prefix)
    assert await registry.keys.verify(full.reveal()) is not None


async def test_use_is_written_once_a_minute(
    registry: Registry, client: Client, clock: Clock
) -> None:
    full, _ = await registry.keys.issue(client.id)
    used = []
    for seconds in (0, 59, 1):
        clock.move(seconds)
        await registry.keys.verify(full.reveal())
        used.append((await registry.keys.list(client.id))[0].last_used_at)
    assert used == [START, START, START + timedelta(seconds=60)]


async def test_both_keys_of_a_rotation_live_for_a_while(
    registry: Registry, client: Client, clock: Clock
) -> None:
    old, key = await registry.keys.issue(client.id, scopes=["read"])
    new, fresh = await registry.keys.rotate(client.id, key.prefix, seconds=DAY)
    assert fresh.scopes == ("read",)
    assert fresh.expires_at is None
    assert await registry.keys.verify(old.reveal()) is not None
    assert await registry.keys.verify(new.reveal()) is not None
    clock.move(DAY)
    assert await registry.keys.verify(old.reveal()) is None
    assert await registry.keys.verify(new.reveal()) is not None


async def test_a_rotated_key_gets_as_long_a_life_as_the_old_one(
    registry: Registry, client: Client, clock: Clock
) -> None:
    _, key = await registry.keys.issue(client.id, expires_at=START + timedelta(days=30))
    clock.move(29 * DAY)
    _, fresh = await registry.keys.rotate(client.id, key.prefix)
    ends = {one.prefix: one.expires_at for one in await registry.keys.list(client.id)}
    assert ends[key.prefix] == START + timedelta(days=30)
    assert ends[fresh.prefix] == START + timedelta(days=59)


@pytest.mark.parametrize("scopes", [[], ["root"]])
async def test_scopes_are_a_closed_set(
    registry: Registry, client: Client, scopes: list[str]
) -> None:
    with pytest.raises(BadField, match="use some of read, write, admin"):
        await registry.keys.issue(client.id, scopes=scopes)


async def test_nobody_gets_no_key(registry: Registry) -> None:
    with pytest.raises(Unknown, match="there is no client"):
        await registry.keys.issue("x")
