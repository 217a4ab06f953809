"""What the networks saw of their clients: the provider's own eyes, for tests and benchmarks."""

from array import array
from collections import Counter

import msgspec


class Record:
    """What one account did at one site. Instants are milliseconds in order of arrival."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit, self.seconds = limit, seconds
        self.stamps = array("q")
        self.refused = 0  # for the budget
        self.slot_violations = 0  # a hashtag more than the quota
        self.after_death = 0  # requests with a login that is dead
        self.statuses: Counter[int] = Counter()

    def worst(self) -> int:
        """Return the largest number of requests in any window; refused ones count, they were
        made.
        """
        length, first, most = int(self.seconds * 1_000), 0, 0
        for last, stamp in enumerate(self.stamps):
            while stamp - self.stamps[first] >= length:
                first += 1
            most = max(most, last - first + 1)
        return most


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came out for one account."""

    requests: int
    worst_window: int
    limit: int
    seconds: float
    refused: int
    slot_violations: int
    after_death: int
    statuses: dict[str, int]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What came out in all; `overspent` names accounts whose worst window was above their limit."""

    requests: int
    refused: int
    slot_violations: int
    overspent: list[str]
    accounts: dict[str, Verdict]


class Judge:
    """Keeps every request by account, eight bytes each, and says at any time who overspent."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def saw(self, account: str, now: int, *, window: tuple[int, float]) -> Record:
        """Write down a request of `account`, whose budget is `window`, and return its record."""
        record = self.records.get(account)
        if record is None:
            record = self.records[account] = Record(*window)
        record.stamps.append(now)
        return record

    def report(self) -> Report:
        """Return what came out so far."""
        accounts = {name: _verdict(record) for name, record in sorted(self.records.items())}
        found = accounts.values()
        return Report(
            requests=sum(one.requests for one in found),
            refused=sum(one.refused for one in found),
            slot_violations=sum(one.slot_violations for one in found),
            overspent=[name for name, one in accounts.items() if one.worst_window > one.limit],
            accounts=accounts,
        )


def _verdict(record: Record) -> Verdict:
    """Return what came out for one account."""
    return Verdict(
        requests=len(record.stamps),
        worst_window=record.worst(),
        limit=record.limit,
        seconds=record.seconds,
        refused=record.refused,
        slot_violations=record.slot_violations,
        after_death=record.after_death,
        statuses={str(status): count for status, count in sorted(record.statuses.items())},
    )
