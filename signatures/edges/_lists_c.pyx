# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Lists of hashes: numbering keys, grouping, ordering, comparing; compiled. The GIL is released."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

cdef extern from "minhash.h" nogil:
    uint64_t taglake_mix64(uint64_t x)

SHORT = 48  # a longer list is left to numpy's sort


def number(const uint64_t[::1] keys, uint64_t[::1] slots, int32_t[::1] numbers, int64_t count,
           uint32_t[::1] rows, int64_t[::1] first):
    """Write the number of each key, as they come; return how many different ones there are now.

    `slots` and `numbers` are a hash table of a power of two places, number -1 in a free one; it
    must have more than twice as many places as there will be keys. `first` gets the place in
    `keys` where each new number was met first.
    """
    cdef Py_ssize_t i, n = keys.shape[0]
    cdef uint64_t key, at, mask = slots.shape[0] - 1
    cdef int64_t new = 0
    with nogil:
        for i in range(n):
            key = keys[i]
            at = taglake_mix64(key) & mask
            while numbers[at] >= 0 and slots[at] != key:
                at = (at + 1) & mask
            if numbers[at] < 0:
                slots[at] = key
                numbers[at] = <int32_t>count
                first[new] = i
                new += 1
                count += 1
            rows[i] = <uint32_t>numbers[at]
    return count


def group(const uint32_t[::1] rows, const uint64_t[::1] hashes, int64_t[::1] ends,
          uint64_t[::1] grouped):
    """Write the hashes list by list, in their order; `ends` holds where each list starts, and
    where it ends afterwards.
    """
    cdef Py_ssize_t i, n = rows.shape[0]
    with nogil:
        for i in range(n):
            grouped[ends[rows[i]]] = hashes[i]
            ends[rows[i]] += 1


def order(const int64_t[::1] indptr, uint64_t[::1] hashes):
    """Sort each short list in place; return whether some are longer."""
    cdef Py_ssize_t row, rows = indptr.shape[0] - 1
    cdef int64_t i, j, start, end
    cdef uint64_t hash_
    cdef bint longer = False
    with nogil:
        for row in range(rows):
            start, end = indptr[row], indptr[row + 1]
            if end - start > 48:
                longer = True
                continue
            for i in range(start + 1, end):
                hash_ = hashes[i]
                j = i
                while j > start and hashes[j - 1] > hash_:
                    hashes[j] = hashes[j - 1]
                    j -= 1
                hashes[j] = hash_
    return longer


def distinct(int64_t[::1] indptr, uint64_t[::1] hashes):
    """Drop repetitions in ascending lists, in place; `indptr` follows. Return what is left."""
    cdef Py_ssize_t row, rows = indptr.shape[0] - 1
    cdef int64_t i, start = 0, end, left = 0
    with nogil:
        for row in range(rows):
            end = indptr[row + 1]
            for i in range(start, end):
                if i == start or hashes[i] != hashes[left - 1]:
                    hashes[left] = hashes[i]
                    left += 1
            start = end
            indptr[row + 1] = left
    return left


def without(int64_t[::1] indptr, uint64_t[::1] hashes,
            const int64_t[::1] others, const uint64_t[::1] gone, bint common):
    """Keep in each ascending list what the same list of `gone` lacks or, if `common`, has; in
    place, `indptr` follows. Return what is left.
    """
    cdef Py_ssize_t row, rows = indptr.shape[0] - 1
    cdef int64_t i, j, start = 0, end, left = 0
    cdef bint there
    with nogil:
        for row in range(rows):
            end = indptr[row + 1]
            j = others[row]
            for i in range(start, end):
                while j < others[row + 1] and gone[j] < hashes[i]:
                    j += 1
                there = j < others[row + 1] and gone[j] == hashes[i]
                if there == common:
                    hashes[left] = hashes[i]
                    left += 1
            start = end
            indptr[row + 1] = left
    return left


def shared(const uint64_t[::1] a, const uint64_t[::1] b):
    """Return how many numbers two ascending lists without repetitions share."""
    cdef Py_ssize_t i = 0, j = 0, n = a.shape[0], m = b.shape[0]
    cdef int64_t found = 0
    cdef uint64_t x, y
    with nogil:
        while i < n and j < m:  # no branch on the data: half of its guesses would be wrong
            x, y = a[i], b[j]
            found += x == y
            i += x <= y
            j += y <= x
    return found
