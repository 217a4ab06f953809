"""Which lane polls which target. Pure.

Instagram counts unique hashtags per account: one tag polled through 20 accounts burns a slot in all
20 (30 tags in all); pinned to one account each, 600 fit. So a target stays with its lane until that
lane is quarantined. New targets go by weighted rendezvous hashing: lanes that come or go move
nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from registry.allocation import FLOOR
from registry.models import Lane, WatchedTarget

U64 = npt.NDArray[np.uint64]


class Load:
    """What one lane carries while targets are being pinned; grows with each `take`."""

    def __init__(self, lane: Lane, *, targets: int = 0, tags: Iterable[str] = ()) -> None:
        self.lane = lane
        self.targets = targets
        self.tags = set(tags)  # they hold a slot each, now or as soon as they are polled

    def take(self, target: WatchedTarget) -> None:
        """Count one more target; followers are read in what the others leave."""
        self.targets += target.kind != "followers"
        if target.kind == "tag":
            self.tags.add(target.name)

    def holds(self, target: WatchedTarget) -> bool:
        """Return whether the target is a tag that has a slot here already."""
        return target.kind == "tag" and target.name in self.tags

    def is_home(self, target: WatchedTarget) -> bool:
        """Return whether the lane asks the server that the target is at home on."""
        return urlsplit(self.lane.base_url).hostname == target.host

    def has_room(self, target: WatchedTarget) -> bool:
        """Return whether the lane can ask for the target, and still poll every one at the floor
        rate.
        """
        if self.lane.kinds and target.kind not in self.lane.kinds:
            return False
        if target.kind == "followers":
            return True
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

    A target whose lane is usable stays there. About 20 us a target with 200 lanes.
    """
    rings = _rings(carried)
    pinned: dict[str, str | None] = {}
    for target in sorted(targets, key=lambda target: target.key):
        if target.lane in carried:
            pinned[target.key] = target.lane
            continue
        ring = rings.get(target.network)
        chosen = ring.choose(target) if ring else None
        pinned[target.key] = chosen.lane.id if chosen else None
        if chosen:
            chosen.take(target)
    return pinned


class _Ring:
    """The lanes of one network, ready for weighted rendezvous hashing."""

    def __init__(self, carried: Sequence[Load]) -> None:
        self._loads = carried
        self._counting = [load for load in carried if load.lane.slots is not None]
        self._seeds: U64 = np.array([_hash(load.lane.id) for load in carried], dtype=np.uint64)
        self._weights = np.array([hourly(load.lane) for load in carried])

    def choose(self, target: WatchedTarget) -> Load | None:
        """Return the lane where the tag has a slot or the target is at home, else the best one with
        room.
        """
        free = {load.lane.id for load in self._counting if load.holds(target)}
        ranked: Iterable[Load] = (self._loads[place] for place in self._ranked(target.key))
        if target.host is not None:
            ranked = sorted(ranked, key=lambda load: not load.is_home(target))
        fitting = (load for load in ranked if load.has_room(target))
        return next((load for load in fitting if not free or load.lane.id in free), None)

    def _ranked(self, key: str) -> list[int]:
        """Return the lanes' places, best first: each wins in proportion to its capacity."""
        mixed = _mix(self._seeds ^ np.uint64(_hash(key)))
        chances = ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
        ranked: list[int] = np.argsort(-np.log(chances) / self._weights, kind="stable").tolist()
        return ranked


def _rings(carried: Mapping[str, Load]) -> dict[str, _Ring]:
    by_network: dict[str, list[Load]] = {}
    for load in carried.values():
        by_network.setdefault(load.lane.network, []).append(load)
    return {network: _Ring(there) for network, there in by_network.items()}


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def _mix(bits: U64) -> U64:
    """Return each word scrambled: the finaliser of splitmix64 (Steele, Lea and Flood 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
