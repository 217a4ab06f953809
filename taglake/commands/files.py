"""`parse` and `import`: recorded answers of networks, to read or to keep."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from taglake.commands.common import INSTANT, SettingsOf, as_json, settings_of
from taglake.errors import Unhealthy

SOURCE = click.Choice(["instagram", "instagram_graph", "mastodon", "bluesky"])
FILES = click.argument(
    "files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)


@click.command()
@click.argument("network", type=SOURCE)
@FILES
@click.option("--observed-at", type=INSTANT, help="When the files were recorded; now if left out.")
@click.option("--host", help="Server that answered, where a file does not say.")
def parse(
    network: str, files: tuple[Path, ...], observed_at: datetime | None, host: str | None
) -> None:
    """Read recorded answers of a network and print their records as JSON Lines.

    The first key of each line is "record": post, profile, tag, comment, follow, error or page. Each
    file ends with its page line, which has the network's next cursor. Nothing is kept.

    \b
      taglake parse instagram tag-page.json | head -1
      taglake parse mastodon *.exchanges.json | grep '"record":"error"'
    """
    from ingestor.recorded import lines
    from ingestor.sources import load_sources

    source = load_sources()[network]()
    instant = observed_at or datetime.now(UTC)
    for path in files:
        for line in lines(source, str(path), path.read_bytes(), observed_at=instant, host=host):
            sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()


@click.command("import")
@click.argument("network", type=SOURCE)
@FILES
@click.option("--observed-at", type=INSTANT,
              help="When the files were recorded; when they were written if left out.")  # fmt: skip
@click.option("--host", help="Server that answered, where a file does not say.")
@click.option("--json", "json_", is_flag=True, help="Print JSON Lines.")
@click.pass_obj
def import_(
    load: SettingsOf,
    network: str,
    files: tuple[Path, ...],
    observed_at: datetime | None,
    host: str | None,
    json_: bool,
) -> None:
    """Put recorded answers of a network, of any generation, into the lake.

    Prints for each file what it held and what was set aside, and why. Importing again with the same
    --observed-at changes nothing.

    \b
      taglake import instagram tag-page.json --observed-at 2021-10-14T22:35:26Z
    """
    from taglake.importing import Import, import_files, told, unreadable

    asked = Import(source=network, files=files, observed_at=observed_at, host=host)
    results = asyncio.run(import_files(settings_of(load), asked))
    for result in results:
        if json_:
            as_json(result)
        else:
            click.echo(told(result))
    if unreadable(results):
        raise Unhealthy(f"nothing was imported: no file is an answer of {network}, see above")
