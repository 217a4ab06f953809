import asyncio

import sqlalchemy as sa

from fakes.registered import PEPPER, Clock, draft, lane
from registry import Registry, open_registry
from registry.database import Database
from registry.schema import audit


async def filled(registry: Registry, entries: int = 5) -> None:
    for number in range(entries):
        await registry.audit.append(
            "ops", "note", subject=f"s{number}", change=(None, {"n": number})
        )


async def tamper(url: str, statement: sa.Executable) -> None:
    database = Database(url, None)
    async with database.write() as tx:
        await tx.run(statement)
    await database.close()


async def test_every_change_of_a_tenants_things_is_noted(registry: Registry) -> None:
    client = await registry.clients.create("Acme", who="ops")
    _, key = await registry.keys.issue(client.id, who="ops")
    made = await registry.campaigns.create(client.id, draft(), who=key.prefix)
    await registry.campaigns.patch(client.id, made.id, {"name": "B"}, who=key.prefix)
    await registry.campaigns.pause(client.id, made.id, who=key.prefix)
    await registry.campaigns.resume(client.id, made.id, who=key.prefix)
    await registry.campaigns.delete(client.id, made.id, who=key.prefix)
    await registry.keys.revoke(client.id, key.prefix, who="ops")
    entries = await registry.audit.list(client_id=client.id)
    assert [(entry.number, entry.who, entry.what) for entry in entries] == [
        (1, "ops", "client.create"),
        (2, "ops", "key.issue"),
        (3, key.prefix, "campaign.create"),
        (4, key.prefix, "campaign.patch"),
        (5, key.prefix, "campaign.pause"),
        (6, key.prefix, "campaign.resume"),
        (7, key.prefix, "campaign.delete"),
        (8, "ops", "key.revoke"),
    ]
    assert entries[3].before == entries[2].after
    assert await registry.audit.check() is None


async def test_quarantines_are_noted(registry: Registry) -> None:
    await registry.lanes.upsert([lane("a")])
    await registry.lanes.quarantine("mastodon/a", "asked", who="ops")
    await registry.lanes.unquarantine("mastodon/a", who="ops")
    kinds = [entry.what for entry in await registry.audit.list()]
    assert kinds == ["lane.quarantine", "lane.unquarantine"]


async def test_an_empty_log_is_whole(registry: Registry) -> None:
    assert await registry.audit.check() is None
    assert await registry.audit.last() is None


async def test_a_changed_row_is_found(registry: Registry, url: str) -> None:
    await filled(registry)
    await tamper(url, audit.update().where(audit.c.number == 3).values(who="nobody"))
    assert await registry.audit.check() == 3


async def test_a_removed_row_is_found(registry: Registry, url: str) -> None:
    await filled(registry)
    await tamper(url, audit.delete().where(audit.c.number == 2))
    assert await registry.audit.check() == 2


async def test_a_removed_end_shows_in_the_last_number(registry: Registry, url: str) -> None:
    await filled(registry)
    await tamper(url, audit.delete().where(audit.c.number == 5))
    last = await registry.audit.last()
    assert last is not None
    assert (await registry.audit.check(), last.number) == (None, 4)


async def test_a_row_put_in_is_found(registry: Registry, url: str) -> None:
    await filled(registry)
    last = await registry.audit.last()
    assert last is not None
    forged = {field: getattr(last, field) for field in last.__struct_fields__} | {"number": 6}
    await tamper(url, audit.insert().values(forged))
    assert await registry.audit.check() == 6


async def test_who_lacks_the_pepper_cannot_seal(registry: Registry, url: str, clock: Clock) -> None:
    await filled(registry, 2)
    async with await open_registry(url, pepper="some other pepper", now=clock) as forger:
        await forger.audit.append("ops", "note", subject="forged")
    assert await registry.audit.check() == 3


async def test_the_chain_holds_over_pages(registry: Registry) -> None:
    await filled(registry, 5)
    assert await registry.audit.check(page=2) is None


async def test_writers_at_once_make_one_chain(url: str) -> None:
    writers = [await open_registry(url, pepper=PEPPER) for _ in range(4)]
    await asyncio.gather(*(filled(writer) for writer in writers))
    numbers = [entry.number for entry in await writers[0].audit.list()]
    broken = await writers[0].audit.check()
    for writer in writers:
        await writer.close()
    assert (numbers, broken) == (list(range(1, 21)), None)
