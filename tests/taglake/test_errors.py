"""One line and one exit code for whatever goes wrong in any room."""

import asyncio

import pytest

from ingestor.errors import Down, RateLimited
from insights.errors import BadRequest
from lake.errors import BadQuestion, Misplaced, Unavailable
from registry.errors import BadAddress, BadField, Fenced, MissingSecret, Taken, Unknown
from registry.errors import Unreachable as RegistryUnreachable
from taglake.errors import (
    BadSetting,
    NotThere,
    TaglakeError,
    Unhealthy,
    Unreachable,
    leaf,
    told,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TaglakeError("x"), 1),
        (BadSetting("x"), 2),
        (NotThere("x"), 3),
        (Unreachable("x"), 4),
        (Unhealthy("x"), 5),
        (BadField("name", "", "use 1 to 200 characters"), 2),
        (BadAddress("mysql"), 2),
        (Taken("client", "x"), 2),
        (MissingSecret("TOKEN", "secrets"), 2),
        (Fenced("lane x", fence=1, current=2), 4),
        (BadRequest("as_of", "x", "give a time that has passed"), 2),
        (BadQuestion("x"), 2),
        (Unknown("key", "x"), 3),
        (RegistryUnreachable("x"), 4),
        (Unavailable("x"), 4),
        (Misplaced("posts", "x"), 4),
        (Down("x"), 4),
        (RateLimited("x", seconds=None), 4),
        (FileNotFoundError(2, "No such file or directory", "posts.json"), 2),
        (ZeroDivisionError("x"), 1),
    ],
)
def test_every_class_of_errors_has_its_exit_code(error: Exception, code: int) -> None:
    line, found = told(error)
    assert found == code
    assert line
    assert "\n" not in line


def test_of_tasks_that_fail_together_the_first_is_told() -> None:
    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_raise(BadSetting("serve.port = 80: is taken")))

    async def _raise(error: Exception) -> None:
        raise error

    with pytest.raises(ExceptionGroup) as group:
        asyncio.run(fail())
    assert isinstance(leaf(group.value), BadSetting)
    assert told(group.value) == ("serve.port = 80: is taken", 2)
