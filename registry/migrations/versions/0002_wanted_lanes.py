"""Lanes remember who asked their holder for them, so that a fleet shares them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; nobody has asked yet."""
    op.add_column("lanes", sa.Column("wanted_by", sa.Text(), nullable=True))
