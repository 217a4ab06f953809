"""Every command explains itself, and bad arguments are one line with an exit code."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fakes.terminal import Run
from taglake.cli import taglake


def _commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for name, command in group.commands.items():
        found.append((*names, name))
        if isinstance(command, click.Group):
            found += _commands(command, *names, name)
    return found


EVERY = _commands(taglake)


def test_the_commands_are_those_of_the_contract() -> None:
    assert {names[0] for names in EVERY} >= {
        "init", "demo", "run", "ingest", "work", "serve", "track", "plan", "report", "parse",
        "import", "export", "client", "account", "spool", "doctor", "simnet",
    }  # fmt: skip


@pytest.mark.parametrize("names", EVERY, ids=" ".join)
def test_help_teaches(run: Run, names: tuple[str, ...]) -> None:
    shown = run(*names, "--help")
    assert shown.code == 0
    assert "Usage: taglake" in shown.out
    assert len(shown.out.split("Options:")[0].split()) > 8


@pytest.mark.parametrize("names", [names for names in EVERY if len(names) == 1], ids=" ".join)
def test_help_shows_an_example(run: Run, names: tuple[str, ...]) -> None:
    text = run(*names, "--help").out.split("Options:")[0]
    examples = [line for line in text.splitlines() if line.strip().startswith("taglake ")]
    assert examples, f"{names[0]} --help shows no example"


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").out.startswith("taglake ")


def test_kernels_are_named(run: Run) -> None:
    shown = run("kernels")
    assert "compare pages with what is known\tcompiled" in shown.out
    assert shown.code == 0  # all of them, on every machine that runs our tests


def test_forced_python_kernels_are_named_as_such() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "taglake", "kernels"],
        env={**os.environ, "TAGLAKE_PURE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "compare pages with what is known\tpython" in said.stdout
    assert (said.returncode, "not compiled" in said.stderr) == (5, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nosuch", "nosuch"),
        ("report --as-of yesterday", "'yesterday' is not an instant: write 2026-03-01"),
        ("serve --port 99999", "99999"),
        ("plan nike --network mastodon --end soon", "'soon'"),
        ("plan # --network mastodon --end 2030-01-01", "hashtag '#': is empty; write '#nike'"),
        ("plan nike --network mastodon --end 2020-01-01", "choose an instant after start"),
        ("parse myspace file", "'myspace'"),
        ("parse mastodon nothere.json", "nothere.json"),
        ("import mastodon nothere.json", "nothere.json"),
        ("export here --format xml", "'xml'"),
        ("export here --since 2026-02-01 --until 2026-01-01", "--until 2026-01-01"),
        ("spool replay", "name the letters to replay, or give --all"),
        ("spool replay x", "'x'"),
        ("spool replay 1 --all", "name the letters to replay, or give --all"),
        ("track nike --network nosuch --for 1", "--network 'nosuch': unknown; there are bluesky"),
        ("track nike --network mastodon --for 1", "--instance: mastodon has many servers"),
        ("track nike --network mastodon --instance a@b --for 1", "--instance 'a@b'"),
        ("track # --network mastodon --instance here.example --for 1", "hashtag '#'"),
        ("simnet --speed 0", "0"),
        ("demo --lift -1", "-1"),
        ("run", "accounts: there are none"),
        ("ingest", "accounts: there are none"),
        ("client add", "NAME"),
        ("--config nothere.toml report", "--config nothere.toml: there is no such file"),
    ],
)
def test_a_wrong_argument_is_named_and_ends_with_2(ready: Run, line: str, said: str) -> None:
    shown = ready(*line.split())
    assert shown.code == 2
    assert said in shown.err
    assert len(shown.err.splitlines()) <= 4
    assert shown.out == ""


def test_a_host_that_is_not_ours_is_named(ready: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAGLAKE_SERVE__HOST", "192.0.2.1")
    shown = ready("serve", "--port", "0")
    assert shown.code == 2
    assert "serve.host = '192.0.2.1'" in shown.err


def test_a_lake_that_does_not_answer_ends_with_4(
    ready: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGLAKE_LAKE__URL", "http://127.0.0.1:1")
    shown = ready("export", "out")
    assert shown.code == 4
    assert "lake http://127.0.0.1:1" in shown.err
    assert not (home / "out").exists()


def test_a_registry_that_does_not_answer_ends_with_4(
    ready: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAGLAKE_REGISTRY__URL", "postgresql://nobody@127.0.0.1:1/none")
    shown = ready("report")
    assert shown.code == 4
    assert "registry" in shown.err


def test_a_missing_secret_says_where_to_write_it(run: Run) -> None:
    shown = run("report")
    assert shown.code == 2
    assert ".taglake/secrets/TAGLAKE_PEPPER" in shown.err
    assert "taglake init" in shown.err
