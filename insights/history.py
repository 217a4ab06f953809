"""The life of one post in numbers: every snapshot, and the ladder of ages to compare posts at."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from insights.overperforming import engagements_of
from insights.past import snapshots_of
from insights.periods import instant_of
from lake.contract import Lake, Where
from lake.records import Counts, PostCounts, Snapshot

RUNGS: dict[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "5h": timedelta(hours=5),
    "1d": timedelta(days=1),
    "7d": timedelta(days=7),
}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One snapshot: counts at an instant, and what changed since the one before (None: unknown)."""

    observed_at: datetime
    age_seconds: float | None  # of the post
    observer: str
    counts: PostCounts
    delta: PostCounts | None
    engagements: int | None
    gain: int | None  # engagements


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """The counts at the last snapshot not later than an age, and how old the post was then.

    All None if the post was not seen by that age; `reached` is False while it is younger.
    """

    rung: str
    seconds: float
    reached: bool
    age_seconds: float | None
    counts: PostCounts | None
    engagements: int | None


class History(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshots of one post up to an instant, oldest first, and its ladder."""

    post_id: str
    instant: datetime
    as_of: datetime | None
    created_at: datetime | None
    steps: tuple[Step, ...]
    ladder: tuple[Rung, ...]


async def history(
    lake: Lake, post_id: str, *, now: datetime, as_of: datetime | None = None
) -> History:
    """Return the metric history of one post; without steps if it was never seen."""
    instant = instant_of(now, as_of)
    where = Where(subject="post", subjects=(post_id,))
    shots = [shot async for shot in snapshots_of(lake, where, instant)]
    shots.sort(key=lambda shot: (shot.observed_at, shot.id))
    created = next((shot.created_at for shot in reversed(shots) if shot.created_at), None)
    return History(
        post_id=post_id,
        instant=instant,
        as_of=instant if as_of else None,
        created_at=created,
        steps=tuple(_step(shot) for shot in shots),
        ladder=ladder(shots, created, instant),
    )


def ladder(
    shots: Sequence[Snapshot], created: datetime | None, instant: datetime
) -> tuple[Rung, ...]:
    """Return the rungs of a post whose snapshots are given oldest first."""
    return tuple(_rung(name, age, shots, created, instant) for name, age in RUNGS.items())


def _rung(
    name: str,
    age: timedelta,
    shots: Sequence[Snapshot],
    created: datetime | None,
    instant: datetime,
) -> Rung:
    """Return one rung of a ladder."""
    by_then = [shot for shot in shots if created and shot.observed_at <= created + age]
    last = by_then[-1] if by_then else None
    return Rung(
        rung=name,
        seconds=age.total_seconds(),
        reached=created is not None and created + age <= instant,
        age_seconds=_age(last, created) if last else None,
        counts=_counts(last.counts) if last else None,
        engagements=engagements_of(last.counts) if last else None,
    )


def _step(shot: Snapshot) -> Step:
    """Return one step from a snapshot."""
    return Step(
        observed_at=shot.observed_at,
        age_seconds=_age(shot, shot.created_at),
        observer=shot.observer,
        counts=_counts(shot.counts),
        delta=_counts(shot.delta) if shot.delta else None,
        engagements=engagements_of(shot.counts),
        gain=engagements_of(shot.delta) if shot.delta else None,
    )


def _age(shot: Snapshot, created: datetime | None) -> float | None:
    """Return how many seconds old a post was at a snapshot."""
    return round((shot.observed_at - created).total_seconds(), 3) if created else None


def _counts(counts: Counts) -> PostCounts:
    """Return the counts that posts have."""
    return PostCounts(
        likes=counts.likes,
        comments=counts.comments,
        shares=counts.shares,
        views=counts.views,
        quotes=counts.quotes,
    )
