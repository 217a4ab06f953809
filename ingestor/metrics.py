"""What an ingestor has done so far, as counters: two counters instead of a gauge wherever that
works.
"""

import msgspec

KINDS = (
    "answered", "unchanged", "rate_limited", "login_required", "checkpoint", "gone", "bad_request",
    "bad_answer", "server", "no_budget", "spool_full",
)  # fmt: skip
"""How a poll can end: a closed set, fit for a label."""


class Metrics(msgspec.Struct, kw_only=True):
    """Counters since the process started; read them at any time, `snapshot` for a copy."""

    started: int = 0
    ended: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    requests: int = 0  # that went out, answered or not
    bytes: int = 0
    pages: int = 0
    posts: int = 0
    posts_new: int = 0
    posts_unchanged: int = 0
    lines: int = 0
    set_aside: int = 0
    visits: int = 0  # requests for single posts
    follows: int = 0  # followers that lists showed
    gaps: int = 0
    late_seconds: float = 0.0  # sum over started polls: divide by `started`
    targets: int = 0
    lanes: int = 0
    in_flight: int = 0
    spool_fill: float = 0.0  # share of the cap

    def snapshot(self) -> "Metrics":
        """Return a copy that moves no more."""
        return msgspec.convert(msgspec.to_builtins(self), Metrics)
