"""Audiences on disk, of accounts in groups that share followers. Same seed, same followers."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fakes import busy_world
from fakes.shelves import shelved
from lake.records import Profile, ProfileCounts, Record

HOSTILE = {
    "runner0": "<script>window.hacked=1</script>",
    "runner1": "\"'><img src=x onerror=window.hacked=1>",
    "runner2": "\u202eעדה_רצה",  # turns what follows it, unless it is kept apart
}
BIOS = ("<b>trails</b> and marathon", "מרוצה וצלמת", "roses, seedlings, garden")


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


def _person(network: str, native: str, handle: str, bio: str, *, followers: int) -> Profile:
    return Profile(
        id=f"{network}:{native}",
        network=network,
        native_id=native,
        handle=handle,
        name=f"Name of {native}",
        bio=bio,
        counts=ProfileCounts(followers=followers),
        observed_at=busy_world.NOW,
        source="test",
        parser_version=1,
    )


def busy_audiences(folder: Path) -> list[Record]:
    """Write who follows the busy world's publishers, and return the profiles of these.

    On Mastodon three communities of twelve, of four runners nothing is known; on Bluesky two pairs
    that share followers, which is not better than chance.
    """
    groups = [[f"runner{number}" for number in range(first, first + 12)] for first in (0, 12, 24)]
    known = in_groups(groups, share=0.6)
    pairs = in_groups([["did:plc:a", "did:plc:b"], ["did:plc:c", "did:plc:d"]], share=0.8)
    shelved(folder, "mastodon", known, cut=frozenset({"runner3"}))
    shelved(folder, "bluesky", pairs)
    runners = [
        _person(
            "mastodon",
            name,
            HOSTILE.get(name, f"{name}@social.example"),
            BIOS[number // 12],
            followers=len(known[name]) + (300 if name == "runner3" else 0),
        )
        for number, name in enumerate(known)
    ]
    return runners + [
        _person("bluesky", name, f"{name[-1] * 4}.bsky.example", "", followers=len(pairs[name]))
        for name in pairs
    ]
