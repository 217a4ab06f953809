"""When to ask for a single post again: the ladder of snapshots after it was made. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from ingestor.revisit_file import Visit
from lake.lines import milliseconds

LADDER = (3600, 5 * 3600, 86_400, 7 * 86_400)  # seconds after a post was made
NEAR = 0.2  # of a rung's age: a snapshot that near to it, before or after, is that rung's
# As late as a rung allows: a post that pages still show has its snapshot by then.
_AGES = tuple(round(seconds * 1000 * (1 + NEAR)) for seconds in LADDER)


class Fresh(msgspec.Struct, frozen=True, gc=False):
    """A post that is new or was edited, as its page's line holds it."""

    id: str
    created: int | None  # milliseconds
    body: bytes  # JSON


def plan_visits(posts: Iterable[Fresh], *, lane: str, now: datetime) -> tuple[Visit, ...]:
    """Return the first visit to plan of each post that is young enough to climb the ladder."""
    visits, instant = [], milliseconds(now)
    for post in posts:
        due, rung = next_rung(post.created, instant)
        if due is not None:
            visits.append(Visit(id=post.id, due=due, rung=rung, lane=lane, body=post.body))
    return tuple(visits)


def next_rung(created: int | None, now: int, *, after: int = -1) -> tuple[int | None, int]:
    """Return when and which rung of the ladder comes next for a post; None: none. All instants in
    milliseconds.
    """
    if created is not None:
        for rung, age in enumerate(_AGES):
            if rung > after and created + age > now:
                return created + age, rung
    return None, len(LADDER)
