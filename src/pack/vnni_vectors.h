/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni_vectors.h
 * Pairs of bf16 (brgemm/kernels.h) of neighbouring values, a vector at a time: what everything that makes
 * pairs is made of. Needs AVX512_BF16. */

#ifndef BRDNN_PACK_VNNI_VECTORS_H
#define BRDNN_PACK_VNNI_VECTORS_H

#include "brgemm/integers.h"
#include "pack/elements.h"
#include "pack/vnni.h"

#include <immintrin.h>

#define BRDNN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define BRDNN_AVX512_INLINE BRDNN_AVX512 static inline __attribute__((always_inline))

enum {
    brdnn_vnni_lanes = 16,              /**< words or f32 in a vector */
    brdnn_halves = 2 * brdnn_vnni_lanes /**< bf16 in a vector */
};

/** In place of values that are not there; they are read again and again. */
static const uint32_t brdnn_zeros[brdnn_vnni_lanes];

/** Where splits of words go: plane p of word i to start + p * plane + i. */
typedef struct {
    uint32_t *start;
    int64_t plane, splits;
} brdnn_planes;

static inline brdnn_planes brdnn_row_of(const brdnn_vnni_rows *to, int64_t row) {
    return (brdnn_planes) {to->start + row * to->pitch, to->plane, to->splits};
}

/** A mask of `count` lanes; of all, where there are fewer, and of none for a negative count. */
BRDNN_AVX512_INLINE __mmask16 brdnn_first_lanes(int64_t count) {
    return (__mmask16)((1u << brdnn_max(brdnn_min(count, brdnn_vnni_lanes), 0)) - 1);
}

/** The f32 that 16 bf16 are. */
BRDNN_AVX512_INLINE __m512i brdnn_widen(__m256i narrow) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16);
}

BRDNN_AVX512_INLINE void brdnn_store_words(uint32_t *to, __mmask16 mask, __m512i words) {
    if (mask == 0xffff) _mm512_storeu_si512(to, words);
    else _mm512_mask_storeu_epi32(to, mask, words);
}

/** Pairs up the lower and the upper half of a vector. */
BRDNN_AVX512_INLINE __m512i brdnn_vnni_of_halves(__m512i first_then_second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9,
            24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, first_then_second);
}

/** 16 words. Each plane is what remains of the values, rounded, and leaves a smaller remainder. */
BRDNN_AVX512_INLINE void brdnn_vnni_f32(
        __m512 first, __m512 second, brdnn_planes to, __mmask16 mask) {
    for (int64_t p = 0;; ++p) {
        const __m512i words = brdnn_vnni_of_halves((__m512i)_mm512_cvtne2ps_pbh(second, first));
        brdnn_store_words(to.start + p * to.plane, mask, words);
        if (p + 1 == to.splits) return;
        const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
        first = _mm512_sub_ps(first, (__m512)_mm512_slli_epi32(words, 16));
        second = _mm512_sub_ps(second, (__m512)_mm512_and_si512(words, upper));
    }
}

/** 16 words of 32 neighbours: from[0] and from[1], from[2] and from[3], and so on. */
BRDNN_AVX512_INLINE void brdnn_vnni_one_row_f32(
        __m512 low, __m512 high, brdnn_planes to, __mmask16 mask) {
    const __m512i even
            = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    brdnn_vnni_f32(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high),
            to, mask);
}

/** 16 words. */
BRDNN_AVX512_INLINE __m512i brdnn_vnni_bf16(__m256i first, __m256i second) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(first), brdnn_widen(second));
}

/** Up to 16 words of neighbouring values of either type. */
BRDNN_AVX512_INLINE void brdnn_vnni_vector(
        brdnn_type type, const void *first, const void *second, __mmask16 mask, brdnn_planes to) {
    if (type == BRDNN_F32)
        brdnn_vnni_f32(
                _mm512_maskz_loadu_ps(mask, first), _mm512_maskz_loadu_ps(mask, second), to, mask);
    else
        brdnn_store_words(to.start, mask,
                brdnn_vnni_bf16(_mm256_maskz_loadu_epi16(mask, first),
                        _mm256_maskz_loadu_epi16(mask, second)));
}

/** 32 words. */
BRDNN_AVX512_INLINE void brdnn_vnni_two_vectors_bf16(
        const void *first, const void *second, uint32_t *to) {
    const __m512i halves = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
    const __m512i a = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(first));
    const __m512i b = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(second));
    _mm512_storeu_si512(to, _mm512_unpacklo_epi16(a, b));
    _mm512_storeu_si512(to + brdnn_vnni_lanes, _mm512_unpackhi_epi16(a, b));
}

/** Words of `count` neighbouring values each; NULL: zeros. */
BRDNN_AVX512_INLINE void brdnn_vnni_neighbours(
        brdnn_type type, const void *first, const void *second, int64_t count, brdnn_planes to) {
    const int64_t first_step = first ? 1 : 0, second_step = second ? 1 : 0;
    uint32_t *const start = to.start;
    int64_t i = 0;
    if (!first) first = brdnn_zeros;
    if (!second) second = brdnn_zeros;
    for (; type == BRDNN_BF16 && i + brdnn_halves <= count; i += brdnn_halves)
        brdnn_vnni_two_vectors_bf16(brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), start + i);
    for (; i + brdnn_vnni_lanes <= count; i += brdnn_vnni_lanes) {
        to.start = start + i;
        brdnn_vnni_vector(type, brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), 0xffff, to);
    }
    to.start = start + i;
    if (i < count)
        brdnn_vnni_vector(type, brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), brdnn_first_lanes(count - i), to);
}

#endif
