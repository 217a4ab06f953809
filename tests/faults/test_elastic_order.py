"""Case 16: pages in any order and again and again; the last version wins and nothing is doubled."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from fakes.observations import snapshot
from faults.figures import record
from faults.forms import form
from faults.lakeside import elastic_lake, way
from faults.poison import START, good
from ingestor.spool_file import Append
from lake.contract import COUNT, Lake, Line, Metric, Where
from lake.files import FilesLake
from lake.lines import line_of
from lake.records import Counts, Post, Snapshot

POSTS, OBSERVATIONS = form(200, 2_000), form(1_200, 20_000)
PAGE = 24
pytestmark = pytest.mark.timeout(form(180, 1200))

GROWTH = Metric(kind="sum", field="delta.likes")


@asynccontextmanager
async def opened(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[Lake]:
    """Open an empty lake of the engine a test names."""
    if request.node.callspec.params["engine"] == "elastic":
        async with elastic_lake(request.getfixturevalue("elastic_url")) as (lake, _):
            yield lake
        return
    lake = FilesLake(folder)
    await lake.open()
    yield lake
    await lake.close()


def observed(rng: random.Random) -> list[tuple[int, int]]:
    """Return observations: which post, in which version; no version twice."""
    every = [(number, version) for number in range(POSTS) for version in range(20)]
    return rng.sample(every, OBSERVATIONS)


def lines_of(number: int, version: int) -> list[Line]:
    """Return what one observation writes: the post as it is now, and what changed."""
    seen = START + timedelta(days=1, seconds=version)
    changed = snapshot(f"mastodon:{number}", seen, delta=Counts(likes=version))
    return [line_of(good(number, version=version)), line_of(changed)]


def paged(lines: list[Line]) -> list[Append]:
    parts = [lines[start : start + PAGE] for start in range(0, len(lines), PAGE)]
    return [Append(lines=tuple(part)) for part in parts]


async def played(path: Path, lake: Lake, pages: list[Append], rng: random.Random) -> int:
    """Send pages in a new order through a spool of their own; return how many were stale."""
    async with way(path, lake, max_lines=200) as line_up:
        shuffled = rng.sample(pages, len(pages))
        await asyncio.gather(*(line_up.spool.append(page) for page in shuffled))
        await line_up.sender.drain()
        assert await line_up.spool.waiting() == (0, 0)
        assert await line_up.spool.dead_letters() == []
        return line_up.sender.progress.stale


@pytest.mark.parametrize("engine", ["files", pytest.param("elastic", marks=pytest.mark.elastic)])
async def test_the_last_version_wins_whatever_the_order_and_however_often(
    request: pytest.FixtureRequest, engine: str, tmp_path: Path
) -> None:
    rng = random.Random(16)
    seen = observed(rng)
    newest: dict[str, int] = {}
    for number, version in seen:
        newest[f"mastodon:{number}"] = max(version, newest.get(f"mastodon:{number}", 0))
    pages = paged([line for each in seen for line in lines_of(*each)])
    async with opened(request, tmp_path / "lake") as lake:
        refused = [await played(tmp_path / f"{turn}.db", lake, pages, rng) for turn in range(1 + 3)]
        stale = [
            each.id
            async for batch in lake.scan(Post, Where())
            for each in batch
            if each != good(int(each.native_id), version=newest[each.id])
        ]
        posts = await lake.totals(Post, Where(), [COUNT])
        snapshots = await lake.totals(Snapshot, Where(), [COUNT, GROWTH])
    assert stale == []
    assert posts == {"count": len(newest)}
    growth = sum(version for _, version in seen)
    assert snapshots == {"count": OBSERVATIONS, "sum:delta.likes": growth}
    record(
        16,
        f"pages shuffled and replayed 3 times, {engine}",
        observations=OBSERVATIONS,
        posts=len(newest),
        stale=0,
        doubled=0,
        older_refused=sum(refused),
    )
