"""`audience import|export|sign|similar|overlap|reach|communities|check|forget`."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Literal

import click

from taglake.commands.audience import NETWORK
from taglake.commands.common import SettingsOf, as_json, settings_of
from taglake.errors import BadSetting

JSON = click.option("--json", "json_", is_flag=True, help="Print JSON.")
ACCOUNTS = click.argument("accounts", nargs=-1, required=True)
SLOTS = click.Choice(["128", "256", "512", "1024"])


def _bars() -> Any:
    from taglake.audiences.files import Bars

    return Bars(shown=sys.stderr.isatty())


@click.command("import")
@click.argument("files", nargs=-1, required=True,
                type=click.Path(exists=True, dir_okay=False, path_type=Path))  # fmt: skip
@NETWORK
@click.option("--columns", nargs=2, help="Names, or numbers from 1, of the columns of accounts and "
              "of followers.")  # fmt: skip
@click.option("--mode", type=click.Choice(["add", "remove", "replace"]), default="add",
              show_default=True, help="replace: each account's list is whole.")  # fmt: skip
@click.option("--memory", default=1024, show_default=True, type=click.IntRange(16),
              help="Megabytes that may be held; more edges are sorted on disk.")  # fmt: skip
@click.option("--shards", default=100, show_default=True, type=click.IntRange(1, 4096),
              help="Parts of a new store, each a true sample of people.")  # fmt: skip
@JSON
@click.pass_obj
def import_(
    load: SettingsOf,
    files: tuple[Path, ...],
    network: str,
    columns: tuple[str, str] | None,
    mode: Literal["add", "remove", "replace"],
    memory: int,
    shards: int,
    json_: bool,
) -> None:
    """Read lists of who follows whom: CSV, TSV (also .gz), Parquet or npz, any order and size.

    A line is an edge, in columns such as "account" and "follower". Ids are whole numbers or any
    text. Nothing is kept of an import that fails. Afterwards all is signed and can be searched.

    \b
      taglake audience import followers.csv --network mastodon
      taglake audience import edges.tsv.gz --network x --columns 2 1
      taglake audience import nike.parquet --network bluesky --mode replace --json
    """
    from taglake.audiences.files import Import, import_edges

    asked = Import(files=files, network=_plain(network), columns=columns or None, mode=mode,
                   memory=memory << 20, shards=shards)  # fmt: skip
    found = import_edges(settings_of(load), asked, _bars())
    if json_:
        as_json(found)
        return
    click.echo(
        f"{found.edges:,} edges of {found.accounts:,} accounts read in {found.seconds:g} s: "
        f"{found.added:,} new, {found.removed:,} gone"
    )
    click.echo(f"{network}: {found.edges_known:,} edges of {found.accounts_known:,} accounts known")


@click.command()
@click.argument("destination", type=click.Path(path_type=Path))
@NETWORK
@click.option("--account", "accounts", multiple=True, help="Id; may be repeated; all if left out.")
@click.option("--format", "format_", default="parquet", show_default=True,
              type=click.Choice(["parquet", "csv", "npz"]))  # fmt: skip
@JSON
@click.pass_obj
def export(
    load: SettingsOf,
    destination: Path,
    network: str,
    accounts: tuple[str, ...],
    format_: Literal["parquet", "csv", "npz"],
    json_: bool,
) -> None:
    """Write audiences to a file: an edge a row, or arrays as `signatures.sign` takes them (npz).

    A follower whose id is text comes out as its 64-bit hash: the text was never kept.

    \b
      taglake audience export edges.parquet --network mastodon
      taglake audience export nike.npz --network x --account 415859364 --format npz
    """
    from taglake.audiences.files import export as write

    edges = write(settings_of(load), _plain(network), accounts, destination, format_)
    if json_:
        as_json({"file": str(destination), "edges": edges})
    else:
        click.echo(f"{edges:,} edges in {destination}")


@click.command()
@NETWORK
@click.option("--slots", type=SLOTS, default="128", show_default=True,
              help="Bins of a signature: the error is about 1/sqrt(slots).")  # fmt: skip
@JSON
@click.pass_obj
def sign(load: SettingsOf, network: str, slots: str, json_: bool) -> None:
    """Bring the signatures of a network up to date, or make them with another number of slots.

    `import` and the worker do so by themselves.

    \b
      taglake audience sign --network mastodon --slots 256
    """
    from taglake.audiences.files import sign as make

    count = make(settings_of(load), _plain(network), int(slots), _bars())
    if json_:
        as_json({"network": network, "accounts": count, "slots": int(slots)})
    else:
        click.echo(f"{count:,} accounts signed with {slots} slots")


@click.command()
@click.argument("account")
@NETWORK
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@JSON
@click.pass_obj
def similar(load: SettingsOf, account: str, network: str, limit: int, json_: bool) -> None:
    """Find the accounts that share most followers with ACCOUNT, a handle or an id.

    \b
      taglake audience similar @nike@mastodon.social --network mastodon
    """
    from taglake.audiences.answers import similar_to, told_similar

    found = asyncio.run(similar_to(settings_of(load), _plain(network), account, most=limit))
    as_json(found) if json_ else click.echo(told_similar(found))


@click.command()
@ACCOUNTS
@NETWORK
@JSON
@click.pass_obj
def overlap(load: SettingsOf, accounts: tuple[str, ...], network: str, json_: bool) -> None:
    """Show for each pair of accounts which part of the smaller audience follows both.

    \b
      taglake audience overlap nike adidas puma --network x
    """
    from taglake.audiences.answers import overlaps_of, told_overlap

    found = asyncio.run(overlaps_of(settings_of(load), _plain(network), accounts))
    as_json(found) if json_ else click.echo(told_overlap(found))


@click.command()
@ACCOUNTS
@NETWORK
@JSON
@click.pass_obj
def reach(load: SettingsOf, accounts: tuple[str, ...], network: str, json_: bool) -> None:
    """Tell how many different people some accounts reach together, and who follows only one.

    \b
      taglake audience reach nike adidas puma --network x
    """
    from taglake.audiences.answers import overlaps_of, told_reach

    found = asyncio.run(overlaps_of(settings_of(load), _plain(network), accounts))
    as_json(found) if json_ else click.echo(told_reach(found))


@click.command()
@NETWORK
@click.option("--map", "picture", type=click.Path(dir_okay=False, path_type=Path),
              help="Also draw them: .png, .svg, or .json (Vega-Lite).")  # fmt: skip
@JSON
@click.pass_obj
def communities(load: SettingsOf, network: str, picture: Path | None, json_: bool) -> None:
    """Find the communities that accounts form by their audiences, and what these are about.

    \b
      taglake audience communities --network mastodon --map map.png
      taglake audience around nike adidas --network mastodon      only the one around these
    """
    from taglake.audiences.answers import communities_of, draw, told_communities

    if picture is not None and picture.suffix not in (".png", ".svg", ".json"):
        raise BadSetting(f"--map {picture}: unknown ending; use .png, .svg or .json")
    found = asyncio.run(communities_of(settings_of(load), _plain(network)))
    if picture is not None:
        draw(found, picture)
    as_json(found) if json_ else click.echo(told_communities(found))


@click.command()
@ACCOUNTS
@NETWORK
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 500))
@click.option("--method", default="similarity", show_default=True,
              type=click.Choice(["similarity", "agglomerative"]),
              help="agglomerative: who is found speaks for the next.")  # fmt: skip
@JSON
@click.pass_obj
def around(
    load: SettingsOf,
    accounts: tuple[str, ...],
    network: str,
    limit: int,
    method: Literal["similarity", "agglomerative"],
    json_: bool,
) -> None:
    """Find the community around some accounts: whose audiences are like theirs.

    \b
      taglake audience around nike adidas puma --network x --limit 50
    """
    from taglake.audiences.answers import around_of, told_around

    found = asyncio.run(
        around_of(settings_of(load), _plain(network), accounts, most=limit, method=method)
    )
    as_json(found) if json_ else click.echo(told_around(found))


@click.command()
@click.argument("labels", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@NETWORK
@click.option("--least", default=0.5, show_default=True, type=click.FloatRange(0, 1),
              help="Probability below which an account stays unknown.")  # fmt: skip
@click.option("--accounts", "each", is_flag=True,
              help="Tell of each account; not for sensitive attributes.")  # fmt: skip
@JSON
@click.pass_obj
def predict(
    load: SettingsOf, labels: Path, network: str, least: float, each: bool, json_: bool
) -> None:
    """Tell an attribute of accounts, such as their country, from those with like audiences.

    LABELS is a CSV of what is known, with the columns account and value, 50 accounts or more. What
    is told says how often it is right where the value was hidden, and nothing is told that is not
    better than the commonest value for everybody.

    \b
      taglake audience predict countries.csv --network x
    """
    from taglake.audiences.answers import told_traits, traits_of

    found = asyncio.run(
        traits_of(settings_of(load), _plain(network), labels, least=least, each=each)
    )
    as_json(found) if json_ else click.echo(told_traits(found))


@click.command()
@NETWORK
@click.pass_obj
def check(load: SettingsOf, network: str) -> None:
    """Read a network's store whole and compare it with its checksums.

    \b
      taglake audience check --network mastodon
    """
    from taglake.audiences.files import check as read

    store = read(settings_of(load), _plain(network))
    click.echo(f"whole: {int(store.sizes.sum()):,} edges of {len(store):,} accounts")


@click.command()
@click.argument("ids", nargs=-1, required=True)
@NETWORK
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def forget(load: SettingsOf, ids: tuple[str, ...], network: str, yes: bool) -> None:
    """Remove people from all audiences by their ids, from disk and from signatures too.

    The store is written anew, which takes as long as it is large. A person who still follows comes
    back with the next reading of a list.

    \b
      taglake audience forget did:plc:ewvi7nxzyoun6zhxrhs64oiz --network bluesky
    """
    from taglake.audiences.files import forget as remove

    if not yes:
        click.confirm(f"Remove {len(ids)} people from every audience of {network}?", abort=True)
    edges = remove(settings_of(load), _plain(network), ids, _bars())
    click.echo(f"{edges:,} edges are gone")


def _plain(network: str) -> str:
    """Return a network's name that can be a folder's. Raises BadSetting."""
    if not network.isidentifier() or not network.islower():
        raise BadSetting(f"--network {network!r}: use a word of small letters, such as mastodon")
    return network


COMMANDS = (
    import_, export, sign, similar, overlap, reach, communities, around, predict, check, forget,
)  # fmt: skip
