"""`init`, `spool`, `doctor`, `kernels`: set up, look after, find out what is wrong."""

import asyncio
from pathlib import Path

import click

from taglake.commands.common import SettingsOf, as_json, settings_of
from taglake.errors import BadSetting, Unhealthy
from taglake.secrets import make_missing
from taglake.settings import FILE_NAME
from taglake.template import template


@click.command()
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--secrets", "only_secrets", is_flag=True, help="Only make missing secrets.")
@click.pass_obj
def init(load: SettingsOf, folder: Path, only_secrets: bool) -> None:
    """Write a commented taglake.toml and make the secrets taglake may choose itself.

    What exists is kept, so it is safe to run twice.

    \b
      taglake init                      here; then fill in [[accounts]] and `taglake doctor`
      taglake client add "My brand"     a key for the page and the API
    """
    if not only_secrets:
        _write_settings(folder / FILE_NAME)
    settings = settings_of(load)
    directory = settings.secrets if only_secrets else folder / settings.secrets
    for path, made in make_missing(settings, directory):
        click.echo(f"made {path}: back it up" if made else f"{path} is there already: kept")


def _write_settings(path: Path) -> None:
    if path.exists():
        click.echo(f"{path} is there already: kept")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(template(), encoding="utf-8")
    click.echo(f"wrote {path}: every setting, with its reason")


@click.command()
def kernels() -> None:
    """Say which kernels are active: compiled, or their slower Python twins.

    Exit code 5 if one is not compiled.

    \b
      taglake kernels
    """
    from taglake.kernels import compiled, missing

    for name, is_compiled in compiled().items():
        click.echo(f"{name}\t{'compiled' if is_compiled else 'python'}")
    if missing():
        raise Unhealthy("a kernel is not compiled; install a C compiler, then `make install`")


@click.command()
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def doctor(load: SettingsOf, json_: bool) -> None:
    """Check settings, kernels, lake, registry, accounts, clock and disk, and say what to do.

    Exit code 5 if something has to be mended.

    \b
      taglake doctor
      taglake doctor --json | jq '.[] | select(.verdict == "bad")'
    """
    from taglake.doctor import examine

    findings = asyncio.run(examine(settings_of(load)))
    if json_:
        as_json(findings)
    else:
        for finding in findings:
            click.echo(f"{finding.verdict:<5} {finding.subject:<22} {finding.found}")
            if finding.mend:
                click.echo(f"{'':<28} -> {finding.mend}")
    if any(finding.verdict == "bad" for finding in findings):
        raise Unhealthy("something has to be mended, see above")


@click.group()
def spool() -> None:
    """Look at the pages that wait for the lake, and at what the lake refused.

    \b
      taglake spool check           is the file sound, and what waits in it?
      taglake spool repair          drop pages that are damaged, and make the file small again
      taglake spool dead-letters    what the lake refused for good, and why
      taglake spool replay          send dead letters again, after the cause is mended
    """


@spool.command()
@click.option("--json", "json_", is_flag=True, help="Print JSON.")
@click.pass_obj
def check(load: SettingsOf, json_: bool) -> None:
    """Check every page of the spool. Exit code 5 if some are damaged."""
    from taglake.spooling import check_spool

    report = asyncio.run(check_spool(settings_of(load)))
    as_json(report, pretty=not json_)
    if report.damaged:
        raise Unhealthy(f"{report.damaged} damaged pages: `taglake spool repair` drops them")


@spool.command()
@click.pass_obj
def repair(load: SettingsOf) -> None:
    """Drop the damaged pages, rebuild the indexes, give free space back; no ingestor may run."""
    from taglake.spooling import repair_spool

    dropped = asyncio.run(repair_spool(settings_of(load)))
    click.echo(f"{dropped} damaged pages dropped")


@spool.command("dead-letters")
@click.option("--json", "json_", is_flag=True, help="Print JSON Lines.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000))
@click.pass_obj
def dead_letters(load: SettingsOf, json_: bool, limit: int) -> None:
    """List what the lake refused for good: number, table, id, reason; never the text."""
    from taglake.spooling import list_dead_letters

    letters = asyncio.run(list_dead_letters(settings_of(load), limit))
    for letter in letters:
        if json_:
            as_json(letter)
        else:
            click.echo(f"{letter.number}\t{letter.table}\t{letter.id[:60]}\t{letter.reason}")
    if not letters and not json_:
        click.echo("there are no dead letters")


@spool.command()
@click.argument("numbers", nargs=-1, type=int)
@click.option("--all", "all_", is_flag=True, help="Replay every dead letter.")
@click.pass_obj
def replay(load: SettingsOf, numbers: tuple[int, ...], all_: bool) -> None:
    """Put dead letters back into the spool; the running ingestor, or the next one, sends them."""
    from taglake.spooling import replay_letters

    if bool(numbers) == all_:
        raise BadSetting("NUMBERS: name the letters to replay, or give --all")
    count = asyncio.run(replay_letters(settings_of(load), list(numbers) or None))
    click.echo(f"{count} dead letters are back in the spool")
