"""Cases 13, 14, 15: a lake that an operator has to mend takes nothing, and nothing is lost."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from faults.figures import record
from faults.forms import form
from faults.lakeside import Operator, Way, canaries, elastic_lake, way
from faults.poison import START, canary, good
from lake.contract import Line
from lake.elastic import ElasticLake
from lake.files import FilesLake
from lake.lines import line_of
from servers.processes import TAGLAKE

PACE = form(20.0, 1.0)  # times as fast as real time
BLOCKED = 30.0  # seconds, quick ones in the short form
MONTH = timedelta(days=31)


def lines(start: int, count: int, *, months: int = 0) -> list[Line]:
    created = START + months * MONTH
    return [line_of(good(n, created_at=created)) for n in range(start, start + count)]


@asynccontextmanager
async def collecting(line_up: Way, *, every: float, month: int = 0) -> AsyncIterator[list[Line]]:
    """Bring one page after the other while the block lasts; yield what was brought so far."""
    brought: list[Line] = []

    async def bring() -> None:
        while True:
            page = lines(len(brought), 20, months=month)
            brought.extend(page)
            await line_up.put(page)
            await line_up.clock.sleep(every)

    task = asyncio.create_task(bring())
    try:
        yield brought
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until_alarm(line_up: Way, alarm: str | None, *, seconds: float) -> float:
    """Return after how many seconds the sender's alarm is `alarm`."""
    started = line_up.clock.monotonic()
    while line_up.sender.progress.alarm != alarm:
        assert line_up.clock.monotonic() - started < seconds, line_up.sender.progress
        await asyncio.sleep(0.005)
    return line_up.clock.monotonic() - started


@pytest.mark.elastic
async def test_a_flood_stage_block_is_waited_for_and_alarms_as_disk(
    elastic_url: str, tmp_path: Path
) -> None:
    flood = "index.blocks.read_only_allow_delete"
    async with (
        elastic_lake(elastic_url) as (lake, operator),
        way(tmp_path / "spool.db", lake, pace=PACE) as line_up,
    ):
        with capture_logs() as logs:
            async with line_up.sending(), collecting(line_up, every=1.0) as brought:
                await until_stored(line_up, 20)
                settings = f"/{operator.prefix}-posts-*/_settings"
                await operator.ask("PUT", settings, {flood: True})
                requests = line_up.sender.progress.requests
                alarm = await until_alarm(line_up, "disk", seconds=30)
                await line_up.clock.sleep(BLOCKED)
                assert line_up.sender.progress.alarm == "disk"
                meanwhile = line_up.sender.progress.requests - requests
                await operator.ask("PUT", settings, {flood: None})
                resume = await until_alarm(line_up, None, seconds=60)
            async with line_up.sending():
                drained = await line_up.emptied(seconds=120)
        assert await line_up.spool.dead_letters() == []
        assert await operator.count("posts") == len(brought)
    # A request that was on its way when the block came may be answered well after one that was not.
    assert said(logs)[-2:] == ["lake takes no writes", "lake takes writes again"]
    assert len(logs) <= 4
    assert {entry["cause"] for entry in logs if "cause" in entry} == {"disk"}
    assert canaries([canary(n) for n in range(len(brought))], str(logs)) == []
    record(
        13,
        f"flood-stage block of {BLOCKED:.0f} s",
        alarm_seconds=round(alarm, 1),
        resume_seconds=round(resume, 1),
        last_stored_seconds=round(resume + drained, 1),
        requests_meanwhile=meanwhile,
        dead_letters=0,
        lost=0,
    )


async def until_stored(line_up: Way, count: int) -> None:
    while line_up.sender.progress.stored < count:
        await asyncio.sleep(0.01)


def said(logs: list[dict[str, object]]) -> list[object]:
    return [entry["event"] for entry in logs]


@pytest.mark.elastic
async def test_lines_of_closed_missing_and_blocked_indices_wait_and_the_others_go_on(
    elastic_url: str, tmp_path: Path
) -> None:
    each = 200
    async with (
        elastic_lake(elastic_url) as (lake, operator),
        way(tmp_path / "spool.db", lake, pace=PACE) as line_up,
    ):
        for month in (0, 1, 3):  # 2 is the one that is missing
            await lake.append([good(90_000 + month, created_at=START + month * MONTH)])
        closed, blocked, _ = [n for n in await operator.indices() if "posts" in n]
        await operator.ask("POST", f"/{closed}/_close")
        await operator.ask("PUT", f"/{blocked}/_settings", {"index.blocks.write": True})
        await forbid_new_indices(operator, True)
        try:
            for month in range(4):
                await line_up.put(lines(month * each, each, months=month))
            with capture_logs() as logs:
                async with line_up.sending():
                    await until_stored(line_up, each)
                    while line_up.sender.progress.parked < 3 * each:
                        await asyncio.sleep(0.01)
                    progress = line_up.sender.progress
                    await operator.ask("POST", f"/{closed}/_open")
                    await operator.ask("PUT", f"/{blocked}/_settings", {"index.blocks.write": None})
                    await forbid_new_indices(operator, False)
                    resumed = await line_up.emptied(seconds=120)
        finally:
            await forbid_new_indices(operator, False)
        assert await line_up.spool.dead_letters() == []
        assert await operator.count("posts") == 4 * each + 3
    causes = sorted(str(entry["cause"]) for entry in logs if "cause" in entry)
    assert causes == ["index", "index missing", "write block"]
    assert (progress.stored, progress.poison) == (each, 0)
    assert line_up.sender.progress.alarm is None
    record(
        14,
        "index closed, missing, write-blocked",
        expected=3 * each,
        parked=progress.parked,
        dead_letters=0,
        replayed=line_up.sender.progress.stored - progress.stored,
        resume_seconds=round(resumed, 1),
    )


async def forbid_new_indices(operator: Operator, forbidden: bool) -> None:
    rule = f"-{operator.prefix}-*,+*" if forbidden else None
    settings = {"persistent": {"action.auto_create_index": rule}}
    await operator.ask("PUT", "/_cluster/settings", settings)


async def test_a_lake_in_files_that_another_process_writes_is_waited_for(tmp_path: Path) -> None:
    holder, ours = FilesLake(tmp_path / "lake"), FilesLake(tmp_path / "lake")
    await holder.open()
    await holder.claim()
    await ours.open()
    async with way(tmp_path / "spool.db", ours, pace=20.0) as line_up:
        await line_up.put(lines(0, 200))
        async with line_up.sending():
            while line_up.sender.progress.alarm is None:
                await asyncio.sleep(0.01)
            alarm = line_up.sender.progress.alarm
            await holder.close()
            resumed = await line_up.emptied(seconds=60)
        assert await line_up.spool.dead_letters() == []
        assert line_up.sender.progress.alarm is None
        assert line_up.sender.progress.stored == 200
    await ours.close()
    record(14, f"files: {alarm}", expected=200, lost=0, resume_seconds=round(resumed, 1))


CONFLICT = {
    "priority": 1000,
    "template": {"mappings": {"properties": {"counts": {"type": "keyword"}}}},
}


@pytest.mark.elastic
async def test_a_conflicting_mapping_costs_only_new_indices_and_one_command(
    elastic_url: str, tmp_path: Path
) -> None:
    each = 300
    path = tmp_path / "spool.db"
    async with elastic_lake(elastic_url) as (lake, operator):
        with capture_logs() as logs:
            refused = await changed_in_flight(path, lake, operator, each)
            replayed = await asyncio.to_thread(replay, path)
            async with way(path, lake) as line_up:
                await line_up.sender.drain()
                assert await line_up.spool.dead_letters() == []
                assert line_up.sender.progress.stored == each
        assert await operator.count("posts") == 3 * each
    assert refused == each
    assert replayed == f"{each} dead letters are back in the spool\n"
    assert canaries([canary(number) for number in range(3 * each)], str(logs)) == []
    record(15, "conflicting mapping in flight", dead_letters=refused, replayed=each, lost=0)


async def changed_in_flight(path: Path, lake: ElasticLake, operator: Operator, each: int) -> int:
    """Send one month, then, under a foreign template, that month and a new one; then remove the
    template and what it made. Return how many dead letters there are.
    """
    name = f"/_index_template/{operator.prefix}-foreign"
    pattern = {"index_patterns": [f"{operator.prefix}-posts-*"]}
    async with way(path, lake) as line_up:
        await line_up.put(lines(0, each))
        await line_up.sender.drain()
        await operator.ask("PUT", name, CONFLICT | pattern)
        await line_up.put(lines(each, each))
        await line_up.put(lines(2 * each, each, months=1))
        await line_up.sender.drain()
        letters = await line_up.spool.dead_letters(10 * each)
        assert await operator.count("posts") == 2 * each
        assert await line_up.spool.waiting() == (0, 0)
    assert {letter.code for letter in letters} == {"document_parsing_exception"}
    assert len({letter.id for letter in letters}) == len(letters)
    await operator.ask("DELETE", name)
    await operator.ask("DELETE", f"/{(await operator.indices())[-1]}")
    return len(letters)


def replay(path: Path) -> str:
    """Replay all dead letters as an operator does and return what the command says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TAGLAKE_")}
    env = kept | {"TAGLAKE_INGEST__SPOOL": str(path)}
    command = [*TAGLAKE, "spool", "replay", "--all"]
    done = subprocess.run(
        command, env=env, cwd=path.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert canaries([canary(number) for number in range(10_000)], done.stdout, done.stderr) == []
    return done.stdout
