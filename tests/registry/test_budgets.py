"""What is written ahead bounds what is spent, whoever dies when."""

import asyncio
import random
import tempfile
from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.registered import PEPPER, Clock, lane
from registry import Registry, open_registry
from registry.errors import Fenced

LIMIT, WINDOW, LEASE, CHUNK_SECONDS = 8, 60.0, 10.0, 45.0

Step = tuple[str, float]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["reserve", "use", "use", "crash", "freeze"]),
        st.floats(0, 30).map(lambda seconds: round(seconds, 3)),
    ),
    min_size=10,
    max_size=60,
)


class Holder:
    """The plainest holder that keeps the rules: it knows its own uses and `spent`, no more."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self.registry = registry
        self.clock = clock
        self.fence = 0
        self.log: list[tuple[datetime, int]] = []  # when, how many
        self.open: deque[datetime] = deque()  # unused grants, by the instant they become void

    async def claim(self) -> bool:
        got = await self.registry.lanes.claim("holder", most=1, seconds=LEASE)
        if got:
            self.fence = got[0].fence
            spent = await self.registry.lanes.spent(got[0].id, WINDOW)
            self.log = [(one.at, one.grants) for one in spent]
        return bool(got)

    async def reserve(self, grants: int) -> None:
        since = self.clock() - timedelta(seconds=WINDOW)
        counted = sum(number for at, number in self.log if at > since) + len(self.open)
        if counted + grants <= LIMIT:
            name = "mastodon/a"
            chunk = await self.registry.lanes.reserve(
                name, self.fence, grants, seconds=CHUNK_SECONDS
            )
            self.open.extend([chunk.at] * grants)

    def use(self) -> bool:
        while self.open and self.open[0] < self.clock():
            self.open.popleft()  # void; and never used, so it counts nowhere in this life
        if not self.open:
            return False
        self.open.popleft()
        self.log.append((self.clock(), 1))
        return True


async def play(registry: Registry, clock: Clock, steps: list[Step]) -> list[datetime]:
    """Return when the network was asked, by holders that die, freeze and follow each other."""
    await registry.lanes.upsert([lane("a", limit=LIMIT, window=WINDOW)])
    holder, frozen, asked = Holder(registry, clock), [], []
    for step, seconds in steps:
        clock.move(seconds)
        if step == "freeze":
            frozen.append(holder)
        if step in ("crash", "freeze"):
            holder = Holder(registry, clock)
        for one in [*frozen, holder]:
            if one.use():
                asked.append(clock())
            if step == "reserve":
                asked += [clock()] * await reserve_and_use(one)
    return asked


async def reserve_and_use(one: Holder) -> int:
    try:
        if one.fence or await one.claim():
            await one.reserve(4)
    except Fenced:
        return 0
    return sum(one.use() for _ in range(2))


def worst(asked: list[datetime]) -> int:
    """Return the most requests in any window, as the network counts."""
    return max(
        (sum(0 <= (at - other).total_seconds() < WINDOW for other in asked) for at in asked),
        default=0,
    )


@settings(max_examples=15, deadline=None)
@given(STEPS)
def test_no_crash_between_reserve_and_use_overspends(steps: list[Step]) -> None:
    assert worst(asyncio.run(_alone(steps))) <= LIMIT


async def _alone(steps: list[Step]) -> list[datetime]:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'registry.db'}"
        async with await open_registry(url, pepper=PEPPER, now=clock) as registry:
            return await play(registry, clock, steps)


async def test_a_long_life_with_crashes_spends_and_never_overspends(
    registry: Registry, clock: Clock
) -> None:
    chance = random.Random(7)
    words = ["reserve", "reserve", "use", "use", "use", "crash", "freeze"]
    steps = [(chance.choice(words), chance.uniform(0, 12)) for _ in range(250)]
    asked = await play(registry, clock, steps)
    assert len(asked) > 50
    assert worst(asked) <= LIMIT
