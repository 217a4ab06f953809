"""The figures of audiences: how they overlap, and which communities accounts form.

Handles and words of strangers are data of a specification, never part of an expression.
"""

from collections.abc import Mapping
from typing import Any

import altair as alt
import msgspec

from insights.audiences.campaign import CampaignOverlap
from insights.audiences.communities import CommunityMap
from insights.figures.community_dots import (
    EDGE,
    Kind,
    dots_of,
    height_of,
    kinds_of,
    names_of,
    title_of,
)
from insights.figures.handles import plain
from insights.figures.overlap_grid import Grid, grid_of
from insights.figures.parts import drawn, finished, span
from insights.figures.style import PALETTES, Palette, Spec, Theme, Width

_CELL = 24  # pixels, the height of a line
_LEGIBLE = 21  # pixels a cell must be wide for its number
_FEW = "no two publishers of one network have lists of followers that are known"
# Of the darkest shade, from where on text takes the colour of the ground.
_TURN: Mapping[Theme, float] = {"light": 0.75, "dark": 0.45}


def overlap(report: CampaignOverlap, *, theme: Theme = "light", width: Width = 720) -> Spec:
    """Return the overlap of audiences as heat maps, one above the other: accounts of two networks
    cannot be compared. A column bears the number of its line; those that share much stand together.
    """
    title = "Who shares whose audience"
    grid = grid_of([part for part in report.overlaps.networks if len(part.members) > 1])
    if not grid.cells:
        return _empty(title, report.note or _FEW, theme=theme, width=width)
    chart = alt.layer(_squares(grid, theme), _shares(grid, theme), _heads(grid, PALETTES[theme]))
    return finished(
        chart,
        theme=theme,
        size=(width, _CELL * len(grid.lines)),
        title=title,
        subtitle="% of the smaller audience that follows both; lists of followers as they are "
        f"now, publishers of {_when(report)}",
        description=grid.told,
    )


def _when(report: CampaignOverlap) -> str:
    """Return the days whose publishers are compared."""
    header = report.header
    of_it = tuple(period for period in header.periods if period.name == report.period)
    return span(msgspec.structs.replace(header, periods=of_it or header.periods), header.timezone)


def _across(grid: Grid) -> alt.X:
    return alt.X("column:O", scale=alt.Scale(domain=list(range(grid.columns))), axis=None)


def _down(grid: Grid) -> alt.Y:
    axis = alt.Axis(ticks=False, domain=False, labelLimit=170, labelPadding=4)
    return alt.Y(
        "line:N", sort=grid.lines, scale=alt.Scale(domain=grid.lines), title=None, axis=axis
    )


def _squares(grid: Grid, theme: Theme) -> alt.Chart:
    colours = PALETTES[theme]
    legend = alt.Legend(title="% shared", direction="horizontal", gradientLength=160, tickCount=5)
    chart: alt.Chart = (
        drawn(grid.cells)
        .mark_rect(stroke=colours.background, strokeWidth=1)
        .encode(
            x=_across(grid),
            y=_down(grid),
            color=alt.Color(
                "overlap:Q",
                scale=alt.Scale(
                    range=[colours.grid, colours.sides[0]],
                    domain=[0, grid.darkest],
                    interpolate="rgb",
                ),
                legend=legend,
            ),
            tooltip=[
                alt.Tooltip("down:N", title="account"),
                alt.Tooltip("across:N", title="and"),
                alt.Tooltip("overlap:Q", title="% of the smaller audience"),
                alt.Tooltip("range:N", title="95 % interval"),
            ],
        )
    )
    return chart


def _shares(grid: Grid, theme: Theme) -> alt.Chart:
    """Return the numbers in the cells, where these are wide enough."""
    colours, turn = PALETTES[theme], _TURN[theme] * grid.darkest
    ink = alt.condition(
        alt.datum.overlap >= turn, alt.value(colours.background), alt.value(colours.ink)
    )
    legible = alt.ExprRef(f"width >= {_LEGIBLE * grid.columns} ? 1 : 0")
    chart: alt.Chart = (
        drawn(grid.cells)
        .mark_text(fontSize=11, opacity=legible, aria=False, tooltip=None)
        .encode(x=_across(grid), y=_down(grid), text="text:N", color=ink)
    )
    return chart


def _heads(grid: Grid, colours: Palette) -> alt.Chart:
    """Return the numbers above the columns."""
    chart: alt.Chart = (
        drawn(grid.heads)
        .mark_text(fontSize=10, color=colours.muted, baseline="bottom", dy=9)
        .encode(x=_across(grid), y=_down(grid), text="text:N", tooltip=alt.Tooltip("account:N"))
    )
    return chart


def community_map(report: CommunityMap, *, theme: Theme = "light", width: Width = 720) -> Spec:
    """Return the accounts of a network as a map: those that share followers lie together, each
    community in its own colour and shape with what it is about.
    """
    colours = PALETTES[theme]
    kind = "Communities by audience" if report.meaningful else "Shared audiences"
    title = f"{kind} on {report.network}"
    if not report.map:
        return _empty(title, "no list of followers is known", theme=theme, width=width)
    kinds = kinds_of(report, colours)
    dots = dots_of(report, kinds)
    drawn_kinds = {one.community for one in report.map}
    legend = list(dict.fromkeys(kind for number, kind in kinds.items() if number in drawn_kinds))
    chart = alt.layer(
        _links(report, colours),
        _dots(dots, legend, colours),
        *_names(names_of(report, dots), colours),
    )
    return finished(
        chart,
        theme=theme,
        size=(width, height_of(report)),
        title=title,
        subtitle=_subtitle(report),
        description=_told(report),
    )


def _places() -> dict[str, Any]:
    scale = alt.Scale(domain=[-EDGE, EDGE], nice=False)
    return {
        "x": alt.X("x:Q", scale=scale, axis=None),
        "y": alt.Y("y:Q", scale=scale, axis=None),
    }


def _links(report: CommunityMap, colours: Palette) -> alt.Chart:
    ends = [(report.map[one], report.map[other]) for one, other in report.links]
    lines = [{"x": a.x, "y": a.y, "x2": b.x, "y2": b.y} for a, b in ends]
    faint = 0.2 if len(lines) > len(report.map) else 0.45
    chart: alt.Chart = (
        drawn(lines)
        .mark_rule(color=colours.muted, opacity=faint, strokeWidth=1, aria=False, tooltip=None)
        .encode(**_places(), x2="x2:Q", y2="y2:Q")
    )
    return chart


def _dots(dots: list[dict[str, Any]], kinds: list[Kind], colours: Palette) -> alt.Chart:
    legend = alt.Legend(
        orient="bottom", direction="horizontal", labelLimit=230, symbolSize=90,
        columns=alt.ExprRef("max(1, floor(width / 260))"),
    )  # fmt: skip

    def scale(looks: list[str]) -> alt.Scale:
        return alt.Scale(domain=[kind.name for kind in kinds], range=looks)

    chart: alt.Chart = (
        drawn(dots)
        .mark_point(
            filled=True, cursor="pointer", opacity=0.92, stroke=colours.background, strokeWidth=0.7
        )
        .encode(
            **_places(),
            size=alt.Size("area:Q", scale=None),
            color=alt.Color("kind:N", scale=scale([kind.colour for kind in kinds]), legend=legend),
            shape=alt.Shape("kind:N", scale=scale([kind.shape for kind in kinds]), legend=legend),
            tooltip=[
                alt.Tooltip("account:N"),
                alt.Tooltip("kind:N", title="community"),
                alt.Tooltip("followers:Q", format=",", title="followers in our list"),
            ],
        )
    )
    return chart


def _names(names: list[dict[str, Any]], colours: Palette) -> list[alt.Chart]:
    """Return the names on a rim of the ground's colour, so that no line runs through a letter."""
    looks: dict[str, Any] = {
        look: alt.ExprRef(f"datum.{look}") for look in ("align", "baseline", "dx", "dy")
    } | {"fontSize": alt.ExprRef("datum.size"), "fontWeight": alt.ExprRef("datum.weight")}
    fitting = drawn(names).transform_filter("width >= datum.least && width < datum.below")
    return [
        fitting.mark_text(aria=False, tooltip=None, **looks, **ink).encode(
            **_places(), text="text:N"
        )
        for ink in (
            {"stroke": colours.background, "strokeWidth": 3, "color": colours.background},
            {"color": colours.ink},
        )
    ]


def _subtitle(report: CommunityMap) -> str:
    stable = "unknown" if report.stability is None else f"{report.stability:.2f}"
    sure = (
        f"modularity {report.modularity:.2f}, stability {stable}"
        if report.meaningful
        else "lines: audiences that overlap; groups are no better than chance"
    )
    return f"{report.accounts:,} accounts whose followers are known; {sure}; size: followers"


def _told(report: CommunityMap) -> str:
    """Return the map in words."""
    if not report.meaningful:
        return (
            f"{report.accounts:,} accounts, {report.pairs:,} pairs of which share followers; "
            "their groups are no better than chance."
        )
    return "; ".join(f"{title_of(one)}: {one.accounts:,} accounts" for one in report.communities)


def _empty(title: str, note: str, *, theme: Theme, width: Width) -> Spec:
    """Return a figure that says why there is nothing to draw."""
    words = drawn([{"text": plain(note)}]).mark_text(
        fontSize=12, color=PALETTES[theme].muted, lineBreak="; "
    )
    return finished(
        words.encode(text="text:N"), theme=theme, size=(width, 60), title=title, subtitle=note
    )
