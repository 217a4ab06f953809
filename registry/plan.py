"""What a campaign would cost and find, before it is accepted. Pure.

Every number comes from the same functions the ingestor runs by: `pin` chooses the lanes, `allocate`
the rates. So what the plan promises is what the schedule does, as long as the observed rates hold.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np

from registry.allocation import F64, FLOOR, HEADROOM, allocate, delays
from registry.drafts import tidy, wanted
from registry.models import CampaignDraft, Lane, WatchedTarget
from registry.pinning import Load, hourly, loads, pin

__all__ = ["Misfit", "Plan", "PlannedLane", "PlannedNetwork", "PlannedTarget", "Room"]
__all__ += ["allocate", "delays", "plan", "polls_of"]

PAGE = 40  # posts of a full page: the smallest among the networks (Mastodon)


class PlannedTarget(msgspec.Struct, frozen=True, kw_only=True):
    """One target of the draft: where and how often it would be polled."""

    target: str  # "mastodon/tag/nike"
    network: str
    kind: str
    name: str
    lane: str | None  # None: no lane has room
    polls_per_hour: float
    freshness: float | None  # expected mean seconds from a post's birth to its detection
    slot: bool  # takes a hashtag slot that is free now
    shared: bool  # another campaign watches it already: it costs nothing more


class PlannedLane(msgspec.Struct, frozen=True, kw_only=True):
    """One lane the campaign would use."""

    lane: str
    network: str
    capacity: float  # requests per hour
    requests: float  # per hour for the draft's targets
    slots: int | None  # None: the lane does not count hashtags
    slots_needed: int
    slots_free: int | None  # before the campaign


class PlannedNetwork(msgspec.Struct, frozen=True, kw_only=True):
    """One network of the draft over all its lanes."""

    network: str
    lanes: int
    capacity: float  # requests per hour
    requests: float  # per hour for the draft's targets
    slots_needed: int
    slots_free: int | None
    freshness: float | None  # mean over the draft's targets, weighted by their rates
    others_freshness: float | None  # of what is watched already, now ...
    others_freshness_after: float | None  # ... and with the campaign beside it


class Misfit(msgspec.Struct, frozen=True, kw_only=True):
    """Why the campaign does not fit: a field of the draft, its value, and the most it may be."""

    field: str
    value: str | int
    limit: int
    why: str


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What of the draft would fit on one network."""

    network: str
    lanes: int  # 0: leave the network out, or add an account
    hashtags: int
    profiles: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The forecast of one campaign."""

    fits: bool
    targets: tuple[PlannedTarget, ...]
    lanes: tuple[PlannedLane, ...]
    networks: tuple[PlannedNetwork, ...]
    requests_per_hour: float
    capacity_per_hour: float
    slots_needed: int
    slots_free: int | None  # None: no lane of these networks counts hashtags
    reasons: tuple[Misfit, ...] = ()  # empty if it fits
    would_fit: tuple[Room, ...] = ()  # empty if it fits


def plan(
    draft: CampaignDraft,
    *,
    lanes: Sequence[Lane],
    watched: Sequence[WatchedTarget],
    rates: Mapping[str, float],
    slots_used: Mapping[str, set[str]],
) -> Plan:
    """Return what the campaign would cost and find beside what is `watched`, and whether it fits.

    rates: observed new posts per hour by target; the unknown count as the median of their lane.
    slots_used: hashtags that hold a slot now, by lane. Raises BadField.
    """
    draft = tidy(draft)
    before = loads(lanes, watched=watched, slots_used=slots_used)
    known = {target.key: target for target in watched}
    ours = [known.get(target.key, target) for target in wanted(draft)]
    after = loads(lanes, watched=watched, slots_used=slots_used)
    lane_of = pin(ours, after)
    pinned = [msgspec.structs.replace(target, lane=lane_of[target.key]) for target in ours]
    forecast = _Forecast(draft, before, watched=watched, rates=rates)
    return forecast.of(pinned)


class _Forecast:
    """One run of `plan`: what is there, and sums over what would come."""

    def __init__(
        self,
        draft: CampaignDraft,
        before: Mapping[str, Load],
        *,
        watched: Sequence[WatchedTarget],
        rates: Mapping[str, float],
    ) -> None:
        self.draft = draft
        self.before = before
        self.watched = watched
        self.rates = rates
        self.known = {target.key for target in watched if target.lane in before}

    def of(self, pinned: Sequence[WatchedTarget]) -> Plan:
        """Return the plan for targets with their lanes."""
        polls = self._polls([*self.watched, *self._more(pinned)])
        now = self._polls(self.watched)
        targets = tuple(self._target(target, polls) for target in pinned)
        networks = tuple(
            self._network(
                name, [target for target in targets if target.network == name], (now, polls)
            )
            for name in self.draft.networks
        )
        reasons = tuple(self._reasons(targets))
        slots = [network.slots_free for network in networks if network.slots_free is not None]
        return Plan(
            fits=not reasons,
            targets=targets,
            lanes=tuple(self._lanes(targets)),
            networks=networks,
            requests_per_hour=sum(network.requests for network in networks),
            capacity_per_hour=sum(network.capacity for network in networks),
            slots_needed=sum(network.slots_needed for network in networks),
            slots_free=sum(slots) if slots else None,
            reasons=reasons,
            would_fit=tuple(self._room(targets)) if reasons else (),
        )

    def _more(self, pinned: Iterable[WatchedTarget]) -> list[WatchedTarget]:
        """Return the targets that are not polled already."""
        return [target for target in pinned if target.key not in self.known]

    def _polls(self, targets: Iterable[WatchedTarget]) -> dict[str, float]:
        """Return polls per hour by target, by the ingestor's own rule."""
        lanes = {name: load.lane for name, load in self.before.items()}
        return polls_of(targets, lanes=lanes, rates=self.rates)

    def _target(self, target: WatchedTarget, polls: Mapping[str, float]) -> PlannedTarget:
        hourly_polls = polls.get(target.key, 0.0)
        return PlannedTarget(
            target=target.key,
            network=target.network,
            kind=target.kind,
            name=target.name,
            lane=target.lane,
            polls_per_hour=hourly_polls,
            freshness=float(delays(hourly_polls)) if hourly_polls else None,
            slot=self._needs_slot(target),
            shared=target.key in self.known,
        )

    def _needs_slot(self, target: WatchedTarget) -> bool:
        """Return whether the target takes a slot that is free now, or would if there were one."""
        if target.kind != "tag" or target.key in self.known:
            return False
        if target.lane is not None:
            load = self.before[target.lane]
            return load.lane.slots is not None and not load.holds(target)
        there = [load for load in self.before.values() if load.lane.network == target.network]
        return bool(there) and all(load.lane.slots is not None for load in there)

    def _lanes(self, targets: Sequence[PlannedTarget]) -> Iterable[PlannedLane]:
        for name, load in sorted(self.before.items()):
            there = [target for target in targets if target.lane == name]
            if there:
                yield PlannedLane(
                    lane=name,
                    network=load.lane.network,
                    capacity=hourly(load.lane),
                    requests=_requests(there),
                    slots=load.lane.slots,
                    slots_needed=sum(target.slot for target in there),
                    slots_free=load.free_slots,
                )

    def _network(
        self,
        network: str,
        ours: Sequence[PlannedTarget],
        polls: tuple[Mapping[str, float], Mapping[str, float]],
    ) -> PlannedNetwork:
        there = self._there(network)
        others = [target.key for target in self.watched if target.network == network]
        return PlannedNetwork(
            network=network,
            lanes=len(there),
            capacity=sum(hourly(load.lane) for load in there),
            requests=_requests(ours),
            slots_needed=sum(target.slot for target in ours),
            slots_free=_free_slots(there),
            freshness=self._freshness([target.target for target in ours], polls[1]),
            others_freshness=self._freshness(others, polls[0]),
            others_freshness_after=self._freshness(others, polls[1]),
        )

    def _there(self, network: str) -> list[Load]:
        return [load for load in self.before.values() if load.lane.network == network]

    def _freshness(self, keys: Iterable[str], polls: Mapping[str, float]) -> float | None:
        """Return the mean detection delay of a post: targets weigh as much as they bring."""
        polled = [key for key in keys if polls.get(key)]
        if not polled:
            return None
        weights: F64 = np.array([self.rates.get(key, 1.0) for key in polled]) + 1e-9
        return float(np.average(delays([polls[key] for key in polled]), weights=weights))

    def _reasons(self, targets: Sequence[PlannedTarget]) -> Iterable[Misfit]:
        for place, network in enumerate(self.draft.networks):
            lost = [one for one in targets if one.network == network and one.lane is None]
            if not self._there(network):
                yield Misfit(
                    field=f"networks[{place}]",
                    value=network,
                    limit=0,
                    why="no account or host of this network is ready: add one or free one",
                )
            elif lost:
                yield self._full(network, targets, lost)

    def _full(
        self, network: str, targets: Sequence[PlannedTarget], lost: Sequence[PlannedTarget]
    ) -> Misfit:
        ours = [target for target in targets if target.network == network]
        kind = "tag" if any(target.kind == "tag" for target in lost) else "profile"
        asked = sum(target.kind == kind for target in ours)
        fitting = sum(target.kind == kind and target.lane is not None for target in ours)
        free = _free_slots(self._there(network))
        why = f"{network} has room for {fitting} at {FLOOR} polls an hour each"
        if kind == "tag" and free is not None:
            why = f"{network} has {free} hashtag slots free, and {fitting} of these fit"
        field = "hashtags" if kind == "tag" else "profiles"
        return Misfit(field=field, value=asked, limit=fitting, why=why)

    def _room(self, targets: Sequence[PlannedTarget]) -> Iterable[Room]:
        for network in self.draft.networks:
            fitting = [one for one in targets if one.network == network and one.lane is not None]
            yield Room(
                network=network,
                lanes=len(self._there(network)),
                hashtags=sum(target.kind == "tag" for target in fitting),
                profiles=sum(target.kind == "profile" for target in fitting),
            )


def polls_of(
    targets: Iterable[WatchedTarget], *, lanes: Mapping[str, Lane], rates: Mapping[str, float]
) -> dict[str, float]:
    """Return polls per hour by target, lane by lane; targets without one of `lanes` have none."""
    by_lane: dict[str, list[WatchedTarget]] = defaultdict(list)
    for target in targets:
        if target.lane is not None and target.lane in lanes:
            by_lane[target.lane].append(target)
    polls: dict[str, float] = {}
    for lane, there in by_lane.items():
        shares = allocate(
            [rates.get(target.key, np.nan) for target in there],
            capacity=hourly(lanes[lane]) * HEADROOM,
            priorities=[target.priority for target in there],
            page_size=PAGE,
        )
        polls |= zip((target.key for target in there), shares.tolist(), strict=True)
    return polls


def _requests(targets: Iterable[PlannedTarget]) -> float:
    """Return the requests per hour that would be new: shared targets are paid for already."""
    return sum(target.polls_per_hour for target in targets if not target.shared)


def _free_slots(there: Sequence[Load]) -> int | None:
    """Return the free hashtag slots; None where one lane takes any number of hashtags."""
    free = [load.free_slots for load in there]
    counted = [slots for slots in free if slots is not None]
    return sum(counted) if counted and len(counted) == len(free) else None
