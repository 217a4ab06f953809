"""The map of communities laid out: the dot of each account, its colour and shape, and the names
that find room.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from insights.audiences.communities import Community, CommunityMap
from insights.figures.handles import cut, handle_of, plain, shortened
from insights.figures.map_labels import SIDES, Label, Spot, Wish, placed
from insights.figures.style import Palette
from signatures.arrays import F64

Row = dict[str, Any]

EDGE = 1.06  # of the map's square, in the units of places, which are -1 to 1
WIDTHS = (240, 420, 640, 960)  # pixels, at which names are placed; a wider map only has more room

_SHAPES = ("circle", "square", "triangle-up")
_ALONE = "no similar audience found"
_SHARING = "has similar audiences"
_SMALLER = "smaller ones"
_AREA = 16_000.0  # square pixels that all dots may cover together if all were the largest
_LARGEST = (30.0, 500.0)  # square pixels: of the largest dot among many, and among few
_TITLE, _HANDLE = 12.0, 10.0  # pixels, sizes of the fonts
_NAMED = 60  # accounts whose handle is written if there is room, the most followed first


class Kind(NamedTuple):
    """How dots of one kind look, and their name in the legend."""

    name: str
    colour: str
    shape: str


Kinds = Mapping[int, Kind]
"""The kind of each community by its number; -1 for accounts in none."""


def kinds_of(report: CommunityMap, colours: Palette) -> Kinds:
    """Return the kinds of dots. Six colours, then the same with another shape; what comes then, the
    smallest, is one kind. Groups that are no better than chance are not told apart.
    """
    *wheel, grey = colours.sides
    alone = {-1: Kind(_ALONE, grey, "circle")}
    if not report.meaningful:
        return {
            one.number: Kind(_SHARING, wheel[0], "circle") for one in report.communities
        } | alone
    looks = [(colour, shape) for shape in _SHAPES for colour in wheel]
    named = zip(report.communities, looks, strict=False)
    smaller = {one.number: Kind(_SMALLER, grey, "square") for one in report.communities}
    return smaller | {one.number: Kind(title_of(one), *look) for one, look in named} | alone


def title_of(one: Community, terms: int = 3) -> str:
    """Return what a community is called: its number from 1, and what it is about."""
    words = ", ".join(plain(term) for term in one.terms[:terms])
    return f"{one.number + 1} {words or '(no common words)'}"


def dots_of(report: CommunityMap, kinds: Kinds) -> list[Row]:
    """Return the dots, the most followed first."""
    largest = float(np.clip(_AREA / max(len(report.map), 1), *_LARGEST))
    most = max((one.followers for one in report.map), default=1) or 1
    return [
        {
            "id": one.id,
            "x": one.x,
            "y": one.y,
            "account": plain(handle_of(one)),
            "followers": one.followers,
            "area": round(largest * (0.08 + 0.92 * one.followers / most), 1),
            "kind": kinds[one.community].name,
        }
        for one in report.map
    ]


def height_of(report: CommunityMap) -> int:
    """Return how high the map is in pixels: few accounts need little room."""
    return min(460, 200 + 12 * len(report.map))


def names_of(report: CommunityMap, dots: list[Row]) -> list[Row]:
    """Return the names that find room, for each width of the map by itself."""
    wishes = [*_titles(report), *_accounts(report)]
    height, bounds = height_of(report), [0, *WIDTHS[1:], 100_000]
    return [
        _name(label, dots[label.dot], wishes[label.wish].size, (bounds[at], bounds[at + 1]))
        for at, width in enumerate(WIDTHS)
        for label in placed(_pixels(dots, width, height), wishes, width=width, height=height)
    ]


def _titles(report: CommunityMap) -> Iterator[Wish]:
    """Return the names of the communities, each beside one of its outermost dots."""
    if not report.meaningful:
        return
    for one in report.communities:
        dots = [at for at, place in enumerate(report.map) if place.community == one.number]
        if dots:
            texts = (cut(title_of(one, 2), 30), cut(title_of(one, 1)), str(one.number + 1))
            yield Wish(texts, _TITLE, tuple(_around(report, dots)))


def _around(report: CommunityMap, dots: list[int]) -> Iterator[Spot]:
    def x(dot: int) -> float:
        return report.map[dot].x

    def y(dot: int) -> float:
        return report.map[dot].y

    yield from ((max(dots, key=y), "above"), (min(dots, key=y), "below"))
    yield from ((max(dots, key=x), "right"), (min(dots, key=x), "left"))


def _accounts(report: CommunityMap) -> Iterator[Wish]:
    names = shortened([handle_of(one) for one in report.map], report.network)
    for dot, name in enumerate(names[:_NAMED]):
        yield Wish((name,), _HANDLE, tuple((dot, side) for side in SIDES))


def _pixels(dots: list[Row], width: float, height: float) -> F64:
    """Return where dots are on a map of this size, and their radius."""
    found = [
        (
            (dot["x"] + EDGE) / (2 * EDGE) * width,
            (EDGE - dot["y"]) / (2 * EDGE) * height,
            (dot["area"] / np.pi) ** 0.5,
        )
        for dot in dots
    ]
    return np.array(found, dtype=np.float64).reshape(-1, 3)


_LOOKS: Mapping[str, tuple[str, str, int, int]] = {
    "above": ("center", "bottom", 0, -1),
    "below": ("center", "top", 0, 1),
    "right": ("left", "middle", 1, 0),
    "left": ("right", "middle", -1, 0),
    "above right": ("left", "bottom", 0, -1),
    "above left": ("right", "bottom", 0, -1),
}
"""Of a side: how the text is aligned to its point, and which way it is moved from the dot."""


def _name(label: Label, dot: Row, size: float, widths: tuple[int, int]) -> Row:
    align, baseline, right, down = _LOOKS[label.side]
    return {
        "id": dot["id"],
        "x": dot["x"],
        "y": dot["y"],
        "text": label.text,
        "size": size,
        "weight": "bold" if size == _TITLE else "normal",
        "align": align,
        "baseline": baseline,
        "dx": right * label.apart,
        "dy": down * label.apart,
        "least": widths[0],
        "below": widths[1],
    }
