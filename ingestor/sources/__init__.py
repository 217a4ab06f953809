"""One file a way to ask a network."""

from collections.abc import Callable
from importlib.metadata import entry_points

from ingestor.contract import Source
from ingestor.sources.bluesky import Bluesky
from ingestor.sources.instagram import Instagram
from ingestor.sources.instagram_graph import InstagramGraph
from ingestor.sources.mastodon import Mastodon

__all__ = ["SOURCES", "load_sources"]

SOURCES: dict[str, Callable[..., Source]] = {
    "bluesky": Bluesky,
    "instagram": Instagram,
    "instagram_graph": InstagramGraph,
    "mastodon": Mastodon,
}
"""Our own sources, by the name that settings, records and the command line use."""


def load_sources() -> dict[str, Callable[..., Source]]:
    """Return our sources and those other distributions offer as entry points `taglake.sources`.

    One with the name of ours replaces it, on purpose: that is how a fix can be shipped apart.
    """
    offered = {point.name: point.load() for point in entry_points(group="taglake.sources")}
    return {**SOURCES, **offered}
