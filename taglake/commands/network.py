"""`simnet`: the simulated networks alone."""

from datetime import datetime

import click
import uvloop

from taglake.commands.collect import with_signals
from taglake.commands.common import INSTANT


@click.command()
@click.option("--port", default=8900, show_default=True, type=click.IntRange(0, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--seed", default=1, show_default=True, help="Same seed, same world.")
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0.001),
    help="How many times as fast as ours its clock runs; faster dates posts ahead of us.",
)
@click.option("--start", type=INSTANT, help="First instant of the world; now if left out.")
@click.option("--days", default=28, show_default=True, type=click.IntRange(1, 366))
@click.option(
    "--lift",
    default=0.5,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Extra posts during the campaign of #nike: 0.5 is half as many again.",
)
def simnet(
    port: int, host: str, seed: int, speed: float, start: datetime | None, days: int, lift: float
) -> None:
    """Run the simulated social networks over HTTP, in their real wire formats.

    Budgets really refuse, logins really die. `/__truth` and `/__judge` tell what really happened
    and who asked too much. Point accounts at it with `base_url`.

    \b
      taglake simnet --port 8900
      taglake track nike --network mastodon --instance http://127.0.0.1:8900/mastodon.example
    """
    from taglake.simulated import Setting, serve_world

    asked = Setting(port=port, host=host, seed=seed, speed=speed, start=start, days=days, lift=lift)
    uvloop.run(with_signals(lambda stop: serve_world(asked, stop)))
