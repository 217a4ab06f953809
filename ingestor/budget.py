"""The budget of one lane: an exact sliding log of requests. Pure: time comes in.

Token buckets and GCRA let up to twice the limit pass in one window; a log of 200 stamps is nothing,
so we keep the log.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterable

from ingestor.contract import Allowance

PAD_SECONDS = 60.0  # arrival jitter at the provider, and the life of a chunk written ahead
FULL_PERCENT = 100.0


def pad_of(window: float) -> float:
    """Return how much longer our window is than the provider's: a minute an hour, scaled down for
    small ones.
    """
    return min(PAD_SECONDS, max(window / 60, 0.1))


class Budget:
    """How many requests one lane may still make.

    Life: made when the lane is leased, with what earlier holders spent; `reserve` before every wire
    attempt and `ended` after it, `heard` with every answer's headers, `throttled` on a 429. All
    times are seconds on one monotonic clock.

    A request counts from `reserve` on and leaves the window when that has passed since its end:
    when it reached the network nobody knows, only that it was not later. So no delay on the way,
    in our own event loop included, puts one too many into a window of the network's.

    Spending is written ahead in chunks: `prepay` notes a chunk that the registry has accepted, and
    `reserve` grants only what is prepaid, until the chunk lapses. The registry counts a whole chunk
    as used when it lapses: after a crash the next holder may waste, never overspend.
    """

    def __init__(self, *, limit: int, window: float, pad: float | None = None) -> None:
        self.limit = limit
        self.window = window
        self.pad = pad_of(window) if pad is None else pad
        self._spent: deque[float] = deque()  # when each request had ended, or will at the latest
        self._on_wire = 0
        self._ceiling = float(limit)
        self._raised_at = 0.0
        self._told: tuple[int, float] | None = None  # what the network says is left, and until when
        self._prepaid = 0
        self._prepaid_until = 0.0

    @property
    def ceiling(self) -> int:
        """Return how many requests a window may hold now: the limit, less after a refusal."""
        return max(1, int(self._ceiling))

    @property
    def hourly(self) -> float:
        """Return how many requests an hour this budget sustains."""
        return self.ceiling * 3600.0 / (self.window + self.pad)

    def spent_before(self, ages: Iterable[float], *, now: float) -> None:
        """Take over what earlier holders may have spent: the age in seconds of each request, in any
        order.

        An age below 0 is a chunk that may still be used: it counts as used when it lapses.
        """
        self._spent = deque(sorted([*self._spent, *(now - age for age in ages)]))

    def wait(self, now: float, cost: int = 1) -> float:
        """Return the seconds until `cost` requests fit, 0.0 if they fit now; counts nothing."""
        self._forget(now)
        cost = min(cost, self.ceiling)
        own = 0.0
        over = len(self._spent) + self._on_wire + cost - self.ceiling
        if over > 0:  # the first to leave have ended, or end now at the earliest
            ended = self._spent[over - 1] if over <= len(self._spent) else now
            own = ended + self.window + self.pad - now
        return max(own, self._told_wait(now, cost), 0.0)

    def reserve(self, now: float, cost: int = 1) -> float:
        """Spend `cost` prepaid requests and return 0.0, or spend nothing and return the seconds to
        wait.
        """
        seconds = self.wait(now, cost)
        if seconds > 0.0 or self.unpaid(now, cost):
            return max(seconds, 0.001)
        self._prepaid -= cost
        self._on_wire += cost
        if self._told is not None:
            self._told = (self._told[0] - cost, self._told[1])
        return 0.0

    def ended(self, now: float) -> None:
        """Note that a request has been answered, or never will be: it leaves the window a window
        from now.
        """
        self._on_wire -= 1
        insort(self._spent, now)

    def unpaid(self, now: float, cost: int = 1) -> int:
        """Return how many requests a new chunk must hold before `cost` can be reserved; 0: none is
        needed.
        """
        if now <= self._prepaid_until and self._prepaid >= cost:
            return 0
        self._prepaid = 0
        self._forget(now)
        room = self.ceiling - len(self._spent) - self._on_wire
        # As many as were used in the last chunk's time, and one: a quiet lane wastes little, a busy
        # one writes seldom.
        lately = self._on_wire + sum(at > now - self.chunk_seconds for at in self._spent)
        return max(cost, min(room, lately + 1, max(1, self.limit // 5)))

    def prepay(self, now: float, count: int) -> None:
        """Note that the registry has accepted a chunk of `count` requests, asked for at `now`."""
        self._prepaid = count
        self._prepaid_until = now + self.chunk_seconds

    @property
    def chunk_seconds(self) -> float:
        """Return how long a chunk that was written ahead may be used."""
        return min(1800.0, self.window / 2)

    def heard(self, allowance: Allowance, *, now: float) -> None:
        """Take what the network's headers say, where it is less than what we think is left."""
        left = _left(allowance, self.limit)
        if allowance.limit is not None:
            self._ceiling = max(1.0, min(self._ceiling, float(allowance.limit)))
        if left is None:
            return
        if allowance.reset is None:
            # A share of a sliding window, as Meta tells it: it is so now, and a little later it is
            # more. The newest word counts, and only until our own log knows better.
            self._told = (left, now + self.window / 20)
            return
        until = now + max(0.0, allowance.reset)
        if self._told is None or now >= self._told[1] or left < self._told[0]:
            self._told = (left, min(until, now + self.window + self.pad))

    def throttled(self, now: float) -> None:
        """Halve the ceiling: the network refused although our count had room."""
        self._ceiling = max(1.0, self._ceiling / 2)
        self._raised_at = now

    def recover(self, now: float) -> None:
        """Raise a lowered ceiling by a twentieth of the limit for every hour without a refusal."""
        if self._ceiling >= self.limit:
            self._raised_at = now
            return
        hours = int((now - self._raised_at) // 3600)
        self._ceiling = min(float(self.limit), self._ceiling + hours * max(1.0, self.limit / 20))
        self._raised_at += hours * 3600

    def _forget(self, now: float) -> None:
        # Kept while the age equals the padded window: two requests exactly a window apart may both
        # count.
        while self._spent and now - self._spent[0] >= self.window + self.pad:
            self._spent.popleft()

    def _told_wait(self, now: float, cost: int) -> float:
        if self._told is None:
            return 0.0
        left, until = self._told
        return until - now if left < cost and now < until else 0.0


def _left(allowance: Allowance, limit: int) -> int | None:
    if allowance.remaining is not None:
        return allowance.remaining
    if allowance.used_percent is not None:  # Meta tells percentages of a limit it does not tell
        return int(limit * max(0.0, FULL_PERCENT - allowance.used_percent) / FULL_PERCENT)
    return None
