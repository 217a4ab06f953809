"""Names of accounts as figures show them: short, and harmless to the text around them."""

import re
from collections import Counter
from collections.abc import Sequence

from insights.audiences.communities import Place
from insights.audiences.named import Listed

MOST = 20  # letters

# Letters that turn the direction of what follows them, and those that nobody sees: a handle
# could reach into its neighbours with them.
_UNSEEN = re.compile("[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """Return a stranger's text without letters that change the text around it."""
    return _UNSEEN.sub("", text)


def cut(text: str, most: int = MOST) -> str:
    """Return a text of so many letters at the most.

    >>> cut("abcdef", 4)
    'abc…'
    """
    return text if len(text) <= most else f"{text[: most - 1]}…"


def handle_of(account: Listed | Place) -> str:
    """Return what an account is called: its handle, or its native id if none is known."""
    return account.handle or account.id.partition(":")[2]


def shortened(handles: Sequence[str], network: str) -> list[str]:
    """Return the handles of a network without their server where that leaves no doubt, and cut.

    >>> shortened(["ann@a.example", "bob@a.example", "bob@b.example"], "mastodon")
    ['ann', 'bob@a.example', 'bob@b.example']
    """
    whole = [plain(handle) for handle in handles]
    own = [_own(handle, network) for handle in whole]
    borne = Counter(own)
    return [
        cut(name if name and borne[name] == 1 else handle)
        for name, handle in zip(own, whole, strict=True)
    ]


def _own(handle: str, network: str) -> str:
    """Return the part of a handle that its owner chose."""
    if network == "bluesky":
        return handle.partition(".")[0]
    return handle.partition("@")[0]
