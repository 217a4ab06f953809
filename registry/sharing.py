"""Which lanes a process asks their holders for, so that a fleet shares them evenly. Pure.

The first process of a fleet claims all lanes there are. A later one asks for some, and their
holders give them up in order at their next renewal: nobody's lease is ever cut short.
"""

from collections import Counter
from collections.abc import Sequence

from registry.models import Lane


def to_ask(leased: Sequence[Lane], owner: str) -> list[str]:
    """Return the ids of the lanes that `owner` should ask for.

    leased: lanes whose leases run and that `owner` can use. A lane that was asked for counts as its
    asker's. One moves only from who has at least two more, so an even fleet is left alone.

    >>> to_ask([Lane(id=name, source="s", network="n", account=name, base_url="", limit=1,
    ...              window=1.0, lease_owner="one") for name in "abc"], "two")
    ['c']
    """
    has = Counter(lane.wanted_by or lane.lease_owner for lane in leased)
    there: dict[str | None, list[str]] = {}
    for lane in sorted(leased, key=lambda lane: lane.id):
        if lane.wanted_by is None and lane.lease_owner != owner:
            there.setdefault(lane.lease_owner, []).append(lane.id)
    asked: list[str] = []
    while there:
        richest = max(there, key=lambda name: (has[name], name))
        if has[richest] < has[owner] + 2:
            break
        asked.append(there[richest].pop())
        has[richest] -= 1
        has[owner] += 1
        if not there[richest]:
            del there[richest]
    return asked
