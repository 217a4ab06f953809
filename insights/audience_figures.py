"""The figures of audiences: how they overlap, and which communities accounts form."""

from typing import Any

import altair as alt

from insights.audiences.campaign import CampaignOverlap
from insights.audiences.communities import CommunityMap, Place
from insights.audiences.named import Listed
from insights.audiences.reach import Overlap
from insights.figure_parts import drawn, finished, span
from insights.figure_style import PALETTES, Spec, Theme, Width

_CELL = 24  # pixels
_NAME = 20  # letters of a handle
_ALONE = "in none"
_LABELLED = 24  # places whose handle is written, the most followed first


def overlap(report: CampaignOverlap, *, theme: Theme = "light", width: Width = 720) -> Spec:
    """Return the overlap of audiences as a heat map; accounts of two networks cannot be compared
    and leave their cells empty.
    """
    colours = PALETTES[theme]
    cells, names = [], []
    for part in report.overlaps.networks:
        order = _chained(part)
        names += [_name(part.members[place].account) for place in order]
        cells += [_cell(part, row, column) for row in order for column in order]
    axis: dict[str, Any] = {"title": None, "sort": names}
    side = alt.Axis(ticks=False, domain=False, labelLimit=170)
    chart = (
        drawn(cells)
        .mark_rect()
        .encode(
            x=alt.X("across:N", axis=alt.Axis(ticks=False, domain=False, labelAngle=-60), **axis),
            y=alt.Y("down:N", axis=side, **axis),
            color=alt.Color(
                "overlap:Q",
                scale=alt.Scale(range=[colours.grid, colours.sides[0]], domain=[0, 100]),
                legend=alt.Legend(title="% shared", orient="right"),
            ),
            tooltip=[
                alt.Tooltip("down:N", title="account"),
                alt.Tooltip("across:N", title="and"),
                alt.Tooltip("overlap:Q", title="% of the smaller audience"),
                alt.Tooltip("range:N", title="95 % interval"),
            ],
        )
    )
    pairs = [
        cell for cell in cells if cell["down"] < cell["across"] and cell["overlap"] is not None
    ]
    best = sorted(pairs, key=lambda cell: (-cell["overlap"], cell["down"], cell["across"]))[:3]
    told = "; ".join(f"{one['down']} and {one['across']} {one['overlap']} %" for one in best)
    return finished(
        chart,
        theme=theme,
        size=(width, max(80, _CELL * len(names))),
        title="Who shares whose audience",
        subtitle=report.note
        or f"of the smaller audience, who follows both; lists of followers as "
        f"they are now, publishers of {span(report.header, report.header.timezone)}",
        description=f"Overlap of the audiences of {len(names)} publishers. Most shared: {told}."
        if told
        else report.note,
    )


def _cell(part: Overlap, row: int, column: int) -> dict[str, Any]:
    low, high = part.low_percent[row][column], part.high_percent[row][column]
    counted = low == high
    return {
        "down": _name(part.members[row].account),
        "across": _name(part.members[column].account),
        "overlap": part.overlap_percent[row][column],
        "range": "counted" if counted else f"{low} to {high} %",
    }


def _chained(part: Overlap) -> list[int]:
    """Return the members so that each stands beside one it shares much with: blocks show."""
    left = list(range(len(part.members)))
    chain = left[:1]
    left = left[1:]
    while left:
        shared = part.overlap_percent[chain[-1]]
        nearest = max(left, key=lambda place: (shared[place] or 0.0, -place))
        chain.append(nearest)
        left.remove(nearest)
    return chain


def _name(account: Listed) -> str:
    """Return how an account is called in a figure: its handle, cut."""
    name = account.handle or account.id.partition(":")[2]
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def community_map(report: CommunityMap, *, theme: Theme = "light", width: Width = 720) -> Spec:
    """Return the accounts of a network as a map: those that share followers lie together, each
    community in its colour with what it is about.
    """
    colours = PALETTES[theme]
    titles = {one.number: _title(one.number, one.terms) for one in report.communities}
    order = [*titles.values(), _ALONE]
    wheel = [colours.sides[place % (len(colours.sides) - 1)] for place in range(len(titles))]
    places = [_dot(one, titles) for one in report.map]
    scale = alt.Scale(domain=[-1.05, 1.05])
    x, y = alt.X("x:Q", scale=scale, axis=None), alt.Y("y:Q", scale=scale, axis=None)
    lines = (
        drawn([_line(report, a, b) for a, b in report.links])
        .mark_rule(color=colours.muted, opacity=0.18, strokeWidth=1)
        .encode(x=x, y=y, x2="x2:Q", y2="y2:Q")
    )
    dots = (
        drawn(places)
        .mark_circle(opacity=0.9, stroke=colours.background, strokeWidth=1)
        .encode(
            x=x,
            y=y,
            size=alt.Size("followers:Q", scale=alt.Scale(range=[40, 900]), legend=None),
            color=alt.Color(
                "community:N",
                scale=alt.Scale(domain=order, range=[*wheel, colours.sides[-1]]),
                legend=alt.Legend(columns=1, orient="right", labelLimit=260),
            ),
            tooltip=[
                alt.Tooltip("handle:N", title="account"),
                alt.Tooltip("community:N"),
                alt.Tooltip("followers:Q", format=",", title="followers in our list"),
            ],
        )
    )
    names = (
        drawn(places[:_LABELLED])
        .mark_text(dy=-12, fontSize=10, color=colours.ink)
        .encode(x=x, y=y, text="handle:N")
    )
    stable = "unknown" if report.stability is None else f"{report.stability:.2f}"
    return finished(
        alt.layer(lines, dots, names),
        theme=theme,
        size=(width, 460),
        title=f"Communities by audience on {report.network}",
        subtitle=f"{report.accounts:,} accounts whose followers are known; modularity "
        f"{report.modularity:.2f}, stability {stable}; size: followers",
        description="; ".join(
            f"{titles[one.number]}: {one.accounts} accounts" for one in report.communities
        )
        or "No communities were found.",
    )


def _title(number: int, terms: tuple[str, ...]) -> str:
    return f"{number + 1} {', '.join(terms[:3])}" if terms else f"{number + 1} (no common words)"


def _dot(place: Place, titles: dict[int, str]) -> dict[str, Any]:
    name = place.handle or place.id.partition(":")[2]
    return {
        "x": place.x,
        "y": place.y,
        "handle": name.partition("@")[0] if len(name) > _NAME else name,
        "followers": place.followers,
        "community": titles.get(place.community, _ALONE),
    }


def _line(report: CommunityMap, a: int, b: int) -> dict[str, float]:
    first, second = report.map[a], report.map[b]
    return {"x": first.x, "y": first.y, "x2": second.x, "y2": second.y}
