import numpy as np
import pytest

from insights.figures.map_labels import SIDES, Label, Wish, placed, text_width


def wish(dot: int, text: str = "someone") -> Wish:
    return Wish((text,), 10.0, tuple((dot, side) for side in SIDES))


def box(label: Label, dots: np.ndarray) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a label as the figure draws it."""
    x, y = dots[label.dot, :2].tolist()
    wide, high, away = text_width(label.text, 10.0), 11.5, label.apart
    left = {
        "right": x + away, "left": x - away - wide, "above right": x, "above left": x - wide,
    }.get(label.side, x - wide / 2)  # fmt: skip
    top = y - high / 2 if label.side in ("right", "left") else y - away - high
    top = y + away if label.side == "below" else top
    return left, top, left + wide, top + high


def test_a_name_stands_above_its_dot_if_there_is_room() -> None:
    dots = np.array([[100.0, 100.0, 6.0]])
    assert placed(dots, [wish(0)], width=200, height=200) == [Label(0, "someone", 0, "above", 9.0)]


def test_at_the_upper_edge_it_stands_below() -> None:
    dots = np.array([[100.0, 8.0, 6.0]])
    assert placed(dots, [wish(0)], width=200, height=200)[0].side == "below"


def test_in_a_corner_it_begins_at_its_dot() -> None:
    dots = np.array([[10.0, 190.0, 6.0], [40.0, 190.0, 6.0]])
    assert placed(dots, [wish(0)], width=200, height=200)[0].side == "above right"


def test_a_shorter_text_is_taken_where_the_long_one_finds_no_room() -> None:
    dots = np.array([[20.0, 20.0, 5.0]])
    long = Wish(("a name of many words", "name"), 10.0, ((0, "below"), (0, "above")))
    assert placed(dots, [long], width=60, height=60)[0].text == "name"


@pytest.mark.parametrize("width", [240, 640])
def test_no_name_stands_on_another_on_a_dot_or_over_the_edge(width: int) -> None:
    dice = np.random.default_rng(3)
    dots = np.column_stack([dice.random(150) * width, dice.random(150) * 460, np.full(150, 5.0)])
    labels = placed(dots, [wish(dot) for dot in range(150)], width=width, height=460)
    boxes = [box(label, dots) for label in labels]
    assert len(boxes) > 20
    assert all(min(one) >= 0 and one[2] <= width and one[3] <= 460 for one in boxes)
    taken = boxes + [(x - r, y - r, x + r, y + r) for x, y, r in dots.tolist()]
    for at, one in enumerate(boxes):
        for other in taken[at + 1 :]:
            assert (
                one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            )


def test_east_asian_letters_are_twice_as_wide() -> None:
    assert text_width("東京", 10.0) == text_width("abcd", 10.0)
