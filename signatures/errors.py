"""What can be wrong with audiences.

SignatureError
├── BadArray       an argument has the wrong type, shape or range
├── BadEdges       a list of edges holds what is no id
├── TooManyEdges   a shard holds more edges than its file can count
├── BadStore       a store's files are damaged, foreign or of another version
├── StoreBusy      another process writes to the store
└── UnknownAccount the store has no audience of that name
"""


class SignatureError(ValueError):
    """Base of all errors of this package; the message names the field, the value and the fix."""


class BadArray(SignatureError):
    """An argument has the wrong type, shape or range."""

    def __init__(self, field: str, value: object, fix: str) -> None:
        super().__init__(f"{field}: {value} cannot be used; {fix}")
        self.field = field
        self.value = value
        self.fix = fix


class BadEdges(SignatureError):
    """A list of edges holds what is no id, at a place counted from 0."""

    fix = "give whole numbers that are not negative, or any other text"

    def __init__(self, place: int, text: str) -> None:
        super().__init__(f"edge {place}: {text[:80]!r} is no id: {self.fix}")
        self.place = place
        self.text = text[:80]


class TooManyEdges(SignatureError):
    """A shard holds more edges than its file can count."""


class BadStore(SignatureError):
    """A store's files are damaged, foreign or of another version."""


class StoreBusy(SignatureError):
    """Another process writes to the store."""


class UnknownAccount(SignatureError):
    """The store has no audience of that name."""
