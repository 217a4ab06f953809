/* One pass over all signatures in their short form, a byte a bin: in how many bins does each agree
 * with one that is asked for? Plain C, and AVX2 chosen when the program runs; the same numbers.
 */
#ifndef TAGLAKE_SCAN_H
#define TAGLAKE_SCAN_H

#include <stdint.h>
#if defined(__x86_64__) && defined(__GNUC__) && !defined(TAGLAKE_NO_AVX2)
#include <immintrin.h>
#define TAGLAKE_SCAN_AVX2 1
#endif

#define TAGLAKE_NOBODY 255 /* the byte of an empty bin */

#define TAGLAKE_ASKED 254  /* the byte of a bin that is empty in the query */
#define TAGLAKE_LINE 64    /* bins of half a signature */
#define TAGLAKE_STEP 16    /* scores that are counted together */

/* Score `n` rows from 0 to 65,535: the bins that agree among those that are not empty in both.
 * `chosen` are their numbers; without any they are the first. scale[m] = 65535 / (bins of the query
 * that are not empty + m). A row that is not `allowed` gets 0; without such bytes all are. `counts`
 * gets how many rows have each score, in steps of 16.
 */
typedef struct {
    const uint8_t *rows, *query, *allowed;
    const int64_t *chosen;
    const float *scale;
    int64_t n, slots;
    uint16_t *scores;
    int64_t *counts;
} taglake_scan;

static void taglake_score_plain(taglake_scan s) {
    for (int64_t i = 0; i < s.n; i++) {
        int64_t row = s.chosen ? s.chosen[i] : i, same = 0, more = 0;
        const uint8_t *bins = s.rows + row * s.slots;
        if (!s.allowed || s.allowed[row])
            for (int64_t bin = 0; bin < s.slots; bin++) {
                same += bins[bin] == s.query[bin];
                more += s.query[bin] == TAGLAKE_ASKED && bins[bin] != TAGLAKE_NOBODY;
            }
        s.scores[i] = (uint16_t)((float)same * s.scale[more] + 0.5f);
        s.counts[s.scores[i] / TAGLAKE_STEP]++;
    }
}

/* Write the places from `first` on of scores that are at least `least`, as many as have room. */
static int64_t taglake_pick_plain(const uint16_t *scores, int64_t first, int64_t n, uint16_t least,
                                  int64_t *found, int64_t most) {
    int64_t left = 0;
    for (int64_t i = first; i < n && left < most; i++)
        if (scores[i] >= least) found[left++] = i;
    return left;
}

#ifdef TAGLAKE_SCAN_AVX2
#define TAGLAKE_WIDE __attribute__((target("avx2,popcnt")))

/* The number of bytes that are not 0 of two masks. */
TAGLAKE_WIDE static inline int64_t taglake_total(__m256i a, __m256i b) {
    uint64_t low = (uint32_t)_mm256_movemask_epi8(a), high = (uint32_t)_mm256_movemask_epi8(b);
    return _mm_popcnt_u64(low | high << 32);
}

/* Rows of 64 bins. The query stays in registers; `partly` and `chosen` are constants of each use.
 * Nearly all rows have one of a few scores: neighbours are counted apart, or each count would wait
 * for the last one.
 */
TAGLAKE_WIDE static inline __attribute__((always_inline)) void taglake_score_wide(
    taglake_scan s, int partly, int chosen) {
    const __m256i q0 = _mm256_loadu_si256((const __m256i *)s.query);
    const __m256i q1 = _mm256_loadu_si256((const __m256i *)(s.query + 32));
    const __m256i nobody = _mm256_set1_epi8((char)TAGLAKE_NOBODY);
    const __m256i asked = _mm256_set1_epi8((char)TAGLAKE_ASKED);
    const __m256i open0 = _mm256_cmpeq_epi8(q0, asked), open1 = _mm256_cmpeq_epi8(q1, asked);
    int64_t agreeing[4][TAGLAKE_LINE + 1] = {{0}};
    uint16_t score_of[TAGLAKE_LINE + 1];
    for (int64_t same = 0; same <= TAGLAKE_LINE; same++)
        score_of[same] = (uint16_t)((float)same * s.scale[0] + 0.5f);
    for (int64_t i = 0; i < s.n; i++) {
        int64_t row = chosen ? s.chosen[i] : i, same = 0, more = 0;
        if (chosen && i + 16 < s.n) __builtin_prefetch(s.rows + s.chosen[i + 16] * TAGLAKE_LINE);
        if (!s.allowed || s.allowed[row]) {
            const uint8_t *bins = s.rows + row * TAGLAKE_LINE;
            __m256i x0 = _mm256_loadu_si256((const __m256i *)bins);
            __m256i x1 = _mm256_loadu_si256((const __m256i *)(bins + 32));
            same = taglake_total(_mm256_cmpeq_epi8(x0, q0), _mm256_cmpeq_epi8(x1, q1));
            if (partly)
                more = taglake_total(_mm256_andnot_si256(_mm256_cmpeq_epi8(x0, nobody), open0),
                                     _mm256_andnot_si256(_mm256_cmpeq_epi8(x1, nobody), open1));
        }
        if (partly) {
            s.scores[i] = (uint16_t)((float)same * s.scale[more] + 0.5f);
            s.counts[s.scores[i] / TAGLAKE_STEP]++;
        } else {
            s.scores[i] = score_of[same];
            agreeing[i & 3][same]++;
        }
    }
    for (int64_t same = 0; !partly && same <= TAGLAKE_LINE; same++)
        for (int which = 0; which < 4; which++)
            s.counts[score_of[same] / TAGLAKE_STEP] += agreeing[which][same];
}

/* Of 16 scores at once mostly none is enough. */
TAGLAKE_WIDE static int64_t taglake_pick_wide(const uint16_t *scores, int64_t n, uint16_t least,
                                              int64_t *found, int64_t most) {
    const __m256i enough = _mm256_set1_epi16((short)least);
    int64_t i = 0, left = 0;
    for (; i + 16 <= n; i += 16) {
        __m256i some = _mm256_loadu_si256((const __m256i *)(scores + i));
        __m256i there = _mm256_cmpeq_epi16(_mm256_max_epu16(some, enough), some);
        uint32_t bits = (uint32_t)_mm256_movemask_epi8(there);
        for (; bits && left < most; bits &= bits - 1, bits &= bits - 1)
            found[left++] = i + __builtin_ctz(bits) / 2;
    }
    return left + taglake_pick_plain(scores, i, n, least, found + left, most - left);
}

TAGLAKE_WIDE static void taglake_score_lines(taglake_scan s, int partly) {
    if (partly && s.chosen) taglake_score_wide(s, 1, 1);
    else if (partly) taglake_score_wide(s, 1, 0);
    else if (s.chosen) taglake_score_wide(s, 0, 1);
    else taglake_score_wide(s, 0, 0);
}
#endif

static int64_t taglake_pick(const uint16_t *scores, int64_t n, uint16_t least, int64_t *found,
                            int64_t most) {
#ifdef TAGLAKE_SCAN_AVX2
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt"))
        return taglake_pick_wide(scores, n, least, found, most);
#endif
    return taglake_pick_plain(scores, 0, n, least, found, most);
}

static void taglake_score(const taglake_scan *s, int partly) {
#ifdef TAGLAKE_SCAN_AVX2
    if (s->slots == TAGLAKE_LINE && __builtin_cpu_supports("avx2") &&
        __builtin_cpu_supports("popcnt")) {
        taglake_score_lines(*s, partly);
        return;
    }
#endif
    (void)partly;
    taglake_score_plain(*s);
}

#endif
