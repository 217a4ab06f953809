"""Tenants of the service, and the campaign they register."""

from typing import Any

import msgspec

from registry import Registry

NIKE: dict[str, Any] = {
    "name": "Nike Spring",
    "networks": ["mastodon", "instagram"],
    "hashtags": ["#Nike"],
    "start": "2026-05-08T00:00:00Z",
    "end": "2026-05-22T00:00:00Z",
    "baseline_days": 7,
    "after_days": 14,
    "competitors": [{"name": "Adidas", "hashtags": ["adidas"]}, "#puma"],
    "timezone": "UTC",
}


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A client of the service with a key that reads and writes, and one that only reads."""

    id: str
    key: str
    reading_key: str
    prefix: str


async def tenant(registry: Registry, name: str) -> Tenant:
    client = await registry.clients.create(name)
    full, key = await registry.keys.issue(client.id)
    reading, _ = await registry.keys.issue(client.id, scopes=("read",))
    return Tenant(id=client.id, key=full.reveal(), reading_key=reading.reveal(), prefix=key.prefix)
