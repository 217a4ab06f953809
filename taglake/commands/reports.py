"""`plan`, `report`, `export`: ask before, read after, take away."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import click

from taglake.commands.common import INSTANT, SettingsOf, as_json, plain_tag, settings_of
from taglake.errors import Unhealthy


@click.command()
@click.argument("tags", nargs=-1)
@click.option("--network", "networks", multiple=True, required=True, help="May be repeated.")
@click.option("--profile", "profiles", multiple=True, help="Handle to watch; may be repeated.")
@click.option("--start", type=INSTANT, help="First instant; now if left out.")
@click.option("--end", type=INSTANT, required=True, help="2026-03-15 or 2026-03-15T12:00:00Z.")
@click.option("--baseline-days", default=7, show_default=True, type=click.IntRange(0, 365))
@click.option("--after-days", default=7, show_default=True, type=click.IntRange(0, 365))
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def plan(
    load: SettingsOf,
    tags: tuple[str, ...],
    networks: tuple[str, ...],
    profiles: tuple[str, ...],
    start: datetime | None,
    end: datetime,
    baseline_days: int,
    after_days: int,
    json_: bool,
) -> None:
    """Forecast what watching hashtags would cost with the accounts there are; nothing is saved.

    Exit code 5 if it does not fit; what would fit is said.

    \b
      taglake plan nike --network mastodon --end 2026-12-31
    """
    from registry.models import CampaignDraft
    from taglake.planning import forecast, told

    draft = CampaignDraft(
        name="plan",
        networks=networks,
        hashtags=tuple(plain_tag(tag) for tag in tags),
        profiles=profiles,
        start=start or datetime.now(UTC),
        end=end,
        baseline_days=baseline_days,
        after_days=after_days,
    )
    found = asyncio.run(forecast(settings_of(load), draft))
    if json_:
        as_json(found)
    else:
        click.echo(told(found))
    if not found.fits:
        raise Unhealthy("the campaign does not fit, see above")


@click.command()
@click.argument("campaign", required=False)
@click.option("--as-of", type=INSTANT, help="Report as of that instant; the newest if left out.")
@click.option("--json", "json_", is_flag=True, help="Print the whole report as JSON.")
@click.pass_obj
def report(load: SettingsOf, campaign: str | None, as_of: datetime | None, json_: bool) -> None:
    """Print a campaign's report; without CAMPAIGN, list the campaigns there are.

    CAMPAIGN is an id or a name. It may be read while `taglake run` writes.

    \b
      taglake report
      taglake report "Spring"
      taglake report "Spring" --as-of 2026-03-15T12:00:00Z --json
    """
    from taglake.reporting import listing, printed

    settings = settings_of(load)
    if campaign is None:
        for line in asyncio.run(listing(settings, json=json_)):
            click.echo(line)
        return
    click.echo(asyncio.run(printed(settings, campaign, as_of=as_of, json=json_)))


@click.command()
@click.argument("destination", type=click.Path(path_type=Path))
@click.option("--campaign", help="Id or name; without it, everything in the time range.")
@click.option("--since", type=INSTANT, help="First instant of posts' creation.")
@click.option("--until", type=INSTANT, help="Instant after the last.")
@click.option("--format", "format_", default="parquet", show_default=True,
              type=click.Choice(["csv", "jsonl", "parquet"]))  # fmt: skip
@click.option("--table", "tables", multiple=True, default=("posts",), show_default=True,
              type=click.Choice(["posts", "profiles", "tags", "comments", "follows", "audiences",
                                 "snapshots"]),
              help="May be repeated.")  # fmt: skip
@click.option("--json", "json_", is_flag=True, help="Print what was written as JSON.")
@click.pass_obj
def export(
    load: SettingsOf,
    destination: Path,
    campaign: str | None,
    since: datetime | None,
    until: datetime | None,
    format_: Literal["csv", "jsonl", "parquet"],
    tables: tuple[str, ...],
    json_: bool,
) -> None:
    """Write records of a campaign or a time range as CSV, JSON Lines or Parquet.

    Parquet is partitioned by network and month and opens in pandas, Polars and DuckDB. Nothing is
    left half-written.

    \b
      taglake export out/ --campaign "Spring" --table posts --table snapshots
      taglake export posts-2026/ --since 2026-01-01 --format csv
    """
    from taglake.exporting import Cut, write_export

    cut = Cut(campaign=campaign, since=since, until=until, tables=tables, format=format_)
    written = asyncio.run(write_export(settings_of(load), cut, destination, _progress))
    if json_:
        as_json(written)
        return
    click.echo(
        f"{written.records} records, {written.bytes / 1e6:.1f} MB in {len(written.files)} files"
    )


def _progress(records: int) -> None:
    click.echo(f"{records} records", err=True)
