"""Case 20: the wall clock jumps by an hour or ten years, forth and back, while an ingestor runs."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from faults.figures import record
from faults.stage import Process, Stage, stage
from ingestor.clock import Bell, SteppedClock, SystemClock
from lake.records import Post, Snapshot

HOUR, YEARS = timedelta(hours=1), timedelta(days=3652)
JUMPS = (HOUR, timedelta(), -HOUR, timedelta(), YEARS, timedelta(), -YEARS)  # one every half hour
TAGS = [f"tag{number}" for number in range(12)]
LIMIT = 24


class Jumping:
    """The shipped clock over a wall that jumps and a monotonic clock that does not."""

    def __init__(self, true: SteppedClock) -> None:
        self.offset = timedelta()
        self._true = true
        self._clock = SystemClock(self._wall, true.monotonic)

    def _wall(self) -> datetime:
        return self._true.now() + self.offset

    def now(self) -> datetime:
        """Return what the shipped clock makes of the wall."""
        return self._clock.now()

    def monotonic(self) -> float:
        """Return the true seconds."""
        return self._true.monotonic()

    async def sleep(self, seconds: float, bell: Bell | None = None) -> None:
        """Sleep by the true seconds."""
        await self._true.sleep(seconds, bell)


async def test_a_jumping_clock_moves_no_lease_no_budget_and_no_version_back(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path, tags=TAGS) as made:
        await made.track("mastodon", accounts=3, tags=TAGS, budget=(LIMIT, 3600.0), slots=0)
        clock, process = Jumping(made.clock), Process(made, tmp_path)
        await process.start(clock=clock)
        await made.play(hours=1)
        for offset in JUMPS:
            clock.offset = offset
            await made.play(hours=0.5)
        lanes = await made.registry.lanes.list()
        hours = 1 + len(JUMPS) // 2
        judged, rates = made.net.judge.report(), _hourly(made, hours)
        await process.stop()
        back = _set_back(await process.spooled())
    lost = sum(lane.fence != 1 for lane in lanes)
    record(
        20, "an hour and ten years forth and back, one process",
        jumps=len(JUMPS), overspent=len(judged.overspent), leases_lost=lost,
        versions_set_back=back, requests_per_hour_least=min(rates), allowed_per_hour=3 * LIMIT,
    )  # fmt: skip
    assert (judged.overspent, lost, back) == ([], 0, 0)
    assert min(rates) >= 0.75 * 3 * LIMIT


def _hourly(made: Stage, hours: int) -> list[int]:
    names = [f"mastodon-{number}" for number in (1, 2, 3)]
    asked = Counter(int(at // 3600) for name in names for at in made.asked(name))
    return [asked[hour] for hour in range(hours)]


def _set_back(records: list[object]) -> int:
    """Return how many records bear an earlier instant than the one before of the same subject."""
    last: dict[str, datetime] = {}
    back = 0
    for one in records:
        if isinstance(one, Post | Snapshot):
            subject = f"{type(one).__name__} {getattr(one, 'post_id', one.id)}"
            back += one.observed_at < last.get(subject, one.observed_at)
            last[subject] = one.observed_at
    return back
