"""`account`: the lanes of a fleet, as operators call them."""

import asyncio

import click

from taglake.commands.common import SettingsOf, as_json, settings_of


@click.group()
def account() -> None:
    """Look after the accounts that networks are asked with.

    NAME is the account's source and its name in the settings: mastodon/reader-1.

    \b
      taglake account list                        who is held by whom, who rests, who is refused
      taglake account quarantine mastodon/reader-1 --reason "password changed"
      taglake account release mastodon/reader-1   after you have logged in by hand
      taglake account distrust                    after a backup of the registry was restored
    """


@account.command("list")
@click.option("--json", "json_", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def list_accounts(load: SettingsOf, json_: bool) -> None:
    """List all accounts: free, held by a process, at rest, or in quarantine with the reason."""
    from taglake import accounts

    for found in asyncio.run(accounts.list_accounts(settings_of(load))):
        if json_:
            as_json(found)
            continue
        until = f" until {found.until:%Y-%m-%d %H:%M:%SZ}" if found.until else ""
        where = "" if found.configured else "\tnot in these settings"
        told = found.reason or found.holder or ""
        click.echo(f"{found.name}\t{found.state}{until}\t{told}{where}".rstrip())


@account.command()
@click.argument("name")
@click.option("--reason", default="taken out of use by hand", show_default=True)
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def quarantine(load: SettingsOf, name: str, reason: str, json_: bool) -> None:
    """Take an account out of use now: its targets move, its holder may spend nothing more.

    It is tried again after a day, unless you release it before or quarantine it anew.

    \b
      taglake account quarantine mastodon/reader-1 --reason "password changed"
    """
    from taglake import accounts

    found = asyncio.run(accounts.quarantine(settings_of(load), name, reason))
    _tell(found, f"{name} is in quarantine; its targets move to accounts that have room", json_)


@account.command()
@click.argument("name")
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def release(load: SettingsOf, name: str, json_: bool) -> None:
    """Let an account out of quarantine: a running ingestor takes it within half a minute.

    \b
      taglake account release mastodon/reader-1
    """
    from taglake import accounts

    found = asyncio.run(accounts.release(settings_of(load), name))
    _tell(found, f"{name} may be used again", json_)


@account.command()
@click.argument("name")
@click.pass_obj
def remove(load: SettingsOf, name: str) -> None:
    """Forget an account that the settings name no more; its targets move.

    What it spent is forgotten too: do not bring it back before its window has passed.

    \b
      taglake account remove mastodon/reader-1
    """
    from taglake import accounts

    asyncio.run(accounts.remove(settings_of(load), name))
    click.echo(f"{name} is forgotten")


@account.command()
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def distrust(load: SettingsOf, json_: bool) -> None:
    """Take every budget as spent: for a registry that was lost or restored from a backup.

    What was asked since the backup is unknown, so each account waits one window of its network.
    Processes that still run on what they knew are refused and must claim anew. Run it once, after
    the restore and before the ingestors start.

    \b
      taglake account distrust
    """
    from taglake import accounts

    count = asyncio.run(accounts.distrust(settings_of(load)))
    _tell({"accounts": count}, f"{count} accounts wait one window each", json_)


def _tell(value: object, words: str, json_: bool) -> None:
    if json_:
        as_json(value)
    else:
        click.echo(words)
