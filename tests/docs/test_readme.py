"""The README's commands, run as a new user would, against the simulated networks."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from taglake.cli import taglake

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TAGLAKE = [sys.executable, "-m", "taglake"]


def _blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, flags=re.S)


def _commands(start: str) -> list[list[str]]:
    """Return the README's `taglake` commands that begin with `start`, without comments."""
    lines = [line for block in _blocks("sh") for line in block.splitlines()]
    found = [shlex.split(line, comments=True) for line in lines if "bin/taglake" in line]
    return [words[1:] for words in found if words[1] == start]


@pytest.fixture
def simnet() -> Iterator[str]:
    """The address of a simulated Mastodon server."""
    command = [*TAGLAKE, "simnet", "--port", "0", "--speed", "1"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if "mastodon.example" in line:
                    yield line.split()[-1]
                    break
        finally:
            process.kill()


def _environment() -> dict[str, str]:
    return os.environ | {"TAGLAKE_SERVE__PORT": "0", "TAGLAKE_LOG__FORMAT": "json"}


def _done(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*TAGLAKE, *words],
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=90,
    )


def test_a_hashtag_can_be_followed_without_a_key(tmp_path: Path, simnet: str) -> None:
    [words] = _commands("track")
    words = [{"mastodon.social": simnet, "#photography": "#nike"}.get(word, word) for word in words]
    done = _done([*words, "--for", "4"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("#nike on mastodon")
    assert " polls made" in done.stdout


def test_a_lake_can_be_set_up_and_asked_for_a_plan(tmp_path: Path, simnet: str) -> None:
    for command in ("init", "client"):
        for words in _commands(command):
            done = _done(words, tmp_path)
            assert done.returncode == 0, done.stderr
    key = done.stdout.strip()
    assert key.startswith("pk_")
    with (tmp_path / "taglake.toml").open("a") as settings:
        settings.write(_blocks("toml")[0].replace("https://mastodon.social", simnet))
    assert _done(["doctor"], tmp_path).returncode == 0
    plan = _plan(tmp_path, key)
    assert plan["fits"] is True
    assert {target["target"] for target in plan["targets"]} == {
        "mastodon/tag/nike",
        "mastodon/tag/adidas",
    }


def _plan(folder: Path, key: str) -> dict[str, object]:
    """Start `taglake run`, ask with the README's own curl, stop it, and return the answer."""
    command = [*TAGLAKE, "run"]
    with subprocess.Popen(
        command, cwd=folder, env=_environment(), stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            page = next(json.loads(line)["page"] for line in process.stderr if '"serving"' in line)
            answer = _ask(page, key)
        finally:
            process.send_signal(signal.SIGTERM)
            process.stderr.read()
            assert process.wait(30) == 0
    return answer


def _ask(page: str, key: str) -> dict[str, object]:
    [block] = [block for block in _blocks("sh") if block.startswith("curl")]
    script = block.replace("http://localhost:8000", page).replace("$KEY", key)
    for _ in range(50):  # the address is told before the first request is taken
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=30)
        if done.returncode == 0:
            break
        time.sleep(0.1)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_every_command_of_the_table_teaches_itself() -> None:
    table = README.split("## Commands")[1].split("\nFor operations")[0]
    commands = set(re.findall(r"`(\w+)`", table)) - {"taglake"}
    assert len(commands) == 17
    for command in sorted(commands):
        done = CliRunner().invoke(taglake, [command, "--help"])
        assert done.exit_code == 0, command
        assert "Usage: " in done.output
