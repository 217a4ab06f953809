"""The settings file that ships: complete, true, and made from the settings themselves."""

import tomllib
from pathlib import Path

from pydantic import BaseModel

from taglake.settings import AccountSettings, Settings, load
from taglake.template import template

EXAMPLE = Path(__file__).parents[2] / "taglake.example.toml"


def test_the_example_at_the_root_is_what_the_settings_say() -> None:
    assert EXAMPLE.read_text() == template(), "write it anew: taglake init in an empty folder"


def test_the_example_says_nothing_but_defaults(home: Path) -> None:
    assert load(EXAMPLE).model_dump() == Settings().model_dump()


def test_every_setting_stands_there_with_a_reason() -> None:
    lines = [line for line in template().splitlines() if "=" in line and " # " in line]
    defaults = [field.default for field in Settings.model_fields.values()]
    sections = [type(one) for one in defaults if isinstance(one, BaseModel)]
    expected = sum(len(section.model_fields) for section in sections)
    expected += len(AccountSettings.model_fields) + len({"secrets", "heartbeat"})
    assert len(lines) == expected
    assert all(len(line.partition(" # ")[2]) > 5 for line in lines)


def test_the_example_account_works_when_its_comment_signs_are_taken_away(home: Path) -> None:
    head, _, account = template().partition("# [[accounts]]")
    lines = [line.removeprefix("# ") for line in f"# [[accounts]]{account}".splitlines()]
    path = home / "taglake.toml"
    path.write_text(head + "\n".join(lines))
    assert load(path).accounts == (
        AccountSettings(
            source="mastodon", name="mastodon.social", base_url="https://mastodon.social",
            user="our_account", secret="MASTODON_TOKEN", limit=300, window=300.0,
        ),
    )  # fmt: skip
    assert tomllib.loads(path.read_text())["accounts"][0]["limit"] == 300
