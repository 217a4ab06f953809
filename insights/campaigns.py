"""The campaign report: every part of it under one name each.

All parts take the lake, the campaign and `now`; with `as_of` they speak of an instant in the past,
from snapshots. They are deterministic: equal content, campaign and instant give equal bytes on
every lake. What they return is a frozen struct that msgspec writes as JSON.
"""

from insights.comparison import before_during_after
from insights.hashtags import hashtags
from insights.history import history
from insights.periods import sides
from insights.posts import posts
from insights.publishers import publishers
from insights.quality import quality
from insights.shares import share_of_voice
from insights.spikes import spikes
from insights.summary import summary
from insights.timeseries import timeseries

__all__ = [
    "before_during_after",
    "hashtags",
    "history",
    "posts",
    "publishers",
    "quality",
    "share_of_voice",
    "sides",
    "spikes",
    "summary",
    "timeseries",
]
