"""All insights that a worker runs: name to class."""

from insights.contract import Insight
from insights.rollups import Rollups

INSIGHTS: dict[str, type[Insight]] = {Rollups.name: Rollups}
