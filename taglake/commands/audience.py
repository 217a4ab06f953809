"""`audience`: whose followers are collected."""

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from taglake.commands.common import SettingsOf, as_json, settings_of
from taglake.errors import BadSetting, Unhealthy

if TYPE_CHECKING:
    from taglake.audiences.plan import AudiencePlan

HANDLES = click.argument("handles", nargs=-1, required=True)
NETWORK = click.option("--network", required=True, help="mastodon, bluesky, ...")


@click.group()
def audience() -> None:
    """Collect who follows accounts, in budget that no campaign needs.

    \b
      taglake audience collect @nike@mastodon.social --network mastodon
      taglake audience list                     how far each is read, complete or why not
      taglake audience stop @nike@mastodon.social --network mastodon
    """


@audience.command()
@HANDLES
@NETWORK
@click.option("--every-days", default=30, show_default=True, type=click.IntRange(1, 366),
              help="Days from one reading of the list to the next.")  # fmt: skip
@click.option("--once", is_flag=True, help="Read each list once.")
@click.option("--dry-run", is_flag=True, help="Show the plan and register nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "json_", is_flag=True, help="Print the plan as JSON.")
@click.pass_obj
def collect(
    load: SettingsOf,
    handles: tuple[str, ...],
    network: str,
    every_days: int,
    once: bool,
    dry_run: bool,
    yes: bool,
    json_: bool,
) -> None:
    """Show what reading the followers of accounts would cost, ask, and register it.

    The plan asks each network once how many followers there are, if no ingestor holds the account
    that can ask; exit code 5 if some list could never be read. What is registered is read by the
    ingestors, page by page, and never in the way of a campaign's polls.

    \b
      taglake audience collect @nike@mastodon.social @puma@mastodon.social --network mastodon
      taglake audience collect nike.bsky.social --network bluesky --every-days 7 --yes
      taglake audience collect nike.bsky.social --network bluesky --dry-run --json
    """
    from taglake.audiences import choosing
    from taglake.audiences.plan import told

    if not (yes or dry_run) and (json_ or not sys.stdin.isatty()):
        raise BadSetting("--yes: nobody can be asked here; add it, or --dry-run to look first")

    def agreed(plan: "AudiencePlan") -> bool:
        """Show the plan, and ask if somebody is there to say yes."""
        if not json_:
            click.echo(told(plan))
        return plan.fits and not dry_run and (yes or click.confirm("Collect these?", err=True))

    days = None if once else every_days
    choice = choosing.Choice(handles=handles, network=network, every_days=days)
    plan = asyncio.run(choosing.collect(settings_of(load), choice, agreed=agreed))
    if json_:
        as_json(plan)
    elif plan.registered:
        click.echo("wanted from now on; `taglake audience list` shows how far they are read")
    if not plan.fits:
        raise Unhealthy("nothing was registered: not all of it can be read, see above")


@audience.command("list")
@click.option("--json", "json_", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def list_audiences(load: SettingsOf, json_: bool) -> None:
    """List the audiences: how much of each is read, whether that is all, and when it is read again.

    \b
      taglake audience list
      taglake audience list --json | jq 'select(.complete | not) | .handle'
    """
    from taglake.audiences import choosing
    from taglake.audiences.states import line

    found = asyncio.run(choosing.states(settings_of(load)))
    for one in found:
        if json_:
            as_json(one)
        else:
            click.echo(line(one))
    if not found and not json_:
        click.echo("there are no audiences yet; `taglake audience collect` names some")


@audience.command()
@HANDLES
@NETWORK
@click.pass_obj
def stop(load: SettingsOf, handles: tuple[str, ...], network: str) -> None:
    """Read the followers of accounts no longer; what was read is kept.

    \b
      taglake audience stop @nike@mastodon.social --network mastodon
    """
    from taglake.audiences import choosing

    asyncio.run(choosing.stop(settings_of(load), handles, network=network))
    click.echo(f"{len(handles)} stopped; what was read stays in the lake")
