# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Neighbour lists and connected parts with the GIL released, as in `_parts_py`."""

import numpy as np

from libc.stdint cimport int32_t, int64_t


def neighbours(
    const int32_t[::1] sources, const int32_t[::1] targets, const double[::1] weights, int n
):
    """Return (starts, targets, weights) of the neighbour lists: both directions, in edge order."""
    cdef Py_ssize_t edge, at
    starts_, filled_ = np.zeros(n + 1, np.int64), np.zeros(n, np.int64)
    ends_ = np.empty(2 * sources.shape[0], np.int32)
    values_ = np.empty(2 * sources.shape[0], np.float64)
    cdef int64_t[::1] starts = starts_, filled = filled_
    cdef int32_t[::1] ends = ends_
    cdef double[::1] values = values_
    with nogil:
        for edge in range(sources.shape[0]):
            starts[sources[edge] + 1] += 1
            starts[targets[edge] + 1] += 1
        for at in range(n):
            starts[at + 1] += starts[at]
            filled[at] = starts[at]
        for edge in range(sources.shape[0]):
            at = filled[sources[edge]]
            filled[sources[edge]] += 1
            ends[at] = targets[edge]
            values[at] = weights[edge]
            at = filled[targets[edge]]
            filled[targets[edge]] += 1
            ends[at] = sources[edge]
            values[at] = weights[edge]
    return starts_, ends_, values_


def connected(tuple lists, const int32_t[::1] labels):
    """Return the connected parts of every group, numbered in the order of their first nodes."""
    cdef const int64_t[::1] starts = lists[0]
    cdef const int32_t[::1] targets = lists[1]
    cdef Py_ssize_t n = labels.shape[0], first, at, depth
    cdef int32_t node, parts = 0
    found_, stack_ = np.full(n, -1, np.int32), np.empty(n, np.int32)
    cdef int32_t[::1] found = found_, stack = stack_
    with nogil:
        for first in range(n):
            if found[first] != -1:
                continue
            found[first] = parts
            stack[0] = first
            depth = 1
            while depth > 0:
                depth -= 1
                node = stack[depth]
                for at in range(starts[node], starts[node + 1]):
                    if found[targets[at]] == -1 and labels[targets[at]] == labels[node]:
                        found[targets[at]] = parts
                        stack[depth] = targets[at]
                        depth += 1
            parts += 1
    return found_
