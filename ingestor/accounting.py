"""What polling came to, per target and hour: the ground of every data-quality panel. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from ingestor.contract import Target
from lake.contract import Line
from lake.lines import line_of, milliseconds
from lake.records import Gap, GapReason, Poll

HOUR = timedelta(hours=1)
_VERSION = timedelta(milliseconds=1)  # that a lake tells apart


class Hour(msgspec.Struct):
    """The numbers of one target in one hour, while they move."""

    planned: int = 0
    made: int = 0
    unchanged: int = 0
    failed: int = 0
    posts_seen: int = 0
    posts_new: int = 0
    rate_limited_seconds: float = 0.0
    told_aside: bool = False  # a part of an answer that was set aside has its gap already
    moved: bool = True  # since the last report
    told: datetime | None = None  # the observation time of the last line, its version
    part: str = ""  # sets an addition to an hour that was reported for good apart from it


class Accounts:
    """The hours of all targets of one process.

    `observer` is different at every start of a process, so a report of a restarted one adds to the
    hour's numbers instead of replacing them.
    """

    def __init__(self, *, observer: str) -> None:
        self._observer = observer
        self._hours: dict[tuple[str, datetime], Hour] = {}
        self._reports = 0
        self._forgotten: datetime | None = None  # hours before this one were reported for good

    def hour(self, target: str, now: datetime) -> Hour:
        """Return the numbers to add to for `target` at `now`."""
        start = _start(now)
        account = self._hours.get((target, start))
        if account is None:
            late = self._forgotten is not None and start < self._forgotten
            account = Hour(part=f"+{self._reports}" if late else "")
            self._hours[target, start] = account
        account.moved = True
        return account

    def plan(self, target: str, instants: Iterable[datetime], *, count: int = 1) -> None:
        """Count a poll planned for each instant, in its hour; -1 takes them back."""
        for instant in instants:
            self.hour(target, instant).planned += count

    def limited(self, target: str, since: datetime, until: datetime) -> None:
        """Count seconds in which the network's limits kept us from polling, each in its hour."""
        while since < until:
            end = min(until, _start(since) + HOUR)
            self.hour(target, since).rate_limited_seconds += (end - since).total_seconds()
            since = end

    def line(self, target: str, now: datetime) -> Line:
        """Return the present hour of one target as a line, to go with its page."""
        hour = _start(now)
        account = self._hours[target, hour]
        account.moved = False
        return line_of(self._record(target, hour, account, now))

    def report(self, now: datetime) -> list[Line]:
        """Return a line for each hour whose numbers moved, and forget the hours that are over."""
        lines = [self._moved(target, hour, now) for target, hour in list(self._hours)]
        self._reports += 1
        self._forgotten = _start(now)
        return [line for line in lines if line is not None]

    def _moved(self, target: str, hour: datetime, now: datetime) -> Line | None:
        account = self._hours[target, hour]
        if hour < _start(now):
            del self._hours[target, hour]
        if not account.moved:
            return None
        account.moved = False
        return line_of(self._record(target, hour, account, now))

    def _record(self, target: str, hour: datetime, account: Hour, now: datetime) -> Poll:
        # Of two lines of one instant a lake would keep either: the later one has a later version.
        account.told = now if account.told is None else max(now, account.told + _VERSION)
        return Poll(
            id=f"{target}@{hour:%Y-%m-%dT%H}@{self._observer}{account.part}",
            network=target.partition("/")[0],
            observed_at=account.told,
            target=target,
            hour=hour,
            observer=f"{self._observer}{account.part}",
            planned=account.planned,
            made=account.made,
            unchanged=account.unchanged,
            failed=account.failed,
            posts_seen=account.posts_seen,
            posts_new=account.posts_new,
            rate_limited_seconds=round(account.rate_limited_seconds, 3),
        )


def gap(
    target: Target | str,
    reason: GapReason,
    *,
    stretch: tuple[datetime, datetime],
    now: datetime,
    missed: int = 0,
    detail: str = "",
) -> Line:  # fmt: skip
    """Return the line of a stretch in which a target was not watched as planned."""
    since, until = stretch
    key = target if isinstance(target, str) else target.key
    record = Gap(
        id=f"{key}@{milliseconds(since)}",
        network=key.partition("/")[0],
        observed_at=now,
        target=key,
        reason=reason,
        detail=detail,
        since=since,
        until=max(since, until),
        polls_missed=missed,
    )
    return line_of(record)


def _start(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)
