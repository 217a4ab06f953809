"""What the registry keeps, as values: frozen, without SQL, shared by the API, the ingestor and the
insights.
"""

from datetime import datetime
from typing import Literal

import msgspec

CampaignStatus = Literal["active", "paused", "ended"]


class Competitor(msgspec.Struct, frozen=True, kw_only=True):
    """A rival brand of a campaign: its name and the hashtags and profiles that stand for it."""

    name: str
    hashtags: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class CampaignDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks for. Hashtags are NFKC, casefolded, without '#'; profiles are handles
    without '@'.

    The campaign runs in [start, end). It is compared with `baseline_days` before `start` and
    `after_days` from `end` on; collection runs from start - baseline_days to end + after_days.
    """

    name: str
    networks: tuple[str, ...]
    hashtags: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    start: datetime
    end: datetime
    baseline_days: int = 7
    after_days: int = 7
    competitors: tuple[Competitor, ...] = ()
    timezone: str = "UTC"
    priority: float = 1.0  # weight of the campaign's targets in the schedule


class Campaign(CampaignDraft, frozen=True, kw_only=True):
    """A registered campaign. `revision` rises with every change of what it watches or of its
    dates.
    """

    id: str  # UUIDv7, not guessable, sorts by creation
    client_id: str  # the tenant
    status: CampaignStatus = "active"
    revision: int = 1
    created_at: datetime
    updated_at: datetime


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    id: str
    name: str
    created_at: datetime
    max_targets: int  # how many targets its campaigns may watch at once


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as it may be shown: the secret is only known to who was given it."""

    prefix: str
    client_id: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


class WatchedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """A target that at least one active campaign wants, with the lane it is pinned to."""

    key: str  # "mastodon/tag/nike"
    network: str
    kind: str
    name: str
    host: str | None = None
    priority: float = 1.0  # the highest of the campaigns that want it
    tenant: str | None = None  # a client that wants it: the schedule is fair among tenants
    lane: str | None = None
    until: datetime | None = None  # the last day a campaign wants it; None: no end


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One credential on one network, or one anonymous host, with its own exact budget.

    A holder writes with the `fence` it was given; a lower fence than the stored one is refused.
    """

    id: str  # "instagram_graph/brand-account-1"
    source: str  # name of the source that uses it
    network: str
    account: str  # our name of the credential, never the secret
    base_url: str
    limit: int  # requests ...
    window: float  # ... in this many seconds
    slots: int | None = None  # unique hashtags per `slot_window`
    slot_window: float | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    fence: int = 0
    cool_until: datetime | None = None  # asked for a pause
    quarantined_at: datetime | None = None  # needs a person
    quarantine_reason: str | None = None
