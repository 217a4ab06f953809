"""What docs/audiences.md shows works as it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DOCUMENT = (Path(__file__).parents[2] / "docs" / "audiences.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the list of edges that the page speaks of."""
    home, rng = tmp_path_factory.mktemp("home"), np.random.default_rng(1)
    brands, lines = ("nike", "adidas", "puma"), ["account,follower"]
    for place, name in enumerate([*brands, *(f"acct{number}" for number in range(27))]):
        own = 1_000 * (place % 3) + rng.permutation(400)[: 250 if name in brands else 200]
        common = range(50_000, 50_150) if name in brands else ()
        lines += [f"{name},{fan}" for fan in (*own.tolist(), *common)]
    (home / "edges.csv").write_text("\n".join(lines) + "\n")
    return home


def _shown() -> list[tuple[str, list[str]]]:
    block = re.findall(r"```console\n(.*?)```", DOCUMENT, re.S)[0]
    parts = re.split(r"^\$ ", block, flags=re.M)[1:]
    return [(part.splitlines()[0], part.splitlines()[1:]) for part in parts]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TAGLAKE_")}


def test_the_commands_print_what_the_page_says(home: Path) -> None:
    for command, expected in _shown():
        done = subprocess.run(
            [sys.executable, "-m", *command.split()],
            cwd=home,
            env=_environment(),
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), command
        for line, shown in zip(done.stdout.splitlines(), expected, strict=False):
            if shown == "...":
                break
            assert line.startswith(shown.removesuffix("...")), command


def test_the_lines_of_python_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"```python\n(.*?)```", DOCUMENT, re.S)[0]
    exec(lines, {"folder": str(home / ".taglake" / "audiences")})
    assert " people (" in capsys.readouterr().out
