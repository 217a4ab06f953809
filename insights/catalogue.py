"""All insights that a worker runs."""

from pathlib import Path

from insights.audiences.book import Book
from insights.audiences.sync import AudienceSync
from insights.contract import Insight
from insights.rollups import Rollups


def insights(audiences: Path, *, every: float, audiences_every: float) -> dict[str, Insight]:
    """Return each insight by name, in the order to run them once: reports after what they show.

    audiences: the folder of the stores. every: seconds between two runs.
    """
    found: tuple[Insight, ...] = (
        AudienceSync(audiences, every=audiences_every),
        Rollups(Book(audiences), every=every),
    )
    return {insight.name: insight for insight in found}
