"""How many followers accounts state: one question each, before anything is registered.

A question costs budget like any other: it is asked through a lane that nobody holds, leased for as
long as it takes, and written ahead. A lane that an ingestor holds is left to it; then the lake may
know the account.
"""

import random
from collections.abc import Iterable
from typing import Literal

import msgspec
import structlog

from ingestor.clock import SystemClock
from ingestor.contract import Answer, Credential, Request, Seen, Source, Target
from ingestor.errors import Gone, IngestError, NoBudget
from ingestor.http import Http
from ingestor.lanes import HeldLane, Lanes
from lake.contract import Where
from lake.records import Profile
from registry import Registry
from registry.models import WatchedTarget
from taglake import roles, wiring
from taglake.errors import NotThere, Unreachable
from taglake.settings import Settings

log = structlog.get_logger()


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """What an account states, and who said so; None: nobody could be asked."""

    followers: int | None = None
    told_by: Literal["network", "lake"] | None = None


class _Told(Exception):
    """Raised through a source: the account's profile has come, no page of followers is needed."""

    def __init__(self, followers: int) -> None:
        super().__init__("the profile is known")
        self.followers = followers


async def stated_by(
    settings: Settings, registry: Registry, targets: Iterable[WatchedTarget]
) -> dict[str, Stated]:
    """Return what each account states, by key of its target. Raises NotThere for one that its
    network does not know.
    """
    wanted = list(targets)
    found = await _from_networks(settings, registry, wanted)
    rest = [target for target in wanted if target.key not in found]
    return found | await _from_lake(settings, rest)


async def _from_networks(
    settings: Settings, registry: Registry, targets: list[WatchedTarget]
) -> dict[str, Stated]:
    """Return what networks answer through lanes that are free."""
    clock, rng = SystemClock(), random.Random()  # noqa: S311 - jitter
    owner = f"{roles.owner()}-asks"
    lanes = Lanes(registry.lanes, owner=owner, clock=clock, rng=rng)
    await lanes.claim({target.lane for target in targets if target.lane is not None})
    asker = _Asker(settings, lanes, clock)
    found: dict[str, Stated] = {}
    try:
        async with Http(connections=4) as http:
            for target in targets:
                held = lanes.held.get(target.lane or "")
                followers = None if held is None else await asker.ask(http, held, target)
                if followers is not None:
                    found[target.key] = Stated(followers=followers, told_by="network")
    finally:
        await lanes.release()
    return found


class _Asker:
    """Asks through leased lanes."""

    def __init__(self, settings: Settings, lanes: Lanes, clock: SystemClock) -> None:
        self._settings, self._lanes, self._clock = settings, lanes, clock
        self._sources = wiring.sources(settings)
        self._accounts = {wiring.lane_id(account): account for account in settings.accounts}

    async def ask(self, http: Http, held: HeldLane, target: WatchedTarget) -> int | None:
        """Return how many followers an account states, None if it cannot be told. Raises
        NotThere.
        """
        if held.id not in self._accounts:  # another machine's
            return None
        credential = wiring.credential_of(self._settings, self._accounts[held.id])
        source = self._sources[held.lane.source]
        try:
            await self._poll(http, held, source, _asked(target), credential)
        except _Told as told:
            return told.followers
        except Gone as exc:
            raise NotThere(f"{target.name}: {target.network} knows no such account") from exc
        except NoBudget:
            return None
        except IngestError as exc:
            log.warning("network did not tell", lane=held.id, reason=str(exc))
        return None

    async def _poll(
        self, http: Http, held: HeldLane, source: Source, target: Target, credential: Credential
    ) -> None:
        """Ask as a reading of followers begins: with the profile. Raises _Told once it has come."""
        seen = Seen(observed_at=self._clock.now(), target=target)

        async def fetch(request: Request) -> Answer:
            """Spend one request, and stop as soon as the count is known."""
            await self._lanes.reserve(held, request)
            try:
                answer = await http.ask(held.lane.base_url, request)
            finally:
                self._lanes.ended(held)
            self._lanes.heard(held, source.allowance(answer, seen.observed_at))
            source.judge(answer, seen.observed_at)
            for profile in source.parse(answer.body, seen).profiles:
                if profile.counts.followers is not None:
                    raise _Told(profile.counts.followers)
            return answer

        async for _ in source.poll(fetch, target, credential, seen, None):
            return


def _asked(target: WatchedTarget) -> Target:
    return Target(network=target.network, kind="followers", name=target.name)


async def _from_lake(settings: Settings, targets: list[WatchedTarget]) -> dict[str, Stated]:
    """Return what the lake knows of accounts, if it answers."""
    found = {target.key: Stated() for target in targets}
    if not targets:
        return found
    keys = {(target.network, target.name): target.key for target in targets}
    where = Where(handles=tuple(target.name for target in targets))
    try:
        async with wiring.open_lake(settings) as lake:
            async for batch in lake.scan(Profile, where, raw=False):
                for profile in batch:
                    key = keys.get((profile.network, profile.handle.lower()))
                    if key is not None and profile.counts.followers is not None:
                        found[key] = Stated(followers=profile.counts.followers, told_by="lake")
    except Unreachable as exc:
        log.warning("lake was not asked", reason=str(exc))
    return found
