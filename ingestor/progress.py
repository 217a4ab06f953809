"""How far targets are, on its way to the registry: where a lane's next holder starts."""

import contextlib

from ingestor.lanes import Lanes
from registry import RegistryError
from registry.models import Progress
from registry.targets import Targets

BATCH = 100  # targets whose progress goes to the registry at once


class ProgressBook:
    """Gathers progress and writes it now and then; the registry's copy may lag, never lead."""

    def __init__(self, targets: Targets, lanes: Lanes) -> None:
        self._targets = targets
        self._lanes = lanes
        self._noted: dict[str, tuple[str, Progress]] = {}  # target to its lane and progress

    def note(self, lane: str, progress: Progress) -> None:
        """Keep the newest progress of a target until it is reported."""
        self._noted[progress.target] = (lane, progress)

    async def report(self) -> None:
        """Write what has been noted, of the lanes that are held; the rest is void."""
        by_lane: dict[str, list[Progress]] = {}
        for lane, progress in self._noted.values():
            by_lane.setdefault(lane, []).append(progress)
        self._noted.clear()
        for lane, batch in by_lane.items():
            held = self._lanes.held.get(lane)
            for start in range(0, len(batch) if held else 0, BATCH):
                with contextlib.suppress(
                    RegistryError
                ):  # a new holder has it, or it comes next time
                    part = batch[start : start + BATCH]
                    await self._targets.progress(lane, held.lane.fence, part)  # type: ignore[union-attr] # held, or the range is empty
