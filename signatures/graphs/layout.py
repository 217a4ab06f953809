"""Where to draw the nodes of a small graph, so that what belongs together lies together."""

import numpy as np

from signatures.arrays import F64, I64
from signatures.errors import BadArray

MOST = 1_000  # nodes; each pushes each away
_ROUNDS = 200


def layout(sources: I64, targets: I64, weights: F64, groups: I64, *, n: int) -> F64:
    """Return a place for each node, shape (n, 2), within [-1, 1]; the same arguments, the same map.

    Nodes start on a circle, group by group, then linked ones attract and all push each other away
    while the steps shrink. O(n * n) for each of 200 rounds. Raises BadArray for more than 1,000.
    Source: Fruchterman and Reingold 1991.
    """
    if n > MOST:
        raise BadArray("n", n, f"draw at most {MOST}")
    places = _circle(groups, n)
    pull = np.zeros((n, n))
    np.add.at(pull, (sources, targets), weights)
    pull += pull.T
    pull *= 8 / pull.max() if pull.any() else 1.0
    spring = 1.0 / np.sqrt(max(n, 1))
    for step in np.linspace(0.1, 0.002, _ROUNDS):
        away = places[:, None] - places[None]
        apart = np.maximum(np.hypot(away[..., 0], away[..., 1]), 1e-6)
        force = spring**2 / apart**2 - pull * apart / spring
        moves = (away * force[..., None]).sum(axis=1) - 0.5 * places  # a little towards the middle
        length = np.maximum(np.hypot(moves[:, 0], moves[:, 1]), 1e-9)
        places = places + moves / length[:, None] * np.minimum(length, step)[:, None]
    return places / max(float(np.abs(places).max(initial=0.0)), 1e-9)


def _circle(groups: I64, n: int) -> F64:
    """Return places on a circle, those of one group side by side."""
    order = np.argsort(groups, kind="stable")
    angle = np.empty(n)
    angle[order] = 2 * np.pi * np.arange(n) / max(n, 1)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)
