# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""The scan over all signatures, compiled; the loops are in scan.h. The GIL is released."""

from libc.stdint cimport int64_t, uint8_t, uint16_t

cdef extern from "scan.h" nogil:
    ctypedef struct taglake_scan:
        const uint8_t *rows
        const uint8_t *query
        const uint8_t *allowed
        const int64_t *chosen
        const float *scale
        int64_t n
        int64_t slots
        uint16_t *scores
        int64_t *counts
    void taglake_score(const taglake_scan *scan, int partly)
    int64_t taglake_pick(const uint16_t *scores, int64_t n, uint16_t least, int64_t *found,
                         int64_t most)


def score(const uint8_t[:, ::1] rows, const int64_t[::1] chosen, const uint8_t[::1] query,
          bint partly, const float[::1] scale, const uint8_t[::1] allowed, uint16_t[::1] scores,
          int64_t[::1] counts):
    """Write how much rows agree with the query, from 0 to 65,535, and count how often each score
    occurs in steps of 16. `chosen` are the rows; empty: as many of the first as there are scores.
    `allowed` is 0 for a row to leave out; empty: none is.
    """
    cdef taglake_scan scan
    if not scores.shape[0]:
        return
    scan.rows, scan.n, scan.slots = &rows[0, 0], scores.shape[0], rows.shape[1]
    scan.query, scan.scale, scan.scores, scan.counts = &query[0], &scale[0], &scores[0], &counts[0]
    scan.allowed = &allowed[0] if allowed.shape[0] else NULL
    scan.chosen = &chosen[0] if chosen.shape[0] else NULL
    with nogil:
        taglake_score(&scan, partly)


def pick(const uint16_t[::1] scores, uint16_t least, int64_t[::1] found):
    """Write the rows with at least some score, ascending, as many as have room; return how many."""
    cdef int64_t left
    if not scores.shape[0] or not found.shape[0]:
        return 0
    with nogil:
        left = taglake_pick(&scores[0], scores.shape[0], least, &found[0], found.shape[0])
    return left
