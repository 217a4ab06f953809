"""Texts as clients may write them: bounded, no control characters, tags as the lake keeps them."""

import re
import unicodedata
from typing import Annotated
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, StringConstraints

from api.moments import refusal

MAX_WORDS = 256  # characters of a search: bounds its cost in the lake
HANDLE = re.compile(r"[\w.:@/-]{1,256}")  # a handle, user@host, or a DID


def clean(text: str) -> str:
    """Return the text if no control character hides in it: lakes, logs and CSV choke on NUL."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        raise refusal("holds a control character", fix="write plain text in one line")
    return text


def tag(text: str) -> str:
    """Return a hashtag as the lake keeps it: NFKC, casefolded, without '#'."""
    name = unicodedata.normalize("NFKC", clean(text).strip()).removeprefix("#").casefold()
    if not name or not all(
        unicodedata.category(one)[0] in "LMNS" or one in "_-·\u200d" for one in name
    ):
        raise refusal("not a hashtag", fix="write one word of letters, digits and _, e.g. #nike")
    return name


def handle(text: str) -> str:
    """Return a profile's handle as networks write it, without the leading '@'."""
    name = clean(text).strip().removeprefix("@")
    if not HANDLE.fullmatch(name):
        raise refusal("not a handle", fix="write it as the network shows it, e.g. @nike")
    return name


def zone(name: str) -> str:
    """Return the name of a time zone that exists."""
    if name != "UTC" and name not in available_timezones():
        raise refusal("no such time zone", fix="write an IANA name, e.g. Europe/Berlin or UTC")
    ZoneInfo(name)
    return name


def _short(most: int) -> StringConstraints:
    return StringConstraints(strict=True, min_length=1, max_length=most)


Name = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=120),
    AfterValidator(clean),
]
TagName = Annotated[str, _short(160), AfterValidator(tag)]
Handle = Annotated[str, _short(260), AfterValidator(handle)]
Network = Annotated[str, StringConstraints(strict=True, pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Zone = Annotated[str, _short(64), AfterValidator(zone)]
Words = Annotated[str, _short(MAX_WORDS), AfterValidator(clean)]
Ident = Annotated[str, _short(512), AfterValidator(clean)]
Lang = Annotated[str, StringConstraints(strict=True, pattern=r"^[A-Za-z]{2,3}$", to_lower=True)]
