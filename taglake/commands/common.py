"""What commands share: settings on demand, JSON out, instants in."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime

import click
import msgspec

from taglake.errors import BadSetting
from taglake.logs import configure
from taglake.settings import Settings

SettingsOf = Callable[[], Settings]


def settings_of(load: SettingsOf) -> Settings:
    """Return the settings and log as they say."""
    settings = load()
    configure(settings.log.level, settings.log.format)
    return settings


def as_json(value: object, *, pretty: bool = False) -> None:
    """Print `value` as one line of JSON, or indented for people."""
    body = msgspec.json.encode(value)
    sys.stdout.write((msgspec.json.format(body) if pretty else body).decode() + "\n")


class Instant(click.ParamType[datetime]):
    """An instant: RFC 3339 with a zone, or a plain date, which is midnight UTC."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, context: click.Context | None
    ) -> datetime:
        """Return the aware instant."""
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not an instant: write 2026-03-01 or 2026-03-01T12:00:00Z")
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


INSTANT = Instant()


def plain_tag(value: str) -> str:
    """Return a hashtag without '#'. Raises BadSetting for an empty one."""
    name = value.strip().removeprefix("#")
    if not name:
        raise BadSetting(f"hashtag {value!r}: is empty; write '#nike' (in quotes) or nike")
    return name
