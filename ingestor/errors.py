"""What can go wrong between us and a network.

IngestError
├── RateLimited    the network asks for a pause of this lane (seconds)
├── Refused        the credential is dead, challenged or not allowed: quarantine its lane, call a
person
├── Gone           the target or post does not exist (any more)
├── BadRequest     the network will never answer this request; the target is at fault
├── BadAnswer      the answer cannot be read: HTML, truncated, too deep, too large, wrong types
├── NoBudget       our own budget of the lane is spent: the poll goes on when it is not (seconds)
└── Down           no answer, or a server error: try again later
"""


class IngestError(Exception):
    """The base of all errors of a poll. `kind` is the word that records, logs and `taglake parse`
    use.
    """

    kind = "unknown"

    def __init__(self, why: str, *, code: str = "") -> None:
        super().__init__(why)
        self.code = code  # the network's own code or HTTP status


class RateLimited(IngestError):
    """The network wants a pause: `seconds` if it said how long, None if it did not."""

    kind = "rate_limited"

    def __init__(
        self, why: str, *, seconds: float | None, code: str = "", whole_app: bool = False
    ) -> None:
        super().__init__(why, code=code)
        self.seconds = seconds
        self.whole_app = whole_app  # Meta code 4 throttles every account of the app


class Refused(IngestError):
    """The network refuses the credential. `kind` is "login_required" or "checkpoint"."""

    kind = "login_required"

    def __init__(self, why: str, *, code: str = "", checkpoint: bool = False) -> None:
        super().__init__(why, code=code)
        if checkpoint:
            self.kind = "checkpoint"


class Gone(IngestError):
    """The target or post is not there."""

    kind = "gone"


class BadRequest(IngestError):
    """The network will not answer this request however often it is asked."""

    kind = "bad_request"


class BadAnswer(IngestError):
    """The answer is not what this network sends; `body` is what came, for the dead letters."""

    kind = "unknown"


class NoBudget(IngestError):
    """Nothing was asked: the lane's budget is spent for `seconds`, or its lease or slots are."""

    kind = "no_budget"

    def __init__(self, why: str, *, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class Down(IngestError):
    """The network did not answer or answered with a fault of its own."""

    kind = "server"
