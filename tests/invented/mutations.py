"""Bodies as no network sends them: a good one with something wrong, by a seeded generator.

First the tree is changed (values of other types and sizes, keys gone, renamed or moved, elements
doubled), then it is written in a style of its own (white space, escapes, spellings of numbers, keys
twice), and some are damaged byte by byte.
"""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

Json = Any

# Spellings of numbers that not every reader takes for the same.
NUMBERS = (
    *("0", "-0", "-1", "1", "2", "8", "17", "00", "01", "-", "1.", ".5", "1.0", "-0.0", "1.50"),
    *("48.8667", "1e5", "1E400", "0.00001", "0.000001", "123456789012345.6", "100000.0"),
    *("9007199254740992", "9007199254740993", "999999999999999999", "9223372036854775807"),
    *("9223372036854775808", "18446744073709551616", "1612050630", "1612050630.5", "99999999999"),
    *("946684799", "946684800", "4102444800", "-5", "0.1234567890123456", "NaN", "Infinity"),
)
TEXTS = (
    *("", "12", "-1", "x", "1612050630", "\uff11\uff12", "17_5", "_5", "2021-01-30T10:00:00+00:00"),
    *(
        "#Nike #été ##a \uff03\u5168 x#no #1",
        "@Mira \uff20ada a@b.c",
        "see HTTPS://a.b/c?d#e, (http://x.y)",
    ),
    *(
        "\x00",
        "a\x00b",
        "\x1f\x7f\x80",
        "\ud800",
        "\U0001f600❤️",
        "\ufeff",
        "\u2028",
        '"\\/\b\f\n\r\t',
    ),
    *("GraphVideo", "XDTGraphSidecar", "video", "fail", "ok", "login_required", "</script>"),
    *("_sharedData", "a" * 70, "é" * 40, " \t#tag ", "\u017f://x", "http\u017f://long.s", "İ#İ"),
)
SHAPES: tuple[Json, ...] = (
    *(None, True, False, [], {}, [None], [{}], {"edges": None}, {"edges": [{}]}, {"count": 3}),
    *({"edges": [{"node": {"text": "#a"}}]}, {"id": "5", "username": "mira"}, [[[[[[]]]]]]),
    *({"edges": [{"node": {"id": "9"}}], "page_info": {"end_cursor": "c", "has_next_page": True}},),
    *({"candidates": [{"url": "https://u.example", "width": 5, "height": "6"}]}, {"url": "u"}),
    *({"lat": 48, "lng": 2.5, "name": "Paris"}, {"data": [{"id": 5}]}, {"clips": {"items": []}}),
)


class Number(str):
    """A number in a spelling of its own."""

    __slots__ = ()


def bodies(seed: int, wanted: int, trees: Sequence[Json]) -> Iterator[bytes]:
    """Yield so many mutated bodies, for ever the same for one seed and the same trees."""
    chance = random.Random(seed)
    keys = sorted({key for tree in trees for key in _keys(tree)}) or ["id"]
    for _ in range(wanted):
        tree = _copied(chance.choice(trees))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            tree = _changed(chance, tree, keys)
        yield _damaged(chance, _Style(chance).written(tree))


def small(tree: Json, most: int = 3) -> Json:
    """Return a tree with short arrays, so that changes hit what counts."""
    if isinstance(tree, dict):
        return {key: small(value, most) for key, value in tree.items()}
    return [small(value, most) for value in tree[:most]] if isinstance(tree, list) else tree


def _keys(tree: Json) -> Iterator[str]:
    if isinstance(tree, dict):
        yield from tree
    if isinstance(tree, dict | list):
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _keys(value)


def _copied(tree: Json) -> Json:
    if isinstance(tree, dict):
        return {key: _copied(value) for key, value in tree.items()}
    return [_copied(value) for value in tree] if isinstance(tree, list) else tree


def _changed(chance: random.Random, tree: Json, keys: Sequence[str]) -> Json:
    """Change one place of a tree."""
    place = chance.choice(list(_containers(tree)) or [None])
    if not place:
        return _value(chance)
    if isinstance(place, list):
        index = chance.randrange(len(place))
        change = chance.choice(("value", "double", "drop"))
        if change == "double":
            place.insert(index, _copied(place[chance.randrange(len(place))]))
        elif change == "drop":
            del place[index]
        else:
            place[index] = _value(chance)
        return tree
    return _changed_object(chance, tree, place, keys)


def _changed_object(chance: random.Random, tree: Json, place: Json, keys: Sequence[str]) -> Json:
    key = chance.choice(list(place))
    change = chance.choice(("value", "value", "value", "drop", "rename", "add", "move"))
    if change == "drop":
        del place[key]
    elif change == "rename":
        place[chance.choice(keys)] = place.pop(key)
    elif change == "add":
        place[chance.choice(keys)] = _value(chance)
    elif change == "move":
        place[chance.choice(keys)] = _copied(place[key])
    else:
        place[key] = _value(chance)
    return tree


def _containers(tree: Json) -> Iterator[Json]:
    """Yield every array and object that is not empty."""
    if isinstance(tree, dict | list) and tree:
        yield tree
        for value in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(value)


def _value(chance: random.Random) -> Json:
    kind = chance.random()
    if kind < 0.35:
        return Number(chance.choice(NUMBERS))
    if kind < 0.7:
        return chance.choice(TEXTS)
    return _copied(chance.choice(SHAPES))


class _Style:
    """A way to write JSON."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._blanks = chance.choice(("", "", "", " ", "\n ", "\t\r\n"))
        self._ascii = chance.random() < 0.5
        self._slashes = chance.random() < 0.2
        self._oddly = chance.random() < 0.15  # letters escaped that need it not
        self._twice = chance.random() < 0.03  # keys

    def written(self, tree: Json) -> bytes:
        return self._any(tree).encode("utf-8", "surrogatepass")

    def _any(self, value: Json) -> str:
        if isinstance(value, dict):
            return self._joined("{", [self._member(*item) for item in value.items()], "}")
        if isinstance(value, list):
            return self._joined("[", [self._any(item) for item in value], "]")
        if isinstance(value, Number):
            return str(value)
        return self._text(value) if isinstance(value, str) else json.dumps(value)

    def _joined(self, opening: str, parts: list[str], closing: str) -> str:
        blanks = self._blanks
        if not parts:
            return f"{opening}{blanks}{closing}"
        return f"{opening}{blanks}{f'{blanks},{blanks}'.join(parts)}{blanks}{closing}"

    def _member(self, key: str, value: Json) -> str:
        member = f"{self._text(key)}{self._blanks}:{self._blanks}{self._any(value)}"
        if self._twice and self._chance.random() < 0.2:
            return f"{member},{member}"
        return member

    def _text(self, text: str) -> str:
        said = json.dumps(text, ensure_ascii=self._ascii)
        if self._slashes:
            said = said.replace("/", "\\/")
        if self._oddly and self._chance.random() < 0.05 and text.isascii() and text.isalnum():
            spelling = self._chance.choice(("\\u%04x", "\\u%04X"))
            said = f'"{"".join(spelling % ord(letter) for letter in text)}"'
        return said


def _damaged(chance: random.Random, body: bytes) -> bytes:
    """Damage some bodies byte by byte."""
    if not body or chance.random() < 0.75:
        return body
    start = chance.randrange(len(body))
    end = min(len(body), start + chance.choice((1, 1, 2, 5, 30)))
    odd = bytes((chance.choice(b'\\"{}[]:,0-.eu \n\x00\x1f\x80\xc3\xe2\xed\xf0\xff#@<'),))
    ways = (
        body[:start],
        body[:start] + body[end:],
        body[:end] + body[start:],
        body[:start] + odd + body[start + 1 :],
        body[:start] + odd + body[start:],
        b"\xef\xbb\xbf" + body,
        body + odd,
    )
    return chance.choice(ways)
