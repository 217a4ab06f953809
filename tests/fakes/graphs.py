"""Graphs with known groups: generated ones, and the public ones where they are on this machine."""

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]
EMPTY = np.uint64(2**64 - 1)


class Known(NamedTuple):
    """A graph whose groups are known: the two nodes of each edge, once, and each node's group."""

    sources: I64
    targets: I64
    groups: I64


def planted(nodes: int, draws: int, groups: int, inside: float, *, seed: int) -> Known:
    """Return a graph in which a share of the edge draws falls inside the nodes' random groups."""
    return drawn(np.random.default_rng(seed).integers(0, groups, nodes), draws, inside, seed=seed)


def drawn(group: I64, draws: int, inside: float, *, seed: int) -> Known:
    """Return a graph in which a share of the edge draws falls inside these groups, 0 and up."""
    dice, nodes, groups = np.random.default_rng([seed, 1]), len(group), int(group.max()) + 1
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(groups + 1))
    one, other = dice.integers(0, nodes, (2, draws))
    mates = one[: int(draws * inside)]
    start, stop = bounds[group[mates]], bounds[group[mates] + 1]
    other[: len(mates)] = order[start + (dice.random(len(mates)) * (stop - start)).astype(int)]
    return Known(*once(one, other, nodes), group)


def once(one: I64, other: I64, nodes: int) -> tuple[I64, I64]:
    """Return each pair once, the smaller number first, without loops."""
    low, high = np.minimum(one, other), np.maximum(one, other)
    pairs = np.unique((low * nodes + high)[low != high])
    return pairs // nodes, pairs % nodes


def cliques(count: int, size: int) -> Known:
    """Return a ring of cliques, each joined to the next by one edge."""
    pairs = [
        (clique * size + a, clique * size + b)
        for clique in range(count)
        for a in range(size)
        for b in range(a)
    ]
    ring = [(clique * size, (clique + 1) % count * size + 1) for clique in range(count)]
    sources, targets = np.array(pairs + ring).T
    return Known(sources, targets, np.repeat(np.arange(count), size))


def public(folder: Path, name: str) -> Known:
    """Return lastfm_asia by country, facebook_pages by type or twitch_de by mature."""
    row = {"lastfm_asia": (0, 1), "facebook_pages": (0, 3), "twitch_de": (5, 2)}[name]
    one, other = np.array(rows(folder / name / "edges.csv.gz"), np.int64).T
    told = {int(line[row[0]]): line[row[1]] for line in rows(folder / name / "target.csv.gz")}
    _, groups = np.unique([told[node] for node in range(len(told))], return_inverse=True)
    return Known(*once(one, other, len(told)), groups)


def rows(path: Path) -> list[list[str]]:
    """Return the rows of a packed CSV file without its head."""
    return list(csv.reader(lines(path)))[1:]


def lines(path: Path) -> list[str]:
    """Return the lines of a packed text."""
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def email(folder: Path) -> Known:
    """Return who wrote (sources) to whom (targets) in email_eu_core, by department."""
    edges, labels = (
        np.array([line.split() for line in lines(folder / "email_eu_core" / name)], np.int64)
        for name in ("edges.txt.gz", "labels.txt.gz")
    )
    return Known(edges[:, 0], edges[:, 1], labels[np.argsort(labels[:, 0]), 1])


def minima(accounts: I64, followers: I64, n: int, *, slots: int = 128, salt: int = 0) -> U64:
    """Return one-permutation signatures of the audiences, empty slots 2**64 - 1."""
    mixed = followers.astype(np.uint64) + np.uint64(1 + 1_000_003 * salt)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)  # wraps around
    mixed ^= mixed >> np.uint64(31)
    found = np.full((n, slots), EMPTY)
    slot = (mixed % np.uint64(slots)).astype(np.int64)
    np.minimum.at(found, (accounts, slot), mixed // np.uint64(slots))
    return found
