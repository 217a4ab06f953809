"""When to ask for a single post again: the ladder of snapshots after it was made. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from ingestor.revisit_file import Visit
from lake.lines import line_of, milliseconds
from lake.records import Post

LADDER = (3600, 5 * 3600, 86_400, 7 * 86_400)  # seconds after a post was made
NEAR = 0.2  # of a rung's age: a snapshot that near to it, before or after, is that rung's


def plan_visits(posts: Iterable[Post], *, lane: str, now: datetime) -> tuple[Visit, ...]:
    """Return the first visit to plan of each post that is young enough to climb the ladder."""
    visits = []
    for post in posts:
        due, rung = next_rung(post, now)
        if due is not None and post.kind != "repost":
            visit = Visit(id=post.id, due=due, rung=rung, lane=lane, body=line_of(post).body)
            visits.append(visit)
    return tuple(visits)


def next_rung(post: Post, now: datetime, *, after: int = -1) -> tuple[int | None, int]:
    """Return when (milliseconds) and which rung of the ladder comes next for a post; None: none."""
    if post.created_at is None:
        return None, len(LADDER)
    for rung, seconds in enumerate(LADDER):
        # As late as the rung allows: a post that pages still show has its snapshot by then.
        due = post.created_at + timedelta(seconds=seconds * (1 + NEAR))
        if rung > after and due > now:
            return milliseconds(due), rung
    return None, len(LADDER)
