"""Which slot is due next, in five bytes a slot: buckets of time, and a heap only for the present
one. Pure.
"""

import heapq
from array import array
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

SLOT_BITS = 24  # 16 million slots
NEAR, FAR = 128, 16_384  # milliseconds of a bucket: within the next FAR, and beyond


class Timetable:
    """Slots by the instant they are due, whole milliseconds.

    An entry is never removed: whoever moves a slot adds another, and `due` says which one counts.
    """

    def __init__(self, due: Callable[[npt.NDArray[np.intp]], npt.NDArray[np.int64]]) -> None:
        """Make an empty one. due: returns when slots are due; -1 for one that waits for nothing."""
        self._due = due
        self._heap: list[int] = []
        self._near = _Buckets(NEAR)
        self._far = _Buckets(FAR)

    def add(self, slot: int, due: int) -> None:
        """Enter that a slot is due at an instant in milliseconds."""
        if due < self._near.opened:
            heapq.heappush(self._heap, due << SLOT_BITS | slot)
        elif due < self._far.opened:
            self._near.add(slot, due)
        else:
            self._far.add(slot, due)

    def next_at(self) -> int | None:
        """Return when the next slot is due, None if there is none; it may be earlier than any
        really is.
        """
        if self._heap:
            return self._heap[0] >> SLOT_BITS
        starts = [start for start in (self._near.first(), self._far.first()) if start is not None]
        return min(starts, default=None)

    def pop(self, now: int) -> int | None:
        """Return a slot that was entered as due by `now`, the earliest first; None if there is none
        more. A slot may come more than once.
        """
        self._open(now)
        if self._heap and self._heap[0] >> SLOT_BITS <= now:
            return heapq.heappop(self._heap) & (1 << SLOT_BITS) - 1
        return None

    def _open(self, now: int) -> None:
        if now < self._near.opened and (now < self._far.opened or self._far.first() is None):
            return
        for start, bucket in self._far.take(now):
            slots, dues = self._still(start, bucket, FAR)
            # A sort of small numbers takes as long as reading them.
            places = ((dues - start) // NEAR).astype(np.uint8)
            order = np.argsort(places, kind="stable")
            counts = np.bincount(places, minlength=FAR // NEAR)
            self._near.fill(start, slots[order].astype(np.uint32), counts.tolist())
        for start, bucket in self._near.take(now):
            slots, dues = self._still(start, bucket, NEAR)
            self._heap.extend(np.unique(dues << SLOT_BITS | slots).tolist())
            heapq.heapify(self._heap)

    def _still(
        self, start: int, bucket: "array[int]", width: int
    ) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.int64]]:
        """Return the slots of a bucket that are still due in its stretch of time, and when."""
        slots = np.frombuffer(bucket, dtype=np.uint32).astype(np.intp)
        dues = self._due(slots)
        still = (dues >= start) & (dues < start + width)
        return slots[still], dues[still]


class _Buckets:
    """Slots in stretches of time of one width."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.opened = 0  # everything before is handed over
        self._buckets: dict[int, array[int]] = {}
        self._order: list[int] = []

    def add(self, slot: int, due: int) -> None:
        start = due - due % self.width
        bucket = self._buckets.get(start)
        if bucket is None:
            bucket = self._buckets[start] = array("I")
            heapq.heappush(self._order, start)
        bucket.append(slot)

    def fill(self, start: int, slots: npt.NDArray[np.uint32], counts: list[int]) -> None:
        """Add slots in the order of their buckets, so many to each bucket from `start` on."""
        at = 0
        for number, count in enumerate(counts):
            if count:
                part = slots[at : at + count].tolist()
                at += count
                self.add(part[0], start + number * self.width)
                self._buckets[start + number * self.width].extend(part[1:])

    def first(self) -> int | None:
        return self._order[0] if self._order else None

    def take(self, now: int) -> list[tuple[int, "array[int]"]]:
        """Hand over the buckets that begin by `now`."""
        self.opened = max(self.opened, now - now % self.width + self.width)
        found = []
        while self._order and self._order[0] <= now:
            start = heapq.heappop(self._order)
            found.append((start, self._buckets.pop(start)))
        return found
