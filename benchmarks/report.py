"""How fast a campaign's summary opens over 1,000,000 posts and 10,000,000 snapshots.

    .venv/bin/python benchmarks/report.py                    # all of it: minutes to fill, then kept
    .venv/bin/python benchmarks/report.py --posts 50000 --snapshots 500000

Two ways are measured on both lakes. `stored`: what the API does without a cache, reading the report
that a worker keeps up to date. `live`: asking the lake for everything. The filled embedded lake is
kept in the cache directory outside the checkout; a real Elasticsearch is started as tests do.
"""

import argparse
import asyncio
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers import elastic
from servers.requirement import Missing

from insights.campaigns import summary
from insights.rollups import computed, fresh
from lake.contract import Lake, Line
from lake.elastic import ElasticLake
from lake.files import FilesLake
from lake.lines import line_of, milliseconds
from lake.records import Counts, Poll, Post, PostCounts, Record, Snapshot
from registry.models import Campaign, Competitor

START = datetime(2026, 3, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 29, 12, tzinfo=UTC)
GOAL_MS = 300.0

# A mould of posts is made once as lines; copies differ in this word of their ids. That spares
# making eleven million records, and a lake cannot tell.
MARK = b"COPY0000"
MOULD = 5_000  # posts
KNOWN_AUTHORS = 500  # write in every copy; the others differ from copy to copy

CAMPAIGN = Campaign(
    id="bench",
    client_id="bench",
    name="bench",
    networks=("mastodon",),
    hashtags=("nike",),
    start=START,
    end=START + timedelta(days=14),
    competitors=(
        Competitor(name="adidas", hashtags=("adidas",)),
        Competitor(name="puma", hashtags=("puma",)),
    ),
    created_at=START,
    updated_at=START,
)


def mould(per_post: int) -> Iterator[list[Record]]:
    """Yield posts, each with its snapshots."""
    rng = random.Random(7)
    mark = MARK.decode()
    for number in range(MOULD):
        created = START + timedelta(seconds=rng.randrange(-7 * 86_400, 21 * 86_400))
        rank = min(int(rng.paretovariate(0.4)), 20_000)
        author = f"a{rank}" if rank <= KNOWN_AUTHORS else f"a{rank}{mark}"
        yield from _post(rng, f"mastodon:p{number}{mark}", author, created, rank, per_post)


def _post(
    rng: random.Random, name: str, author: str, created: datetime, rank: int, per_post: int
) -> Iterator[list[Record]]:
    tag = rng.choices(("nike", "adidas", "puma"), (50, 30, 20))[0]
    followers = 5_000_000 // rank + 10
    likes = [0, *sorted(int(followers * rng.paretovariate(1.5) / 200) for _ in range(per_post))]
    records: list[Record] = []
    seen = created
    for step in range(1, per_post + 1):
        before, seen = seen, seen + timedelta(minutes=10 * 2**step)
        records.append(
            Snapshot(
                id=f"{name}@{milliseconds(seen)}",
                network="mastodon",
                observed_at=seen,
                subject="post",
                subject_id=name,
                author_id=f"mastodon:{author}",
                author_handle=author,
                tags=(tag,),
                created_at=created,
                previous_at=before if step > 1 else None,
                observer="bench",
                counts=Counts(likes=likes[step], comments=likes[step] // 20, shares=0),
                delta=Counts(likes=likes[step] - likes[step - 1], comments=0, shares=0)
                if step > 1
                else None,
            )
        )
    post = Post(
        id=name,
        network="mastodon",
        native_id=name,
        url=f"https://social.example/{name}",
        observed_at=seen,
        kind=rng.choice(("image", "text", "video")),
        author_id=f"mastodon:{author}",
        author_handle=author,
        author_followers=followers,
        text="a sentence of about the usual length, with a tag or two and some words more",
        tags=(tag, rng.choice(("run", "sport", "style", "city"))),
        created_at=created,
        counts=PostCounts(likes=likes[-1], comments=likes[-1] // 20, shares=0),
        source="bench",
        parser_version=1,
    )
    yield [post, *records]


def copies(lines: list[Line], copy: int) -> list[Line]:
    """Return the mould's lines as copy number `copy`."""
    word = b"COPY%04d" % copy
    mark, name = MARK.decode(), word.decode()
    return [
        Line(
            table=line.table,
            id=line.id.replace(mark, name),
            version=line.version,
            month=line.month,
            body=line.body.replace(MARK, word),
        )
        for line in lines
    ]


async def fill(lake: Lake, posts: int, snapshots: int) -> float:
    """Write everything and return the seconds it took."""
    began = time.monotonic()
    lines = [line_of(record) for group in mould(snapshots // posts) for record in group]
    await lake.append(list(_polls()))
    for copy in range(posts // MOULD):
        made = copies(lines, copy)
        for start in range(0, len(made), 10_000):
            await lake.write(made[start : start + 10_000])
        if copy % 20 == 19:
            print(f"  {(copy + 1) * MOULD:,} posts after {time.monotonic() - began:,.0f} s")
    await lake.flush()
    if isinstance(lake, FilesLake):
        await lake.compact(keep=timedelta(0))
    return time.monotonic() - began


def _polls() -> Iterator[Poll]:
    for tag in ("nike", "adidas", "puma"):
        for hour in range(28 * 24):
            at = START + timedelta(hours=hour - 7 * 24)
            yield Poll(
                id=f"mastodon/tag/{tag}@{at:%Y%m%d%H}",
                network="mastodon",
                observed_at=at + timedelta(minutes=59),
                target=f"mastodon/tag/{tag}",
                hour=at,
                observer="bench",
                planned=60,
                made=60,
            )


async def times(ask: Callable[[], Awaitable[object]], rounds: int) -> list[float]:
    """Return how many milliseconds each call took."""
    found = []
    for _ in range(rounds):
        began = time.perf_counter()
        await ask()
        found.append((time.perf_counter() - began) * 1000)
    return found


def p95(values: list[float]) -> float:
    """Return the 95 % quantile."""
    return sorted(values)[min(len(values) - 1, int(0.95 * len(values)))]


async def measure(lake: Lake, *, stored_rounds: int, live_rounds: int) -> dict[str, float]:
    """Return the figures of one filled lake."""
    began = time.monotonic()
    await lake.append([await computed(lake, CAMPAIGN, "summary", now=NOW)])
    worker = time.monotonic() - began

    async def stored() -> None:
        assert await fresh(lake, CAMPAIGN, "summary", NOW, timedelta(minutes=5))

    async def live() -> None:
        msgspec.json.encode(await summary(lake, CAMPAIGN, now=NOW))

    kept = await times(stored, stored_rounds)
    asked = await times(live, live_rounds)
    return {
        "stored_ms_median": round(statistics.median(kept), 1),
        "stored_ms_p95": round(p95(kept), 1),
        "live_ms_median": round(statistics.median(asked), 1),
        "live_ms_p95": round(p95(asked), 1),
        "worker_seconds": round(worker, 2),
    }


@asynccontextmanager
async def filled(name: str, cache: Path, options: argparse.Namespace) -> AsyncIterator[Lake]:
    """Open a lake that holds the campaign; fill it if it is not kept from before."""
    with ExitStack() as stack:
        home = cache / f"{options.posts}-{options.snapshots}"
        kept = home.is_dir()
        lake: Lake
        if name == "files":
            lake = FilesLake(home)
        else:
            out = cache / "elastic"
            out.mkdir(parents=True, exist_ok=True)
            # A team's server has more than the tests' half gigabyte.
            url = stack.enter_context(elastic.running(out, heap="2g"))
            lake, kept = ElasticLake(url, prefix="bench"), False
        await lake.open()
        try:
            if not kept:
                seconds = await fill(lake, options.posts, options.snapshots)
                print(f"{name}: filled in {seconds:,.0f} s")
            yield lake
        except BaseException:
            if not kept and name == "files":
                shutil.rmtree(home, ignore_errors=True)  # never measure a half-filled lake
            raise
        finally:
            await lake.close()


async def run(options: argparse.Namespace) -> dict[str, object]:
    """Measure the chosen lakes and return the last line."""
    figures: dict[str, float] = {}
    for name in options.lakes:
        try:
            async with filled(name, options.cache, options) as lake:
                found = await measure(
                    lake, stored_rounds=options.rounds, live_rounds=options.live_rounds
                )
        except Missing as missing:
            print(f"{name}: {missing}")
            continue
        figures |= {f"{name}_{key}": value for key, value in found.items()}
    goals = {f"{name}_stored_ms_p95": GOAL_MS for name in options.lakes}
    passed = all(figures.get(key, float("inf")) < goal for key, goal in goals.items())
    return {"name": "report", "figures": figures, "goals": goals, "pass": passed}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--posts", type=int, default=1_000_000)
    parser.add_argument("--snapshots", type=int, default=10_000_000)
    parser.add_argument("--lakes", nargs="+", default=["files", "elastic"])
    parser.add_argument("--rounds", type=int, default=100, help="reads of the stored report")
    parser.add_argument("--live-rounds", type=int, default=10, help="live summaries")
    default = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "taglake" / "report"
    parser.add_argument("--cache", type=Path, default=default)
    options = parser.parse_args()
    if options.posts < MOULD or options.snapshots < options.posts:
        parser.error(f"--posts: give at least {MOULD}, and --snapshots at least as many as posts")
    options.cache.mkdir(parents=True, exist_ok=True)
    answer = asyncio.run(run(options))
    print(
        f"{'figure':32} {'value':>12}   (ms, p95 over {options.rounds} and {options.live_rounds})"
    )
    for key, value in answer["figures"].items():
        print(f"{key:32} {value:>12,}")
    print(msgspec.json.encode(answer).decode())


if __name__ == "__main__":
    main()
