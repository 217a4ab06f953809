"""Asking for single posts again: the ladder of snapshots after a post was made, and proof that one
is gone.

Pages show what is recent; a post that left them grows unseen and is deleted unseen. So posts are
asked for directly 1 hour, 5 hours, 1 day and 7 days after they were made, where the source can
(`kinds` has "post"), no page has shown them at about that time, and the lane's budget has room
beside what is planned for its targets: a visit never takes the place of a poll. Not covered: posts
beyond the table's limit, rungs that come late because the lane had no budget to spare, and posts
whose lane another process has taken over. The first rung, 15 minutes, is left to the pages: a new
post still stands on them.
"""

from collections.abc import Awaitable, Callable
from typing import cast

from ingestor.contract import Target
from ingestor.dispatch import Parts
from ingestor.errors import IngestError, NoBudget, RateLimited, Refused
from ingestor.ladder import LADDER, NEAR, next_rung
from ingestor.lanes import HeldLane
from ingestor.revisit_file import Visit
from ingestor.spool_file import Full
from ingestor.walk import Poll
from lake.lines import milliseconds, record_of
from lake.records import Post

AT_ONCE = 20  # visits in one step: they must not delay the polls for long


class Revisits:
    """Makes the visits that are due. Life: `step` every minute or so, from one task."""

    def __init__(
        self,
        parts: Parts,
        *,
        poll_of: Callable[[HeldLane, Target], Poll],
        spare: Callable[[HeldLane], bool],
        failed: Callable[[HeldLane, IngestError], Awaitable[object]],
    ) -> None:  # fmt: skip
        self._spool = parts.spool
        self._pipeline = parts.pipeline
        self._lanes = parts.lanes
        self._clock = parts.clock
        self._now = parts.clock.now
        self._poll_of = poll_of
        self._spare = spare
        self._failed = failed

    async def step(self) -> int:
        """Make some of the visits that are due; return how many requests that took."""
        requests = 0
        steps: list[tuple[str, int | None, int]] = []
        # Only of lanes that can pay, or the overdue visits of one without would stand before all.
        lanes = [lane for lane in self._lanes.held if self._lane(lane) is not None]
        for visit in await self._spool.visits(milliseconds(self._now()), AT_ONCE, lanes):
            held = self._lane(visit.lane)
            if held is None:
                continue
            post = cast("Post", record_of("posts", visit.body))
            try:
                requests += await self._visit(held, post, visit)
            except (NoBudget, Full):
                continue  # still due
            except IngestError as exc:
                await self._failed(held, exc)
                if isinstance(exc, RateLimited | Refused):
                    continue
            made = None if post.created_at is None else milliseconds(post.created_at)
            now = milliseconds(self._now())
            steps.append((visit.id, *next_rung(made, now, after=visit.rung)))
        if steps:
            await self._spool.move_visits(steps)
        return requests

    async def _visit(self, held: HeldLane, post: Post, visit: Visit) -> int:
        near = LADDER[visit.rung] * 1000 * NEAR
        seen_at = await self._pipeline.last_snapshot(post.id)
        if seen_at is not None and seen_at >= visit.due - 2 * near:
            return 0  # a page has shown it
        target = Target(network=post.network, kind="post", name=post.native_id)
        held.visited(self._clock.monotonic())
        return (await self._pipeline.visit(self._poll_of(held, target), post)).requests

    def _lane(self, lane_id: str) -> HeldLane | None:
        """Return the lane a post was found through, if we hold it and it has budget to spare."""
        held = self._lanes.held.get(lane_id)
        return held if held is not None and self._spare(held) else None
