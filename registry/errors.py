"""What can go wrong between us and the registry.

RegistryError
├── Unreachable      the database does not answer: try again later
├── BadAddress       the registry's URL is not one we can open
├── BadField         a value a caller gave is not acceptable (field, value, fix)
│   └── TooManyTargets   a client would watch more than it may
├── Unknown          there is no such client, key, campaign, lane or job
├── Taken            the name is in use
├── Stale            somebody changed the campaign since the caller read it
├── Fenced           the lane or job has a new holder: stop, write nothing more
├── NoSlot           the lane has no free hashtag slot now (seconds)
├── KeyReused        an idempotency key came back with another request
├── InProgress       the first request with this idempotency key has not ended yet
└── MissingSecret    a developer account's secret is in no file and no variable
"""


class RegistryError(Exception):
    """The base of all errors of the registry."""


class Unreachable(RegistryError):
    """The database is down, locked or gives up; nothing was written."""


class BadAddress(RegistryError):
    """The registry's URL names a database we do not speak."""

    def __init__(self, scheme: str) -> None:
        # The scheme alone: the rest of a URL may hold a password.
        super().__init__(
            f"the registry's url starts with {scheme!r}, which is not understood: "
            "use sqlite:///path/to/registry.db or postgresql://user@host/database"
        )
        self.scheme = scheme


class BadField(RegistryError):
    """A value a caller gave is not acceptable."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field} is {value!r}: {fix}")
        self.field = field
        self.value = value
        self.fix = fix


class TooManyTargets(BadField):
    """A client's campaigns would watch `wanted` targets where `limit` are allowed."""

    def __init__(self, wanted: int, limit: int) -> None:
        super().__init__(
            "targets",
            wanted,
            f"the client may watch {limit} at once; end a campaign, watch less, or ask for more",
        )
        self.wanted = wanted
        self.limit = limit


class Unknown(RegistryError):
    """There is no such thing, or it belongs to somebody else."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} {name!r}")
        self.kind = kind
        self.name = name


class Taken(RegistryError):
    """The name is in use."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is a {kind} {name!r} already: choose another name")
        self.kind = kind
        self.name = name


class Stale(RegistryError):
    """The campaign has a newer revision than the one the caller changed."""

    def __init__(self, campaign: str, *, expected: int, found: int) -> None:
        super().__init__(
            f"campaign {campaign!r} is at revision {found}, not {expected}: read it again"
        )
        self.expected = expected
        self.found = found


class Fenced(RegistryError):
    """Another holder has the lane or job by now; the caller must stop using it."""

    def __init__(self, name: str, *, fence: int, current: int) -> None:
        super().__init__(f"{name!r} has moved on to fence {current}; fence {fence} may not write")
        self.name = name
        self.fence = fence
        self.current = current


class NoSlot(RegistryError):
    """The lane may ask for no further hashtag for `seconds`."""

    def __init__(self, lane: str, tag: str, seconds: float) -> None:
        super().__init__(f"lane {lane!r} has no slot for #{tag} for {seconds:.0f} s")
        self.lane = lane
        self.tag = tag
        self.seconds = seconds


class KeyReused(RegistryError):
    """One idempotency key stands for one request; this one differs from the first."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Idempotency-Key {key!r} was used for another request: choose a new one")
        self.key = key


class InProgress(RegistryError):
    """The first request with this idempotency key is still at work; ask again in `seconds`."""

    def __init__(self, key: str, seconds: float) -> None:
        super().__init__(f"the first request with Idempotency-Key {key!r} has not ended yet")
        self.key = key
        self.seconds = seconds


class MissingSecret(RegistryError):
    """A secret is named in the settings and found nowhere."""

    def __init__(self, name: str, directory: str) -> None:
        super().__init__(
            f"secret {name!r} is missing: write it to {directory}/{name} or set the variable {name}"
        )
        self.name = name
