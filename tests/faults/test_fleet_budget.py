"""Case 25: ingestors share lanes, are killed at random, and never ask for more than is allowed.

Real processes with windows of seconds prove that nothing is overspent whatever the machine does;
ingestors on a stepped clock with windows of an hour show how much of the budgets is used, which on
a busy machine says more about the machine.
"""

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from faults.figures import record
from faults.fleet import PEPPER, Fleet, Setup, Watcher, calm, database, milliseconds
from faults.forms import LONG, form
from faults.judge import used_share, worst_share
from faults.stage import Process, stage
from registry import open_registry

pytestmark = pytest.mark.timeout(form(180, 600))
PROCESSES = form(3, 6)
SETUP = form(
    Setup(lanes=6, limit=10, window=6.0, lease=3.0, tags=900),
    Setup(lanes=24, limit=10, window=7.2, lease=3.0, tags=4800),
)
SECONDS, KILLS = form((9.0, 3), (75.0, 25))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def registry_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a fleet meets: a file that processes of one machine share, or a server."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/registry.db"
        return
    if not LONG:
        pytest.skip("the long form runs on both")
    server: str = request.getfixturevalue("postgres_url")
    with database(server.replace("+asyncpg", ""), "fleet_budget") as url:
        yield url


async def test_processes_killed_at_random_never_overspend(
    registry_url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        fleet = Fleet(tmp_path, registry_url, SETUP, stack)
        await fleet.prepare()
        names = [f"ingestor-{number}" for number in range(PROCESSES)]
        async with (
            await open_registry(registry_url, pepper=PEPPER) as registry,
            Watcher(registry) as watcher,
        ):
            for name in names:
                fleet.start(name)
            await watcher.shared({fleet.owner(name) for name in names}, least=1)
            begin = milliseconds()
            await _kill_at_random(fleet, names)
            end = milliseconds()
            codes = fleet.stop(names)
        asked = fleet.asked()
    stretches = calm(watcher.held, fleet.kills, settle=round(1600 * SETUP.window), end=end)
    late = {
        f"token-of-{account}": [
            (max(since, begin), until) for since, until in spans if until > begin
        ]
        for account, spans in stretches.items()
    }
    budget = {"limit": SETUP.limit, "window": SETUP.window}
    record(
        25, f"{PROCESSES} processes, {SETUP.lanes} lanes of {SETUP.limit} in {SETUP.window:g} s, "
        f"{registry_url.partition(':')[0]}",
        kills=len(fleet.kills), requests=asked.requests, written_ahead=watcher.grants,
        refused=asked.refused, worst_window_of_limit=round(worst_share(asked, **budget), 3),
        use_where_undisturbed=round(used_share(asked, **budget, stretches=late), 3),
        load=round(os.getloadavg()[0], 1),
    )  # fmt: skip
    assert worst_share(asked, **budget) <= 1.0
    assert asked.refused == 0
    assert asked.requests > SETUP.lanes * SETUP.limit
    for account in fleet.accounts:
        assert len(asked.at[f"token-of-{account}"]) <= watcher.grants_of(account)
    assert {codes[name] for name in names} <= {0, -15}  # 15: had not come up again yet


async def _kill_at_random(fleet: Fleet, names: list[str]) -> None:
    rng = random.Random(25)
    for _ in range(KILLS):
        await asyncio.sleep(rng.uniform(0.5, 1.5) * SECONDS / KILLS)
        name = rng.choice(names)
        fleet.kill(name)
        fleet.start(name)
    await asyncio.sleep(SECONDS / KILLS)


LANES, LIVES, HOURS, DEATHS = form((6, 3, 10, 3), (24, 6, 8, 4))
LIMIT, WINDOW = 20, 3600.0
LOOK = 0.05  # hours


async def test_what_is_allowed_is_used_although_processes_die(tmp_path: Path) -> None:
    tags = [f"tag{number}" for number in range(LANES * 6)]
    rng = random.Random(25)
    deaths = sorted(rng.uniform(1.0, HOURS - 2.0) for _ in range(DEATHS))
    kills: list[tuple[int, str]] = []
    async with stage(tmp_path, tags=tags) as made:
        await made.track("mastodon", accounts=LANES, tags=tags, budget=(LIMIT, WINDOW), slots=0)
        watcher = Watcher(made.registry, now=made.milliseconds)
        fleet = [Process(made, tmp_path, name=f"process-{number}") for number in range(LIVES)]
        for process in fleet:
            # More is wished for than is allowed.
            await process.start(lease=600.0, headroom=1.2)
        while made.now < HOURS * 3600.0:
            await made.play(hours=LOOK)
            await watcher.look()
            if deaths and made.now >= deaths[0] * 3600.0:
                deaths.pop(0)
                process = rng.choice(fleet)
                kills.append((made.milliseconds(), process.owner))
                await process.kill()
                await process.start(lease=600.0, headroom=1.2)
        for process in fleet:
            await process.stop()
        asked, end = made.asked_by_all(), made.milliseconds()
    settle = round(1600 * WINDOW)
    quiet = calm(watcher.held, kills, settle=settle, end=end)
    whole = {account: [(settle, end)] for account in asked.at}
    worst = worst_share(asked, limit=LIMIT, window=WINDOW)
    used = used_share(asked, limit=LIMIT, window=WINDOW, stretches=quiet)
    record(
        25, f"{LIVES} ingestors, {LANES} lanes of {LIMIT} an hour, {HOURS} stepped hours",
        kills=len(kills), requests=asked.requests, written_ahead=watcher.grants,
        refused=asked.refused, worst_window_of_limit=round(worst, 3),
        use_where_undisturbed=round(used, 3),
        use_in_all=round(used_share(asked, limit=LIMIT, window=WINDOW, stretches=whole), 3),
    )  # fmt: skip
    assert worst <= 1.0
    assert asked.refused == 0
    assert used >= 0.95
