"""The demo's own folder is made anew, nobody else's is touched; it ends when asked."""

import signal
from pathlib import Path

from fakes.terminal import Run
from servers.processes import TAGLAKE, eventually, started


def test_a_folder_that_no_demo_made_is_refused(run: Run, home: Path) -> None:
    mine = home / "mine" / "thesis.txt"
    mine.parent.mkdir()
    mine.write_text("years of work")
    shown = run("demo", "--folder", "mine", "--port", "0")
    assert shown.code == 2
    assert "--folder mine: holds what no demo made; name a new folder" in shown.err
    assert mine.read_text() == "years of work"


def test_a_lake_that_is_none_is_refused(run: Run, home: Path) -> None:
    shown = run("demo", "--once", "--lake", "s3://bucket")
    assert shown.code == 2
    assert "--lake: write files:FOLDER or http(s)://HOST:9200" in shown.err


def test_ctrl_c_ends_a_play_at_once(home: Path) -> None:
    out = home / "demo.out"
    with started(*TAGLAKE, "demo", "--once", out=out) as process:
        eventually(lambda: "day 7" in out.read_text() or None, "a week is played", seconds=120)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
    assert "Traceback" not in out.read_text()
