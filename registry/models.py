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
    tenant: str | None = None  # the client that wants it most: the schedule is fair among tenants
    lane: str | None = None
    until: datetime | None = None  # the last day a campaign wants it; None: no end
    every_days: int | None = None  # of followers: days from reading to reading; None: once


class WatchedAudience(msgspec.Struct, frozen=True, kw_only=True):
    """An account whose list of followers an operator wants read, in spare budget."""

    network: str
    handle: str  # without '@' in front; with the server where the network has many
    host: str | None = None  # that server, the only one that knows the whole list
    every_days: int | None = None  # from the start of one reading to that of the next; None: once
    added_at: datetime
    added_by: str
    lane: str | None = None  # None: there is no lane that can ask for it

    @property
    def target(self) -> str:
        """Return the key of its target: "mastodon/followers/nike@mastodon.social"."""
        return f"{self.network}/followers/{self.handle}"


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
    wanted_by: str | None = None  # another process asks its holder to give it up
    kinds: tuple[str, ...] = ()  # of targets that its source can ask for; none told: any
    # Seconds of the pause that were left when it was claimed or renewed, by the registry's clock:
    # a holder's own may be wrong by hours.
    rest: float = 0.0


class CampaignPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some campaigns of one client, newest first, and where the next ones start."""

    campaigns: tuple[Campaign, ...]
    cursor: str | None = None  # None: there are no more


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the polling of one target has come; what a lane's next holder goes on from."""

    target: str  # "mastodon/tag/nike"
    cursor: str | None = None  # the ingestor's own words; opaque here
    polled_at: datetime | None = None
    rate: float | None = None  # new posts per hour, as observed; None: not known yet


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """Grants written ahead. Until `at` a holder may have used them; later they are void.

    A successor counts all of them as used at `at`: an early count would free them too soon.
    """

    at: datetime
    age: float  # seconds since `at` by the registry's clock; below 0 while `at` is to come
    grants: int


class JobLease(msgspec.Struct, frozen=True, kw_only=True):
    """The right to run one periodic job until `until`; `fence` goes with every write."""

    name: str
    fence: int
    until: datetime
    due_at: datetime  # when this run was due
    failures: int  # in a row, before this run


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic job as an operator sees it."""

    name: str
    every: float  # seconds from due time to due time
    next_at: datetime
    lease_owner: str | None = None
    lease_until: datetime | None = None
    finished_at: datetime | None = None
    failures: int = 0  # in a row
    error: str | None = None  # of the last failure


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a request limit after one more request was counted."""

    allowed: bool
    limit: int
    remaining: int
    reset: float  # seconds until the window starts anew


class StoredResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What the first request with an idempotency key was answered."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One link of the audit log. `before` and `after` are SHA-256 of the thing's JSON."""

    number: int  # 1, 2, 3, ... without a gap
    at: datetime
    who: str  # a key's prefix, a job, or "system"
    what: str  # "campaign.create"
    client_id: str | None
    subject: str  # id of what was changed
    before: str | None
    after: str | None
    hash: str  # HMAC over this entry and the hash before it
