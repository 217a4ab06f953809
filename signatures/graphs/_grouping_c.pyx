# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Local moves with the GIL released: what `_grouping_py` does, in the same order."""

import numpy as np

from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define TAGLAKE_PREFETCH(address) __builtin_prefetch(address)
    #else
    #define TAGLAKE_PREFETCH(address) ((void)0)
    #endif
    """
    void TAGLAKE_PREFETCH(const void* address) noexcept nogil

cdef double LEAST = 1e-12  # a gain below is rounding: moving for it would never end
cdef int64_t VISITS = 100  # of a node on average; a few are usual


cdef inline void _fetch(const int32_t* lists, const double* weights) noexcept nogil:
    """Ask the memory for the first 48 neighbours of the node to come."""
    cdef int at
    for at in range(0, 48, 16):
        TAGLAKE_PREFETCH(lists + at)
    for at in range(0, 48, 8):
        TAGLAKE_PREFETCH(weights + at)


def settle(
    tuple lists, const double[::1] strengths, labels, const int32_t[::1] order, double rate
):
    """Return labels in which no node gains by joining a neighbour's group."""
    cdef const int64_t[::1] starts = lists[0]
    cdef const int32_t[::1] targets = lists[1]
    cdef const double[::1] weights = lists[2]
    cdef Py_ssize_t n = strengths.shape[0], at, seen, head = 0, waiting = n, place, ahead
    cdef int32_t node, group, own, best
    cdef double gain, most, cost
    cdef int64_t left = VISITS * n
    found_ = np.array(labels, np.int32)
    groups_ = np.zeros(2 * n)  # links to the node looked at, volume: side by side in one line
    groups_[1::2] = np.bincount(found_, strengths, n)
    touched_ = np.empty(n + 1, np.int32)
    queue_, queued_ = np.array(order, np.int32), np.ones(n, np.uint8)
    cdef int32_t[::1] found = found_, touched = touched_, queue = queue_
    cdef double[::1] groups = groups_
    cdef uint8_t[::1] queued = queued_
    with nogil:
        while waiting > 0 and left > 0:
            node = queue[head]
            head = head + 1 if head + 1 < n else 0
            waiting -= 1
            left -= 1
            queued[node] = 0
            if waiting > 1:  # its neighbours are far away in memory: half of the time is waiting
                ahead = starts[queue[head + 1 if head + 1 < n else 0]]
                _fetch(&targets[0] + ahead, &weights[0] + ahead)
            own = found[node]
            seen = 0
            for at in range(starts[node], starts[node + 1]):
                group = found[targets[at]]
                touched[seen] = group
                seen += not groups[2 * group] > 0.0  # without a branch: no guess fails
                groups[2 * group] += weights[at]
            groups[2 * own + 1] -= strengths[node]
            cost = rate * strengths[node]
            best = own
            most = groups[2 * own] - cost * groups[2 * own + 1] + LEAST
            for at in range(seen):
                group = touched[at]
                gain = groups[2 * group] - cost * groups[2 * group + 1]
                groups[2 * group] = 0.0
                if gain > most:
                    best = group
                    most = gain
            groups[2 * best + 1] += strengths[node]
            if best == own:
                continue
            found[node] = best
            for at in range(starts[node], starts[node + 1]):
                if found[targets[at]] != best and not queued[targets[at]]:
                    queued[targets[at]] = 1
                    place = head + waiting if head + waiting < n else head + waiting - n
                    queue[place] = targets[at]
                    waiting += 1
    return found_


def condense(tuple lists, const int32_t[::1] labels, int groups):
    """Return (starts, targets, weights) of the graph whose nodes are the groups, loops left out."""
    cdef const int64_t[::1] starts = lists[0]
    cdef const int32_t[::1] targets = lists[1]
    cdef const double[::1] weights = lists[2]
    cdef Py_ssize_t at, member, seen, ahead, out = 0
    cdef int32_t group, other, node
    members_ = np.argsort(labels, kind="stable").astype(np.int32)
    bounds_ = np.searchsorted(np.asarray(labels)[members_], np.arange(groups + 1))
    found_, links_ = np.zeros(groups + 1, np.int64), np.zeros(groups)
    touched_ = np.empty(groups + 1, np.int32)
    ends_, values_ = np.empty(targets.shape[0], np.int32), np.empty(targets.shape[0])
    cdef int32_t[::1] members = members_, touched = touched_, ends = ends_
    cdef int64_t[::1] bounds = bounds_, found = found_
    cdef double[::1] links = links_, values = values_
    with nogil:
        for group in range(groups):
            seen = 0
            for member in range(bounds[group], bounds[group + 1]):
                node = members[member]
                if member + 1 < labels.shape[0]:
                    ahead = starts[members[member + 1]]
                    _fetch(&targets[0] + ahead, &weights[0] + ahead)
                for at in range(starts[node], starts[node + 1]):
                    other = labels[targets[at]]
                    if other != group:
                        touched[seen] = other
                        seen += not links[other] > 0.0
                        links[other] += weights[at]
            for at in range(seen):
                ends[out] = touched[at]
                values[out] = links[touched[at]]
                links[touched[at]] = 0.0
                out += 1
            found[group + 1] = out
    return found_, ends_[:out].copy(), values_[:out].copy()
