"""Poll to bulk: what one poll costs from the request to the acknowledged documents, beside Go.

    .venv/bin/python benchmarks/ingest.py                   # some minutes; needs Go
    .venv/bin/python benchmarks/ingest.py --http            # without TLS and gzip

Every client is a process of its own and reports its own CPU for the part after the warm-up. All are
served the same pages by the same server and write to the same null sink, which counts documents:
a client that delivers others than the pages hold voids the run. docs/benchmarks.md says what is
measured, how, and what is not claimed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from _rig import Goal, Result, alternate, machine, programs, ratio, run, spread, table

HERE = Path(__file__).parent
TUNED = {"GOMAXPROCS": "1", "GOGC": "400"}
LEAN = {"GOMAXPROCS": "1"}
OURS, PURE, WHOLE = "taglake", "taglake, wheels only", "taglake, whole ingest"
IDIOMATIC, FAST = "Go net/http + esutil, tuned", "Go fasthttp + sonic, tuned"
IDIOMATIC_LEAN, FAST_LEAN = "Go net/http + esutil, 1 proc", "Go fasthttp + sonic, 1 proc"
PAGE, FRESH = 60, 20  # posts of a page, and new ones of it; as many have new counts

Results = dict[str, list[Result]]
Variant = Callable[[str, Sequence[str]], Result]


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How much is measured."""

    rounds: int
    tags: int = 64  # and connections
    warm: int = 4
    polls: int = 20
    targets: int = 10_000
    rate: int = 500
    seconds: float = 10.0
    warm_seconds: float = 3.0
    shared: int = 750  # tags that the scheduled targets share: one is polled every 1.5 s


FULL = Size(rounds=5)
QUICK = Size(
    rounds=1, tags=4, warm=1, polls=2,
    targets=100, rate=50, seconds=1.0, warm_seconds=0.5, shared=50,
)  # fmt: skip


class Server(msgspec.Struct):
    """The canned network and its sink, while they run."""

    https: str
    http: str
    certificate: str

    def ask(self, path: str) -> bytes:
        """Return what the server tells about itself."""
        with urllib.request.urlopen(self.http + path, timeout=300) as answer:
            return answer.read()  # type: ignore[no-any-return] # bytes

    def totals(self) -> dict[str, Any]:
        """Return what was served and delivered since the last start."""
        return json.loads(self.ask("/_totals"))  # type: ignore[no-any-return] # an object


@contextmanager
def serving(binary: Path) -> Iterator[Server]:
    """Run the canned network for a while."""
    with tempfile.TemporaryDirectory() as folder:
        certificate = f"{folder}/certificate.pem"
        with subprocess.Popen(
            [binary, "-certificate", certificate], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                told = json.loads(process.stdout.readline())
                yield Server(told["https"], told["http"], certificate)
            finally:
                process.stdin.close()


class Rig:
    """Runs clients against one server, one at a time, and checks what each delivers."""

    def __init__(self, server: Server, size: Size, *, plain: bool) -> None:
        self._server = server
        self._size = size
        self._plain = plain
        self._binaries = programs("idiomatic", "fast")
        self._posts: dict[str, str] = {}  # the set of posts a kind of run delivers
        self.documents: dict[str, int] = {}

    def ours(self, *more: str, **env: str) -> Variant:
        """Return our poller as a variant."""
        set_by_the_command = {"OPENBLAS_NUM_THREADS": "1"}
        command = [sys.executable, str(HERE / "_ingest_client.py"), *more]
        return self._variant(command, set_by_the_command | env)

    def go(self, name: str, env: Mapping[str, str]) -> Variant:
        """Return a Go poller as a variant."""
        return self._variant([str(self._binaries[name])], env)

    def _variant(self, command: Sequence[str], env: Mapping[str, str]) -> Variant:
        network = self._server.http if self._plain else self._server.https
        where = ("-network", network, "-lake", self._server.http)
        trusted = {"SSL_CERT_FILE": self._server.certificate}

        def measure(name: str, options: Sequence[str]) -> Result:
            found = run([*command, *where, *options], env=trusted | dict(env))
            self._check(name, options[0])
            return found

        return measure

    def closed(self, variants: Mapping[str, Variant]) -> Results:
        """Poll each tag again and again over a connection of its own."""
        size = self._size
        options = [f"-tags={size.tags}", f"-warm={size.warm}", f"-polls={size.polls}"]
        return self._alternated(variants, options, size.tags, size.warm + size.polls)

    def scheduled(self, variants: Mapping[str, Variant]) -> Results:
        """Poll each target at its time."""
        size = self._size
        options = [
            f"-targets={size.targets}", f"-rate={size.rate}", f"-seconds={size.seconds}",
            f"-warm-seconds={size.warm_seconds}",
        ]  # fmt: skip
        polls = round(size.rate * (size.seconds + size.warm_seconds))
        return self._alternated(variants, options, size.shared, -(-polls // size.shared))

    def _alternated(
        self,
        variants: Mapping[str, Variant],
        options: Sequence[str],
        tags: int,
        windows: int,
    ) -> Results:
        start = f"/_start?tags={tags}&windows={windows}" + ("&plain=1" if self._plain else "")

        def one(name: str) -> Result:
            self._server.ask(start)
            return variants[name](name, options)

        return alternate(
            {name: lambda name=name: one(name) for name in variants}, self._size.rounds
        )

    def _check(self, name: str, kind: str) -> None:
        """End the run unless exactly what the pages held was delivered."""
        found = self._server.totals()
        polls, first = found["polls"]["all"], found["polls"]["first"]
        posts = PAGE * first + 2 * FRESH * (polls - first)
        wanted = {"posts": posts, "snapshots": posts + polls, "tags": polls, "polls": polls}
        # Late polls of one tag may overtake each other; over a connection of its own none can.
        ordered = kind.startswith("-tags")
        same = not ordered or self._posts.setdefault(kind, found["posts"]) == found["posts"]
        # Ours also tells, as gaps, what it came too late for.
        came = {table: count for table, count in found["docs"].items() if table != "gaps"}
        if came != wanted or not same:
            hint = "" if ordered else "; on a busy machine late polls of a tag overtake each other"
            sys.exit(f"void: {name} delivered {came}, the pages held {wanted}{hint}")
        self.documents["closed" if ordered else "scheduled"] = sum(wanted.values())


def cost(results: Sequence[Result]) -> list[float]:
    """Return the CPU milliseconds of one poll, of each round."""
    return [1000 * one.told["cpu"] / one.told["requests"] for one in results]


def memory(results: Sequence[Result]) -> list[float]:
    """Return the peak of a process in megabytes, of each round."""
    return [one.told["rss"] / 1e6 for one in results]


def late(results: Sequence[Result], which: str) -> list[float]:
    """Return how late polls started, in milliseconds, of each round."""
    return [one.told["late"][which] for one in results]


def closed_table(found: Results) -> str:
    """Return the table of the closed loop."""
    rows = [["client", "CPU ms/poll", "min-max", "x idiomatic", "x fast", "peak MB"]]
    for name, results in found.items():
        own = spread(cost(results))
        rows.append(
            [
                name, f"{own.median:.3f}", f"{own.low:.3f}-{own.high:.3f}",
                f"{ratio(cost(results), cost(found[IDIOMATIC])).median:.2f}",
                f"{ratio(cost(results), cost(found[FAST])).median:.2f}",
                f"{spread(memory(results)).median:.0f}",
            ]
        )  # fmt: skip
    return table(rows)


def scheduled_table(found: Results) -> str:
    """Return the table of the scheduled load."""
    rows = [["client", "CPU ms/poll", "min-max", "x fast", "late p50 ms", "p99", "max", "peak MB"]]
    for name, results in found.items():
        own = spread(cost(results))
        rows.append(
            [
                name, f"{own.median:.3f}", f"{own.low:.3f}-{own.high:.3f}",
                f"{ratio(cost(results), cost(found[FAST])).median:.2f}",
                *(f"{spread(late(results, which)).median:.2f}" for which in ("p50", "p99", "max")),
                f"{spread(memory(results)).median:.0f}",
            ]
        )  # fmt: skip
    return table(rows)


def closed_goals(found: Results) -> list[Goal]:
    """Return what the closed loop promises."""

    def cpu(ours: str, theirs: str, most: float) -> Goal:
        middle = ratio(cost(found[ours]), cost(found[theirs])).median
        return Goal(f"CPU: {ours} / {theirs}", middle, most)

    def peak(theirs: str, most: float) -> Goal:
        middle = ratio(memory(found[OURS]), memory(found[theirs])).median
        return Goal(f"memory: {OURS} / {theirs}", middle, most)

    return [
        cpu(OURS, IDIOMATIC, 0.25), cpu(OURS, FAST, 0.60), cpu(PURE, IDIOMATIC, 0.55),
        peak(IDIOMATIC, 1.0), peak(FAST, 1.0), peak(IDIOMATIC_LEAN, 1.2), peak(FAST_LEAN, 1.2),
    ]  # fmt: skip


def scheduled_goals(found: Results) -> list[Goal]:
    """Return what the scheduled load promises."""
    p99 = late(found[OURS], "p99")
    return [
        Goal(
            f"scheduled CPU: {OURS} / {FAST}",
            ratio(cost(found[OURS]), cost(found[FAST])).median,
            0.85,
        ),
        Goal(f"p99 lateness: {OURS} / {FAST}", ratio(p99, late(found[FAST], "p99")).median, 1.1),
        Goal(f"p99 lateness: {OURS}, ms", spread(p99).median, 2.0),
    ]


def closed_loop(rig: Rig, folder: str) -> Results:
    """Run all clients as fast as they go."""
    more = {PURE: rig.ours(TAGLAKE_PURE="1"), WHOLE: rig.ours("-durable", f"-folder={folder}")}
    lean = {IDIOMATIC_LEAN: rig.go("idiomatic", LEAN), FAST_LEAN: rig.go("fast", LEAN)}
    return rig.closed({OURS: rig.ours()} | more | tuned(rig) | lean)


def tuned(rig: Rig) -> dict[str, Variant]:
    """Return the Go pollers as tuned for CPU."""
    return {IDIOMATIC: rig.go("idiomatic", TUNED), FAST: rig.go("fast", TUNED)}


def show(title: str, results: Results, text: str, goals: Sequence[Goal]) -> None:
    """Print one table and its goals."""
    one = next(iter(results.values()))
    polls = f"{one[0].told['requests']} polls a round, {len(one)} rounds"
    print(f"{title}: {polls}; {machine()}\n\n{text}\n", *goals, sep="\n", end="\n\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=FULL.rounds)
    parser.add_argument("--http", action="store_true", help="plain HTTP, no gzip")
    parser.add_argument("--quick", action="store_true", help="few polls: shows that it runs")
    parser.add_argument("--json", action="store_true", help="one line of JSON, no table")
    options = parser.parse_args()
    size = QUICK if options.quick else msgspec.structs.replace(FULL, rounds=options.rounds)
    wire = "plain HTTP" if options.http else "HTTPS + gzip"
    tell = (lambda *_: None) if options.json else show
    server_binary = programs("server", "idiomatic", "fast")["server"]
    with tempfile.TemporaryDirectory() as folder, serving(server_binary) as server:
        rig = Rig(server, size, plain=options.http)
        closed = closed_loop(rig, folder)
        goals = closed_goals(closed)
        tell(f"poll to bulk, {wire}", closed, closed_table(closed), goals)
        # Idiomatic Go needs 2.1 ms a poll: 500 a second are more than its one processor does.
        scheduled = rig.scheduled({OURS: rig.ours(), FAST: rig.go("fast", TUNED)})
        more = scheduled_goals(scheduled)
        tell(f"scheduled load, {wire}", scheduled, scheduled_table(scheduled), more)
    _summarize(closed, scheduled, goals + more, rig.documents)


def _summarize(
    closed: Results, scheduled: Results, goals: Sequence[Goal], documents: Mapping[str, int]
) -> None:
    """Print the figures as one line of JSON."""
    figures = {
        "closed": {name: _figures(results) for name, results in closed.items()},
        "scheduled": {name: _figures(results) for name, results in scheduled.items()},
        "documents": documents,
        "ratios": {goal.name: round(goal.value, 3) for goal in goals},
    }
    held = all(goal.holds for goal in goals)
    limits = {goal.name: goal.most for goal in goals}
    print(json.dumps({"name": "ingest", "figures": figures, "goals": limits, "pass": held}))


def _figures(results: Sequence[Result]) -> dict[str, Any]:
    figures = {"cpu_ms": [round(one, 3) for one in cost(results)]}
    figures["peak_mb"] = [round(one, 1) for one in memory(results)]
    if "late" in results[0].told:
        figures["late_p99_ms"] = [round(one, 3) for one in late(results, "p99")]
    return figures


if __name__ == "__main__":
    main()
