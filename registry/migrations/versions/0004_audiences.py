"""Audiences an operator wants collected, and what each lane's source can ask for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add both; lanes say what they can when they are next configured."""
    op.add_column("lanes", sa.Column("kinds", sa.Text(), nullable=True))
    op.create_table(
        "audiences",
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("every_days", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["target"],
            ["targets.key"],
            name=op.f("fk_audiences_target_targets"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("target", name=op.f("pk_audiences")),
    )
