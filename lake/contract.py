"""What a lake promises, whichever engine is behind it.

One suite (`tests/lake/test_contract.py`) runs against every implementation with the same literal
answers.

Current tables (`posts`, `profiles`, `tags`, `comments`, `follows`, `audiences`, `polls`,
`rollups`) hold one record an id, the one with the highest version; append-only tables (`snapshots`,
`gaps`) have ids that are unique by construction, so a replay changes nothing there either. A write
is visible to readers after `flush`.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import msgspec

from lake.records import Record, Snapshot

R = TypeVar("R", bound=Record)

Interval = Literal["1h", "1d", "1w", "1M"]


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record ready to be written: its table, id, version and JSON bytes (one line, no newline).

    `version` is the observation time in milliseconds: a lower one never replaces a higher one, an
    equal one is harmless. `month` (YYYY.MM, or "undated") says which monthly index or partition
    holds the record, for ever.
    """

    table: str
    id: str
    version: int
    month: str
    body: bytes


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one line. `stored` and `stale` (a newer one was there) are final and good,
    `poison` is final and bad, `retry` and `parked` are not final (`parked` needs an operator).
    """

    outcome: Literal["stored", "stale", "poison", "retry", "parked"]
    reason: str = ""  # never text of the record


STORED = Verdict(outcome="stored")


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which records of a table are meant; every given field narrows, an empty one does not.

    `tags` and `handles` are one group: a record matches if it bears any of the tags OR was written
    by any of the handles. Range ends: `since` included, `until` excluded, on the field `time`. A
    record whose `time` is unknown is in no range.
    """

    ids: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()  # author_handle (posts, snapshots, comments) or handle (profiles)
    authors: tuple[str, ...] = ()  # author_id
    kinds: tuple[str, ...] = ()  # Post.kind
    exclude_kinds: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()  # Snapshot.subject_id
    subject: str | None = None  # Snapshot.subject
    accounts: tuple[str, ...] = ()  # Follow.account_id, Audience.account_id
    targets: tuple[str, ...] = ()  # Gap.target, Poll.target
    campaign: str | None = None  # Rollup.campaign_id
    words: tuple[str, ...] = ()  # all must occur in the text, whole words, case does not matter
    deleted: bool | None = None  # True: deleted_at is known; False: it is not
    at_least: tuple[str, int] | None = None  # a field of numbers, and its least value
    time: str = "created_at"
    since: datetime | None = None
    until: datetime | None = None


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """A number over a group of records.

    `count`; `sum`, `min`, `max`, `known` (how many records have the field) and `distinct` over
    `field` (dotted: "counts.likes", "delta.likes"). `sum`, `min`, `max` over no known value are
    None, not 0. Over posts, `field` may also be one of `lake.derived.DERIVED` ("engagements",
    "engagement_ppm").
    """

    kind: Literal["count", "sum", "min", "max", "known", "distinct"]
    field: str = ""

    @property
    def name(self) -> str:
        """Return the key the number is answered under: "count", "sum:counts.likes"."""
        return f"{self.kind}:{self.field}" if self.field else self.kind


COUNT = Metric(kind="count")

Numbers = dict[str, float | int | datetime | None]


class Bucket(msgspec.Struct, frozen=True, kw_only=True):
    """One interval of a series. `start` is its beginning in the asked time zone; `key` the
    breakdown's value.
    """

    start: datetime
    key: str | None = None
    numbers: Numbers


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """One value of a field and the numbers of its records."""

    key: str
    numbers: Numbers


class Distinct(msgspec.Struct, frozen=True, kw_only=True):
    """How many different values: exact when `error` is 0, else within +-`error` (relative, one
    sigma).
    """

    value: int
    error: float = 0.0


class Bin(msgspec.Struct, frozen=True, kw_only=True):
    """One bar of a histogram over [low, high)."""

    low: float
    high: float
    count: int


class Sort(msgspec.Struct, frozen=True, kw_only=True):
    """An order of records: by `field`, unknown last, ties by id ascending.

    `engagements` is allowed beside plain fields: likes + comments + shares, unknown parts as 0.
    """

    field: str = "created_at"
    descending: bool = True


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some records in order, and the cursor that continues behind them (None: there are no
    more).
    """

    records: list[Record]
    cursor: str | None = None


class Writer(Protocol):
    """The half of a lake that a sender needs."""

    async def write(self, lines: Sequence[Line]) -> list[Verdict]:
        """Write lines and return one verdict each, in order.

        Raises Unavailable, TooLarge or Refused when there is no verdict for single lines.
        """
        ...

    async def flush(self) -> None:
        """Return when all that was written is visible to readers."""
        ...


class Lake(Writer, Protocol):
    """A store of records. Made by `taglake.wiring`, opened once, closed by who opened it."""

    async def open(self) -> None:
        """Make or check tables and mappings; idempotent. Raises Unavailable, Misplaced."""
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...

    async def append(self, records: Sequence[Record]) -> None:
        """Write records and flush; raises LakeError unless every one is stored or stale."""
        ...

    async def get(self, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Return the newest records with these ids; a missing id is left out."""
        ...

    def scan(self, kind: type[R], where: Where, *, raw: bool = True) -> AsyncIterator[list[R]]:
        """Yield all records that match, in batches, ordered by id; without their `raw` if it is
        not asked for.
        """
        ...

    async def page(
        self, kind: type[R], where: Where, *, sort: Sort, limit: int = 50, cursor: str | None = None
    ) -> Page:
        """Return up to `limit` (1-1000) records, without `raw`. Raises BadQuestion for a foreign
        cursor.
        """
        ...

    async def totals(self, kind: type[R], where: Where, metrics: Sequence[Metric]) -> Numbers:
        """Return each metric over all records that match."""
        ...

    async def tallies(
        self, kind: type[R], wheres: Sequence[Where], metrics: Sequence[Metric]
    ) -> list[Numbers]:
        """Return what `totals` says of each filter, in order, in one question."""
        ...

    async def series(
        self,
        kind: type[R],
        where: Where,
        *,
        interval: Interval,
        timezone: str = "UTC",
        metrics: Sequence[Metric] = (COUNT,),
        breakdown: str | None = None,
    ) -> list[Bucket]:
        """Return the metrics by interval of `where.time`, ordered by start, then key; empty buckets
        left out.

        Days, weeks (from Monday) and months are those of `timezone`, daylight saving included.
        `breakdown` is a field; over a list field ("tags") a record counts once under each value.
        """
        ...

    async def top(
        self,
        kind: type[R],
        where: Where,
        *,
        by: str,
        metrics: Sequence[Metric] = (COUNT,),
        order: Metric = COUNT,
        limit: int = 10,
    ) -> list[Group]:
        """Return the `limit` values of field `by` with the highest `order` metric, ties by key
        ascending.
        """
        ...

    async def distinct(self, kind: type[R], where: Where, field: str) -> Distinct:
        """Return how many different known values `field` has."""
        ...

    async def histogram(
        self, kind: type[R], where: Where, field: str, *, width: float
    ) -> list[Bin]:
        """Return counts of records by `field` in bins [i * width, (i + 1) * width), empty ones
        left out.
        """
        ...

    async def newest(self, kind: type[R], where: Where, *, by: str) -> dict[str, R]:
        """Return the newest record by `where.time`, ties by id, of each value of a field of single
        words, without `raw`; of the 1,000 values that have the newest ones.
        """
        ...

    def at(self, where: Where, instant: datetime) -> AsyncIterator[list[Snapshot]]:
        """Yield the last snapshot not later than `instant` of each subject that matches, ordered
        by subject.
        """
        ...

    async def delete(self, kind: type[R], where: Where) -> int:
        """Delete what matches and return how many records went. Raises BadQuestion for an empty
        `where`.
        """
        ...
