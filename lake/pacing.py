"""How many requests a lake bears at once, and how long to leave it alone: pure, no clock inside."""

import random


class Pace:
    """Additive increase, halving on overload, jittered exponential back-off while the lake is down.

    `width` rises by one with each success until the lake first says no, then by one for each full
    round of successes: it finds the limit quickly once, comes near it again slowly, and leaves it
    at once. While requests fail only one is let through, as a probe.
    """

    def __init__(
        self,
        *,
        rng: random.Random,
        narrowest: int = 1,
        widest: int = 4,
        first_seconds: float = 0.5,
        longest_seconds: float = 5.0,
        longest_wish: float = 60.0,
    ) -> None:
        """Make a pace that begins at its narrowest.

        longest_seconds: between two probes of a lake that is down, and so about how long it goes
        unnoticed that it is back; one request at a time is no burden.
        longest_wish: how long a lake may ask to be left alone.
        """
        self._rng = rng
        self._narrowest = narrowest
        self._widest = widest
        self._first = first_seconds
        self._longest = longest_seconds
        self._longest_wish = longest_wish
        self._width = float(narrowest)
        self._refused = False  # the lake has said no before
        self._failures = 0
        self.round = 0

    @property
    def width(self) -> int:
        """Return how many requests may be in flight now."""
        return self._narrowest if self._failures else int(self._width)

    @property
    def failing(self) -> bool:
        """Return whether the last request got no answer."""
        return self._failures > 0

    def succeeded(self) -> None:
        """Take note of a request that went well."""
        self._failures = 0
        step = 1.0 / self._width if self._refused else 1.0
        self._width = min(float(self._widest), self._width + step)

    def overloaded(self) -> None:
        """Take note that the lake took only a part of a request."""
        self._refused = True
        self._width = max(float(self._narrowest), self._width / 2)

    def failed(self, started_in: int, *, retry_after: float | None = None) -> float:
        """Take note of a request that got no answer, and return how many seconds to wait.

        started_in: `round` when it was sent. What was in flight together fails together: it counts
        once, or four broken requests would look like four minutes of silence.
        """
        if started_in == self.round:
            self.round += 1
            self._failures += 1
            self.overloaded()
        wished = min(retry_after or 0.0, self._longest_wish)
        doubled = min(self._longest, self._first * 2.0 ** min(self._failures - 1, 16))
        # Many senders that lost one lake must not come back in the same instant.
        return max(wished, doubled * self._rng.uniform(0.5, 1.0)) + wished * self._rng.random() / 10
