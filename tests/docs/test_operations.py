"""What docs/operations.md tells operators to look for is what the program says."""

import re
from pathlib import Path

from taglake.cli import taglake
from taglake.settings import IngestSettings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
TABLE = TEXT[TEXT.index("## When something fails") : TEXT.index("## Backups")]
ROOMS = ("api", "ingestor", "insights", "lake", "registry", "taglake")
SOURCES = "\n".join(
    path.read_text(encoding="utf-8") for room in ROOMS for path in (ROOT / room).rglob("*.py")
)


def test_every_log_event_it_names_is_logged() -> None:
    named = set(re.findall(r"log `([^`]+)`", TABLE))
    logged = set(re.findall(r'log\.\w+\(\s*"([^"]+)"', SOURCES))
    assert len(named) > 15
    assert named <= logged, named - logged


def test_every_event_that_an_operator_must_act_on_is_named() -> None:
    serious = set(re.findall(r'log\.error\(\s*"([^"]+)"', SOURCES))
    assert serious - {"quarantine was not stored"} <= set(re.findall(r"log `([^`]+)`", TABLE))


def test_every_subject_of_doctor_it_names_is_examined() -> None:
    named = set(re.findall(r"`doctor`: (\w+)", TABLE))
    doctor = (ROOT / "taglake" / "doctor.py").read_text(encoding="utf-8")
    subjects = set(re.findall(r'(?:subject = f?|ok\(|warn\(|bad\(\s*f?|_clock\()"(\w+)', doctor))
    assert {"lake", "disk", "lane", "account", "registry", "clock"} <= named
    assert named <= subjects, named - subjects


def test_every_metric_command_path_and_setting_it_names_exists() -> None:
    for metric in re.findall(r"`(taglake_\w+)`", TABLE):
        assert metric in SOURCES, metric
    for path in re.findall(r"`(/\w+)`", TEXT):
        assert f'"{path}"' in SOURCES, path
    for words in re.findall(r"`taglake ((?:spool|client) [\w-]+)", TEXT):
        group, name = words.split()
        assert name in taglake.commands[group].commands, words  # type: ignore[attr-defined]
    for setting in re.findall(r"`(grace|spool_megabytes)`", TABLE):
        assert setting in IngestSettings.model_fields


def test_the_page_of_what_was_tried_has_all_cases_and_names_no_machine() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    cases = [int(number) for number in re.findall(r"^\| (\d+) \|", page, flags=re.M)]
    assert cases[:28] == list(range(1, 29))
    assert not re.search(r"/tmp|/work|/root|/home|20\d\d-\d\d", page)
