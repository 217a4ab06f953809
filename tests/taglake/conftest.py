"""The command line in a folder of its own, without settings of whoever runs the tests."""

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from fakes import campaign_world
from fakes.terminal import Outcome, Run
from registry.models import Campaign, CampaignDraft
from taglake.cli import main
from taglake.settings import Settings, load
from taglake.wiring import open_lake, open_the_registry


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory, and no settings in the environment."""
    for name in [name for name in os.environ if name.startswith("TAGLAKE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run a command as a user does, in this process; no command ever shows a traceback."""

    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        monkeypatch.setattr(sys, "argv", ["taglake", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        assert "Traceback" not in said.err, said.err
        assert "should not happen" not in said.err, said.err
        return Outcome(code, said.out, said.err)

    yield run
    structlog.reset_defaults()  # logging was sent to this test's standard error
    logging.basicConfig(force=True)


@pytest.fixture
def ready(run: Run) -> Run:
    """The command line in a folder where `taglake init` has been run."""
    assert run("init").code == 0
    return run


@pytest.fixture
def campaign(ready: Run) -> Campaign:
    """A finished campaign of the tenant "My brand", its posts in the lake of the settings."""
    return asyncio.run(_played(load()))


async def _played(settings: Settings) -> Campaign:
    async with open_the_registry(settings) as registry, open_lake(settings) as lake:
        client = await registry.clients.create("My brand", who="test")
        wish = campaign_world.campaign()
        values = {name: getattr(wish, name) for name in CampaignDraft.__struct_fields__}
        await lake.append(campaign_world.RECORDS)
        return await registry.campaigns.create(client.id, CampaignDraft(**values), who="test")
