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

#ifdef TAGLAKE_SCAN_AVX2
#define TAGLAKE_WIDE __attribute__((target("avx2")))

TAGLAKE_WIDE static inline int64_t taglake_total(__m256i bytes) {
    __m256i sums = _mm256_sad_epu8(bytes, _mm256_setzero_si256());
    __m128i half = _mm_add_epi64(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
    return _mm_cvtsi128_si64(half) + _mm_extract_epi64(half, 1);
}

/* Rows of 64 bins. The query stays in registers; `partly` and `chosen` are constants of each use. */
TAGLAKE_WIDE static inline __attribute__((always_inline)) void taglake_score_wide(
    taglake_scan s, int partly, int chosen) {
    const __m256i q0 = _mm256_loadu_si256((const __m256i *)s.query);
    const __m256i q1 = _mm256_loadu_si256((const __m256i *)(s.query + 32));
    const __m256i nobody = _mm256_set1_epi8((char)TAGLAKE_NOBODY);
    const __m256i asked = _mm256_set1_epi8((char)TAGLAKE_ASKED);
    const __m256i open0 = _mm256_cmpeq_epi8(q0, asked), open1 = _mm256_cmpeq_epi8(q1, asked);
    for (int64_t i = 0; i < s.n; i++) {
        int64_t row = chosen ? s.chosen[i] : i, same = 0, more = 0;
        if (chosen && i + 16 < s.n) __builtin_prefetch(s.rows + s.chosen[i + 16] * TAGLAKE_LINE);
        if (!s.allowed || s.allowed[row]) {
            const uint8_t *bins = s.rows + row * TAGLAKE_LINE;
            __m256i x0 = _mm256_loadu_si256((const __m256i *)bins);
            __m256i x1 = _mm256_loadu_si256((const __m256i *)(bins + 32));
            same = taglake_total(_mm256_abs_epi8(
                _mm256_add_epi8(_mm256_cmpeq_epi8(x0, q0), _mm256_cmpeq_epi8(x1, q1))));
            if (partly)
                more = taglake_total(_mm256_abs_epi8(_mm256_add_epi8(
                    _mm256_andnot_si256(_mm256_cmpeq_epi8(x0, nobody), open0),
                    _mm256_andnot_si256(_mm256_cmpeq_epi8(x1, nobody), open1))));
        }
        s.scores[i] = (uint16_t)((float)same * s.scale[more] + 0.5f);
        s.counts[s.scores[i] / TAGLAKE_STEP]++;
    }
}

TAGLAKE_WIDE static void taglake_score_lines(taglake_scan s, int partly) {
    if (partly && s.chosen) taglake_score_wide(s, 1, 1);
    else if (partly) taglake_score_wide(s, 1, 0);
    else if (s.chosen) taglake_score_wide(s, 0, 1);
    else taglake_score_wide(s, 0, 0);
}
#endif

static void taglake_score(const taglake_scan *s, int partly) {
#ifdef TAGLAKE_SCAN_AVX2
    if (s->slots == TAGLAKE_LINE && __builtin_cpu_supports("avx2")) {
        taglake_score_lines(*s, partly);
        return;
    }
#endif
    (void)partly;
    taglake_score_plain(*s);
}

#endif
