"""Which target is due when: one timetable for all targets, rates by the square root of what they
bring. Pure.

Memory is the point: a task or a timer for each of 100,000 targets costs 0.8-1.1 kB each. Here a
target is its key, a row in columns of numbers and a number in the timetable.
"""

import asyncio
import functools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from ingestor.clock import FLOOR
from ingestor.names import Names
from ingestor.timetable import Timetable
from ingestor.turns import Turns
from registry.plan import allocate

# How far back the rate of new posts remembers: half a day, longer where that holds no dozen posts.
# Rates from a handful of posts scatter so much that a tenth of the gain over equal shares is lost.
MEMORY_HOURS, MEMORY_MOST, MEMORY_POSTS = 12.0, 96.0, 12.0
PRIOR_HOURS = 0.5  # how much one new post per hour, assumed, weighs against what was seen
SLOWEST = 24 * 3600.0  # seconds; no target is forgotten
BACK_OFF, BACK_OFF_CAP = 30.0, 3600.0  # seconds; doubled with every failure in a row
JITTER = 0.1
SPREAD, SPREAD_CAP = 0.05, 60.0  # seconds a target; new ones start at about 20 a second
MOVED = 0.8  # a target is brought forward when its new interval is this much shorter
STEP, BLOCK = 10_000, 500  # targets whose interval changes, or that are brought forward: 2 ms each

_COLUMNS: dict[str, Any] = {
    "due": np.float64,  # seconds; when the target is to be asked for
    "since": np.float64,  # seconds; when it was due first: earlier, if it had to be postponed
    "last": np.float64,  # seconds; its last answered poll, nan before the first
    "interval": np.float32,  # seconds between polls
    "posts": np.float32,  # new posts, decayed
    "hours": np.float32,  # hours they came in, decayed
    "priority": np.float32,
    "lane": np.int16,
    "host": np.int16,
    "tenant": np.int32,
    "failures": np.uint8,
    "state": np.uint8,
}
# How requests are shared out: `allocate`, but where that is compared with something else.
Share = Callable[..., npt.NDArray[np.float64]]
_FREE, _TIMED, _READY, _POLLING = range(4)


class Due(msgspec.Struct, frozen=True):
    """One poll to make now: the target, when it became due, and how often it is planned."""

    key: str
    lane: str
    slot: int
    since: float
    interval: float

    def missed(self, now: float) -> int:
        """Return how many polls were planned since it became due and, by `now`, not made."""
        return max(0, int((now - self.since) / self.interval))

    def missed_until(self, now: float) -> float:
        """Return when the last of the missed polls ends, in whole milliseconds."""
        return round(self.since + self.missed(now) * self.interval, 3)


class Draft(msgspec.Struct, frozen=True):
    """What a plan is made from: the targets of a lane as they stand. `share` may run in a
    thread.
    """

    lane: int
    slots: npt.NDArray[np.intp]
    share: Callable[[], npt.NDArray[np.float64]]  # polls per hour of each target

    def __len__(self) -> int:
        return len(self.slots)


class Schedule:
    """The due times of all targets of one process.

    Calls: `put` as targets come, `plan` now and then (or `draft` and `apply`, in steps); `ripen` at
    each instant, then `pop` per lane that has budget; each popped target is handed back once, by
    `done`, `failed` or `postpone`.
    """

    def __init__(
        self,
        *,
        rng: random.Random,
        weights: Mapping[str, float] | None = None,
        share: Share = allocate,
    ) -> None:
        self._rng = rng
        self._share = share
        self._weights = weights or {}
        self._columns = {name: np.zeros(64, dtype=kind) for name, kind in _COLUMNS.items()}
        self._keys: list[str] = []
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        self._timetable = Timetable(self._dues)
        self._hosts = Names()
        self._tenants = Names()
        self._lanes: dict[str, int] = {}
        self._lane_names: list[str] = []
        self._turns: list[Turns] = []
        self._costs: list[float] = []  # requests a poll takes, by lane, a running mean
        self._weighed: list[int] = []  # polls behind that mean
        self._loads: list[float] = []  # requests per hour that were planned, by lane

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, key: str) -> bool:
        return key in self._slots

    def __iter__(self) -> Iterator[str]:
        return iter(self._slots)

    def put(
        self,
        key: str,
        lane: str,
        *,
        now: float,
        priority: float = 1.0,
        tenant: str = "",
        host: str | None = None,
    ) -> None:
        """Add a target, due within a minute, or move a known one to another lane, priority or
        tenant.

        The only target is due at once, since somebody waits for it; a thousand must not start in
        one instant. One that moved to another lane is due within a minute again: its old lane was
        in trouble.
        """
        slot = self._slots.get(key)
        new = slot is None
        if slot is None:
            slot = self._new_slot(key)
        row = self._columns
        moved = not new and row["lane"][slot] != self._lane(lane)
        row["lane"][slot] = self._lane(lane)
        row["priority"][slot] = priority
        row["tenant"][slot] = self._tenants.number(tenant)
        row["host"][slot] = self._hosts.number(host or "")
        if new:
            row["last"][slot] = math.nan
            row["interval"][slot] = 60.0
        if new or (moved and row["state"][slot] == _TIMED):
            waited = math.inf if new else float(row["since"][slot])
            spread = min(SPREAD * len(self._slots), SPREAD_CAP) if new else SPREAD_CAP
            due = self._set(slot, now + self._rng.random() * spread)
            row["since"][slot] = min(due, waited)  # one that was postponed is late all the same

    def drop(self, key: str) -> None:
        """Forget a target; one that is being polled is forgotten when it is handed back."""
        slot = self._slots.pop(key, None)
        if slot is None:
            return
        polling = self._columns["state"][slot] == _POLLING
        self._columns["state"][slot] = _FREE
        self._keys[slot] = ""
        if not polling:
            self._recycle(slot)

    def host(self, slot: int) -> str | None:
        """Return the server a target lives on, where the network has many."""
        return self._hosts.name(self._columns["host"][slot]) or None

    def ripen(self, now: float) -> None:
        """Move every target that is due by `now` into the queue of its lane."""
        row = self._columns
        while (slot := self._timetable.pop(int(now * 1000))) is not None:
            if row["state"][slot] == _TIMED and row["due"][slot] <= now + FLOOR:
                row["state"][slot] = _READY
                self._queue(slot)

    def next_at(self) -> float | None:
        """Return when the next target is due, None if there is none; it may be earlier than any
        really is.
        """
        due = self._timetable.next_at()
        return None if due is None else due / 1000

    def waiting(self, lane: str) -> int:
        """Return how many targets of a lane are due and not yet asked for."""
        index = self._lanes.get(lane)
        return 0 if index is None else len(self._turns[index])

    def pop(self, lane: str) -> Due | None:
        """Return the next due target of a lane, None if none is due."""
        index = self._lanes.get(lane)
        while index is not None and (slot := self._turns[index].pop()) is not None:
            row = self._columns
            if row["state"][slot] != _READY:
                continue  # dropped while it waited
            if row["lane"][slot] != index:  # moved while it waited
                self._queue(slot)
                continue
            row["state"][slot] = _POLLING
            return self._due(slot)
        return None

    def done(
        self, due: Due, *, now: float, new: int, seconds: float, requests: int, overflow: bool
    ) -> float:
        """Note an answered poll that found `new` posts made in `seconds`; return when the next one
        is due.

        After an overflow, a page full of unknown posts, the target comes back in half its time.
        """
        row = self._columns
        if self._gone(due.slot):
            return now
        last = float(row["last"][due.slot])
        hours = max(seconds if math.isnan(last) else now - last, 1.0) / 3600.0
        fade = math.exp(-hours / self._memory(due.slot))
        row["posts"][due.slot] = row["posts"][due.slot] * fade + new
        row["hours"][due.slot] = row["hours"][due.slot] * fade + hours
        row["failures"][due.slot] = 0
        row["last"][due.slot] = now
        if not math.isnan(last):  # the first poll pays for what is asked once for ever
            self._weigh(int(row["lane"][due.slot]), max(1, requests))
        interval = float(row["interval"][due.slot])
        return self._set(due.slot, now + self._jittered(interval / 2 if overflow else interval))

    def failed(self, due: Due, *, now: float, seconds: float | None = None) -> float:
        """Note a poll that failed; return when the target is due again: in `seconds`, or by its
        back-off.
        """
        if self._gone(due.slot):
            return now
        failures = self._columns["failures"]
        failures[due.slot] = min(20, int(failures[due.slot]) + 1)
        if seconds is None:
            back_off = min(BACK_OFF_CAP, BACK_OFF * 2.0 ** (int(failures[due.slot]) - 1))
            seconds = self._jittered(back_off)
        return self._set(due.slot, now + seconds)

    def postpone(self, due: Due, *, now: float, seconds: float) -> None:
        """Hand a target back that was not polled, for `seconds`; its delay counts from when it was
        due.
        """
        if self._gone(due.slot):
            return
        self._set(due.slot, now + max(FLOOR, seconds))
        self._columns["since"][due.slot] = due.since

    def late(self, *, now: float, seconds: float) -> list[Due]:
        """Return the targets that wait for more than `seconds` and have missed a poll by that.

        Their delay counts from the last poll they missed: none is told twice, none is left out.
        """
        used = len(self._keys)
        row = self._columns
        waiting = (row["state"][:used] == _READY) | (row["state"][:used] == _TIMED)
        overdue = np.flatnonzero(waiting & (row["since"][:used] < now - seconds))
        found = [due for slot in overdue.tolist() if (due := self._due(slot)).missed(now)]
        for due in found:
            row["since"][due.slot] = due.missed_until(now)
        return found

    def load(self, lane: str) -> float:
        """Return the requests per hour that the targets of a lane take as last planned; infinity
        before the first plan.
        """
        index = self._lanes.get(lane)
        return math.inf if index is None else self._loads[index]

    def rate(self, key: str) -> float:
        """Return the new posts per hour of a target; nan before its first poll."""
        return float(self._rates(np.array([self._slots[key]]))[0])

    def interval(self, key: str) -> float:
        """Return the seconds between polls of a target, as last planned."""
        return float(self._columns["interval"][self._slots[key]])

    def plan(
        self, lane: str, *, hourly: float, page_size: float = math.inf, now: float
    ) -> npt.NDArray[np.float64]:
        """Share `hourly` requests among the targets of a lane and return their intervals in
        seconds.

        O(targets of the lane), about 0.1 s for 100,000; `draft` and `apply` do it in steps.
        """
        draft = self.draft(lane, hourly=hourly, page_size=page_size)
        for _ in self.apply(draft, draft.share(), now=now):
            pass
        return self._columns["interval"][draft.slots].astype(np.float64)

    def draft(self, lane: str, *, hourly: float, page_size: float = math.inf) -> Draft:
        """Return what a plan of a lane is made from, as it is now."""
        used, index = len(self._keys), self._lane(lane)
        mine = self._columns["lane"][:used] == index
        mine &= self._columns["state"][:used] != _FREE
        slots = np.flatnonzero(mine)
        capacity = hourly / self._costs[index]
        share = functools.partial(self._shares, slots, capacity=capacity, page_size=page_size)
        return Draft(index, slots, share if len(slots) else _nobody)

    def _shares(
        self, slots: npt.NDArray[np.intp], *, capacity: float, page_size: float
    ) -> npt.NDArray[np.float64]:
        priorities = self._columns["priority"][slots].astype(np.float64)
        rates = self._rates(slots)
        return self._share(rates, capacity=capacity, priorities=priorities, page_size=page_size)

    def apply(self, draft: Draft, polls: npt.NDArray[np.float64], *, now: float) -> Iterator[None]:
        """Let a plan be in force, in steps of a few milliseconds; targets that changed since it was
        drafted are left out.
        """
        self._loads[draft.lane] = float(polls.sum()) * self._costs[draft.lane]
        row = self._columns
        for start in range(0, len(draft), STEP):
            slots = draft.slots[start : start + STEP]
            there = (row["lane"][slots] == draft.lane) & (row["state"][slots] != _FREE)
            intervals = 3600.0 / np.maximum(polls[start : start + STEP], 3600.0 / SLOWEST)
            row["interval"][slots[there]] = intervals[there]
            yield
            sooner = self._too_far(slots[there], now)
            for at in range(0, len(sooner), BLOCK):
                # Something may have happened to them in the steps before.
                for slot in self._too_far(sooner[at : at + BLOCK], now).tolist():
                    self._bring_forward(slot, now)
                yield

    def _bring_forward(self, slot: int, now: float) -> None:
        row = self._columns
        due = float(row["last"][slot]) + self._jittered(float(row["interval"][slot]))
        self._set(slot, max(now, due))

    def _too_far(self, slots: npt.NDArray[np.intp], now: float) -> npt.NDArray[np.intp]:
        """Return those of the slots whose next poll is much later than their interval would say."""
        row = self._columns
        ahead = row["due"][slots] - now
        sooner = (row["state"][slots] == _TIMED) & (row["failures"][slots] == 0)
        sooner &= ~np.isnan(row["last"][slots]) & (row["interval"][slots] < ahead * MOVED)
        found: npt.NDArray[np.intp] = slots[sooner]
        return found

    def _weigh(self, lane: int, requests: int) -> None:
        self._weighed[lane] += 1
        share = max(0.05, 1.0 / (1 + self._weighed[lane]))
        self._costs[lane] += (requests - self._costs[lane]) * share

    def _queue(self, slot: int) -> None:
        row = self._columns
        self._turns[row["lane"][slot]].add(self._tenants.name(row["tenant"][slot]), slot)

    def _memory(self, slot: int) -> float:
        row = self._columns
        posts, hours = float(row["posts"][slot]), float(row["hours"][slot])
        dozen = MEMORY_POSTS * (hours + PRIOR_HOURS) / (posts + PRIOR_HOURS)
        return min(max(dozen, MEMORY_HOURS), MEMORY_MOST)

    def _rates(self, slots: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
        posts = self._columns["posts"][slots].astype(np.float64)
        hours = self._columns["hours"][slots].astype(np.float64)
        rates = (posts + PRIOR_HOURS) / (hours + PRIOR_HOURS)
        # A thousand posts in a minute are believed at once: less three deviations of such a count.
        surely = (posts - 3 * np.sqrt(posts)) / np.maximum(hours, 1 / 3600)
        rates = np.maximum(rates, surely)
        return np.where(np.isnan(self._columns["last"][slots]), np.nan, rates)

    def _jittered(self, seconds: float) -> float:
        return max(FLOOR, seconds * self._rng.uniform(1 - JITTER, 1 + JITTER))

    def _set(self, slot: int, due: float) -> float:
        due = math.ceil(due * 1000) / 1000  # whole milliseconds, as the heap keeps them
        self._columns["due"][slot] = due
        self._columns["since"][slot] = due
        self._columns["state"][slot] = _TIMED
        self._timetable.add(slot, round(due * 1000))
        return due

    def _dues(self, slots: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """Return when slots are due in milliseconds, -1 for those that wait for nothing."""
        timed = self._columns["state"][slots] == _TIMED
        due = np.where(timed, self._columns["due"][slots], -0.001)
        whole: npt.NDArray[np.int64] = np.rint(due * 1000).astype(np.int64)
        return whole

    def _due(self, slot: int) -> Due:
        row = self._columns
        lane = self._lane_names[row["lane"][slot]]
        since, interval = float(row["since"][slot]), float(row["interval"][slot])
        return Due(self._keys[slot], lane, slot, since, interval)

    def _gone(self, slot: int) -> bool:
        """Return whether a polled target was dropped meanwhile; its row is free from now on."""
        if self._columns["state"][slot] == _POLLING:
            return False
        self._recycle(slot)
        return True

    def _recycle(self, slot: int) -> None:
        self._columns["due"][slot] = math.inf  # what the heap still holds of it is void
        self._free.append(slot)

    def _new_slot(self, key: str) -> int:
        if self._free:
            slot = self._free.pop()
            self._keys[slot] = key
        else:
            slot = len(self._keys)
            self._keys.append(key)
            if slot >= len(self._columns["due"]):
                self._grow(2 * slot)
        for column in ("posts", "hours", "failures"):
            self._columns[column][slot] = 0
        self._slots[key] = slot
        return slot

    def _grow(self, size: int) -> None:
        for name, column in self._columns.items():
            longer = np.zeros(size, dtype=column.dtype)
            longer[: len(column)] = column
            self._columns[name] = longer

    def _lane(self, lane: str) -> int:
        index = self._lanes.setdefault(lane, len(self._turns))
        if index == len(self._turns):
            self._lane_names.append(lane)
            self._turns.append(Turns(self._weights))
            self._costs.append(1.0)
            self._weighed.append(0)
            self._loads.append(math.inf)
        return index


def _nobody() -> npt.NDArray[np.float64]:
    return np.zeros(0)


async def replan(
    schedule: Schedule, lane: str, *, hourly: float, page_size: float, now: float
) -> None:
    """Plan a lane without keeping the event loop for more than some milliseconds."""
    draft = schedule.draft(lane, hourly=hourly, page_size=page_size)
    # numpy leaves the interpreter to others while it counts.
    polls = draft.share() if len(draft) < BLOCK else await asyncio.to_thread(draft.share)
    for _ in schedule.apply(draft, polls, now=now):
        await asyncio.sleep(0)
