"""What a command came to, as somebody at a terminal sees it."""

from collections.abc import Callable
from typing import NamedTuple


class Outcome(NamedTuple):
    """An exit code and what was printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Outcome]
