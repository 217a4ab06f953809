"""Real processes: exit codes, signals, and an ordered end."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.processes import TAGLAKE, eventually, free_port, started, stopped

ENDS_SECONDS = 20.0
SETTINGS = """\
[log]
format = "json"
[[accounts]]
source = "mastodon"
name = "here"
base_url = "http://127.0.0.1:1"
"""


@pytest.fixture
def folder(home: Path) -> Path:
    """A folder where all roles may run: settings with an account, and secrets."""
    (home / "taglake.toml").write_text(SETTINGS)
    assert _run("init").returncode == 0
    return home


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*TAGLAKE, *arguments], capture_output=True, text=True, timeout=60)


def _events(out: Path) -> list[dict[str, str]]:
    """Return what a process logged; a line that is being written is left out."""
    lines = out.read_text().splitlines()
    return [json.loads(line) for line in lines if line.endswith("}")]


@pytest.fixture
def running(folder: Path) -> "Iterator[tuple[subprocess.Popen[bytes], str]]":
    """`taglake run` on an empty lake, and its address."""
    out = folder / "run.out"

    def page() -> str | None:
        found = [one["page"] for one in _events(out) if one["event"] == "serving"]
        return found[0] if found else None

    with started(*TAGLAKE, "run", "--port", "0", out=out) as process:
        yield process, eventually(page, "taglake run serves", seconds=60)


def test_run_serves_and_sigterm_ends_it_in_order(
    folder: Path, running: "tuple[subprocess.Popen[bytes], str]"
) -> None:
    process, address = running
    address = address.replace("localhost", "127.0.0.1")
    with urllib.request.urlopen(f"{address}/readyz", timeout=20) as answer:
        assert json.load(answer) == {"status": "ok", "registry": "ok", "lake": "ok"}
    assert stopped(process, seconds=ENDS_SECONDS) == 0
    said = (folder / "run.out").read_text()
    assert "Traceback" not in said
    assert _events(folder / "run.out")[-1]["event"] == "stopped"
    pepper = (folder / ".taglake/secrets/TAGLAKE_PEPPER").read_text()
    assert pepper not in said


def test_another_process_reads_while_run_writes(
    running: "tuple[subprocess.Popen[bytes], str]",
) -> None:
    assert _run("client", "add", "My brand").returncode == 0
    shown = _run("report")
    assert (shown.returncode, shown.stderr) == (0, "")


def test_ctrl_c_ends_a_role_as_sigterm_does(folder: Path) -> None:
    out = folder / "work.out"
    with started(*TAGLAKE, "work", out=out) as process:
        eventually(lambda: out.read_text() or None, "taglake work starts", seconds=60)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=ENDS_SECONDS) == 0
    assert "Traceback" not in out.read_text()


def test_simnet_tells_its_addresses_and_ends_by_a_signal(folder: Path) -> None:
    out = folder / "simnet.out"

    def told() -> str | None:
        lines = [line.split() for line in out.read_text().splitlines()]
        found = [words[1] for words in lines if words[:1] == ["mastodon.example"]]
        return found[0] if found else None

    with started(*TAGLAKE, "simnet", "--port", "0", "--days", "1", out=out) as process:
        address = eventually(told, "taglake simnet answers", seconds=60)
        with urllib.request.urlopen(f"{address}/api/v1/timelines/tag/nike", timeout=20) as answer:
            assert json.load(answer)
        assert stopped(process, seconds=ENDS_SECONDS) == 0


def test_the_heartbeat_is_touched_while_a_role_is_well(folder: Path) -> None:
    alive = folder / "alive"
    environment = os.environ | {"TAGLAKE_HEARTBEAT": str(alive)}
    with started(*TAGLAKE, "work", out=folder / "work.out", env=environment) as process:
        eventually(lambda: alive.exists() or None, "the heartbeat", seconds=60)
        assert time.time() - alive.stat().st_mtime < 60
        assert stopped(process, seconds=ENDS_SECONDS) == 0


@pytest.mark.parametrize(
    ("line", "code"),
    [("--version", 0), ("nosuch", 2), ("report nothere", 3), ("doctor --json", 0)],
)
def test_exit_codes_reach_the_shell(folder: Path, line: str, code: int) -> None:
    assert _run(*line.split()).returncode == code


def test_a_reader_that_goes_away_is_no_error(folder: Path) -> None:
    script = f"{' '.join(TAGLAKE)} simnet --help | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_ingestor_tells_prometheus_its_counters(folder: Path) -> None:
    port = free_port()
    settings = folder / "taglake.toml"
    settings.write_text(SETTINGS + f'[ingest]\nmetrics = "127.0.0.1:{port}"\n')
    with started(*TAGLAKE, "ingest", out=folder / "out") as process:

        def ask() -> str | None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as got:
                    return str(got.read().decode())
            except OSError:
                return None

        text = eventually(ask, "the counters", seconds=60)
        assert stopped(process, seconds=ENDS_SECONDS) == 0
    assert 'taglake_polls_total{ended="unchanged"} 0\n' in text
    assert 'taglake_posts_total{seen="new"} 0\n' in text
    assert "taglake_lake_alarm 0\n" in text


def test_a_port_that_is_taken_is_one_clear_line(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        (folder / "taglake.toml").write_text(SETTINGS + f'[ingest]\nmetrics = "{address}"\n')
        ended = _run("ingest")
    assert ended.returncode == 2
    assert f"ingest.metrics: cannot listen on {address}" in ended.stderr
    assert "Traceback" not in ended.stderr
