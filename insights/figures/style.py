"""How all figures look: colours that colour-blind people tell apart, light and dark; rendering."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import vl_convert

Spec = dict[str, Any]
"""A Vega-Lite specification, JSON: shown by the page, rendered to PNG and SVG here."""

Theme = Literal["light", "dark"]
Width = int | Literal["container"]


class Palette(msgspec.Struct, frozen=True, kw_only=True):
    """The colours of one theme."""

    background: str
    ink: str
    muted: str
    grid: str
    bands: Mapping[str, str]  # behind before, during, after
    sides: tuple[str, ...]  # brand first


# After Okabe and Ito (2008); on dark ground the darker hues are raised to a contrast of 3:1.
PALETTES: dict[Theme, Palette] = {
    "light": Palette(
        background="#ffffff",
        ink="#1b1f24",
        muted="#57606a",
        grid="#e4e7eb",
        bands={"baseline": "#f3f4f6", "during": "#e3f0fa", "after": "#fbf3e2"},
        sides=("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6e7781"),
    ),
    "dark": Palette(
        background="#14171c",
        ink="#e6e9ed",
        muted="#a3acb8",
        grid="#2b313a",
        bands={"baseline": "#1c2027", "during": "#17293a", "after": "#2a2518"},
        sides=("#56b4e9", "#ff8c42", "#2fc79a", "#e59ac4", "#f0c340", "#7fa7ff", "#8b949e"),
    ),
}

PERIODS = {"baseline": "before", "during": "during", "after": "after"}
"""What the periods are called in a figure."""

_ON_WINDOW = "window.vegaEmbed = vegaEmbed; window.vegaLite = vegaLite; window.vega = vega;"

_FONT = "system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', 'DejaVu Sans', sans-serif"


def style(theme: Theme) -> Spec:
    """Return the Vega-Lite config of a theme."""
    colours = PALETTES[theme]
    text = {"labelColor": colours.muted, "titleColor": colours.muted}
    sizes = {"labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal"}
    return {
        "background": colours.background,
        "font": _FONT,
        "padding": 12,
        "view": {"stroke": None},
        "axis": {
            **text,
            **sizes,
            "gridColor": colours.grid,
            "domainColor": colours.muted,
            "tickColor": colours.muted,
            "labelPadding": 6,
            "titlePadding": 10,
        },
        "legend": {
            **text,
            **sizes,
            "orient": "top",
            "title": None,
            "symbolStrokeWidth": 2,
            "symbolLimit": 20,
        },
        "title": {
            "color": colours.ink,
            "subtitleColor": colours.muted,
            "fontSize": 16,
            "subtitleFontSize": 12,
            "anchor": "start",
            "offset": 14,
            "subtitlePadding": 5,
        },
        "text": {"color": colours.ink, "fontSize": 12},
        "range": {"category": list(colours.sides)},
    }


def to_png(spec: Spec, *, scale: float = 2.0) -> bytes:
    """Return the figure as PNG; `scale` 2 is sharp on screens of today."""
    return bytes(vl_convert.vegalite_to_png(_sized(spec), scale=scale))


def to_svg(spec: Spec) -> str:
    """Return the figure as SVG."""
    return str(vl_convert.vegalite_to_svg(_sized(spec)))


def rendered(spec: Spec, form: str) -> bytes:
    """Return the figure as a file: json (the specification itself), svg, or else png. Blocks."""
    if form == "json":
        return msgspec.json.encode(spec)
    return to_svg(spec).encode() if form == "svg" else to_png(spec)


def vega_bundle() -> str:
    """Return the JavaScript that draws figures in a page: it sets `window.vegaEmbed`.

    Made from the installed package, 0.9 MB in seconds: keep what it returns.
    """
    return str(vl_convert.javascript_bundle(_ON_WINDOW))


def _sized(spec: Spec) -> Spec:
    """Return the figure with a width of its own: there is no container outside of a page."""
    if spec.get("width") != "container":
        return spec
    return {**spec, "width": 720}
