"""Posts whose engagement spikes: that gain far faster than they did so far.

Engagement of an ordinary post decays, so its mean rate since publication bounds what it should gain
next. A step between two snapshots is a spike if its gain

- is at least 20 engagements (below that a ratio says nothing),
- is at least 3 times what the post's own mean rate so far would have brought in the step, and
- lies beyond chance: above expected + 4 x sqrt(expected), four deviations of a Poisson count.

The step has to begin an hour or more after publication (before, there is no rate to speak of) and
to be no longer than a day (a longer one is a hole in our watching). No other post is needed to
judge one, so a spike found once stays found, whatever else is collected later.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from math import ceil, sqrt

import msgspec

from insights.overperforming import engagements_of
from insights.periods import MILLISECOND, Header, Side, header, side_named, where_of, whole
from lake.contract import Lake, Sort, Where
from lake.records import Post, Snapshot
from registry.models import Campaign

MIN_GAIN = 20  # engagements
MIN_RATIO = 3.0
DEVIATIONS = 4.0
MIN_AGE = timedelta(hours=1)
MAX_STEP = timedelta(days=1)

_HOUR = timedelta(hours=1)
_KINDS = ("likes", "comments", "shares")

# Steps with the highest gain, looked at for each kind of count. More cost the
# live report more than all of its sums together.
CANDIDATES = 500


class Spike(msgspec.Struct, frozen=True, kw_only=True):
    """The strongest spike of one post: what it gained in [since, until), and what was expected."""

    post_id: str
    author_handle: str | None
    since: datetime
    until: datetime
    gain: int  # engagements
    expected: float  # engagements
    ratio: float  # gain / expected
    per_hour: float  # engagements an hour
    url: str | None = None


class Spikes(msgspec.Struct, frozen=True, kw_only=True):
    """The posts that spiked, strongest gain first.

    `complete` is False if there may be more: only the steps with the highest gains were looked at.
    """

    header: Header
    side: str
    count: int  # posts
    complete: bool
    spikes: tuple[Spike, ...]


async def spikes(
    lake: Lake,
    campaign: Campaign,
    *,
    now: datetime,
    as_of: datetime | None = None,
    side: str | None = None,
    limit: int = 50,
) -> Spikes:
    """Return the posts of a side that spiked while they were watched."""
    head = header(campaign, now=now, as_of=as_of)
    chosen = side_named(campaign, side)
    steps, complete = await _candidates(lake, campaign, chosen, head.instant)
    found = await _without_reposts(lake, strongest(steps))
    return Spikes(
        header=head,
        side=chosen.name,
        count=len(found),
        complete=complete,
        spikes=tuple(found[:limit]),
    )


def spike_of(step: Snapshot) -> Spike | None:
    """Return the spike a snapshot shows, None if it shows none."""
    gain = engagements_of(step.delta) if step.delta else None
    now = engagements_of(step.counts)
    if gain is None or now is None or step.previous_at is None or step.created_at is None:
        return None
    age = step.previous_at - step.created_at
    length = step.observed_at - step.previous_at
    if age < MIN_AGE or not timedelta() < length <= MAX_STEP:
        return None
    expected = (now - gain) / (age / _HOUR) * (length / _HOUR)
    if not _beyond(gain, expected):
        return None
    return Spike(
        post_id=step.subject_id,
        author_handle=step.author_handle,
        since=step.previous_at,
        until=step.observed_at,
        gain=gain,
        expected=round(expected, 4),
        ratio=round(gain / max(expected, 1.0), 4),
        per_hour=round(gain / (length / _HOUR), 4),
    )


def strongest(steps: Iterable[Snapshot]) -> list[Spike]:
    """Return the spike with the highest gain of each post, highest first, ties by post."""
    best: dict[str, Spike] = {}
    for step in steps:
        spike = spike_of(step)
        if spike:
            best[spike.post_id] = min(spike, best.get(spike.post_id, spike), key=_rank)
    return sorted(best.values(), key=lambda spike: (-spike.gain, spike.post_id))


def _rank(spike: Spike) -> tuple[int, datetime]:
    """Return a key that sorts the highest gain first, the earliest of equals."""
    return -spike.gain, spike.until


def _beyond(gain: int, expected: float) -> bool:
    """Tell whether a gain is large, a multiple of the expected one and not chance."""
    chance = expected + DEVIATIONS * sqrt(max(expected, 0.0))
    return gain >= MIN_GAIN and gain >= MIN_RATIO * expected and gain > chance


async def _candidates(
    lake: Lake, campaign: Campaign, side: Side, instant: datetime
) -> tuple[list[Snapshot], bool]:
    """Return the steps with the highest gains by each kind of count, and whether those are all.

    Never a scan: at ten million snapshots that takes minutes, and small steps cannot be spikes.
    """
    since, until = whole(campaign, instant)
    posts = where_of(campaign, side)
    where = Where(
        networks=posts.networks,
        tags=posts.tags,
        handles=posts.handles,
        subject="post",
        time="observed_at",
        since=since,
        until=until + MILLISECOND,
    )
    pages = await asyncio.gather(*(_highest(lake, where, kind) for kind in _KINDS))
    steps = {shot.id: shot for shots, _ in pages for shot in shots}
    return [steps[name] for name in sorted(steps)], all(complete for _, complete in pages)


async def _highest(lake: Lake, where: Where, kind: str) -> tuple[list[Snapshot], bool]:
    """Return the steps with the highest gain of one kind, and whether those are all."""
    field = f"delta.{kind}"
    # A spike has one count that gained at least a third of the least gain.
    bounded = msgspec.structs.replace(where, at_least=(field, ceil(MIN_GAIN / len(_KINDS))))
    page = await lake.page(Snapshot, bounded, sort=Sort(field=field), limit=CANDIDATES)
    shots = [shot for shot in page.records if isinstance(shot, Snapshot)]
    return shots, page.cursor is None


async def _without_reposts(lake: Lake, found: list[Spike]) -> list[Spike]:
    """Leave out reposts, which show the original's counts, and tell where the posts are."""
    posts = await lake.get(Post, [spike.post_id for spike in found]) if found else {}
    return [
        msgspec.structs.replace(spike, url=posts[spike.post_id].url)
        if spike.post_id in posts
        else spike
        for spike in found
        if spike.post_id not in posts or posts[spike.post_id].kind != "repost"
    ]
