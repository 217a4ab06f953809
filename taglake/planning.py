"""The forecast of a campaign, for a terminal."""

from registry.models import CampaignDraft
from registry.plan import Plan, PlannedTarget
from taglake import wiring
from taglake.settings import Settings


async def forecast(settings: Settings, draft: CampaignDraft) -> Plan:
    """Return what `draft` would cost with the accounts of the settings. Raises TaglakeError."""
    async with wiring.open_the_registry(settings) as registry:
        await registry.lanes.upsert(wiring.lanes_of(settings, wiring.sources()))
        return await registry.plan(draft)


def told(plan: Plan) -> str:
    """Return a plan as lines for a terminal."""
    lines = [f"{'target':<40} {'lane':<28} {'polls/h':>8}  expected delay"]
    lines += [_target(target) for target in plan.targets]
    needed, there = plan.requests_per_hour, plan.capacity_per_hour
    lines.append(f"{needed:.1f} requests/h of {there:.0f} that the lanes allow")
    if plan.slots_free is not None:
        lines.append(f"{plan.slots_needed} hashtag slots of {plan.slots_free} that are free")
    lines += [
        f"does not fit: {reason.field} = {reason.value}: {reason.why}" for reason in plan.reasons
    ]
    lines += [
        f"would fit on {room.network}: {room.hashtags} hashtags, {room.profiles} profiles"
        if room.lanes
        else f"no account for {room.network}: leave it out, or add one to taglake.toml"
        for room in plan.would_fit
    ]
    return "\n".join(lines)


def _target(target: PlannedTarget) -> str:
    delay = "unknown" if target.freshness is None else f"{target.freshness / 60:.1f} min"
    slot = ", takes a hashtag slot" if target.slot else ""
    lane = target.lane or "-"
    return f"{target.target:<40} {lane:<28} {target.polls_per_hour:>8.1f}  {delay}{slot}"
