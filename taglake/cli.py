"""The command line: parses, builds, runs; the work is done in the rooms.

Each file of `taglake/commands/` holds the commands of one noun and imports what it runs when it
runs, so that `taglake --help` answers at once.
"""

import os
import sys
from pathlib import Path

import click

from taglake import __version__
from taglake.commands import (
    accounts,
    audience,
    audience_data,
    collect,
    demo,
    files,
    network,
    people,
    reports,
    setup,
)
from taglake.errors import told
from taglake.logs import configure
from taglake.settings import load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="taglake %(version)s")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Settings file; ./taglake.toml if that exists.",
)
@click.pass_context
def taglake(context: click.Context, config: Path | None) -> None:
    """From a hashtag to an honest campaign report.

    \b
    First steps:
      taglake demo                        a simulated four-week campaign and its report
      taglake track '#nike' --network mastodon --instance mastodon.social
      taglake init && taglake run         your own campaigns, all roles in one process
      taglake doctor                      what is missing, and what to do about it

    \b
    Exit codes: 0 done, 1 failed, 2 wrong setting or argument, 3 not found,
    4 lake, registry or network does not answer, 5 a check found something.
    """
    context.obj = lambda: load(config)


for command in (
    setup.init,
    demo.demo,
    collect.run,
    collect.ingest,
    collect.work,
    collect.serve,
    collect.track,
    reports.plan,
    reports.report,
    files.parse,
    files.import_,
    reports.export,
    people.client,
    accounts.account,
    audience.audience,
    setup.spool,
    setup.doctor,
    setup.kernels,
    network.simnet,
):
    taglake.add_command(command)

for command in audience_data.COMMANDS:
    audience.audience.add_command(command)


def main() -> None:
    """Run the command line and leave with the exit code of what happened."""
    configure("info", "auto")
    # numpy's BLAS starts a thread a core, which spin; nothing here multiplies matrices.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        taglake(prog_name="taglake", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(error.exit_code)
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "taglake"
        message = " ".join(error.format_message().split())  # one line, whatever it lists
        click.echo(f"{path}: {message} See {path} --help.", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)
    except Exception as error:
        line, code = told(error)
        click.echo(f"taglake: {line}", err=True)
        if os.environ.get("TAGLAKE_LOG__LEVEL") == "debug":
            raise
        sys.exit(code)
