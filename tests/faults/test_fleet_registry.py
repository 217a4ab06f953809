"""Case 32: the registry stands still, and it is restored from an old backup.

Case 20, long form: the wall clock of real processes is set forth and back by faketime.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from faults.figures import record
from faults.fleet import PEPPER, Fleet, Setup, Watcher, database, milliseconds
from faults.forms import LONG, form
from faults.judge import Asked, longest_pause, worst_share
from registry import open_registry
from servers.requirement import require

pytestmark = pytest.mark.timeout(form(180, 600))
SETUP = Setup(lanes=4, limit=8, window=form(8.0, 30.0), lease=form(3.0, 12.0), tags=400)
BUDGET = {"limit": SETUP.limit, "window": SETUP.window}
FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


async def test_a_registry_that_stands_still_ends_the_spending(tmp_path: Path) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, f"sqlite:///{tmp_path}/registry.db", SETUP, stack)
        await fleet.prepare()
        async with (
            await open_registry(fleet.registry_url, pepper=PEPPER) as registry,
            Watcher(registry) as watcher,
        ):
            fleet.start("one")
            await watcher.shared({fleet.owner("one")}, least=SETUP.lanes)
            await asyncio.sleep(2.0)
            with closing(sqlite3.connect(tmp_path / "registry.db", timeout=10)) as lock:
                lock.execute("BEGIN IMMEDIATE")  # nobody can write, as on a disk that hangs
                locked_at = milliseconds()
                await asyncio.sleep(form(8.0, 20.0))
                opened_at = milliseconds()
                lock.rollback()
            await _again(fleet, opened_at)
        codes = fleet.stop(["one"])
        asked = fleet.asked()
    (told,) = [line for line in fleet.said("one") if line["event"] == "ingestor stopped"]
    stamps = sorted(at for one in asked.at.values() for at in one)
    late = [at for at in stamps if locked_at + 1000 * SETUP.lease < at < opened_at]
    record(
        32, f"registry locked for {(opened_at - locked_at) / 1000:.0f} s, lease {SETUP.lease:g} s",
        requests_after_the_lease=len(late), asked_again_after_seconds=round(
            (min(at for at in stamps if at > opened_at) - opened_at) / 1000, 1),
        worst_window_of_limit=round(worst_share(asked, **BUDGET), 3),
        providers_count=asked.requests, our_count=told["requests"],
    )  # fmt: skip
    assert told["requests"] == asked.requests
    assert late == []
    assert worst_share(asked, **BUDGET) <= 1.0
    assert codes == {"one": 0}


async def test_a_registry_restored_from_an_old_backup_overspends_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, f"sqlite:///{tmp_path}/registry.db", SETUP, stack)
        await fleet.prepare()
        # Older than the accounts themselves: it knows neither them nor what they spent.
        shutil.copy(tmp_path / "registry.db", tmp_path / "backup.db")
        fleet.start("one")
        first = await _again(fleet, 0)
        await asyncio.sleep(2.0)
        fleet.kill("one")
        for path in tmp_path.glob("registry.db*"):
            path.unlink()
        shutil.copy(tmp_path / "backup.db", tmp_path / "registry.db")
        fleet.command("account", "distrust")
        restored_at = milliseconds()
        fleet.start("one")
        asked = await _again(fleet, restored_at)
        await asyncio.sleep(1.0)
        asked = fleet.asked()
    before = sum(at < restored_at for one in asked.at.values() for at in one)
    record(
        32, "registry restored from a backup without any spending, then distrusted",
        requests_before=before, requests_after=asked.requests - before, refused=asked.refused,
        worst_window_of_limit=round(worst_share(asked, **BUDGET), 3),
    )  # fmt: skip
    assert first.requests > 0
    assert worst_share(asked, **BUDGET) <= 1.0
    assert asked.refused == 0


async def _again(fleet: Fleet, since: int) -> Asked:
    """Return what the provider saw, once it has been asked since an instant."""
    async with asyncio.timeout(90.0):
        while True:
            asked = fleet.asked()
            if any(at > since for one in asked.at.values() for at in one):
                return asked
            await asyncio.sleep(0.1)


@pytest.fixture
def server_url(postgres_url: str) -> Iterator[str]:
    """A database of the test's own."""
    with database(postgres_url.replace("+asyncpg", ""), "faketime") as url:
        yield url


@pytest.mark.skipif(not LONG, reason="the short form is in test_budget_clocks.py")
@pytest.mark.postgres
async def test_faketime_moves_no_lease_and_no_budget(tmp_path: Path, server_url: str) -> None:
    if not FAKETIME.exists():
        require("faketime is missing: apt-get install faketime")
    offset = tmp_path / "offset"
    offset.write_text("+0")
    fake = {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    jumps = ["+1h", "+0", "-1h", "+0", "+3652d", "+0", "-3652d"]
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, server_url, SETUP, stack)
        await fleet.prepare()
        async with (
            await open_registry(server_url, pepper=PEPPER) as registry,
            Watcher(registry) as watcher,
        ):
            fleet.start("one", **fake)
            await watcher.shared({fleet.owner("one")}, least=SETUP.lanes)
            for jump in jumps:
                offset.write_text(jump)
                await asyncio.sleep(10.0)
            asked, lanes = await _again(fleet, milliseconds()), await registry.lanes.list()
        codes = fleet.stop(["one"])
    pauses = [longest_pause(stamps) for stamps in asked.at.values()]
    record(
        20, "faketime: an hour and ten years forth and back, a real process, PostgreSQL",
        jumps=len(jumps), leases_lost=sum(lane.fence != 1 for lane in lanes),
        worst_window_of_limit=round(worst_share(asked, **BUDGET), 3), refused=asked.refused,
        longest_pause_seconds=round(max(pauses), 1),
    )  # fmt: skip
    assert {lane.fence for lane in lanes} == {1}
    assert worst_share(asked, **BUDGET) <= 1.0
    assert max(pauses) <= 2 * SETUP.window
    assert codes == {"one": 0}
