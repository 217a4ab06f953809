"""`client`: tenants and their keys."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from taglake.commands.common import SettingsOf, as_json, settings_of
from taglake.errors import NotThere

SCOPES = click.Choice(["read", "write", "admin"])


@click.group()
def client() -> None:
    """Tenants and their API keys.

    \b
      taglake client add "My brand"          a tenant and its first key, shown once
      taglake client key "My brand"          a second key, for rotation
      taglake client revoke "My brand" abcd1234
      taglake client list
    """


@client.command()
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=SCOPES, default=("read", "write"))
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def add(load: SettingsOf, name: str, scopes: tuple[str, ...], json_: bool) -> None:
    """Make a tenant and print its first API key, for the only time."""

    async def make(registry: Any) -> tuple[str, str]:
        """Make both."""
        made = await registry.clients.create(name, who="command line")
        full, _ = await registry.keys.issue(made.id, scopes=scopes, who="command line")
        return made.id, full.reveal()

    client_id, full = _with_registry(load, make)
    _show_key(client_id, full, json_=json_)


@client.command("key")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=SCOPES, default=("read", "write"))
@click.option("--days", type=click.IntRange(min=1), help="Days until the key expires.")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def new_key(
    load: SettingsOf, name: str, scopes: tuple[str, ...], days: int | None, json_: bool
) -> None:
    """Issue another key; both live until the old one is revoked."""
    expires = datetime.now(UTC) + timedelta(days=days) if days else None

    async def issue(registry: Any) -> tuple[str, str]:
        """Issue it."""
        found = await _named(registry, name)
        full, _ = await registry.keys.issue(
            found.id, scopes=scopes, expires_at=expires, who="command line"
        )
        return found.id, full.reveal()

    client_id, full = _with_registry(load, issue)
    _show_key(client_id, full, json_=json_)


@client.command()
@click.argument("name")
@click.argument("prefix")
@click.pass_obj
def revoke(load: SettingsOf, name: str, prefix: str) -> None:
    """End a key; PREFIX is the part between `pk_` and the next `_`."""

    async def end(registry: Any) -> None:
        """End it."""
        found = await _named(registry, name)
        await registry.keys.revoke(found.id, prefix, who="command line")

    _with_registry(load, end)
    click.echo(f"{prefix} is revoked; running services refuse it within 5 s")


@client.command("list")
@click.option("--json", "json_", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def list_clients(load: SettingsOf, json_: bool) -> None:
    """List tenants and their keys; secrets are not kept and not shown."""

    async def listing(registry: Any) -> list[tuple[Any, Any]]:
        """Return clients with their keys."""
        return [(one, await registry.keys.list(one.id)) for one in await registry.clients.list()]

    for found, keys in _with_registry(load, listing):
        if json_:
            as_json({"client": found, "keys": keys})
            continue
        click.echo(f"{found.name}\t{found.id}")
        for key in keys:
            state = "revoked" if key.revoked_at else "live"
            click.echo(f"  {key.prefix}\t{state}\t{','.join(key.scopes)}")


async def _named(registry: Any, name: str) -> Any:
    for found in await registry.clients.list():
        if name in (found.name, found.id):
            return found
    raise NotThere(f"client {name!r}: there is none of that name; `taglake client list` shows all")


def _with_registry(load: SettingsOf, main: Any) -> Any:
    from taglake.wiring import open_the_registry

    async def session() -> Any:
        async with open_the_registry(settings_of(load)) as registry:
            return await main(registry)

    return asyncio.run(session())


def _show_key(client_id: str, full: str, *, json_: bool) -> None:
    if json_:
        as_json({"client_id": client_id, "key": full})
        return
    click.echo(full)
    click.echo(
        "this is the only time the key is shown; send it as `Authorization: Bearer KEY`", err=True
    )
