"""How far wanted audiences are read: the registry says who is wanted, the lake how far that is."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from lake.contract import Lake, Where
from lake.records import Audience, AudienceReason, Gap
from registry.models import WatchedAudience
from taglake import wiring
from taglake.settings import Settings

State = Literal["waiting", "reading", "whole", "partial"]


class AudienceState(msgspec.Struct, frozen=True, kw_only=True):
    """One audience as `taglake audience list` shows it."""

    network: str
    handle: str
    lane: str | None
    every_days: int | None
    added_at: datetime
    added_by: str
    state: State  # waiting: no page yet; reading: under way; whole or partial: it has ended
    account_id: str | None = None  # None: no page has told it yet
    seen: int = 0  # followers the present or last reading listed
    stated: int | None = None
    complete: bool = False
    reason: AudienceReason | None = None  # why it is not complete
    whole_from: datetime | None = None  # start of the last reading that listed everyone
    started_at: datetime | None = None
    ended_at: datetime | None = None
    next_at: datetime | None = None  # of the next reading; None: now, or never
    trouble: str | None = None  # what the network last said instead of a list

    @property
    def target(self) -> str:
        """Return the key of its target."""
        return f"{self.network}/followers/{self.handle}"


async def states_of(settings: Settings, wanted: Sequence[WatchedAudience]) -> list[AudienceState]:
    """Return how far each audience is, in order. Raises Unreachable."""
    if not wanted:
        return []
    async with wiring.open_lake(settings) as lake:
        known = await _audiences(lake)
        troubles = await _troubles(lake, wanted)
    return [
        _state(one, known.get((one.network, one.handle)), troubles.get(one.target))
        for one in wanted
    ]


async def _audiences(lake: Lake) -> dict[tuple[str, str], Audience]:
    """Return the newest audience of each network and handle."""
    found: dict[tuple[str, str], Audience] = {}
    async for batch in lake.scan(Audience, Where()):
        for one in batch:
            other = found.get((one.network, one.handle))
            if other is None or other.observed_at < one.observed_at:
                found[one.network, one.handle] = one
    return found


async def _troubles(lake: Lake, wanted: Sequence[WatchedAudience]) -> dict[str, Gap]:
    """Return the last gap of each target that has one."""
    where = Where(targets=tuple(one.target for one in wanted), time="since")
    return await lake.newest(Gap, where, by="target")


def _state(wanted: WatchedAudience, known: Audience | None, gap: Gap | None) -> AudienceState:
    bare = AudienceState(
        network=wanted.network,
        handle=wanted.handle,
        lane=wanted.lane,
        every_days=wanted.every_days,
        added_at=wanted.added_at,
        added_by=wanted.added_by,
        state="waiting",
        trouble=None if gap is None else gap.detail,
    )
    if known is None:
        return bare
    later = gap is not None and gap.since >= known.observed_at
    return msgspec.structs.replace(
        bare,
        state=_word(known),
        account_id=known.id,
        seen=known.seen,
        stated=known.stated,
        complete=known.complete,
        reason=known.reason,
        whole_from=known.whole_from,
        started_at=known.started_at,
        ended_at=known.ended_at,
        next_at=_next(wanted, known),
        trouble=bare.trouble if later or known.reason == "gone" else None,
    )


def _word(known: Audience) -> State:
    if known.ended_at is None:
        return "reading"
    return "whole" if known.complete else "partial"


def _next(wanted: WatchedAudience, known: Audience) -> datetime | None:
    if known.ended_at is None or wanted.every_days is None:
        return None
    return max(known.ended_at, known.started_at + timedelta(days=wanted.every_days))


def line(one: AudienceState) -> str:
    """Return one audience as a line for a terminal."""
    stated = "?" if one.stated is None else f"{one.stated:,}"
    read = "-" if one.account_id is None else f"{one.seen:,} of {stated}"
    return "\t".join([one.network, one.handle, one.state, read, _remark(one), one.lane or "-"])


def _remark(one: AudienceState) -> str:
    """Return why it is not complete, or when it is read next."""
    parts = []
    if one.lane is None:
        parts.append("no account can list it: add one to taglake.toml")
    if one.reason is not None and one.reason != one.state:
        parts.append(_REASONS[one.reason])
    if one.trouble:
        parts.append(f"the network said: {one.trouble}")
    if one.whole_from is not None and one.state != "whole":
        parts.append(f"whole as of {one.whole_from:%Y-%m-%d}")
    if one.next_at is not None:
        parts.append(f"again on {one.next_at:%Y-%m-%d}")
    return "; ".join(parts) or "-"


_REASONS: dict[AudienceReason, str] = {
    "reading": "the list has not ended yet",
    "hidden": "the account hides its list",
    "short": "the server lists fewer than it states",
    "endless": "the server's list does not end",
    "unstated": "the network does not say how many there are",
    "gone": "the account is not there",
}
