"""Which lane polls which target. Pure.

Instagram counts unique hashtags per account: one tag polled through 20 accounts burns a slot in all
20 (30 tags in all); pinned to one account each, 600 fit. So a target stays with its lane until that
lane is quarantined. New targets go by weighted rendezvous hashing: lanes that come or go move
nothing else.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b

from registry.allocation import FLOOR
from registry.models import Lane, WatchedTarget


class Load:
    """What one lane carries while targets are being pinned; grows with each `take`."""

    def __init__(self, lane: Lane, *, targets: int = 0, tags: Iterable[str] = ()) -> None:
        self.lane = lane
        self.targets = targets
        self.tags = set(tags)  # they hold a slot each, now or as soon as they are polled

    def take(self, target: WatchedTarget) -> None:
        """Count one more target."""
        self.targets += 1
        if target.kind == "tag":
            self.tags.add(target.name)

    def holds(self, target: WatchedTarget) -> bool:
        """Return whether the target is a tag that has a slot here already."""
        return target.kind == "tag" and target.name in self.tags

    def has_room(self, target: WatchedTarget) -> bool:
        """Return whether every target here could still be polled at the floor rate."""
        needs_slot = target.kind == "tag" and target.name not in self.tags
        if needs_slot and self.free_slots == 0:
            return False
        return (self.targets + 1) * FLOOR <= hourly(self.lane)

    @property
    def free_slots(self) -> int | None:
        """Return how many new tags fit; None: the lane does not count tags."""
        return None if self.lane.slots is None else max(0, self.lane.slots - len(self.tags))


def hourly(lane: Lane) -> float:
    """Return the lane's capacity in requests per hour."""
    return lane.limit * 3600.0 / lane.window


def usable(lanes: Iterable[Lane]) -> list[Lane]:
    """Return the lanes that may be polled through: those not in quarantine."""
    return [lane for lane in lanes if lane.quarantined_at is None]


def loads(
    lanes: Sequence[Lane],
    *,
    watched: Iterable[WatchedTarget],
    slots_used: Mapping[str, set[str]],
) -> dict[str, Load]:
    """Return what each usable lane carries, by its id."""
    found = {lane.id: Load(lane, tags=slots_used.get(lane.id, ())) for lane in usable(lanes)}
    for target in watched:
        if target.lane in found:
            found[target.lane].take(target)
    return found


def pin(targets: Iterable[WatchedTarget], carried: Mapping[str, Load]) -> dict[str, str | None]:
    """Return a lane for each target by its key, or None where no lane has room; `carried` grows.

    A target whose lane is usable stays there.
    """
    pinned: dict[str, str | None] = {}
    for target in sorted(targets, key=lambda target: target.key):
        if target.lane in carried:
            pinned[target.key] = target.lane
            continue
        chosen = _choose(target, carried)
        pinned[target.key] = chosen.lane.id if chosen else None
        if chosen:
            chosen.take(target)
    return pinned


def _choose(target: WatchedTarget, carried: Mapping[str, Load]) -> Load | None:
    fitting = [
        load
        for load in carried.values()
        if load.lane.network == target.network and load.has_room(target)
    ]
    free = [load for load in fitting if load.holds(target)]
    return max(free or fitting, key=lambda load: _score(load.lane, target.key), default=None)


def _score(lane: Lane, key: str) -> float:
    """Return the rendezvous score: lanes win in proportion to their capacity."""
    digest = blake2b(f"{lane.id}\0{key}".encode(), digest_size=8).digest()
    chance = (int.from_bytes(digest) + 1) / (2**64 + 1)
    return hourly(lane) / -math.log(chance)
