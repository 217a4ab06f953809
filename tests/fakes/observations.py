"""Records for tests: everything that a test does not care about is filled in."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from lake.records import (
    Audience,
    Comment,
    Counts,
    Follow,
    Gap,
    Poll,
    Post,
    PostCounts,
    Profile,
    Rollup,
    Snapshot,
    Tag,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    """Return the instant an ISO text says, in UTC unless it says otherwise."""
    instant = datetime.fromisoformat(text)
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _network(id: str) -> str:
    return id.partition(":")[0]


def post(id: str, **fields: Any) -> Post:
    """Return a post; `likes`, `comments`, `shares`, `views`, `quotes` become its counts."""
    counts = {name: fields.pop(name) for name in PostCounts.__struct_fields__ if name in fields}
    filled: dict[str, Any] = {
        "network": _network(id),
        "native_id": id.partition(":")[2],
        "observed_at": NOON,
        "kind": "image",
        "counts": PostCounts(**counts),
        "source": "test",
        "parser_version": 1,
    }
    return Post(id=id, **(filled | fields))


def profile(id: str, handle: str, **fields: Any) -> Profile:
    """Return a profile."""
    filled: dict[str, Any] = {
        "network": _network(id),
        "native_id": id.partition(":")[2],
        "observed_at": NOON,
        "source": "test",
        "parser_version": 1,
    }
    return Profile(id=id, handle=handle, **(filled | fields))


def tag(id: str, name: str, **fields: Any) -> Tag:
    """Return a tag."""
    filled: dict[str, Any] = {"network": _network(id), "observed_at": NOON, "source": "test"}
    return Tag(id=id, name=name, parser_version=1, **(filled | fields))


def comment(id: str, **fields: Any) -> Comment:
    """Return a comment."""
    filled: dict[str, Any] = {"network": _network(id), "observed_at": NOON, "source": "test"}
    return Comment(id=id, parser_version=1, **(filled | fields))


def follow(account: str, follower: str, **fields: Any) -> Follow:
    """Return an edge of the follower graph."""
    network = _network(account)
    id = f"{network}:{follower.partition(':')[2]}>{account.partition(':')[2]}"
    filled: dict[str, Any] = {"network": network, "observed_at": NOON, "source": "test"}
    return Follow(
        id=id, account_id=account, follower_id=follower, parser_version=1, **(filled | fields)
    )


def audience(account: str, handle: str, **fields: Any) -> Audience:
    """Return how far an account's followers are read: all of them, in one reading at noon."""
    filled: dict[str, Any] = {
        "network": _network(account),
        "observed_at": NOON,
        "started_at": NOON,
        "ended_at": NOON,
        "whole_from": NOON,
        "complete": True,
        "source": "test",
        "parser_version": 1,
    }
    return Audience(id=account, account_id=account, handle=handle, **(filled | fields))


def snapshot(subject_id: str, observed_at: datetime, **fields: Any) -> Snapshot:
    """Return a snapshot of a post."""
    milliseconds = round(observed_at.timestamp() * 1000)
    filled: dict[str, Any] = {"subject": "post", "observer": "test", "counts": Counts()}
    return Snapshot(
        id=f"{subject_id}@{milliseconds}",
        network=_network(subject_id),
        subject_id=subject_id,
        observed_at=observed_at,
        **(filled | fields),
    )


def gap(target: str, since: datetime, until: datetime, **fields: Any) -> Gap:
    """Return a gap."""
    filled: dict[str, Any] = {"observed_at": until, "reason": "failed", "network": "instagram"}
    return Gap(
        id=f"{target}@{since.isoformat()}",
        target=target,
        since=since,
        until=until,
        **(filled | fields),
    )


def poll(target: str, hour: datetime, **fields: Any) -> Poll:
    """Return an hour of polls."""
    filled: dict[str, Any] = {"observed_at": hour, "network": "instagram", "observer": "one"}
    return Poll(
        id=f"{target}@{hour.isoformat()}@one", target=target, hour=hour, **(filled | fields)
    )


def rollup(campaign: str, name: str, body: bytes, **fields: Any) -> Rollup:
    """Return a computed report."""
    filled: dict[str, Any] = {"observed_at": NOON, "computed_at": NOON, "network": "*"}
    return Rollup(
        id=f"{campaign}/{name}",
        campaign_id=campaign,
        name=name,
        revision=1,
        body=msgspec.Raw(body),
        **(filled | fields),
    )
