"""The breaker of one network: stop asking when most answers fail, then try with one probe."""

from collections import deque


class Breaker:
    """Open when more than half of the last 20 answers failed; then one probe every 30 seconds.
    Pure.

    Calls: `wait` before each request (0.0: go), then one of `succeeded` or `failed` after it.
    """

    def __init__(self, *, size: int = 20, share: float = 0.5, probe_seconds: float = 30.0) -> None:
        self._answers: deque[bool] = deque(maxlen=size)
        self._share = share
        self._probe_seconds = probe_seconds
        self._probe_at: float | None = None  # None: closed

    @property
    def open(self) -> bool:
        """Return whether the network is taken to be down."""
        return self._probe_at is not None

    def peek(self, now: float) -> float:
        """Return the seconds until a request may go out, 0.0 for now; claims no probe."""
        return 0.0 if self._probe_at is None else max(0.0, self._probe_at - now)

    def wait(self, now: float) -> float:
        """Return 0.0 if a request may go out now (it must, it may be the probe), else seconds to
        wait.
        """
        seconds = self.peek(now)
        if seconds == 0.0 and self._probe_at is not None:
            self._probe_at = now + self._probe_seconds  # half-open: this one is the probe
        return seconds

    def succeeded(self) -> None:
        """Note an answer of the network, whatever it said; it closes an open breaker."""
        if self._probe_at is not None:
            self._answers.clear()
            self._probe_at = None
        self._answers.append(True)

    def failed(self, now: float) -> None:
        """Note that no answer came, or a fault of the network's own."""
        self._answers.append(False)
        full = len(self._answers) == self._answers.maxlen
        if full and self._answers.count(False) > self._share * len(self._answers):
            self._probe_at = now + self._probe_seconds
