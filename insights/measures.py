"""From a metric's name to the questions a lake is asked, and from the answers to the number."""

from collections.abc import Iterable

from insights.errors import BadRequest
from insights.rounding import Known, ratio, total, whole
from lake.contract import COUNT, Metric, Numbers

AUTHORS = Metric(kind="distinct", field="author_id")
KNOWN_AUTHORS = Metric(kind="known", field="author_id")
FOLLOWERS = Metric(kind="sum", field="author_followers")
MOST_FOLLOWERS = Metric(kind="max", field="author_followers")
ENGAGEMENTS = Metric(kind="sum", field="engagements")
RATES = Metric(kind="sum", field="engagement_ppm")
KNOWN_RATES = Metric(kind="known", field="engagement_ppm")

_PARTS = ("likes", "comments", "shares")
_SUMS = {name: Metric(kind="sum", field=f"counts.{name}") for name in (*_PARTS, "views")}

# Parts per million, kept as integers, become per cent.
_PPM_TO_PERCENT = 1 / 10_000

_QUESTIONS: dict[str, tuple[Metric, ...]] = {
    "posts": (COUNT,),
    "publishers": (AUTHORS,),
    "engagements": tuple(_SUMS[part] for part in _PARTS),
    **{name: (metric,) for name, metric in _SUMS.items()},
    "followers_sum": (FOLLOWERS,),
    "engagement_rate": (RATES, KNOWN_RATES),
    "unknown_authors": (COUNT, KNOWN_AUTHORS),
}

MEASURES = tuple(_QUESTIONS)
"""Names of the metrics that are a matter of one question each."""


def questions(names: Iterable[str]) -> tuple[Metric, ...]:
    """Return the lake's metrics behind some names, each once. Raises BadRequest."""
    asked: dict[str, Metric] = {}
    for name in names:
        if name not in _QUESTIONS:
            raise BadRequest("metrics", name, f"use some of {', '.join(MEASURES)}")
        asked.update({metric.name: metric for metric in _QUESTIONS[name]})
    return tuple(asked.values())


def value(name: str, numbers: Numbers) -> Known | None:
    """Return the number of a metric from a lake's answer; None if it is unknown.

    A sum over no posts at all is 0: nothing is unknown about it.
    """
    parts = [whole(numbers.get(metric.name)) for metric in _QUESTIONS[name]]
    if name == "engagement_rate":
        return ratio(parts[0], parts[1], times=_PPM_TO_PERCENT)
    if name == "unknown_authors":
        return (parts[0] or 0) - (parts[1] or 0)
    known = total(*parts)
    return 0 if known is None and numbers.get("count") == 0 else known
