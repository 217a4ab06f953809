"""`account`: what an operator does about accounts, and that it reaches the fleet."""

import asyncio
import json
from pathlib import Path

import pytest

from fakes.terminal import Run
from registry.errors import Fenced
from registry.models import Lane
from taglake import wiring
from taglake.settings import load

READER = "mastodon/reader-1"
SETTINGS = """
[[accounts]]
source = "mastodon"
name = "reader-1"
base_url = "http://127.0.0.1:1"
limit = 10
window = 60
"""


@pytest.fixture
def held(ready: Run, home: Path) -> Lane:
    """An account that a process of the fleet holds."""
    with (home / "taglake.toml").open("a") as file:
        file.write(SETTINGS)

    async def claim() -> Lane:
        settings = load()
        async with wiring.open_the_registry(settings) as registry:
            await registry.lanes.upsert(wiring.lanes_of(settings, wiring.sources()))
            (lane,) = await registry.lanes.claim("ingestor-1", most=1)
            return lane

    return asyncio.run(claim())


def reserve(lane: Lane) -> None:
    async def write_ahead() -> None:
        async with wiring.open_the_registry(load()) as registry:
            await registry.lanes.reserve(lane.id, lane.fence, 1)

    asyncio.run(write_ahead())


def spent() -> int:
    async def read() -> int:
        async with wiring.open_the_registry(load()) as registry:
            return sum(one.grants for one in await registry.lanes.spent(READER, 60.0))

    return asyncio.run(read())


def test_accounts_are_listed_with_their_holders(run: Run, held: Lane) -> None:
    (row,) = [json.loads(line) for line in run("account", "list", "--json").out.splitlines()]
    assert (row["name"], row["state"], row["holder"]) == (READER, "held", "ingestor-1")
    assert (row["limit"], row["window"], row["configured"]) == (10, 60.0, True)
    assert run("account", "list").out.startswith(f"{READER}\theld until ")


def test_a_quarantined_account_is_refused_to_its_holder_until_it_is_released(
    run: Run, held: Lane
) -> None:
    reserve(held)
    assert run("account", "quarantine", READER, "--reason", "password changed").code == 0
    with pytest.raises(Fenced):
        reserve(held)
    assert run("account", "list").out == f"{READER}\tquarantined\tpassword changed\n"
    row = json.loads(run("account", "release", READER, "--json").out)
    assert (row["state"], row["reason"]) == ("free", None)


def test_an_account_that_the_settings_name_is_not_forgotten(run: Run, held: Lane) -> None:
    refused = run("account", "remove", READER)
    assert refused.code == 2
    assert "delete its [[accounts]] block" in refused.err


def test_an_account_that_the_settings_name_no_more_is_forgotten(
    run: Run, held: Lane, home: Path
) -> None:
    file = home / "taglake.toml"
    file.write_text(file.read_text().replace(SETTINGS, ""))
    assert run("account", "list").out.rstrip().endswith("\tnot in these settings")
    assert run("account", "remove", READER).code == 0
    assert run("account", "list").out == ""


def test_after_a_restore_every_account_is_spent_and_its_holder_is_refused(
    run: Run, held: Lane
) -> None:
    assert json.loads(run("account", "distrust", "--json").out) == {"accounts": 1}
    assert spent() == 10
    with pytest.raises(Fenced):
        reserve(held)


@pytest.mark.parametrize("word", ["quarantine", "release", "remove"])
def test_an_account_that_is_not_there_is_named(ready: Run, word: str) -> None:
    missing = ready("account", word, "mastodon/nobody")
    assert missing.code == 3
    assert "taglake account list" in missing.err
