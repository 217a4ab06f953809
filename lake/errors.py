"""What can go wrong between us and a lake.

LakeError
├── Unavailable    the lake does not answer or is overloaded: try again later, nothing is lost
├── TooLarge       the lake refuses the size of a request: split it
├── Refused        the lake refuses a whole request for its content: bisect it
├── Misplaced      the lake's set-up is wrong (index closed, write block, disk full): park and alarm
└── BadQuestion    a filter, field, sort or cursor that the contract does not allow: the caller's
fault
"""


class LakeError(Exception):
    """The base of all errors of a lake."""


class Unavailable(LakeError):
    """The lake is down, slow or overloaded; `retry_after` is its own wish in seconds, if it said
    one.
    """

    def __init__(self, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


class TooLarge(LakeError):
    """The request was larger than the lake takes; `size` is in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__(f"a request of {size} bytes is larger than the lake takes")
        self.size = size


class Refused(LakeError):
    """The lake refused a whole request because something in it is malformed."""

    def __init__(self, documents: int, why: str) -> None:
        super().__init__(f"the lake refused a request of {documents} documents: {why}")
        self.documents = documents


class Misplaced(LakeError):
    """The lake cannot take writes until an operator mends it; `cause` is a short word, e.g.
    "disk".
    """

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(f"the lake takes no writes ({cause}): {why}")
        self.cause = cause


class BadQuestion(LakeError):
    """A filter, field, sort or cursor that the contract does not allow."""
