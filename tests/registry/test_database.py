"""Transactions: a cancelled one leaves no lock behind, wherever it is cut off."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from registry.database import Database

COUNT = sa.Table("counts", sa.MetaData(), sa.Column("number", sa.Integer))


@pytest.fixture
async def database(migrated: str) -> AsyncIterator[Database]:
    found = Database(migrated, None)
    async with found.write() as tx:
        await tx.run(sa.schema.DropTable(COUNT, if_exists=True))
        await tx.run(sa.schema.CreateTable(COUNT))
        await tx.run(sa.insert(COUNT).values(number=0))
    yield found
    async with found.write() as tx:
        await tx.run(sa.schema.DropTable(COUNT))
    await found.close()


async def _count_on(database: Database) -> None:
    while True:
        async with database.write() as tx:
            await tx.all(sa.select(COUNT))
            await tx.run(sa.update(COUNT).values(number=COUNT.c.number + 1))


async def test_whoever_is_cancelled_leaves_no_lock(database: Database) -> None:
    cut: list[BaseException] = []  # whose tracebacks hold on to what was cut off
    for step in range(150):
        counting = [asyncio.create_task(_count_on(database)) for _ in range(2)]
        await asyncio.sleep(step * 40e-6)
        for task in counting:
            task.cancel()
        cut += [one for one in await asyncio.gather(*counting, return_exceptions=True) if one]
        async with asyncio.timeout(5), database.write() as tx:
            await tx.run(sa.update(COUNT).values(number=COUNT.c.number + 1))
    assert {type(one) for one in cut} == {asyncio.CancelledError}


async def test_an_error_rolls_back(database: Database) -> None:
    async def divided() -> None:
        async with database.write() as tx:
            await tx.run(sa.update(COUNT).values(number=7))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await divided()
    async with database.read() as tx:
        assert await tx.scalar(sa.select(COUNT.c.number)) == 0
