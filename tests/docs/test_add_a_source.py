"""The tutorial on sources works as it is printed."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "add-a-source.md"
_BLOCK = re.compile(r"^```\w+ file=(\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    return dict(_BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")))


def test_its_blocks_are_a_source_that_passes_its_own_tests(tmp_path: Path) -> None:
    for name, text in blocks().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_chirp.py"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "2 passed" in run.stdout


def test_its_entry_point_names_the_class_it_wrote() -> None:
    written = tomllib.loads(blocks()["pyproject.toml"])
    assert written["project"]["entry-points"]["taglake.sources"] == {"chirp": "chirp:Chirp"}
    assert "class Chirp:" in blocks()["chirp.py"]
