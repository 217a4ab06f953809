"""The counters of an ingesting process, for Prometheus and for the log."""

import asyncio
from collections.abc import Callable, Iterator, Mapping

from ingestor import kernel
from ingestor.metrics import Metrics
from lake.sender import Progress

TEXT = "text/plain; version=0.0.4"

Labels = tuple[tuple[str, str], ...]
Sample = tuple[str, Labels, float]


def exposition(polled: Metrics, sent: Progress) -> str:
    """Return all counters in Prometheus's text format; gauges are those not named `_total`."""
    lines = []
    for name, labels, value in _samples(polled, sent):
        named = ",".join(f'{key}="{text}"' for key, text in labels)
        lines.append(
            f"taglake_{name}{{{named}}} {value:g}" if named else f"taglake_{name} {value:g}"
        )
    return "\n".join(lines) + "\n"


def words(polled: Metrics, sent: Progress) -> dict[str, object]:
    """Return what an operator wants to read in the log now and then."""
    return {
        "polls": polled.started,
        "answers_unchanged": polled.ended["unchanged"],
        "posts": polled.posts,
        "posts_new": polled.posts_new,
        "posts_unchanged": polled.posts_unchanged,
        "follows": polled.follows,
        "stored": sent.stored,
        "dead_letters": sent.poison,
        "spool_fill": round(polled.spool_fill, 3),
        "alarm": sent.alarm,
    }


async def serve(address: str, text: Callable[[], str], stop: asyncio.Event) -> None:
    """Answer /metrics at `address` (host:port) until `stop`. Raises OSError if it is taken."""
    from aiohttp import web  # megabytes that an ingestor nobody asks need not hold

    async def answer(_: web.Request) -> web.Response:
        """Answer with the counters as they stand."""
        return web.Response(text=text(), headers={"Content-Type": TEXT})

    app = web.Application()
    app.router.add_get("/metrics", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    host, _, port = address.rpartition(":")
    try:
        await web.TCPSite(runner, host.strip("[]"), int(port)).start()
        await stop.wait()
    finally:
        await runner.cleanup()


def _samples(polled: Metrics, sent: Progress) -> Iterator[Sample]:
    yield from _by("polls_total", "ended", polled.ended)
    yield "requests_total", (), polled.requests
    yield "answer_bytes_total", (), polled.bytes
    known = polled.posts - polled.posts_new - polled.posts_unchanged
    shown = {"new": polled.posts_new, "changed": known, "unchanged": polled.posts_unchanged}
    yield from _by("posts_total", "seen", shown)
    yield "follows_total", (), polled.follows
    for reader, bodies in (("kernel", kernel.read_bodies), ("reference", kernel.handed_over)):
        for source, count in sorted(bodies.items()):
            yield "bodies_total", (("reader", reader), ("source", source)), count
    yield "lines_spooled_total", (), polled.lines
    yield "set_aside_total", (), polled.set_aside
    yield "gaps_total", (), polled.gaps
    yield "late_seconds_total", (), polled.late_seconds
    yield "targets", (), polled.targets
    yield "lanes", (), polled.lanes
    yield "spool_fill", (), polled.spool_fill
    outcomes = {"stored": sent.stored, "stale": sent.stale, "poison": sent.poison}
    again = {"retry": sent.retried, "parked": sent.parked}
    yield from _by("lines_sent_total", "outcome", outcomes | again)
    yield "bulk_requests_total", (), sent.requests
    yield "bulk_in_flight", (), sent.in_flight
    yield "bulk_width", (), sent.width
    yield "lake_alarm", (), sent.alarm is not None


def _by(name: str, label: str, values: Mapping[str, float]) -> Iterator[Sample]:
    for kind, value in values.items():
        yield name, ((label, kind),), value
