"""What tests put into a registry: lanes, campaign drafts, a clock, bytes that repeat themselves."""

import hashlib
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from registry.models import CampaignDraft, Lane

PEPPER = "a pepper for tests only"
START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.instant = START

    def __call__(self) -> datetime:
        return self.instant

    def move(self, seconds: float) -> None:
        self.instant += timedelta(seconds=seconds)


def seeded(seed: int) -> Callable[[int], bytes]:
    """Return random bytes that repeat themselves."""
    numbers = itertools.count()
    return lambda size: hashlib.shake_256(f"{seed} {next(numbers)}".encode()).digest(size)


def lane(
    name: str,
    *,
    network: str = "mastodon",
    limit: int = 300,
    window: float = 300.0,
    slots: int | None = None,
) -> Lane:
    """Return a configured lane."""
    return Lane(
        id=f"{network}/{name}",
        source=network,
        network=network,
        account=name,
        base_url="http://127.0.0.1:1",
        limit=limit,
        window=window,
        slots=slots,
        slot_window=None if slots is None else 7 * 86_400.0,
    )


def draft(**fields: object) -> CampaignDraft:
    """Return a campaign that runs for two weeks from the test clock's start."""
    plain: dict[str, object] = {
        "name": "Spring",
        "networks": ("mastodon",),
        "hashtags": ("nike",),
        "start": START,
        "end": START + timedelta(days=14),
    }
    return CampaignDraft(**plain | fields)  # type: ignore[arg-type] # test data
