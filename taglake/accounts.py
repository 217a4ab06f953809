"""What an operator does about accounts: look, take out of use, let back in, forget, distrust."""

from datetime import datetime

import msgspec

from registry import Registry
from registry.models import Lane
from taglake import wiring
from taglake.errors import BadSetting, NotThere
from taglake.settings import Settings

WHO = "command line"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account as the fleet knows it."""

    name: str  # "mastodon/reader-1": its source and the name it has in the settings
    state: str  # free, held, rests, quarantined
    reason: str | None  # why it is in quarantine
    since: datetime | None  # of the quarantine
    holder: str | None  # the process that polls through it
    until: datetime | None  # end of its rest, or of the holder's lease
    limit: int  # requests ...
    window: float  # ... in this many seconds
    configured: bool  # the settings at hand name it


async def list_accounts(settings: Settings) -> list[Account]:
    """Return all accounts the registry knows."""
    named = {wiring.lane_id(account) for account in settings.accounts}
    async with wiring.open_the_registry(settings) as registry:
        now, lanes = await registry.now(), await registry.lanes.list()
    return [_account(lane, now, configured=lane.id in named) for lane in lanes]


async def quarantine(settings: Settings, name: str, reason: str) -> Account:
    """Take an account out of use; its holder may spend no more. Raises NotThere."""
    async with wiring.open_the_registry(settings) as registry:
        await _known(registry, name)
        lane = await registry.lanes.quarantine(name, reason, who=WHO)
        return _account(lane, await registry.now(), configured=True)


async def release(settings: Settings, name: str) -> Account:
    """Let an account out of quarantine. Raises NotThere."""
    async with wiring.open_the_registry(settings) as registry:
        await _known(registry, name)
        lane = await registry.lanes.unquarantine(name, who=WHO)
        return _account(lane, await registry.now(), configured=True)


async def remove(settings: Settings, name: str) -> None:
    """Forget an account that the settings name no more. Raises NotThere, BadSetting."""
    if name in {wiring.lane_id(account) for account in settings.accounts}:
        raise BadSetting(
            f"account {name}: the settings name it, so the next start would bring it back with its "
            "budget unspent; delete its [[accounts]] block everywhere first"
        )
    async with wiring.open_the_registry(settings) as registry:
        await _known(registry, name)
        await registry.lanes.remove(name, who=WHO)


async def distrust(settings: Settings) -> int:
    """Take all budgets as spent and all leases as ended; return how many accounts there are.

    Those of the settings too that the registry does not know: they may be newer than its backup.
    """
    known = wiring.lanes_of(settings, wiring.sources())
    async with wiring.open_the_registry(settings) as registry:
        await registry.lanes.upsert(known)
        await registry.lanes.distrust(who=WHO)
        return len(await registry.lanes.list())


async def _known(registry: Registry, name: str) -> None:
    if name not in {lane.id for lane in await registry.lanes.list()}:
        raise NotThere(f"account {name!r}: there is none; `taglake account list` shows all")


def _account(lane: Lane, now: datetime, *, configured: bool) -> Account:
    held = lane.lease_until is not None and lane.lease_until > now
    rests = lane.cool_until is not None and lane.cool_until > now
    state = "rests" if rests else "held" if held else "free"
    return Account(
        name=lane.id,
        state="quarantined" if lane.quarantined_at else state,
        reason=lane.quarantine_reason,
        since=lane.quarantined_at,
        holder=lane.lease_owner if held else None,
        until=lane.cool_until if rests else lane.lease_until if held else None,
        limit=lane.limit,
        window=lane.window,
        configured=configured,
    )
