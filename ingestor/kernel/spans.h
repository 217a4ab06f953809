/* The two loops over strings that decide the kernel's speed: 16 bytes a step where the compiler has
 * SSE2 (every x86-64), 8 bytes a step in plain C elsewhere.
 */
#ifndef TAGLAKE_SPANS_H
#define TAGLAKE_SPANS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__) && !defined(TAGLAKE_NO_SSE2)
#include <emmintrin.h>
#define TAGLAKE_SSE2 1
#endif

#define TAGLAKE_ONES 0x0101010101010101ULL
#define TAGLAKE_HIGHS 0x8080808080808080ULL

/* Some high bit is set if a byte of `x` is zero; never set if none is. */
static inline uint64_t taglake_zeros(uint64_t x) {
    return (x - TAGLAKE_ONES) & ~x & TAGLAKE_HIGHS;
}

/* Return the first quote, backslash or control character from `p` on, or `end`.
 * `*high` becomes 1 if a byte before it is no ASCII.
 */
static inline const uint8_t *taglake_span(const uint8_t *p, const uint8_t *end, int *high) {
#ifdef TAGLAKE_SSE2
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
    const __m128i control = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        __m128i stop = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, slash)),
            _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
        unsigned stops = (unsigned)_mm_movemask_epi8(stop);
        unsigned highs = (unsigned)_mm_movemask_epi8(x);
        if (stops) {
            if (highs & ((stops & -stops) - 1)) *high = 1;
            return p + __builtin_ctz(stops);
        }
        if (highs) *high = 1;
        p += 16;
    }
#else
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        if (taglake_zeros(x ^ TAGLAKE_ONES * '"') | taglake_zeros(x ^ TAGLAKE_ONES * '\\') |
            taglake_zeros(x & TAGLAKE_ONES * 0xe0))
            break;
        if (x & TAGLAKE_HIGHS) *high = 1;
        p += 8;
    }
#endif
    for (; p < end; p++) {
        if (*p == '"' || *p == '\\' || *p < 0x20) break;
        if (*p & 0x80) *high = 1;
    }
    return p;
}

/* Copy up to the first backslash or `end`; return how many bytes. `to` has 16 bytes to spare. */
static inline size_t taglake_copy_plain(uint8_t *to, const uint8_t *from, const uint8_t *end) {
    const uint8_t *p = from;
#ifdef TAGLAKE_SSE2
    const __m128i slash = _mm_set1_epi8('\\');
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)p);
        _mm_storeu_si128((__m128i *)to, x);
        unsigned stops = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, slash));
        if (stops) return (size_t)(p - from) + (unsigned)__builtin_ctz(stops);
        p += 16;
        to += 16;
    }
#endif
    for (; p < end && *p != '\\'; p++) *to++ = *p;
    return (size_t)(p - from);
}

/* Return the number of four hexadecimal digits; negative if they are none. */
static inline int taglake_unit(const uint8_t *p) {
    static const int8_t values[256] = {
#define TAGLAKE_NONE16 -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1
#define TAGLAKE_HEX16 -1, 10, 11, 12, 13, 14, 15, -1, -1, -1, -1, -1, -1, -1, -1, -1
        TAGLAKE_NONE16, TAGLAKE_NONE16, TAGLAKE_NONE16,
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, -1, -1, -1, -1, -1, -1,
        TAGLAKE_HEX16, TAGLAKE_NONE16, TAGLAKE_HEX16, TAGLAKE_NONE16,
        TAGLAKE_NONE16, TAGLAKE_NONE16, TAGLAKE_NONE16, TAGLAKE_NONE16,
        TAGLAKE_NONE16, TAGLAKE_NONE16, TAGLAKE_NONE16, TAGLAKE_NONE16,
    };
    int a = values[p[0]], b = values[p[1]], c = values[p[2]], d = values[p[3]];
    return (a | b | c | d) < 0 ? -1 : a << 12 | b << 8 | c << 4 | d;
}

static inline uint64_t taglake_load(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

/* Return a hash of all bytes of a key. Reads no byte outside of it. */
static inline uint32_t taglake_hash(const uint8_t *p, size_t size) {
    uint64_t hash = size * 0x9e3779b97f4a7c15ULL;
    uint64_t last = 0;
    if (size >= 8) {
        for (size_t i = 0; i + 8 < size; i += 8)
            hash = ((hash ^ taglake_load(p + i)) * 0xff51afd7ed558ccdULL) ^ (hash >> 29);
        last = taglake_load(p + size - 8);
    } else {
        for (size_t i = 0; i < size; i++) last = last << 8 | p[i];
    }
    hash = (hash ^ last) * 0xc4ceb9fe1a85ec53ULL;
    return (uint32_t)(hash >> 32) ^ (uint32_t)hash;
}

/* Return whether two runs of bytes are the same; for short ones, without a call. */
static inline int taglake_same(const uint8_t *a, const uint8_t *b, size_t size) {
    if (size < 8) {
        for (size_t i = 0; i < size; i++)
            if (a[i] != b[i]) return 0;
        return 1;
    }
    for (size_t i = 0; i + 8 < size; i += 8)
        if (taglake_load(a + i) != taglake_load(b + i)) return 0;
    return taglake_load(a + size - 8) == taglake_load(b + size - 8);
}

/* Return whether bytes are UTF-8: no surrogates, nothing overlong, nothing above U+10FFFF. */
static inline int taglake_utf8(const uint8_t *p, const uint8_t *end) {
    while (p < end) {
        uint8_t c = *p;
        if (c < 0x80) {
            p++;
        } else if (c < 0xe0) {
            if (c < 0xc2 || end - p < 2 || (p[1] & 0xc0) != 0x80) return 0;
            p += 2;
        } else if (c < 0xf0) {
            if (end - p < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80) return 0;
            if ((c == 0xe0 && p[1] < 0xa0) || (c == 0xed && p[1] > 0x9f)) return 0;
            p += 3;
        } else {
            if (c > 0xf4 || end - p < 4) return 0;
            if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80) return 0;
            if ((c == 0xf0 && p[1] < 0x90) || (c == 0xf4 && p[1] > 0x8f)) return 0;
            p += 4;
        }
    }
    return 1;
}

#endif
