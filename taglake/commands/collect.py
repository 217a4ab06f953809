"""`run`, `ingest`, `work`, `serve`, `track`: the long-running commands."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import click
import uvloop

from taglake.commands.common import INSTANT, SettingsOf, plain_tag, settings_of
from taglake.settings import Settings


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the API and page.")
@click.pass_obj
def run(load: SettingsOf, port: int | None) -> None:
    """Run all roles in one process: collect, compute, serve.

    For one machine and the embedded lake. A fleet runs `ingest`, `work` and `serve` apart.
    Ctrl-C stops in order: nothing that was fetched is lost.

    \b
      taglake run                       page and API on http://localhost:8000
      taglake run --port 0              on a free port, which is logged
    """
    settings = settings_of(load)
    if port is not None:
        serving = settings.serve.model_copy(update={"port": port})
        settings = settings.model_copy(update={"serve": serving})
    _until_stopped(settings, "ingest", "work", "serve")


@click.command()
@click.pass_obj
def ingest(load: SettingsOf) -> None:
    """Collect: lease lanes, poll targets, fill the lake. Any number of processes.

    Each needs a spool of its own; SIGTERM ends it with nothing lost.

    \b
      taglake --config /etc/taglake.toml ingest
    """
    _until_stopped(settings_of(load), "ingest")


@click.command()
@click.pass_obj
def work(load: SettingsOf) -> None:
    """Compute reports ahead. Any number of processes; each job runs in one.

    \b
      taglake --config /etc/taglake.toml work
    """
    _until_stopped(settings_of(load), "work")


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.pass_obj
def serve(load: SettingsOf, port: int | None) -> None:
    """Serve the API and the page. Any number of processes behind a balancer.

    \b
      taglake serve --port 8001         /readyz tells a balancer whether it may be asked
    """
    settings = settings_of(load)
    if port is not None:
        serving = settings.serve.model_copy(update={"port": port})
        settings = settings.model_copy(update={"serve": serving})
    _until_stopped(settings, "serve")


@click.command()
@click.argument("tags", nargs=-1, required=True)
@click.option("--network", required=True, help="mastodon, bluesky, instagram_graph, ...")
@click.option("--instance", help="Server of a network that has many: mastodon.social.")
@click.option("--days", default=7, show_default=True, type=click.IntRange(1, 365),
              help="How long to follow, from now.")  # fmt: skip
@click.option("--since", type=INSTANT,
              help="Count posts made since then, if shown; a day ago if left out.")  # fmt: skip
@click.option(
    "--for", "seconds", type=click.FloatRange(min=0.1), help="Stop after so many seconds."
)
@click.option("--json", "json_", is_flag=True, help="Print the report as JSON when stopped.")
@click.pass_obj
def track(
    load: SettingsOf,
    tags: tuple[str, ...],
    network: str,
    instance: str | None,
    days: int,
    since: datetime | None,
    seconds: float | None,
    json_: bool,
) -> None:
    """Follow hashtags now, until Ctrl-C; then print their report.

    No key is needed where the network answers without one (Mastodon servers, Bluesky). What is seen
    goes to the lake of the settings and is kept; `taglake report` shows it again later.

    \b
      taglake track '#photography' --network mastodon --instance mastodon.social
      taglake track nike adidas --network bluesky --for 60
    """
    from taglake.tracking import Wish, follow

    now = datetime.now(UTC)
    wish = Wish(
        tags=tuple(plain_tag(tag) for tag in tags),
        source=network,
        instance=instance,
        since=since or now - timedelta(days=1),  # an empty report would tell nobody anything
        until=now + timedelta(days=days),
        seconds=seconds,
        json=json_,
    )
    uvloop.run(with_signals(lambda stop: follow(settings_of(load), wish, stop)))


def _until_stopped(settings: Settings, *roles: str) -> None:
    from taglake.running import run_roles

    uvloop.run(with_signals(lambda stop: run_roles(settings, roles, stop)))


async def with_signals(main: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run `main` with an event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await main(stop)
