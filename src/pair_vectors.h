/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pair_vectors.h
 * Pairs of bf16 (items.h) of neighbouring values, a vector at a time: what everything that makes
 * pairs is made of. Needs AVX512_BF16. */

#ifndef BRCONV1D_PAIR_VECTORS_H
#define BRCONV1D_PAIR_VECTORS_H

#include "conversion.h"
#include "integers.h"
#include "pairs.h"

#include <immintrin.h>

#define BRCONV1D_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define BRCONV1D_AVX512_INLINE BRCONV1D_AVX512 static inline __attribute__((always_inline))

enum {
    brconv1d_pair_lanes = 16,                /**< items or f32 in a vector */
    brconv1d_words = 2 * brconv1d_pair_lanes /**< bf16 in a vector */
};

/** In place of values that are not there; they are read again and again. */
static const uint32_t brconv1d_zeros[brconv1d_pair_lanes];

/** Where parts of items go: part p of item i to start + p * part + i. */
typedef struct {
    uint32_t *start;
    int64_t part, parts;
} brconv1d_planes;

static inline brconv1d_planes brconv1d_row_of(const brconv1d_pair_rows *to, int64_t row) {
    return (brconv1d_planes) {to->start + row * to->pitch, to->part, to->parts};
}

/** A mask of `count` lanes; of all, where there are fewer, and of none for a negative count. */
BRCONV1D_AVX512_INLINE __mmask16 brconv1d_first_lanes(int64_t count) {
    return (__mmask16)((1u << brconv1d_max(brconv1d_min(count, brconv1d_pair_lanes), 0)) - 1);
}

/** The f32 that 16 bf16 are. */
BRCONV1D_AVX512_INLINE __m512i brconv1d_widen(__m256i narrow) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16);
}

BRCONV1D_AVX512_INLINE void brconv1d_store_items(uint32_t *to, __mmask16 mask, __m512i items) {
    if (mask == 0xffff) _mm512_storeu_si512(to, items);
    else _mm512_mask_storeu_epi32(to, mask, items);
}

/** Pairs up the lower and the upper half of a vector. */
BRCONV1D_AVX512_INLINE __m512i brconv1d_interleave_halves(__m512i first_then_second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9,
            24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, first_then_second);
}

/** 16 items. Each part is what remains of the values, rounded, and leaves a smaller remainder. */
BRCONV1D_AVX512_INLINE void brconv1d_pair_f32(
        __m512 first, __m512 second, brconv1d_planes to, __mmask16 mask) {
    for (int64_t p = 0;; ++p) {
        const __m512i items
                = brconv1d_interleave_halves((__m512i)_mm512_cvtne2ps_pbh(second, first));
        brconv1d_store_items(to.start + p * to.part, mask, items);
        if (p + 1 == to.parts) return;
        const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
        first = _mm512_sub_ps(first, (__m512)_mm512_slli_epi32(items, 16));
        second = _mm512_sub_ps(second, (__m512)_mm512_and_si512(items, upper));
    }
}

/** 16 items of 32 neighbours: from[0] and from[1], from[2] and from[3], and so on. */
BRCONV1D_AVX512_INLINE void brconv1d_pair_one_row_f32(
        __m512 low, __m512 high, brconv1d_planes to, __mmask16 mask) {
    const __m512i even
            = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    brconv1d_pair_f32(_mm512_permutex2var_ps(low, even, high),
            _mm512_permutex2var_ps(low, odd, high), to, mask);
}

/** 16 items. */
BRCONV1D_AVX512_INLINE __m512i brconv1d_pair_bf16(__m256i first, __m256i second) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(first), brconv1d_widen(second));
}

/** Up to 16 items of neighbouring values of either type. */
BRCONV1D_AVX512_INLINE void brconv1d_pair_vector(brconv1d_type type, const void *first,
        const void *second, __mmask16 mask, brconv1d_planes to) {
    if (type == BRCONV1D_F32)
        brconv1d_pair_f32(
                _mm512_maskz_loadu_ps(mask, first), _mm512_maskz_loadu_ps(mask, second), to, mask);
    else
        brconv1d_store_items(to.start, mask,
                brconv1d_pair_bf16(_mm256_maskz_loadu_epi16(mask, first),
                        _mm256_maskz_loadu_epi16(mask, second)));
}

/** 32 items. */
BRCONV1D_AVX512_INLINE void brconv1d_pair_two_vectors_bf16(
        const void *first, const void *second, uint32_t *to) {
    const __m512i halves = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
    const __m512i a = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(first));
    const __m512i b = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(second));
    _mm512_storeu_si512(to, _mm512_unpacklo_epi16(a, b));
    _mm512_storeu_si512(to + brconv1d_pair_lanes, _mm512_unpackhi_epi16(a, b));
}

/** Items of `count` neighbouring values each; NULL: zeros. */
BRCONV1D_AVX512_INLINE void brconv1d_pair_neighbours(brconv1d_type type, const void *first,
        const void *second, int64_t count, brconv1d_planes to) {
    const int64_t first_step = first ? 1 : 0, second_step = second ? 1 : 0;
    uint32_t *const start = to.start;
    int64_t i = 0;
    if (!first) first = brconv1d_zeros;
    if (!second) second = brconv1d_zeros;
    for (; type == BRCONV1D_BF16 && i + brconv1d_words <= count; i += brconv1d_words)
        brconv1d_pair_two_vectors_bf16(brconv1d_at(type, first, i * first_step),
                brconv1d_at(type, second, i * second_step), start + i);
    for (; i + brconv1d_pair_lanes <= count; i += brconv1d_pair_lanes) {
        to.start = start + i;
        brconv1d_pair_vector(type, brconv1d_at(type, first, i * first_step),
                brconv1d_at(type, second, i * second_step), 0xffff, to);
    }
    to.start = start + i;
    if (i < count)
        brconv1d_pair_vector(type, brconv1d_at(type, first, i * first_step),
                brconv1d_at(type, second, i * second_step), brconv1d_first_lanes(count - i), to);
}

#endif
