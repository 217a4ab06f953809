"""What a post says: text from word lists, and what stands in it."""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

from simnet import words
from simnet.brands import Brand
from simnet.chance import Dice

_HASHTAG: Final = re.compile(r"(?<!\w)#(\w+)")
_MENTION: Final = re.compile(r"(?<!\w)@(\w+)")
_LINK: Final = re.compile(r"https://[\w./-]+")


class Caption(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a post and what it bears, each in order of appearance."""

    text: str
    tags: tuple[str, ...]  # NFKC, casefolded, without '#', each once
    mentions: tuple[str, ...]  # without '@'
    links: tuple[str, ...]


@lru_cache(maxsize=10_000)
def fold(tag: str) -> str:
    """Return a hashtag as networks compare it: NFKC, casefolded, without '#'."""
    return unicodedata.normalize("NFKC", tag.lstrip("#")).casefold()


def read(text: str) -> Caption:
    """Return a text with the tags, mentions and links in it."""
    tags = dict.fromkeys(fold(tag) for tag in _HASHTAG.findall(text))
    return Caption(
        text=text,
        tags=tuple(tags),
        mentions=tuple(dict.fromkeys(_MENTION.findall(text))),
        links=tuple(_LINK.findall(text)),
    )


def mood_of(key: int) -> int:
    """Return 0 (glad), 1 (plain) or 2 (cross): half, a third and a sixth of all posts."""
    return (0, 0, 0, 1, 1, 2)[Dice(key).roll(6)]


def write(key: int, lang: str, brand: Brand, related: Sequence[str]) -> str:
    """Return the text of a post about `brand` that bears its tag and the `related` ones."""
    dice = Dice(key + 1)
    inline = dice.happens(40)
    name = _styled(dice, brand.tag) if inline else brand.title
    parts = [dice.pick(words.MOODS[mood_of(key)][lang]).format(brand=name)]
    if dice.happens(35):
        parts.append(dice.pick(words.ASIDES[lang]))
    if dice.happens(45):
        parts.append(dice.pick(words.EMOJI) * (1 + dice.roll(3)))
    parts.extend(_pointers(dice, brand))
    tail = [_styled(dice, tag) for tag in related]
    if not inline:
        tail.insert(dice.roll(2), _styled(dice, brand.tag))
    return (" ".join(parts) + dice.pick((" ", "\n", "\n\n")) + " ".join(tail)).rstrip()


def advertise(key: int, brand: Brand, tags: Sequence[str]) -> str:
    """Return spam: nearly the same text under many tags, whoever writes it."""
    dice = Dice(key)
    text = dice.pick(words.SPAM).format(brand=brand.title, key=f"{dice.roll(10**6):06d}")
    return text + "\n" + " ".join(f"#{tag}" for tag in (brand.tag, *tags))


def edited(text: str, lang: str) -> str:
    """Return the text after its author changed it; the tags stay."""
    return f"{text} {words.EDITS[lang]}"


def _styled(dice: Dice, tag: str) -> str:
    """Return a hashtag in small, capitalised or large letters, as people write it."""
    style = dice.roll(10)
    # Only ASCII is changed: the capital of "ß" is two letters on some networks and one on others.
    if tag.isascii():
        tag = tag.capitalize() if style in (7, 8) else tag.upper() if style == 9 else tag
    return f"#{tag}"


def _pointers(dice: Dice, brand: Brand) -> list[str]:
    """Return mentions of the brand's account and links to its shop, mostly none."""
    found = [f"@{brand.account}"] if dice.happens(12) else []
    if dice.happens(6):
        found.append(f"https://shop.example/{brand.tag}/{dice.roll(900) + 100}")
    return found
