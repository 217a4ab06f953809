"""Local moves in Python: the reference of the compiled kernel, about 100 times slower."""

from collections import deque

import numpy as np

from signatures.graphs._parts_py import F64, I32, Lists

LEAST = 1e-12  # a gain below is rounding: moving for it would never end
VISITS = 100  # of a node on average; a few are usual


def settle(lists: Lists, strengths: F64, labels: I32, order: I32, rate: float) -> I32:
    """Return labels in which no node gains by joining a neighbour's group.

    labels: the group of every node at the start, shape (n,), in [0, n). order: all nodes, in the
    order of their first visits. rate: the resolution over the sum of the strengths. A node gains
    what its links to a group exceed rate * its strength * the group's volume by; of equal gains
    the group met first wins. A move calls the neighbours back (Ozaki 2016, Traag 2019). Ends after
    100 visits a node at most; O(visits * neighbours).
    """
    starts, targets, weights = lists
    found = labels.tolist()
    volumes = np.bincount(labels, strengths, len(labels)).tolist()
    queue, queued = deque(order.tolist()), [True] * len(labels)
    left = VISITS * len(labels)
    while queue and left:
        node = queue.popleft()
        left -= 1
        queued[node] = False
        near = targets[starts[node] : starts[node + 1]].tolist()
        strength = float(strengths[node])
        volumes[found[node]] -= strength
        links = _links(near, weights[starts[node] : starts[node + 1]].tolist(), found)
        best = _best(links, found[node], volumes, rate * strength)
        volumes[best] += strength
        if best == found[node]:
            continue
        found[node] = best
        for other in near:
            if found[other] != best and not queued[other]:
                queued[other] = True
                queue.append(other)
    return np.array(found, np.int32)


def _links(near: list[int], weights: list[float], labels: list[int]) -> dict[int, float]:
    """Return the weight of a node's links to each group, in the order they are met."""
    links: dict[int, float] = {}
    for other, weight in zip(near, weights, strict=True):
        links[labels[other]] = links.get(labels[other], 0.0) + weight
    return links


def _best(links: dict[int, float], own: int, volumes: list[float], cost: float) -> int:
    """Return the group a node gains most in; its own if no other is better."""
    best, most = own, links.get(own, 0.0) - cost * volumes[own] + LEAST
    for group, weight in links.items():
        gain = weight - cost * volumes[group]
        if gain > most:
            best, most = group, gain
    return best


def condense(lists: Lists, labels: I32, groups: int) -> Lists:
    """Return (starts, targets, weights) of the graph whose nodes are the groups, loops left out.

    labels: the group of every node, in [0, groups). A group's neighbours stand in the order they
    are met, its members in the order of their numbers. O(n log n + edges).
    """
    starts, targets, weights = lists
    links: list[dict[int, float]] = [{} for _ in range(groups)]
    for node, group in enumerate(labels.tolist()):
        for at in range(starts[node], starts[node + 1]):
            other = int(labels[targets[at]])
            if other != group:
                links[group][other] = links[group].get(other, 0.0) + float(weights[at])
    found = np.zeros(groups + 1, np.int64)
    np.cumsum([len(row) for row in links], out=found[1:])
    ends = np.array([other for row in links for other in row], np.int32)
    values = np.array([weight for row in links for weight in row.values()], np.float64)
    return found, ends, values
