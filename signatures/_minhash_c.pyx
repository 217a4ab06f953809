# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""One-permutation MinHash, compiled; the loops are in minhash.h. The GIL is released."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc

cdef extern from "minhash.h" nogil:
    uint64_t taglake_mix64(uint64_t x)
    int taglake_has_avx2()
    void taglake_sign(const uint64_t *ids, int64_t n, uint64_t *minima, int64_t slots,
                      uint64_t *tables, int wide)

ctypedef fused Offset:
    uint32_t
    int64_t

cdef uint64_t EMPTY = 0xffffffffffffffff
cdef bint _wide = taglake_has_avx2()


def is_wide():
    """Return whether the vector form of the loops serves on this machine."""
    return bool(_wide)


def mix(const uint64_t[::1] ids, uint64_t[::1] hashes):
    """Write the hash of each id."""
    cdef Py_ssize_t i, n = ids.shape[0]
    with nogil:
        for i in range(n):
            hashes[i] = taglake_mix64(ids[i])


def sign(const int64_t[::1] indptr, const uint64_t[::1] followers, uint64_t[:, ::1] minima):
    """Write the signature of each list of ids; `indptr` has one number more than `minima` rows."""
    _sign(indptr, followers, minima, _wide)


def sign_narrow(const int64_t[::1] indptr, const uint64_t[::1] followers, uint64_t[:, ::1] minima):
    """Do as `sign` does on a machine without vectors of 256 bits."""
    _sign(indptr, followers, minima, False)


cdef int _sign(const int64_t[::1] indptr, const uint64_t[::1] followers,
               uint64_t[:, ::1] minima, bint wide) except -1:
    cdef Py_ssize_t row, rows = minima.shape[0]
    cdef int64_t slots = minima.shape[1]
    cdef const uint64_t *ids = &followers[0] if followers.shape[0] else NULL
    cdef uint64_t *tables = <uint64_t *>malloc(4 * slots * sizeof(uint64_t))
    if tables == NULL:
        raise MemoryError
    with nogil:
        for row in range(rows):
            taglake_sign(ids + indptr[row], indptr[row + 1] - indptr[row], &minima[row, 0], slots,
                         tables, wide)
        free(tables)
    return 0


def lower(int64_t start, const Offset[::1] ends, const uint64_t[::1] hashes,
          uint64_t[:, ::1] minima, int32_t[::1] missing):
    """Fill empty bins from lists of hashes in ascending order; `missing` counts the empty bins.

    The first list starts at `start`, each other where the one before ends. Lists that come in
    parts, each above the last, are read part by part. A list is read no further than to the hash
    that fills its last bin. Return how many bins are empty yet.
    """
    cdef Py_ssize_t row, rows = minima.shape[0]
    cdef uint64_t mask = minima.shape[1] - 1
    cdef int64_t left = 0
    with nogil:
        for row in range(rows):
            if missing[row]:
                missing[row] = _lower(&hashes[0] + start, ends[row] - start, &minima[row, 0], mask,
                                      missing[row])
                left += missing[row]
            start = ends[row]
    return left


cdef int32_t _lower(const uint64_t *hashes, int64_t n, uint64_t *minima, uint64_t mask,
                    int32_t missing) noexcept nogil:
    cdef int64_t i = 0
    cdef uint64_t hash_, bin_
    while missing and i < n:
        hash_ = hashes[i]
        bin_ = minima[hash_ & mask]
        minima[hash_ & mask] = hash_ if hash_ < bin_ else bin_  # below only if the bin is empty
        missing -= bin_ == EMPTY and hash_ != EMPTY
        i += 1
    return missing


def agree(const uint64_t[:, ::1] minima, const int64_t[::1] a, const int64_t[::1] b,
          int32_t[::1] same, int32_t[::1] there):
    """Write of each pair of rows in how many bins the minima are the same, and how many are not
    empty in both.
    """
    cdef Py_ssize_t pair, pairs = a.shape[0], bin_, slots = minima.shape[1]
    cdef int32_t equal, filled
    cdef uint64_t x, y
    with nogil:
        for pair in range(pairs):
            equal = filled = 0
            for bin_ in range(slots):
                x, y = minima[a[pair], bin_], minima[b[pair], bin_]
                equal += (x == y) & (x != EMPTY)
                filled += (x != EMPTY) | (y != EMPTY)
            same[pair] = equal
            there[pair] = filled
