"""Ids that nobody can guess and that sort by creation."""

import uuid
from collections.abc import Callable
from datetime import datetime

Entropy = Callable[[int], bytes]
"""So many random bytes: `secrets.token_bytes`, or a seeded source for runs that repeat."""


def uuid7(now: datetime, entropy: Entropy) -> str:
    """Return a UUID of version 7 (RFC 9562): 48 bits of milliseconds, then 74 random bits."""
    milliseconds = int(now.timestamp() * 1000)
    number = milliseconds << 80 | int.from_bytes(entropy(10))
    number = number & ~(0xF << 76) | 0x7 << 76  # version
    number = number & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(uuid.UUID(int=number))
