"""The commands that docs/import.md shows print what it says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from invented import bluesky

DOCUMENT = Path(__file__).parents[2] / "docs" / "import.md"
SHOWN = re.findall(r"```console\n\$ (.*)\n((?:.*\n)*?)```", DOCUMENT.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("command", "expected"), SHOWN, ids=["parse", "import"])
def test_a_command_prints_what_the_page_says(tmp_path: Path, command: str, expected: str) -> None:
    (tmp_path / "answer.json").write_text(json.dumps(bluesky.SEARCH), encoding="utf-8")
    (tmp_path / "broken.json").write_bytes(b'{"posts": [')
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(expected.splitlines())
    for line, shown in zip(lines, expected.splitlines(), strict=True):
        assert line.startswith(shown.removesuffix(" ..."))
