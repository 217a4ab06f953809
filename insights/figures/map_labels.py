"""Where the names on a map stand: none over another, over a dot or over the edge.

A map is drawn at the reader's width, and nothing that draws it moves labels. So they are placed
for some widths here; one that is wider than the last such width only has more room.
"""

import unicodedata
from collections.abc import Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np

from signatures.arrays import F64

Side = Literal["above", "below", "right", "left", "above right", "above left"]
SIDES: tuple[Side, ...] = ("above", "below", "right", "left", "above right", "above left")

_LETTER = 0.58  # of the font's size, the mean width of a letter; measured, rounded up
_GAP = 3.0  # pixels between a dot and its label


Spot = tuple[int, Side]
"""A dot, and on which side of it a text stands."""


class Wish(NamedTuple):
    """A text in one or more lengths and where it may stand, the best first."""

    texts: tuple[str, ...]
    size: float  # of its font, pixels
    spots: tuple[Spot, ...]


class Label(NamedTuple):
    """Where a wish was granted, and with which text."""

    wish: int
    text: str
    dot: int
    side: Side
    apart: float  # pixels between the middle of the dot and the near edge of the text


def placed(dots: F64, wishes: Sequence[Wish], *, width: float, height: float) -> list[Label]:
    """Return the labels that find room on a map of this size, in the order of the wishes.

    dots: where they are and their radius in pixels, shape (n, 3). First come, first served: what
    matters most is wished first.
    """
    taken = np.column_stack([dots[:, :2] - dots[:, 2:], dots[:, :2] + dots[:, 2:]])
    found: list[Label] = []
    for number, wish in enumerate(wishes):
        for text, (dot, side) in product(wish.texts, wish.spots):
            box = _box(dots[dot], side, text, wish.size)
            if _inside(box, width, height) and not _hits(box, taken):
                taken = np.vstack([taken, box])
                found.append(Label(number, text, dot, side, float(dots[dot, 2]) + _GAP))
                break
    return found


def _box(dot: F64, side: Side, text: str, size: float) -> F64:
    """Return the left, top, right and bottom edge of a label."""
    x, y, radius = dot.tolist()
    wide, high, away = text_width(text, size), size * 1.15, radius + _GAP
    left = {
        "right": x + away, "left": x - away - wide, "above right": x, "above left": x - wide,
    }.get(side, x - wide / 2)  # fmt: skip
    above = y - away - high
    top = {"right": y - high / 2, "left": y - high / 2, "below": y + away}.get(side, above)
    return np.array([left, top, left + wide, top + high])


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is, in pixels; letters of East Asia are twice as wide."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return _LETTER * size * (len(text) + wide)


def _inside(box: F64, width: float, height: float) -> bool:
    return bool((box[:2] >= 0).all() and (box[2:] <= (width, height)).all())


def _hits(box: F64, taken: F64) -> bool:
    """Return whether a box lies over one that is taken."""
    apart = (
        (taken[:, 2] <= box[0])
        | (taken[:, 0] >= box[2])
        | (taken[:, 3] <= box[1])
        | (taken[:, 1] >= box[3])
    )
    return not bool(apart.all())
