"""What a text says besides its words: hashtags, mentions, links."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

_TAG = re.compile("(?<![\\w&/])[#\uff03](\\w+)")  # also the full-width '#' of Japanese keyboards
_WORD = re.compile(r"\w+")
_MENTION = re.compile(r"(?<![\w/@.])[@\uff20]([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)")
_LINK = re.compile(r"https?://[^\s<>\"'\u3000]+", re.IGNORECASE)
_AFTER_LINK = ".,;:!?)]}\u2026\u3002\u300d"
_ZERO_WIDTH_NON_JOINER = "\u200c"  # stands inside Persian words


def tag_name(name: str) -> str:
    """Return the one spelling of a hashtag we keep: NFKC, casefolded, without '#'.

    >>> tag_name("#NIKE")
    'nike'
    """
    if name.isascii():
        return name.strip().lstrip("#").casefold()
    folded = unicodedata.normalize("NFKC", name).strip().lstrip("#").casefold()
    return unicodedata.normalize("NFKC", folded)  # casefolding may undo the composition


def tag_names(names: Iterable[str | None]) -> tuple[str, ...]:
    """Return the spellings we keep, in order, each once, without empty ones."""
    return tuple(dict.fromkeys(kept for name in names if name and (kept := tag_name(name))))


def hashtags(text: str | None, *, digits: bool = True) -> tuple[str, ...]:
    """Return the hashtags of a text, in the spelling we keep, in order, each once.

    A tag starts after '#' that follows no letter, '&' (an entity) or '/' (an address), and is made
    of letters, digits, marks and '_'; anything else, emoji too, ends it.
    digits: whether '#1' is a tag (Instagram) or not (Mastodon, Bluesky).

    >>> hashtags("##a #Été❤️ x#no #1")
    ('a', 'été', '1')
    """
    return tag_names(_spans(text, digits=digits)) if text else ()


def _spans(text: str, *, digits: bool) -> Iterator[str]:
    """Yield the names behind the hashes of a text."""
    for found in _TAG.finditer(text):
        before = text[found.start() - 1 : found.start()]
        if before and not before.isascii() and _joins(before):
            continue
        end = found.end()
        while end < len(text) and _joins(text[end]):  # what `\w` leaves out of a word
            more = _WORD.match(text, end + 1)
            end = more.end() if more else end + 1
        name = text[found.start(1) : end].rstrip(_ZERO_WIDTH_NON_JOINER)
        if digits or not name.isdecimal():
            yield name


def _joins(letter: str) -> bool:
    """Return whether a letter is a mark inside a word (vowel signs, accents), not one of emoji."""
    if letter.isascii() or "\ufe00" <= letter <= "\ufe0f" or letter == "\u20e3":
        return False  # variation selectors and the key cap are marks too, but of emoji
    return letter == _ZERO_WIDTH_NON_JOINER or unicodedata.category(letter)[0] == "M"


def mentions(text: str | None) -> tuple[str, ...]:
    """Return the handles a text names, lower-case, without '@', in order, each once."""
    if not text or ("@" not in text and "\uff20" not in text):
        return ()
    return tuple(dict.fromkeys(handle.lower() for handle in _MENTION.findall(text)))


def links(text: str | None) -> tuple[str, ...]:
    """Return the web addresses a text holds, in order, each once."""
    if not text or "://" not in text:
        return ()
    return tuple(dict.fromkeys(found.rstrip(_AFTER_LINK) for found in _LINK.findall(text)))
