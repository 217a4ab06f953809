"""A service a test needs and cannot find: a skip for a user, a failure in CI."""

import os

import pytest


class Missing(Exception):
    """A program that a test needs is not on this machine; says which and how to get it."""


def require(missing: str) -> None:
    """Skip the test for want of `missing`, or fail it where everything has to run."""
    if os.environ.get("TAGLAKE_REQUIRE_ALL") == "1":
        pytest.fail(missing)
    pytest.skip(missing)
