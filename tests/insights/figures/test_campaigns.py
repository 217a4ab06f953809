"""Figures: valid, described, in both themes, rendered without a network."""

from collections.abc import Callable

import pytest

from fakes.campaign_world import NOW, campaign
from fakes.memory_lake import MemoryLake
from insights import campaigns as reports
from insights.figures import campaigns as figures
from insights.figures.style import PALETTES, Spec, Theme, to_png, to_svg, vega_bundle

Draw = Callable[[Theme, int | str], Spec]

NAMES = ["timeline", "tag_lines", "share_of_voice", "before_during_after", "publishers", "quality"]


@pytest.fixture
async def drawings(memory: MemoryLake) -> dict[str, Draw]:
    """Every figure of the small campaign by name."""
    watched = campaign(timezone="Europe/Berlin")
    found = {
        "timeline": await reports.timeseries(memory, watched, now=NOW),
        "tag_lines": await reports.timeseries(memory, watched, now=NOW, breakdown="tag"),
        "share_of_voice": await reports.share_of_voice(memory, watched, now=NOW),
        "before_during_after": await reports.before_during_after(memory, watched, now=NOW),
        "publishers": await reports.publishers(memory, watched, now=NOW),
        "quality": await reports.quality(memory, watched, now=NOW),
    }
    return {
        name: lambda theme, width, name=name: getattr(figures, name)(
            found[name], theme=theme, width=width
        )
        for name in NAMES
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_renders_as_png_and_svg(name: str, drawings: dict[str, Draw]) -> None:
    spec = drawings[name]("light", 480)
    assert to_png(spec, scale=1).startswith(b"\x89PNG")
    svg = to_svg(spec)
    assert svg.startswith("<svg")
    assert "NaN" not in svg
    assert "undefined" not in svg


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_a_title_a_unit_and_a_description(
    name: str, drawings: dict[str, Draw]
) -> None:
    spec = drawings[name]("light", "container")
    assert spec["title"]["text"]
    assert spec["title"]["subtitle"]
    assert len(spec["description"]) > 20
    assert spec["width"] == "container"
    assert "http" not in str({key: value for key, value in spec.items() if key != "$schema"})


def test_dark_and_light_differ_in_colours_only(drawings: dict[str, Draw]) -> None:
    light, dark = drawings["timeline"]("light", 480), drawings["timeline"]("dark", 480)
    assert light["config"]["background"] == "#ffffff"
    assert dark["config"]["background"] == "#14171c"
    assert light["title"] == dark["title"]


def test_bands_are_named_and_in_wall_time_of_the_campaign(drawings: dict[str, Draw]) -> None:
    bands = drawings["timeline"]("light", 480)["layer"][0]["data"]["values"]
    assert [(row["name"], row["since"]) for row in bands] == [
        ("before", "2026-03-01T01:00:00+00:00"),
        ("during", "2026-03-08T01:00:00+00:00"),
        ("after", "2026-03-22T01:00:00+00:00"),
    ]


def test_every_side_keeps_its_colour_in_every_figure(drawings: dict[str, Draw]) -> None:
    blue, orange, green = PALETTES["light"].sides[:3]
    for name in ("share_of_voice", "before_during_after"):
        scales = str(drawings[name]("light", 480))
        assert str(["nike", "adidas", "puma"]) in scales
        assert str([blue, orange, green]) in scales


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of WCAG 2, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_is_readable_and_the_first_three_sides_stand_out(theme: Theme) -> None:
    palette = PALETTES[theme]
    assert contrast(palette.ink, palette.background) >= 7
    assert contrast(palette.muted, palette.background) >= 4.5
    for side in palette.sides[:3]:
        assert contrast(side, palette.background) >= 3


def test_the_bundle_draws_without_a_network() -> None:
    bundle = vega_bundle()
    assert len(bundle) > 500_000
    assert "vegaEmbed" in bundle
