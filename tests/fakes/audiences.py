"""Audiences on disk, of accounts in groups that share followers. Same seed, same followers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from signatures import Writer
from signatures.hashing import id_of

Followers = Mapping[str, Sequence[int]]
"""Numbers of people by the account they follow."""


def in_groups(
    groups: Sequence[Sequence[str]],
    *,
    circle: int = 400,
    share: float = 0.4,
    strangers: int = 200,
    seed: int = 5,
) -> dict[str, list[int]]:
    """Return followers of accounts: a share of the circle around its group, and some strangers.

    The first account of a group has three times as many strangers as its last.
    """
    dice = np.random.default_rng(seed)
    found: dict[str, list[int]] = {}
    for number, group in enumerate(groups):
        people = np.arange(circle) + number * circle
        for place, account in enumerate(group):
            own = int(strangers * (0.5 + 1.0 - place / max(len(group), 1)))
            fans = dice.choice(people, int(circle * share), replace=False)
            others = dice.integers(10_000_000, 2**40, own)
            found[account] = [*fans.tolist(), *others.tolist()]
    return found


def write_audiences(
    folder: Path, network: str, found: Followers, *, cut: Sequence[str] = ()
) -> None:
    """Write the audiences of a network where `Book(folder)` finds them. cut: whose lists are not
    complete.
    """
    accounts = list(found)
    keys = np.array([id_of(account) for account in accounts], dtype=np.uint64)
    lists = [np.array(found[account], dtype=np.uint64) for account in accounts]
    rows = np.repeat(np.arange(len(accounts)), [len(one) for one in lists])
    names = np.array(accounts, dtype=object)
    with Writer(folder / network, shards=4) as writer:
        with writer.changes() as changes:
            changes.add(keys[rows], np.concatenate(lists), lambda places: names[rows[places]])
            order = {
                int(key): account not in cut for key, account in zip(keys, accounts, strict=True)
            }
            complete = np.array([order[int(key)] for key in changes.keys])
            writer.apply(changes, "replace", complete=complete)
        writer.sign()
