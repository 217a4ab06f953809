"""The tables, as SQLAlchemy Core. `migrations/` makes them; a test keeps both equal."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Serial = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # SQLite numbers only INTEGER keys


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC. SQLite keeps no zone, so it is put back when read."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC; a naive one is a fault of ours and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime cannot be stored: {value}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant as aware UTC."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class Words(TypeDecorator[tuple[str, ...]]):
    """Some words without spaces, in order; a place where nothing was ever said reads as none."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Return the words as one text."""
        return None if value is None else " ".join(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        """Return the words of a text."""
        return tuple((value or "").split())


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of(table: str, *, primary_key: bool = False, index: bool = False) -> sa.Column[str]:
    """Return a column that names a row of `table` and goes with it."""
    owner = sa.ForeignKey(f"{table}s.id", ondelete="CASCADE")
    name = f"{table}_id"
    return sa.Column(
        name, sa.Text, owner, nullable=False, primary_key=primary_key, index=index or None
    )


clients = sa.Table(
    "clients",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("max_targets", sa.Integer, nullable=False),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("prefix", sa.Text, primary_key=True),
    _of("client", index=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),  # HMAC-SHA256(pepper, whole key)
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("revoked_at", Instant),
    sa.Column("last_used_at", Instant),
)

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _of("client"),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("draft", sa.Text, nullable=False),  # CampaignDraft as JSON
    sa.Column("since", Instant, nullable=False),  # collection runs in [since, until)
    sa.Column("until", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index(None, "client_id", "id"),
)

lanes = sa.Table(
    "lanes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),  # a reference; the secret is never here
    sa.Column("base_url", sa.Text, nullable=False),
    sa.Column("limit", sa.Integer, nullable=False),
    sa.Column("window", sa.Float, nullable=False),
    sa.Column("slots", sa.Integer),
    sa.Column("slot_window", sa.Float),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("cool_until", Instant),
    sa.Column("quarantined_at", Instant),
    sa.Column("quarantine_reason", sa.Text),
    sa.Column("wanted_by", sa.Text),  # who asked the holder to give it up
    sa.Column("kinds", Words),  # of targets that its source can ask for; none told: any
)

targets = sa.Table(
    "targets",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("network", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("host", sa.Text),
    sa.Column("lane_id", sa.Text, sa.ForeignKey("lanes.id", ondelete="SET NULL"), index=True),
    sa.Column("cursor", sa.Text),
    sa.Column("polled_at", Instant),
    sa.Column("rate", sa.Float),  # new posts per hour
)

watches = sa.Table(
    "watches",  # which active campaign wants which target; targets are the union of these
    metadata,
    sa.Column(
        "campaign_id", sa.Text, sa.ForeignKey("campaigns.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column(
        "target", sa.Text, sa.ForeignKey("targets.key", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("since", Instant, nullable=False),
    sa.Column("until", Instant, nullable=False),
    sa.Column("priority", sa.Float, nullable=False),
    sa.Index(None, "target"),
)

audiences = sa.Table(
    "audiences",  # whose followers an operator wants read: targets of the kind "followers"
    metadata,
    sa.Column(
        "target", sa.Text, sa.ForeignKey("targets.key", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("every_days", sa.Integer),  # null: read once
    sa.Column("added_at", Instant, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
)

spending = sa.Table(
    "spending",
    metadata,
    sa.Column("id", Serial, primary_key=True),
    _of("lane"),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("at", Instant, nullable=False),  # the last instant at which the grants may be used
    sa.Column("grants", sa.Integer, nullable=False),
    # The same instant by the machine's own seconds, on SQLite, whose clock is the machine's.
    sa.Column("boot", sa.Text),
    sa.Column("tick", sa.Float),
    sa.Index(None, "lane_id", "at"),
)

slots = sa.Table(
    "slots",
    metadata,
    _of("lane", primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("first_used_at", Instant, nullable=False),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("every", sa.Float, nullable=False),
    sa.Column("next_at", Instant, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", Instant),
    sa.Column("fence", sa.BigInteger, nullable=False),
    sa.Column("finished_at", Instant),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("error", sa.Text),
)

limits = sa.Table(
    "limits",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),  # a key's prefix
    sa.Column("window_start", Instant, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    _of("client", primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("request_hash", sa.Text, nullable=False),
    sa.Column("expires_at", Instant, nullable=False, index=True),
    sa.Column("status", sa.Integer),  # null: the first request is still at work
    sa.Column("headers", sa.JSON),
    sa.Column("body", sa.LargeBinary),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text),  # no foreign key: the log outlives its client
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("before", sa.Text),
    sa.Column("after", sa.Text),
    sa.Column("hash", sa.Text, nullable=False),
)
