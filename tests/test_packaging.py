"""Our top-level names belong to us alone in this environment."""

from importlib import metadata

import pytest

OURS = ["api", "ingestor", "insights", "lake", "registry", "signatures", "simnet", "taglake"]


@pytest.mark.parametrize("name", OURS)
def test_no_other_distribution_owns(name: str) -> None:
    owners = set(metadata.packages_distributions().get(name, []))
    assert owners <= {"taglake"}, f"{name} also comes from {owners - {'taglake'}}"
