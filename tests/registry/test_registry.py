import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from fakes.registered import PEPPER, START, Clock, draft, seeded
from registry import Registry, open_registry
from registry.database import Database
from registry.errors import BadAddress, BadField, Unreachable
from registry.migrations import upgrade
from registry.schema import metadata


async def test_migrations_make_the_schema_that_the_code_uses(empty_url: str) -> None:
    database = Database(empty_url, None)
    async with database.write() as tx:
        await tx.connection.run_sync(upgrade)
        differences = await tx.connection.run_sync(_compare)
    await database.close()
    assert differences == []


def _compare(connection: sa.Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection), metadata)


async def test_a_database_at_the_first_migration_keeps_its_rows(empty_url: str) -> None:
    database = Database(empty_url, None)
    async with database.write() as tx:
        await tx.connection.run_sync(lambda connection: upgrade(connection, to="0001"))
        await tx.run(
            sa.text(
                "INSERT INTO clients (id, name, created_at, max_targets) "
                "VALUES ('1', 'Acme', '2026-03-02 12:00:00.000000', 5)"
            )
        )
    await database.close()
    async with await open_registry(empty_url, pepper=PEPPER) as registry:
        assert [client.name for client in await registry.clients.list()] == ["Acme"]


async def test_replicas_that_start_together_migrate_once(empty_url: str) -> None:
    opened = await asyncio.gather(*(open_registry(empty_url, pepper=PEPPER) for _ in range(4)))
    clients = [await registry.clients.list() for registry in opened]
    for registry in opened:
        await registry.close()
    assert clients == [(), (), (), ()]


async def test_what_is_kept_is_there_after_a_restart(url: str, clock: Clock) -> None:
    async with await open_registry(url, pepper=PEPPER, now=clock) as first:
        client = await first.clients.create("Acme")
    async with await open_registry(url, pepper=PEPPER, now=clock) as second:
        assert await second.clients.get(client.id) == client


async def test_a_failed_change_leaves_nothing_behind(url: str, registry: Registry) -> None:
    client = await registry.clients.create("Acme", max_targets=1)
    with pytest.raises(BadField):
        await registry.campaigns.create(client.id, draft(hashtags=("nike", "adidas")))
    assert (await registry.campaigns.list(client.id)).campaigns == ()
    assert await registry.targets.watched(START) == []
    assert [entry.what for entry in await registry.audit.list()] == ["client.create"]


async def test_one_seed_gives_the_same_ids(tmp_path: Path, clock: Clock) -> None:
    ids = []
    for run in ("one", "two"):
        url = f"sqlite:///{tmp_path / run}"
        async with await open_registry(
            url, pepper=PEPPER, now=clock, entropy=seeded(1)
        ) as registry:
            ids.append((await registry.clients.create("Acme")).id)
    assert ids[0] == ids[1]


async def test_the_clock_that_was_given_counts(registry: Registry) -> None:
    assert await registry.now() == START


@pytest.mark.parametrize("url", ["mysql://u:secret@h/d", "registry.db", "sqlite://", ""])
async def test_an_address_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(BadAddress, match="use sqlite:///path") as refused:
        await open_registry(url, pepper=PEPPER)
    assert "secret" not in str(refused.value)


async def test_a_short_pepper_is_refused_without_showing_it() -> None:
    with pytest.raises(BadField, match=r"pepper is '\*\*\*': use 16 random characters"):
        await open_registry("sqlite:///x", pepper="salt")


async def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="unable to open database file"):
        await open_registry(f"sqlite:///{tmp_path}/none/registry.db", pepper=PEPPER)


async def test_a_file_that_is_no_database_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "registry.db").write_text("once upon a time, there was a file of text")
    with pytest.raises(Unreachable, match="file is not a database"):
        await open_registry(f"sqlite:///{tmp_path}/registry.db", pepper=PEPPER)


async def test_a_server_that_is_not_there_is_one_clear_error() -> None:
    with pytest.raises(Unreachable, match="the registry does not answer"):
        await open_registry("postgresql://u:secret@127.0.0.1:1/d", pepper=PEPPER)


@pytest.mark.postgres
async def test_a_database_that_is_not_there_is_one_clear_error(postgres_url: str) -> None:
    missing = postgres_url.rpartition("/")[0] + "/nowhere"
    with pytest.raises(Unreachable, match='database "nowhere" does not exist'):
        await open_registry(missing, pepper=PEPPER)
