"""The commented settings file, made from the settings themselves so that it cannot drift."""

import json
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from taglake.settings import AccountSettings, Settings

HEAD = """\
# Settings of taglake: every one, with its default, unit and reason.
# An environment variable beats this file: TAGLAKE_LAKE__URL, TAGLAKE_SERVE__PORT, ...
# Secrets never stand here: a setting names the secret; its value is a file of that name in the
# folder `secrets`, or an environment variable of that name.
"""

ACCOUNTS = """\
# One [[accounts]] block for each developer account, or host that answers without one. Each is a
# lane with a budget of its own. Use accounts you are authorised to use, within the networks' terms.
"""
EXAMPLE = {
    "source": "mastodon",
    "name": "mastodon.social",
    "base_url": "https://mastodon.social",
    "user": "our_account",
    "secret": "MASTODON_TOKEN",
    "limit": 300,
    "window": 300.0,
}


def template() -> str:
    """Return the text of taglake.example.toml."""
    sections, plain = [], []
    for name, field in Settings.model_fields.items():
        if name == "accounts":
            continue
        if isinstance(field.default, BaseModel):
            sections.append(_section(name, type(field.default)))
        else:
            plain.append(_line(name, field))
    return "\n".join([HEAD, *plain, "", *sections, ACCOUNTS + _example_account()])


def _section(name: str, kind: type[BaseModel]) -> str:
    lines = [f"# {kind.__doc__}", f"[{name}]"]
    lines += [_line(field_name, field) for field_name, field in kind.model_fields.items()]
    return "\n".join(lines) + "\n"


def _line(name: str, field: FieldInfo) -> str:
    setting = f"{name} = {_toml(field.default)}"
    if field.default is None:
        setting = f"# {name} ="
    return f"{setting:<48} # {field.description}"


def _toml(value: object) -> str:
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _example_account() -> str:
    lines = ["# [[accounts]]"]
    for name, field in AccountSettings.model_fields.items():
        setting = f"# {name} = {json.dumps(EXAMPLE[name])}"
        lines.append(f"{setting:<48} # {field.description}")
    return "\n".join(lines) + "\n"
