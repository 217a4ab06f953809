"""Instagram's short codes: a post's number written in base 64, as in https://www.instagram.com/p/CKsCopzFQH5/."""

import re

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_LONGEST = 11  # codes of private posts carry a key behind the number
_CODE_IN_URL = re.compile(r"instagram\.com/(?:[^/]+/)?(?:p|reel|reels|tv)/([A-Za-z0-9_-]+)")
_STORY_IN_URL = re.compile(r"instagram\.com/stories/[^/]+/(\d+)")


def code_of(pk: str) -> str | None:
    """Return the short code of a post's number.

    >>> code_of("2498383483036303865")
    'CKsCopzFQH5'
    """
    if not pk.isascii() or not pk.isdecimal() or len(pk) > 20:
        return None
    rest, letters = int(pk), ""
    while rest:
        rest, value = divmod(rest, 64)
        letters = _LETTERS[value] + letters
    return letters or None


def pk_of(code: str | None) -> str | None:
    """Return the number a short code stands for, None if it is no short code."""
    number = 0
    for letter in (code or "")[:_LONGEST]:
        if letter not in _VALUES:
            return None
        number = number * 64 + _VALUES[letter]
    return str(number) if number else None


def code_in(url: str | None) -> str | None:
    """Return the short code in a post's public address."""
    found = _CODE_IN_URL.search(url or "")
    return found.group(1) if found else None


def pk_in(url: str | None) -> str | None:
    """Return the number of the post or story a public address leads to."""
    story = _STORY_IN_URL.search(url or "")
    return story.group(1) if story else pk_of(code_in(url))
