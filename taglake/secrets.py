"""The secrets taglake chooses itself: what keys are hashed with, and the database's password."""

import secrets
from collections.abc import Iterator
from pathlib import Path

from taglake.settings import Settings


def make_missing(settings: Settings, directory: Path) -> Iterator[tuple[Path, bool]]:
    """Make the secret files that do not exist yet; yield each path and whether it was made now."""
    for name in _own(settings):
        path = directory / name
        made = not path.exists()
        if made:
            _make(path)
        yield path, made


def _own(settings: Settings) -> list[str]:
    names = [settings.registry.pepper]
    if settings.registry.url.startswith("postgresql://"):
        names.append(settings.registry.password)
    return names


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secrets.token_urlsafe(32), encoding="utf-8")
    # Its group may read it: in the compose stack the database runs as another user of that group.
    path.chmod(0o640)
