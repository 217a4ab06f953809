"""What an insight promises to the worker that runs it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from lake.contract import Lake
from lake.records import Record
from registry.models import Campaign


class Insight(Protocol):
    """Something computed ahead from what the lake holds. Stateless; made by the worker, run as a
    job.

    For a given lake, campaigns and `now` the records are the same, so a job that runs twice, or
    on two machines, does no harm.
    """

    name: str  # as the job is called
    every: float  # seconds between runs

    async def run(self, lake: Lake, campaigns: Sequence[Campaign], now: datetime) -> list[Record]:
        """Return the records to append to the lake. Raises LakeError."""
        ...
