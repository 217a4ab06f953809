"""What tests of several rooms share: real servers, both lakes, both registries, recordings."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import elastic, postgres
from servers.requirement import Missing, require

__all__ = ["require"]

SHARED = Path(os.environ.get("TAGLAKE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded answers of real networks; tests skip where it is absent."""
    folder = SHARED / "recordings"
    if not folder.is_dir():
        pytest.skip("recorded answers of real networks are not on this machine")
    return folder


@pytest.fixture(scope="session")
def public_graphs() -> Path:
    """The folder of public graphs with known classes; tests skip where it is absent."""
    folder = SHARED / "graphs"
    if not folder.is_dir():
        pytest.skip("public graphs are not on this machine")
    return folder


@pytest.fixture(scope="session")
def elastic_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real Elasticsearch 8.19, started once for all tests."""
    try:
        with elastic.running(tmp_path_factory.mktemp("elastic")) as url:
            yield url
    except Missing as missing:
        require(str(missing))


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL with an empty database, started once for all tests."""
    try:
        with postgres.running(tmp_path_factory.mktemp("postgres")) as url:
            yield url
    except Missing as missing:
        require(str(missing))
