"""Numbers of a post that no network sends: computed from its counts by the same rule in every lake.

An engine that cannot compute them in a question (Elasticsearch without scripts) stores them beside
the record when it writes it. They are integers, so that sums are exact and equal on every engine.
"""

from lake.records import Post

DERIVED = ("engagements", "engagement_ppm")
"""Fields a `Metric` and a `Sort` over posts may name beside the stored ones."""


def engagements(post: Post) -> int | None:
    """Return likes + comments + shares, unknown parts as 0; None if all three are unknown."""
    parts = (post.counts.likes, post.counts.comments, post.counts.shares)
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def engagement_ppm(post: Post) -> int | None:
    """Return engagements per million followers of the author, rounded down.

    None if either is unknown or nobody follows the author.
    """
    total = engagements(post)
    if total is None or not post.author_followers:
        return None
    return 1_000_000 * total // post.author_followers
