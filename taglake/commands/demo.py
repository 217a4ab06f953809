"""`demo`: a four-week campaign on a simulated network, and its report."""

from pathlib import Path

import click
import uvloop

from taglake.commands.collect import with_signals


@click.command()
@click.option("--once", is_flag=True, help="Play, print, and do not serve.")
@click.option("--json", "json_", is_flag=True, help="Print the whole report as JSON.")
@click.option("--seed", default=7, show_default=True, help="Same seed, same report, byte for byte.")
@click.option(
    "--lift",
    default=0.5,
    show_default=True,
    type=click.FloatRange(min=0),
    help="Planted effect of the campaign: 0.5 is half as many posts again, 0 a placebo.",
)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--lake", help="Lake to play into; a fresh folder if left out.")
@click.option(
    "--folder",
    default=".taglake/demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the demo keeps its lake, registry and spool; made anew.",
)
def demo(
    once: bool, json_: bool, seed: int, lift: float, port: int, lake: str | None, folder: Path
) -> None:
    """Play a four-week campaign for #nike against #adidas and #puma, then serve its report.

    A simulated network is asked over real HTTP, inside budgets that really refuse, with a clock
    that jumps from poll to poll: 7 days before, 14 during, 7 after. No keys, no Docker, no Java.

    \b
      taglake demo                      then open the link it prints
      taglake demo --once --json        the report as JSON
      taglake demo --lift 0             what the report says when nothing happened
    """
    from taglake.demo import Play, play_demo

    play = Play(
        seed=seed, lift=lift, once=once, json=json_, port=port, lake_url=lake, folder=folder
    )
    uvloop.run(with_signals(lambda stop: play_demo(play, stop)))
