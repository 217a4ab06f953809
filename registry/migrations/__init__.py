"""The history of the tables; `upgrade` brings a database to its newest state.

A change of `registry/schema.py` comes with a new file in `versions/`; a test compares both.
"""

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def upgrade(connection: sa.Connection, *, to: str = "head") -> None:
    """Migrate inside the open transaction: all of it or nothing happens. Runs in a sync context."""
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
