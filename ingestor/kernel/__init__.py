"""Compiled kernels: from the bytes of an answer straight to the rows of a page, or not at all.

What a kernel reads is bit for bit what the reference parser of the same source reads; whatever is
not plain, it hands over: None, and the reference reads the body (docs/decisions/0004).
"""

import os
from collections import Counter
from typing import TYPE_CHECKING

from ingestor.contract import Page, Seen

if TYPE_CHECKING:
    from ingestor.kernel import bluesky, instagram, mastodon

    _IS_COMPILED = True
elif os.environ.get("TAGLAKE_PURE") == "1":
    _IS_COMPILED = False
else:
    try:
        from ingestor.kernel import bluesky, instagram, mastodon

        _IS_COMPILED = True
    except ImportError:  # no C compiler when it was installed
        _IS_COMPILED = False

__all__ = [
    "handed_over",
    "is_good_instagram",
    "kernel_name",
    "read_bluesky",
    "read_bodies",
    "read_instagram",
    "read_mastodon",
]

read_bodies: Counter[str] = Counter()
"""Bodies a kernel read, by source."""

handed_over: Counter[str] = Counter()
"""Bodies a kernel left to the reference parser, by source."""


def kernel_name() -> str:
    """Return which kernel serves: "c" or "python"."""
    return "c" if _IS_COMPILED else "python"


def read_instagram(body: bytes, seen: Seen, *, version: int) -> Page | None:
    """Return the page of a body of Instagram's web JSON, None if the reference has to read it.

    Its cursor is the one the next request takes, None where there is no next.
    """
    if not _IS_COMPILED:
        return None
    return _counted("instagram", instagram.read(body, seen.observed_at, version))


def read_mastodon(body: bytes, seen: Seen, *, version: int) -> Page | None:
    """Return the page of a list of statuses, None if the reference has to read it.

    It has no cursor: that stands in a header.
    """
    if not _IS_COMPILED:
        return None
    return _counted("mastodon", mastodon.read(body, seen, version))


def read_bluesky(body: bytes, seen: Seen, *, version: int) -> Page | None:
    """Return the page of a search or an author's feed, None if the reference has to read it."""
    if not _IS_COMPILED:
        return None
    return _counted("bluesky", bluesky.read(body, seen.observed_at, version))


def is_good_instagram(body: bytes) -> bool:
    """Return whether a body certainly is no error; if not, the reference has to judge it.

    The body that is judged and then read is scanned once.
    """
    return _IS_COMPILED and instagram.is_good(body)


def _counted(source: str, page: Page | None) -> Page | None:
    counter = handed_over if page is None else read_bodies
    counter[source] += 1
    return page
