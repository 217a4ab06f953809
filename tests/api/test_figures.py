"""Figures: one specification for the page and for the pictures."""

from collections.abc import Callable

import httpx
import pytest

Serve = Callable[..., httpx.AsyncClient]
NAMES = [
    "timeline",
    "engagements",
    "tags",
    "share-of-voice",
    "before-during-after",
    "publishers",
    "overlap",
    "quality",
    "overlap",
]


@pytest.mark.parametrize("name", NAMES)
async def test_a_figure_is_vega_lite_of_the_readers_width(
    api: httpx.AsyncClient, campaign: str, name: str
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/figures/{name}.json?theme=dark")
    assert answer.status_code == 200
    spec = answer.json()
    assert "vega-lite" in spec["$schema"]
    assert spec["width"] == "container"
    assert spec["description"]


async def test_a_figure_comes_as_a_picture_too(api: httpx.AsyncClient, campaign: str) -> None:
    png = await api.get(f"/v1/campaigns/{campaign}/figures/share-of-voice.png")
    svg = await api.get(f"/v1/campaigns/{campaign}/figures/share-of-voice.svg")
    assert (png.headers["content-type"], png.content[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
    assert (svg.headers["content-type"], svg.content[:4]) == ("image/svg+xml", b"<svg")


async def test_a_figure_that_is_none_names_those_that_are(
    api: httpx.AsyncClient, campaign: str
) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/figures/reach.json")
    assert answer.status_code == 404
    assert "timeline" in answer.json()["detail"]


async def test_another_format_is_refused(api: httpx.AsyncClient, campaign: str) -> None:
    answer = await api.get(f"/v1/campaigns/{campaign}/figures/timeline.pdf")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "format"
