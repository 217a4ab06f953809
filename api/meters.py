"""A few counters in Prometheus' text format; too few to be worth a library."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from api.guards import App, Message, Receive, Scope, Send

METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Meters:
    """Counts of this process. Labels are closed sets: a route's template, a status code."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int]] = Counter()  # method, route, status
        self.seconds: defaultdict[str, float] = defaultdict(float)  # by route, until the last byte

    def text(self, **events: int) -> str:
        """Return all counters, and `events` beside them, as Prometheus reads them."""
        return "\n".join([*self._requests(), *self._seconds(), *_events(events), ""])

    def _requests(self) -> Iterable[str]:
        yield "# TYPE taglake_api_requests_total counter"
        for (method, route, status), number in sorted(self.requests.items()):
            labels = f'method="{method}",route="{route}",status="{status}"'
            yield f"taglake_api_requests_total{{{labels}}} {number}"

    def _seconds(self) -> Iterable[str]:
        yield "# TYPE taglake_api_seconds_total counter"
        for route, seconds in sorted(self.seconds.items()):
            yield f'taglake_api_seconds_total{{route="{route}"}} {seconds:.6f}'


def _events(events: dict[str, int]) -> Iterable[str]:
    for name, number in sorted(events.items()):
        yield f"# TYPE taglake_api_{name}_total counter"
        yield f"taglake_api_{name}_total {number}"


class Metered:
    """Counts every request by route and status; what matches no route is counted as "none"."""

    def __init__(self, app: App, *, meters: Meters, clock: Callable[[], float]) -> None:
        self.app = app
        self.meters = meters
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and count it when it has ended."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started, status = self.clock(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            route = getattr(scope.get("route"), "path", "none")
            self.meters.requests[method, route, status] += 1
            self.meters.seconds[route] += self.clock() - started
        return None
