"""Every figure of a report as a Vega-Lite specification, made from the report's own structs.

The page draws these specifications, exports render the same ones. Each has a title, a subtitle that
says the unit, and a description that a screen reader reads instead of the drawing. Times are drawn
as wall time of the campaign's zone, whatever zone the reader sits in. An interval that is not over
is not drawn: it would look like a fall.
"""

import altair as alt

from insights.comparison import Comparison
from insights.definitions import DEFINITIONS
from insights.figures.parts import (
    EVERY,
    bands,
    brand_first,
    colours_of,
    drawn,
    finished,
    hints,
    span,
    spoken,
    time_axis,
    value_axis,
    wall,
)
from insights.figures.style import PALETTES, PERIODS, Spec, Theme, Width
from insights.publishers import PublisherList
from insights.quality import Quality
from insights.shares import ShareOfVoice
from insights.timeseries import Timeseries

# Above so many points single dots only make a line thick.
_DOTS = 80


def timeline(
    report: Timeseries, *, metric: str = "posts", theme: Theme = "light", width: Width = 720
) -> Spec:
    """Return a metric of the brand over time on bands that show before, during and after."""
    colours = PALETTES[theme]
    label = DEFINITIONS[metric].label
    values = [
        {
            "time": wall(point.start, report.timezone),
            "when": spoken(point.start, report.timezone),
            "value": point.values[metric],
        }
        for point in report.points
        if point.complete
    ]
    x, y = time_axis(), value_axis(label)
    base = drawn(values)
    line = base.mark_line(
        color=colours.sides[0],
        strokeWidth=2,
        point={"filled": True, "size": 28, "color": colours.sides[0]}
        if len(values) <= _DOTS
        else False,
    ).encode(x=x, y=y, tooltip=hints(label))
    area = base.mark_area(color=colours.sides[0], opacity=0.16, line=False).encode(x=x, y=y)
    chart = alt.layer(*bands(report.header, report.timezone, colours), area, line)
    every = EVERY[report.interval]
    return finished(
        chart,
        theme=theme,
        size=(width, 260),
        title=f"{label} of {report.side}",
        subtitle=f"{DEFINITIONS[metric].unit} per {every}, {span(report.header, report.timezone)}",
    )


def tag_lines(
    report: Timeseries, *, metric: str = "posts", theme: Theme = "light", width: Width = 720
) -> Spec:
    """Return a line for each key of a series that is broken down, for example by tag."""
    colours = PALETTES[theme]
    label = DEFINITIONS[metric].label
    mark = "#" if report.breakdown == "tag" else ""
    keys = list(dict.fromkeys(point.key for point in report.points))
    names = [f"{mark}{key}" for key in brand_first(keys, report.header)]
    values = [
        {
            "time": wall(point.start, report.timezone),
            "when": spoken(point.start, report.timezone),
            "value": point.values[metric],
            "key": f"{mark}{point.key}",
        }
        for point in report.points
        if point.complete
    ]
    # Both legends alike, so that they are drawn as one; above the names of the periods.
    stroke = alt.Legend(symbolType="stroke", offset=30)
    shape = alt.StrokeDash("key:N", sort=names, scale=alt.Scale(domain=names), legend=stroke)
    lines = (
        drawn(values)
        .mark_line(strokeWidth=2.2)
        .encode(
            x=time_axis(),
            y=value_axis(label),
            color=alt.Color("key:N", sort=names, scale=colours_of(names, colours), legend=stroke),
            strokeDash=shape,
            tooltip=[alt.Tooltip("key:N", title=report.breakdown or "key"), *hints(label)],
        )
    )
    chart = alt.layer(*bands(report.header, report.timezone, colours), lines)
    return finished(
        chart,
        theme=theme,
        size=(width, 260),
        title=f"{label} per {report.breakdown or 'line'}",
        subtitle=f"{DEFINITIONS[metric].unit} per {EVERY[report.interval]}, "
        f"{span(report.header, report.timezone)}",
    )


def share_of_voice(report: ShareOfVoice, *, theme: Theme = "light", width: Width = 360) -> Spec:
    """Return the shares of all sides as a ring, the brand's share in its middle."""
    colours = PALETTES[theme]
    names = [share.side for share in report.shares]
    values = [
        {
            "side": share.side,
            "value": share.value,
            "share": (share.share_percent or 0) / 100,
            "label": f"{share.share_percent or 0:.0f} %",
            "order": place,
        }
        for place, share in enumerate(report.shares)
        if share.value
    ]
    base = drawn(values).encode(theta=alt.Theta("value:Q", stack=True), order=alt.Order("order:Q"))
    ring = base.mark_arc(
        innerRadius=68, outerRadius=112, stroke=colours.background, strokeWidth=2
    ).encode(
        color=alt.Color("side:N", sort=names, scale=colours_of(names, colours)),
        tooltip=[
            alt.Tooltip("side:N", title="side"),
            alt.Tooltip("value:Q", title=report.metric, format=","),
            alt.Tooltip("share:Q", title="share of voice", format=".1%"),
        ],
    )
    labels = base.transform_filter("datum.share >= 0.03").mark_text(radius=132, fontSize=13)
    brand = report.shares[0]
    share = "?" if brand.share_percent is None else f"{brand.share_percent:.0f} %"
    middle = drawn([{"share": share, "side": brand.side}])
    chart = alt.layer(
        ring,
        labels.encode(text="label:N"),
        middle.mark_text(fontSize=26, fontWeight="bold", dy=-6).encode(text="share:N"),
        middle.mark_text(color=colours.muted, dy=16).encode(text="side:N"),
    )
    parts = ", ".join(f"{s.side} {s.share_percent or 0:.1f} %" for s in report.shares)
    return finished(
        chart,
        theme=theme,
        size=(width, 290),
        title="Share of voice",
        subtitle=f"% of {report.total or 0:,} {report.metric}, {PERIODS[report.period]}",
        description=f"Share of voice by {report.metric}: {parts}.",
    )


def before_during_after(report: Comparison, *, theme: Theme = "light", width: Width = 560) -> Spec:
    """Return the mean per day of each side and period with its 95 % interval."""
    colours = PALETTES[theme]
    names = [side.name for side in report.header.sides]
    values = [
        {
            "side": mean.side,
            "period": PERIODS[mean.period],
            "mean": mean.mean,
            "low": mean.low,
            "high": mean.high,
            "days": mean.days,
        }
        for mean in report.means
        if mean.mean is not None
    ]
    periods = list(PERIODS.values())
    base = drawn(values).encode(
        x=alt.X(
            "period:N", sort=periods, title=None, axis=alt.Axis(labelAngle=0, labelFontSize=13)
        ),
        xOffset=alt.XOffset("side:N", sort=names),
        color=alt.Color("side:N", sort=names, scale=colours_of(names, colours)),
    )
    rule = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2)
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        y=value_axis(report.unit, field="mean:Q"),
        tooltip=[
            alt.Tooltip("side:N"),
            alt.Tooltip("period:N"),
            alt.Tooltip("mean:Q", title=report.unit, format=",.2f"),
            alt.Tooltip("low:Q", title="95 % from", format=",.2f"),
            alt.Tooltip("high:Q", title="to", format=",.2f"),
            alt.Tooltip("days:Q", title="complete days"),
        ],
    )
    chart = alt.layer(rule.encode(y="low:Q", y2="high:Q"), dots)
    sentences = " ".join(effect.sentence for effect in report.effects)
    return finished(
        chart,
        theme=theme,
        size=(width, 280),
        title="Before, during and after",
        subtitle=f"mean {report.unit} with 95 % interval",
        description=f"Mean {report.unit} by side and period. {sentences}",
    )


def publishers(report: PublisherList, *, theme: Theme = "light", width: Width = 560) -> Spec:
    """Return the publishers with the most engagements as bars, at most fifteen."""
    colours = PALETTES[theme]
    shown = report.publishers[:15]
    values = [
        {
            "who": f"{place + 1}. {who.handle or who.author_id}",
            "network": who.network,
            "value": who.engagements,
            "posts": who.posts,
            "followers": who.followers,
        }
        for place, who in enumerate(shown)
    ]
    order = [str(value["who"]) for value in values]
    base = drawn(values).encode(
        y=alt.Y(
            "who:N",
            sort=order,
            title=None,
            axis=alt.Axis(labelLimit=220, ticks=False, domain=False),
        ),
        x=alt.X("value:Q", title="engagements", axis=alt.Axis(format="~s", tickCount=5)),
    )
    bars = base.mark_bar(color=colours.sides[0], cornerRadiusEnd=3, height={"band": 0.7}).encode(
        tooltip=[
            alt.Tooltip("who:N", title="publisher"),
            alt.Tooltip("network:N"),
            alt.Tooltip("value:Q", title="engagements", format=","),
            alt.Tooltip("posts:Q", format=","),
            alt.Tooltip("followers:Q", format=","),
        ]
    )
    numbers = base.mark_text(align="left", dx=5, color=colours.muted).encode(
        text=alt.Text("value:Q", format=",")
    )
    listed = ", ".join(f"{who.handle} {who.engagements}" for who in shown[:5])
    return finished(
        alt.layer(bars, numbers),
        theme=theme,
        size=(width, max(120, 26 * len(values))),
        title="Top publishers",
        subtitle=f"engagements of their posts, {PERIODS.get(report.period, 'whole time')}",
        description=f"Publishers with the most engagements: {listed}.",
    )


def quality(report: Quality, *, theme: Theme = "light", width: Width = 720) -> Spec:
    """Return when each target was watched and when it was not; the twenty with the largest gaps."""
    colours = PALETTES[theme]
    zone = report.header.timezone
    worst = sorted(report.targets, key=lambda target: (-target.gap_minutes, target.target))[:20]
    names = [target.target for target in worst]
    watched = [
        {
            "target": name,
            "time": wall(report.totals.since, zone),
            "until": wall(report.totals.until, zone),
        }
        for name in (target.target for target in worst if target.polls_made)
    ]
    gaps = [
        {
            "target": gap.target,
            "time": wall(gap.since, zone),
            "until": wall(gap.until, zone),
            "from": spoken(gap.since, zone),
            "to": spoken(gap.until, zone),
            "minutes": gap.minutes,
            "reasons": ", ".join(gap.reasons).replace("_", " "),
        }
        for gap in report.gaps
        if gap.target in names
    ]
    rows = alt.Y(
        "target:N",
        sort=names,
        title=None,
        scale=alt.Scale(domain=names),
        axis=alt.Axis(labelLimit=240, ticks=False, domain=False),
    )
    ground = (
        drawn(watched)
        .mark_bar(height={"band": 0.55}, color=colours.sides[2], opacity=0.45, cornerRadius=2)
        .encode(x=time_axis(), x2="until:T", y=rows)
    )
    # A stroke of its own colour keeps a gap of minutes visible on an axis of weeks.
    missing = (
        drawn(gaps)
        .mark_bar(
            height={"band": 0.9},
            color=colours.sides[1],
            stroke=colours.sides[1],
            strokeWidth=1.5,
        )
        .encode(
            x=time_axis(),
            x2="until:T",
            y=rows,
            tooltip=[
                alt.Tooltip("target:N"),
                alt.Tooltip("from:N"),
                alt.Tooltip("to:N"),
                alt.Tooltip("minutes:Q", format=","),
                alt.Tooltip("reasons:N", title="reason"),
            ],
        )
    )
    totals = report.totals
    return finished(
        alt.layer(ground, missing),
        theme=theme,
        size=(width, max(60, 24 * len(names))),
        title="When targets were watched",
        subtitle=f"green: watched, orange: not; {totals.gap_minutes:,} minutes in "
        f"{totals.gaps:,} gaps, {span(report.header, zone)}",
        description=f"{totals.polls_made:,} of {totals.polls_planned:,} planned polls were made; "
        f"{totals.gap_minutes:,} minutes in {totals.gaps:,} gaps were not watched.",
    )
