"""Spending remembers the machine's own seconds: the wall clock of a SQLite registry may be set."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the columns; what was spent before has the wall clock alone."""
    op.add_column("spending", sa.Column("boot", sa.Text(), nullable=True))
    op.add_column("spending", sa.Column("tick", sa.Float(), nullable=True))
