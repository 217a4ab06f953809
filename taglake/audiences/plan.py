"""What reading audiences would cost, before it is registered: pages, requests, hours."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from ingestor.audiences import FASTEST, FIRST, for_followers
from ingestor.budget import pad_of
from ingestor.contract import Source
from registry import Registry
from registry.audiences import tidy_account
from registry.models import Lane, WatchedTarget
from taglake import wiring
from taglake.audiences.lookup import Stated, stated_by
from taglake.audiences.states import states_of
from taglake.errors import BadSetting, Unreachable
from taglake.settings import Settings


class PlannedAudience(msgspec.Struct, frozen=True, kw_only=True):
    """One account: how long its list is, and when it would be read."""

    network: str
    handle: str
    followers: int | None  # as stated; None: unknown
    told_by: Literal["network", "lake"] | None
    pages: int | None
    requests: int | None  # for one reading
    lane: str | None  # None: no lane can ask for it
    spare_per_hour: float  # requests of that lane that may go to followers beside its campaigns
    hours: float | None  # until the list is read, shorter ones before it; None: unknown, or never
    at_home: bool  # asked on its own server, the only one that knows the whole list


class AudiencePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What some audiences would cost in all; a count of None is that of accounts without one."""

    fits: bool  # every account has a lane with budget to spare
    audiences: tuple[PlannedAudience, ...]
    followers: int  # of those that are known
    requests: int
    unknown: int  # accounts whose followers are not known
    hours: float | None  # until the last of them is read
    registered: bool = False


async def plan_audiences(
    settings: Settings, registry: Registry, handles: Sequence[str], *, network: str
) -> AudiencePlan:
    """Return what reading the followers of some accounts would cost. Raises BadSetting, BadField,
    NotThere.
    """
    sources = wiring.sources()
    network = network_of(network, sources)
    await registry.lanes.upsert(wiring.lanes_of(settings, sources))
    targets = _targets(network, handles)
    pinned = await registry.lanes_for(targets)
    targets = [msgspec.structs.replace(one, lane=pinned[one.key]) for one in targets]
    stated = await stated_by(settings, registry, targets)
    lanes = {lane.id: lane for lane in await registry.lanes.list()}
    pages = {lane.id: _page_of(sources.get(lane.source)) for lane in lanes.values()}
    room = _Room(lanes, await registry.spoken_for(), pages)
    for key, lane, left in await _under_way(settings, registry):
        if key not in stated:
            room.take(lane, left)
    return _plan(targets, stated, room)


def network_of(name: str, sources: Mapping[str, Source]) -> str:
    """Return the network that a name of a network or source means. Raises BadSetting."""
    known = {source.network for source in sources.values()}
    if name not in sources and name not in known:
        there = ", ".join(sorted(known))
        raise BadSetting(f"--network {name!r}: unknown; there are {there}")
    return sources[name].network if name in sources else name


def _targets(network: str, handles: Sequence[str]) -> list[WatchedTarget]:
    """Return the accounts as targets, each once. Raises BadField."""
    found = {}
    for handle in handles:
        name, host = tidy_account(network, handle)
        key = f"{network}/followers/{name}"
        found[key] = WatchedTarget(key=key, network=network, kind="followers", name=name, host=host)
    return list(found.values())


def _page_of(source: object) -> int:
    """Return how many followers a full page of a source holds."""
    return int(getattr(source, "followers_page", getattr(source, "page_size", 1)))


async def _under_way(settings: Settings, registry: Registry) -> list[tuple[str, str, int]]:
    """Return the audiences that are being read already: target, lane, followers still to read."""
    try:
        states = await states_of(settings, await registry.audiences.list())
    except Unreachable:  # what is before us is not known then, no more than how long lists are
        return []
    return [
        (one.target, one.lane, max(0, (one.stated or 0) - one.seen))
        for one in states
        if one.lane is not None and one.state in ("waiting", "reading")
    ]


class _Room:
    """What lanes have to spare for followers, and who takes of it."""

    def __init__(
        self, lanes: Mapping[str, Lane], planned: Mapping[str, float], pages: Mapping[str, int]
    ) -> None:
        self._lanes, self._pages = lanes, pages
        self.spare = {
            name: for_followers(_hourly(lanes[name]), taken) for name, taken in planned.items()
        }
        self._taken: dict[str, list[int]] = defaultdict(list)

    def take(self, lane: str, followers: int) -> int:
        """Let a list be read through a lane; return its requests."""
        requests = self.pages(lane, followers) + FIRST - 1
        self._taken[lane].append(requests)
        return requests

    def pages(self, lane: str, followers: int) -> int:
        """Return the pages of a list."""
        return max(1, math.ceil(followers / self._pages[lane]))

    def hours(self, lane: str, requests: int) -> float | None:
        """Return the hours until a list of so many requests is read: shorter ones come first."""
        rate = min(self.spare.get(lane, 0.0), FASTEST)
        before = sum(other for other in self._taken[lane] if other <= requests)
        return before / rate if rate > 0.0 else None

    def at_home(self, target: WatchedTarget) -> bool:
        """Return whether a target is asked on the server it is at home on."""
        base_url = self._lanes[target.lane].base_url if target.lane else ""
        return target.host is None or urlsplit(base_url).hostname == target.host


def _hourly(lane: Lane) -> float:
    return lane.limit * 3600.0 / (lane.window + pad_of(lane.window))


def _plan(
    targets: Sequence[WatchedTarget], stated: Mapping[str, Stated], room: _Room
) -> AudiencePlan:
    requests: dict[str, int] = {}
    for target in targets:
        followers = stated[target.key].followers
        if target.lane is not None and followers is not None:
            requests[target.key] = room.take(target.lane, followers)
    planned = tuple(
        _planned(target, stated[target.key], requests.get(target.key), room) for target in targets
    )
    hours = [one.hours for one in planned]
    return AudiencePlan(
        fits=all(one.lane is not None and one.spare_per_hour > 0.0 for one in planned),
        audiences=planned,
        followers=sum(one.followers or 0 for one in planned),
        requests=sum(requests.values()),
        unknown=sum(one.followers is None for one in planned),
        hours=None if None in hours else max(one for one in hours if one is not None),
    )


def _planned(
    target: WatchedTarget, stated: Stated, requests: int | None, room: _Room
) -> PlannedAudience:
    lane, known = target.lane, requests is not None
    return PlannedAudience(
        network=target.network,
        handle=target.name,
        followers=stated.followers,
        told_by=stated.told_by,
        pages=room.pages(lane, stated.followers or 0) if lane and known else None,
        requests=requests,
        lane=lane,
        spare_per_hour=room.spare.get(lane or "", 0.0),
        hours=room.hours(lane, requests) if lane and requests is not None else None,
        at_home=room.at_home(target),
    )


def told(plan: AudiencePlan) -> str:
    """Return a plan as lines for a terminal."""
    head = f"{'account':<36} {'followers':>12} {'requests':>9} {'spare/h':>8}  {'read after':<12}"
    lines = [f"{head} lane"]
    lines += [_line(one) for one in plan.audiences]
    total = f"{'total':<36} {plan.followers:>12,} {plan.requests:>9,} {'':>8}"
    lines.append(f"{total}  {duration(plan.hours)}")
    return "\n".join([*lines, *_notes(plan)])


def _line(one: PlannedAudience) -> str:
    known = "unknown" if one.followers is None else f"{one.followers:,}"
    requests = "-" if one.requests is None else f"{one.requests:,}"
    numbers = f"{known:>12} {requests:>9} {one.spare_per_hour:>8,.0f}"
    return f"{one.handle:<36} {numbers}  {duration(one.hours):<12} {one.lane or '-'}"


def _notes(plan: AudiencePlan) -> Iterable[str]:
    """Yield what an operator should know before he says yes."""
    if plan.unknown:
        yield (
            f"{plan.unknown} of unknown length: an ingestor holds the account that could be asked; "
            "the first page will tell"
        )
    for lane in sorted({one.lane for one in plan.audiences if one.lane and not one.at_home}):
        names = [one.handle for one in plan.audiences if one.lane == lane and not one.at_home]
        yield (
            f"{_some(names)}: asked on another server than their own, which may know only some of "
            f"their followers; add their own to taglake.toml"
        )
    without = [one.handle for one in plan.audiences if one.lane is None]
    if without:
        network = plan.audiences[0].network
        yield f"{_some(without)}: no account can list followers on {network}; add one"
    starved = [one.handle for one in plan.audiences if one.lane and one.spare_per_hour <= 0.0]
    if starved:
        yield f"{_some(starved)}: campaigns need the whole budget; add an account, or end one"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def duration(hours: float | None) -> str:
    """Return hours as people say them.

    >>> duration(0.2), duration(7.04), duration(300.0), duration(None)
    ('12 min', '7.0 h', '12.5 days', 'unknown')
    """
    if hours is None:
        return "unknown"
    if hours < 1.0:
        return f"{math.ceil(hours * 60)} min"
    return f"{hours:.1f} h" if hours < 72.0 else f"{hours / 24:.1f} days"
