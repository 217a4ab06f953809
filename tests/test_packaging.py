"""Our top-level names belong to us alone in this environment."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

OURS = ["api", "ingestor", "insights", "lake", "registry", "signatures", "simnet", "taglake"]


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_owns(name: str) -> None:
    owners = set(metadata.packages_distributions().get(name, []))
    assert owners <= {"taglake"}, f"{name} also comes from {owners - {'taglake'}}"


def test_every_package_of_ours_is_installed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for name in OURS
        for path in (ROOT / name).rglob("__init__.py")
    }
    assert set(listed["tool"]["setuptools"]["packages"]) == there
