/* One-permutation MinHash: the loops over follower ids, plain C with an AVX2 form chosen when the
 * program runs. Both give the same bits.
 *
 * A list much longer than there are bins is read once with a filter: only hashes below a threshold,
 * chosen so that about slots * (ln slots + 5) pass, can matter once each bin has one of them. If a
 * bin is still empty then (0.7 % of lists, or many duplicates), the list is read again without.
 */
#ifndef TAGLAKE_MINHASH_H
#define TAGLAKE_MINHASH_H

#include <stdint.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TAGLAKE_NO_AVX2)
#include <immintrin.h>
#define TAGLAKE_AVX2 1
#endif

#define TAGLAKE_EMPTY 0xffffffffffffffffULL
#define TAGLAKE_C1 0x85ebca6bULL
#define TAGLAKE_C2 0xbf58476d1ce4e5b9ULL
#define TAGLAKE_BLOCK 64  /* ids mixed at once */
#define TAGLAKE_KEPT 512  /* hashes that passed the filter, until they go into the tables */
#define TAGLAKE_TABLES 4  /* interleaved: neighbours rarely wait for each other's store */
#define TAGLAKE_AHEAD 256 /* ids; how far ahead memory is asked for */

/* The mix without its last step, which leaves the upper half as it is. */
static inline uint64_t taglake_half(uint64_t x) {
    x ^= x >> 32;
    x *= TAGLAKE_C1;
    x ^= x >> 29;
    return x * TAGLAKE_C2;
}

static inline uint64_t taglake_whole(uint64_t half) { return half ^ (half >> 32); }

static inline uint64_t taglake_mix64(uint64_t x) { return taglake_whole(taglake_half(x)); }

/* Lower the bins of one table by `n` half-mixed hashes. No branch: a third of the edges of a short
 * list still lower a bin, and no predictor knows which.
 */
static inline void taglake_lower(uint64_t *bins, uint64_t mask, const uint64_t *halves, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint64_t hash = taglake_whole(halves[i]), *bin = bins + (hash & mask), old = *bin;
        *bin = hash < old ? hash : old;
    }
}

static inline void taglake_spread(uint64_t *tables, int64_t slots, const uint64_t *halves, int64_t n) {
    uint64_t mask = (uint64_t)slots - 1;
    int64_t i = 0;
    for (; i + TAGLAKE_TABLES <= n; i += TAGLAKE_TABLES)
        for (int t = 0; t < TAGLAKE_TABLES; t++)
            taglake_lower(tables + t * slots, mask, halves + i + t, 1);
    taglake_lower(tables, mask, halves + i, n - i);
}

/* Write the minimum over the tables; return whether every bin has a hash. */
static inline int taglake_join(const uint64_t *tables, int64_t slots, uint64_t *minima) {
    int empty = 0;
    for (int64_t bin = 0; bin < slots; bin++) {
        uint64_t a = tables[bin], b = tables[slots + bin];
        uint64_t c = tables[2 * slots + bin], d = tables[3 * slots + bin];
        a = b < a ? b : a;
        c = d < c ? d : c;
        a = c < a ? c : a;
        minima[bin] = a;
        empty |= a == TAGLAKE_EMPTY;
    }
    return !empty;
}

static inline void taglake_prefetch(const uint64_t *ids) {
#ifdef __GNUC__
    for (int i = 0; i < TAGLAKE_BLOCK; i += 8) __builtin_prefetch(ids + TAGLAKE_AHEAD + i);
#else
    (void)ids;
#endif
}

static void taglake_halves_plain(const uint64_t *ids, uint64_t *halves, int64_t n) {
    for (int64_t i = 0; i < n; i++) halves[i] = taglake_half(ids[i]);
}

#ifdef TAGLAKE_AVX2
#define TAGLAKE_WIDE __attribute__((target("avx2")))

TAGLAKE_WIDE static inline __m256i taglake_half4(__m256i x) {
    /* AVX2 has no product of 64-bit numbers: the first constant has 32 bits to save one of three. */
    const __m256i c1 = _mm256_set1_epi64x((long long)TAGLAKE_C1);
    const __m256i c2 = _mm256_set1_epi64x((long long)TAGLAKE_C2);
    const __m256i c2_high = _mm256_set1_epi64x((long long)(TAGLAKE_C2 >> 32));
    __m256i high = _mm256_srli_epi64(x, 32), low;
    x = _mm256_xor_si256(x, high);
    high = _mm256_slli_epi64(_mm256_mul_epu32(high, c1), 32);
    x = _mm256_add_epi64(_mm256_mul_epu32(x, c1), high);
    x = _mm256_xor_si256(x, _mm256_srli_epi64(x, 29));
    low = _mm256_mul_epu32(x, c2);
    high = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(x, 32), c2), _mm256_mul_epu32(x, c2_high));
    return _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));
}

TAGLAKE_WIDE static void taglake_halves_wide(const uint64_t *ids, uint64_t *halves, int64_t n) {
    int64_t i = 0;
    for (; i + 4 <= n; i += 4)
        _mm256_storeu_si256((__m256i *)(halves + i),
                            taglake_half4(_mm256_loadu_si256((const __m256i *)(ids + i))));
    taglake_halves_plain(ids + i, halves + i, n - i);
}

/* Which 32-bit lanes to take, in order, for each set of chosen 64-bit lanes. */
static const uint32_t taglake_chosen[16][8] = {
    {0, 1, 0, 1, 0, 1, 0, 1}, {0, 1, 0, 1, 0, 1, 0, 1}, {2, 3, 0, 1, 0, 1, 0, 1},
    {0, 1, 2, 3, 0, 1, 0, 1}, {4, 5, 0, 1, 0, 1, 0, 1}, {0, 1, 4, 5, 0, 1, 0, 1},
    {2, 3, 4, 5, 0, 1, 0, 1}, {0, 1, 2, 3, 4, 5, 0, 1}, {6, 7, 0, 1, 0, 1, 0, 1},
    {0, 1, 6, 7, 0, 1, 0, 1}, {2, 3, 6, 7, 0, 1, 0, 1}, {0, 1, 2, 3, 6, 7, 0, 1},
    {4, 5, 6, 7, 0, 1, 0, 1}, {0, 1, 4, 5, 6, 7, 0, 1}, {2, 3, 4, 5, 6, 7, 0, 1},
    {0, 1, 2, 3, 4, 5, 6, 7},
};
static const uint8_t taglake_counts[16] = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

/* Append the halves of eight ids that are below the threshold; return how many. Four are always
 * written, `kept` has room for them.
 */
TAGLAKE_WIDE static inline int64_t taglake_filter8(const uint64_t *ids, __m256i threshold, uint64_t *kept) {
    const __m256i sign = _mm256_set1_epi64x((long long)(1ULL << 63)); /* compared as unsigned */
    int64_t n = 0;
    for (int i = 0; i < 8; i += 4) {
        __m256i x = taglake_half4(_mm256_loadu_si256((const __m256i *)(ids + i)));
        __m256i below = _mm256_cmpgt_epi64(threshold, _mm256_xor_si256(x, sign));
        int set = _mm256_movemask_pd(_mm256_castsi256_pd(below));
        __m256i lanes = _mm256_loadu_si256((const __m256i *)taglake_chosen[set]);
        _mm256_storeu_si256((__m256i *)(kept + n), _mm256_permutevar8x32_epi32(x, lanes));
        n += taglake_counts[set];
    }
    return n;
}

/* Put what is below the threshold into the tables. */
TAGLAKE_WIDE static void taglake_filtered(const uint64_t *ids, int64_t n, uint64_t threshold,
                                          uint64_t *tables, int64_t slots) {
    const __m256i below = _mm256_set1_epi64x((long long)(threshold ^ 1ULL << 63));
    uint64_t kept[TAGLAKE_KEPT + 8];
    int64_t i = 0, count = 0;
    for (; i + 8 <= n; i += 8) {
        __builtin_prefetch(ids + i + TAGLAKE_AHEAD);
        count += taglake_filter8(ids + i, below, kept + count);
        if (count >= TAGLAKE_KEPT - 8) {
            taglake_spread(tables, slots, kept, count);
            count = 0;
        }
    }
    for (; i < n; i++) {
        kept[count] = taglake_half(ids[i]);
        count += kept[count] < threshold;
    }
    taglake_spread(tables, slots, kept, count);
}

static int taglake_has_avx2(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
}
#else
static int taglake_has_avx2(void) { return 0; }
#endif

static void taglake_halves(const uint64_t *ids, uint64_t *halves, int64_t n, int wide) {
#ifdef TAGLAKE_AVX2
    if (wide) {
        taglake_halves_wide(ids, halves, n);
        return;
    }
#endif
    (void)wide;
    taglake_halves_plain(ids, halves, n);
}

/* Put every id into the tables, or into `minima` itself where four tables would cost more. */
static void taglake_every(const uint64_t *ids, int64_t n, uint64_t *minima, int64_t slots,
                          uint64_t *tables, int wide) {
    uint64_t halves[TAGLAKE_BLOCK];
    int few = n < 2 * slots;
    if (few) memset(minima, 0xff, (size_t)slots * 8);
    else memset(tables, 0xff, (size_t)slots * 8 * TAGLAKE_TABLES);
    for (int64_t i = 0; i < n; i += TAGLAKE_BLOCK) {
        int64_t size = n - i < TAGLAKE_BLOCK ? n - i : TAGLAKE_BLOCK;
        taglake_prefetch(ids + i);
        taglake_halves(ids + i, halves, size, wide);
        if (few) taglake_lower(minima, (uint64_t)slots - 1, halves, size);
        else taglake_spread(tables, slots, halves, size);
    }
    if (!few) taglake_join(tables, slots, minima);
}

/* As taglake_filtered, without vectors. */
static void taglake_filtered_plain(const uint64_t *ids, int64_t n, uint64_t threshold,
                                   uint64_t *tables, int64_t slots) {
    uint64_t kept[TAGLAKE_KEPT + TAGLAKE_BLOCK];
    int64_t count = 0;
    for (int64_t i = 0; i < n; i += TAGLAKE_BLOCK) {
        int64_t end = n - i < TAGLAKE_BLOCK ? n : i + TAGLAKE_BLOCK;
        taglake_prefetch(ids + i);
        for (int64_t j = i; j < end; j++) {
            kept[count] = taglake_half(ids[j]);
            count += kept[count] < threshold;
        }
        if (count >= TAGLAKE_KEPT) {
            taglake_spread(tables, slots, kept, count);
            count = 0;
        }
    }
    taglake_spread(tables, slots, kept, count);
}

/* Write the signature of one list. `tables` has room for 4 * slots numbers; slots is a power of 2. */
static void taglake_sign(const uint64_t *ids, int64_t n, uint64_t *minima, int64_t slots,
                         uint64_t *tables, int wide) {
    int bits = 0;
    while ((int64_t)1 << bits < slots) bits++;
    double pass = (double)slots * (5.0 + 0.6931472 * bits);
    if ((double)n > (wide ? 1.25 : 4.0) * pass) {
        uint64_t threshold = (uint64_t)(pass / (double)n * 4294967296.0) << 32;
        memset(tables, 0xff, (size_t)slots * 8 * TAGLAKE_TABLES);
#ifdef TAGLAKE_AVX2
        if (wide) taglake_filtered(ids, n, threshold, tables, slots);
        else
#endif
            taglake_filtered_plain(ids, n, threshold, tables, slots);
        if (taglake_join(tables, slots, minima)) return;
    }
    taglake_every(ids, n, minima, slots, tables, wide);
}

#endif
