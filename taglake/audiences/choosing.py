"""What an operator does about audiences: choose whose are collected, look, stop."""

from collections.abc import Callable, Sequence

import msgspec

from taglake import wiring
from taglake.audiences.plan import AudiencePlan, network_of, plan_audiences
from taglake.audiences.states import AudienceState, states_of
from taglake.settings import Settings

WHO = "command line"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Whose followers somebody wants, and how often."""

    handles: tuple[str, ...]
    network: str
    every_days: int | None  # None: once


async def collect(
    settings: Settings, choice: Choice, *, agreed: Callable[[AudiencePlan], bool]
) -> AudiencePlan:
    """Plan the audiences, and register them if they fit and `agreed` says yes; return the plan.

    Raises BadSetting, BadField, NotThere.
    """
    async with wiring.open_the_registry(settings) as registry:
        plan = await plan_audiences(settings, registry, choice.handles, network=choice.network)
        if not agreed(plan) or not plan.fits:
            return plan
        for one in plan.audiences:
            await registry.audiences.add(
                one.network, one.handle, every_days=choice.every_days, who=WHO
            )
    return msgspec.structs.replace(plan, registered=True)


async def states(settings: Settings) -> list[AudienceState]:
    """Return how far every wanted audience is."""
    async with wiring.open_the_registry(settings) as registry:
        wanted = await registry.audiences.list()
    return await states_of(settings, wanted)


async def stop(settings: Settings, handles: Sequence[str], *, network: str) -> None:
    """Want the followers of some accounts no longer. Raises BadSetting, BadField, Unknown."""
    network = network_of(network, wiring.sources())
    async with wiring.open_the_registry(settings) as registry:
        for handle in handles:
            await registry.audiences.remove(network, handle, who=WHO)
