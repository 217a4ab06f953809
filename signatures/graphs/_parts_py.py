"""Neighbour lists and connected parts in numpy and Python: the compiled kernels' reference."""

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
# The neighbours of node i are targets[starts[i]:starts[i + 1]]; so are the weights, all above 0.
Lists = tuple[I64, I32, F64]


def neighbours(sources: I32, targets: I32, weights: F64, n: int) -> Lists:
    """Return (starts, targets, weights) of the neighbour lists: both directions, in edge order."""
    ends = np.stack([sources, targets], axis=1).ravel()
    others = np.stack([targets, sources], axis=1).ravel()
    order = np.argsort(ends, kind="stable")
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=n), out=starts[1:])
    return starts, others[order], np.repeat(weights, 2)[order]


def connected(lists: Lists, labels: I32) -> I32:
    """Return the connected parts of every group, numbered in the order of their first nodes."""
    starts, targets, _ = lists
    found, parts = [-1] * len(labels), 0
    for first in range(len(labels)):
        if found[first] != -1:
            continue
        found[first], stack = parts, [first]
        while stack:
            node = stack.pop()
            for other in targets[starts[node] : starts[node + 1]].tolist():
                if found[other] == -1 and labels[other] == labels[node]:
                    found[other] = parts
                    stack.append(other)
        parts += 1
    return np.array(found, np.int32)
