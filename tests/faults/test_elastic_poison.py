"""Case 12, bad input: one post in a thousand is poison, in ten ways.

The rest is in the lake; the poison is in the dead letters once each, with a reason, and no text of
any post is in a log, a reason or an output. After a fix one command empties the dead letters.
"""

import asyncio
import json
import math
import os
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fakes.elastic import FakeElastic
from faults.figures import record
from faults.forms import form
from faults.lakeside import canaries, elastic_lake, way
from faults.poison import POISON, broken, canary, good, poisoned
from ingestor.spool_file import DeadLetter
from lake.bulk import verdicts
from lake.connection import Connection
from lake.contract import COUNT, STORED, Lake, Line, Verdict, Where
from lake.elastic import ElasticLake
from lake.files import FilesLake
from lake.lines import line_of
from lake.records import Post
from servers.processes import TAGLAKE

POSTS = form(10_000, 50_000)

pytestmark = pytest.mark.timeout(form(180, 1200))

Opening = Callable[[], AbstractAsyncContextManager[Lake]]


@pytest.fixture(params=["files", pytest.param("elastic", marks=pytest.mark.elastic)])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """How to open an empty lake of each engine."""
    if request.param == "elastic":
        url = request.getfixturevalue("elastic_url")

        @asynccontextmanager
        async def elastic() -> AsyncIterator[Lake]:
            async with elastic_lake(url) as (lake, _):
                yield lake

        return elastic

    @asynccontextmanager
    async def files() -> AsyncIterator[Lake]:
        lake = FilesLake(tmp_path / "lake")
        await lake.open()
        yield lake
        await lake.close()

    return files


class Mended:
    """A lake after the fix: it takes every line."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        """Keep the ids."""
        self.taken += [line.id for line in lines]
        return [STORED] * len(lines)

    async def flush(self) -> None:
        """There is nothing to show."""


def taglake(*words: str, spool: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command of ours on a spool, as an operator does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAGLAKE_")}
    env = kept | {"TAGLAKE_INGEST__SPOOL": str(spool)}
    command = [*TAGLAKE, *words]
    return subprocess.run(
        command, env=env, cwd=spool.parent, capture_output=True, text=True, timeout=60, check=True
    )


@pytest.fixture
def spool_path(tmp_path: Path) -> Path:
    """Where the spool is; a folder with no settings beside it."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder / "spool.db"


async def test_the_rest_is_stored_and_poison_is_set_aside_once(
    opening: Opening,
    request: pytest.FixtureRequest,
    spool_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("DEBUG")
    lines, wrong = poisoned(POSTS)
    lines[::1001] = [broken(number) for number in range(0, POSTS, 1001)]  # unusual, but no poison
    with capture_logs() as logs:
        async with opening() as lake, way(spool_path, lake) as line_up:
            await line_up.put(lines)
            await line_up.sender.drain()
            letters = await line_up.spool.dead_letters(POSTS)
            assert await line_up.spool.waiting() == (0, 0)
            sent = line_up.sender.progress
            stored = await held(lake)
    right = {line.id for line in lines} - set(wrong)
    assert stored == {id: canary_of(id) for id in right}
    assert Counter(letter.id for letter in letters) == Counter(list(wrong))
    assert all(letter.reason for letter in letters)
    texts = [canary(number) for number in range(POSTS)]
    told = json.dumps([letter_words(letter) for letter in letters])
    assert canaries(texts, str(logs), caplog.text, told) == []
    await mend(spool_path, wrong, texts)
    engine = request.node.callspec.params["opening"]
    record(
        12,
        f"poison, 1 in 1,000, {engine}",
        posts=POSTS,
        poison=len(wrong),
        precision=len(wrong.keys() & {x.id for x in letters}) / len(letters),
        recall=len(wrong.keys() & {x.id for x in letters}) / len(wrong),
        stored=len(stored),
        requests=sent.requests,
        texts_in_logs=0,
    )


async def held(lake: Lake) -> dict[str, str]:
    """Return the posts of a lake: id to the one word of its text that no other post has."""
    return {
        post.id: (post.text or "").rpartition(" ")[2]
        async for batch in lake.scan(Post, Where(), raw=False)
        for post in batch
    }


def canary_of(id: str) -> str:
    return canary(int(id.partition(":")[2]))


def letter_words(letter: DeadLetter) -> list[str]:
    return [letter.code, letter.reason, letter.table]


async def mend(spool_path: Path, wrong: dict[str, str], texts: list[str]) -> None:
    """Replay the dead letters by command into a lake that takes them: none are left."""
    listed = await asyncio.to_thread(taglake, "spool", "dead-letters", "--json", spool=spool_path)
    assert len(listed.stdout.splitlines()) == len(wrong)
    replayed = await asyncio.to_thread(taglake, "spool", "replay", "--all", spool=spool_path)
    assert replayed.stdout == f"{len(wrong)} dead letters are back in the spool\n"
    assert canaries(texts, listed.stdout, listed.stderr, replayed.stdout, replayed.stderr) == []
    mended = Mended()
    async with way(spool_path, mended) as line_up:
        await line_up.sender.drain()
        assert await line_up.spool.dead_letters() == []
        assert await line_up.spool.waiting() == (0, 0)
    assert Counter(mended.taken) == Counter(list(wrong))


async def test_poison_that_is_still_poison_is_set_aside_again_and_once(
    opening: Opening, spool_path: Path
) -> None:
    lines, wrong = poisoned(1_000, every=100)
    async with opening() as lake, way(spool_path, lake) as line_up:
        await line_up.put(lines)
        for _ in range(3):
            await line_up.sender.drain()
            assert await line_up.spool.replay() == len(wrong)
        await line_up.sender.drain()
        letters = await line_up.spool.dead_letters()
        assert await lake.totals(Post, Where(), [COUNT]) == {"count": len(lines) - len(wrong)}
    assert Counter(letter.id for letter in letters) == Counter(list(wrong))


class Unchecked:
    """Elasticsearch without our own checks, as with a kind of poison that they do not know yet."""

    def __init__(self, url: str, index: str) -> None:
        self.connection = Connection(url)
        self._index = index.encode()

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        """Write lines as they are."""
        body = b"".join(
            b'{"index":{"_index":"%b","_id":%b}}\n%b\n'
            % (self._index, json.dumps(line.id).encode(), line.body)
            for line in lines
        )
        return verdicts(await self.connection.bulk(body, documents=len(lines)), lines)

    async def flush(self) -> None:
        """Readers wait for Elasticsearch's own refresh."""


@pytest.mark.elastic
async def test_what_spoils_a_whole_request_is_found_by_halving(
    elastic_url: str, spool_path: Path
) -> None:
    size, culprits = 1024, 4
    lines = [line_of(good(number)) for number in range(size)]
    bad = [POISON["id of 513 bytes"](100), broken(400), POISON["id of 513 bytes"](700), broken(999)]
    for line, place in zip(bad, (100, 400, 700, 999), strict=True):
        lines[place] = line
    async with elastic_lake(elastic_url) as (_, operator):
        lake = Unchecked(elastic_url, f"{operator.prefix}-posts-2026.03")
        try:
            async with way(spool_path, lake, max_lines=size) as line_up:
                await line_up.put(lines)
                await line_up.sender.drain()
                letters = await line_up.spool.dead_letters()
                requests = line_up.sender.progress.requests
            assert await operator.count("posts") == size - culprits
        finally:
            await lake.connection.close()
    assert [letter.id for letter in letters] == [line.id for line in bad]
    each = (requests - 1) / culprits
    assert each <= 2 * math.log2(size)
    record(12, "halving, elastic", lines=size, culprits=culprits, requests_each=round(each, 1))


@pytest.mark.parametrize(("size", "culprits"), [(64, 1), (1000, 1), (4096, 1), (5000, 5)])
async def test_halving_costs_two_log_n_requests_a_culprit(
    spool_path: Path, size: int, culprits: int
) -> None:
    lines = [line_of(good(number)) for number in range(size)]
    step = size // culprits
    bad = {lines[place].id for place in range(step // 3, size, step)}
    async with FakeElastic(malformed=bad) as fake:
        lake = ElasticLake(fake.url, prefix="p")
        async with way(spool_path, lake, max_lines=size, max_bytes=64 << 20) as line_up:
            await line_up.put(lines)
            await line_up.sender.drain()
            letters = await line_up.spool.dead_letters()
        await lake.close()
    assert {letter.id for letter in letters} == bad
    assert len(letters) == culprits
    assert len(fake.ids) == size - culprits
    each = (len(fake.bulks) - 1) / culprits
    # Halving a part of n lines down to one takes ceil(log2 n) steps of two requests.
    most = 2 * math.ceil(math.log2(size))
    assert each <= most
    record(12, f"halving of {size}", culprits=culprits, requests_each=each, most=most)
