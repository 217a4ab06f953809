import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from registry import Registry
from registry.database import Database
from registry.schema import metadata


async def test_migrations_make_the_schema_that_the_code_uses(url: str, registry: Registry) -> None:
    database = Database(url, None)
    async with database.write() as tx:
        differences = await tx.connection.run_sync(_compare)
    await database.close()
    assert differences == []


def _compare(connection: sa.Connection) -> list[object]:
    return compare_metadata(MigrationContext.configure(connection), metadata)  # type: ignore[no-any-return] # untyped
