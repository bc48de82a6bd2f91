/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni_vectors.h
 * Pairs of bf16 (items.h) of neighbouring values, a vector at a time: what everything that makes
 * pairs is made of. Needs AVX512_BF16. */

#ifndef BRDNN_PACK_VNNI_VECTORS_H
#define BRDNN_PACK_VNNI_VECTORS_H

#include "pack/elements.h"
#include "brgemm/integers.h"
#include "pack/vnni.h"

#include <immintrin.h>

#define BRDNN_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#define BRDNN_AVX512_INLINE BRDNN_AVX512 static inline __attribute__((always_inline))

enum {
    brdnn_pair_lanes = 16,             /**< items or f32 in a vector */
    brdnn_words = 2 * brdnn_pair_lanes /**< bf16 in a vector */
};

/** In place of values that are not there; they are read again and again. */
static const uint32_t brdnn_zeros[brdnn_pair_lanes];

/** Where parts of items go: part p of item i to start + p * part + i. */
typedef struct {
    uint32_t *start;
    int64_t part, parts;
} brdnn_planes;

static inline brdnn_planes brdnn_row_of(const brdnn_pair_rows *to, int64_t row) {
    return (brdnn_planes) {to->start + row * to->pitch, to->part, to->parts};
}

/** A mask of `count` lanes; of all, where there are fewer, and of none for a negative count. */
BRDNN_AVX512_INLINE __mmask16 brdnn_first_lanes(int64_t count) {
    return (__mmask16)((1u << brdnn_max(brdnn_min(count, brdnn_pair_lanes), 0)) - 1);
}

/** The f32 that 16 bf16 are. */
BRDNN_AVX512_INLINE __m512i brdnn_widen(__m256i narrow) {
    return _mm512_slli_epi32(_mm512_cvtepu16_epi32(narrow), 16);
}

BRDNN_AVX512_INLINE void brdnn_store_items(uint32_t *to, __mmask16 mask, __m512i items) {
    if (mask == 0xffff) _mm512_storeu_si512(to, items);
    else _mm512_mask_storeu_epi32(to, mask, items);
}

/** Pairs up the lower and the upper half of a vector. */
BRDNN_AVX512_INLINE __m512i brdnn_interleave_halves(__m512i first_then_second) {
    const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9,
            24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, first_then_second);
}

/** 16 items. Each part is what remains of the values, rounded, and leaves a smaller remainder. */
BRDNN_AVX512_INLINE void brdnn_pair_f32(
        __m512 first, __m512 second, brdnn_planes to, __mmask16 mask) {
    for (int64_t p = 0;; ++p) {
        const __m512i items = brdnn_interleave_halves((__m512i)_mm512_cvtne2ps_pbh(second, first));
        brdnn_store_items(to.start + p * to.part, mask, items);
        if (p + 1 == to.parts) return;
        const __m512i upper = _mm512_set1_epi32((int)0xffff0000);
        first = _mm512_sub_ps(first, (__m512)_mm512_slli_epi32(items, 16));
        second = _mm512_sub_ps(second, (__m512)_mm512_and_si512(items, upper));
    }
}

/** 16 items of 32 neighbours: from[0] and from[1], from[2] and from[3], and so on. */
BRDNN_AVX512_INLINE void brdnn_pair_one_row_f32(
        __m512 low, __m512 high, brdnn_planes to, __mmask16 mask) {
    const __m512i even
            = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1));
    brdnn_pair_f32(_mm512_permutex2var_ps(low, even, high), _mm512_permutex2var_ps(low, odd, high),
            to, mask);
}

/** 16 items. */
BRDNN_AVX512_INLINE __m512i brdnn_pair_bf16(__m256i first, __m256i second) {
    return _mm512_or_si512(_mm512_cvtepu16_epi32(first), brdnn_widen(second));
}

/** Up to 16 items of neighbouring values of either type. */
BRDNN_AVX512_INLINE void brdnn_pair_vector(
        brdnn_type type, const void *first, const void *second, __mmask16 mask, brdnn_planes to) {
    if (type == BRDNN_F32)
        brdnn_pair_f32(
                _mm512_maskz_loadu_ps(mask, first), _mm512_maskz_loadu_ps(mask, second), to, mask);
    else
        brdnn_store_items(to.start, mask,
                brdnn_pair_bf16(_mm256_maskz_loadu_epi16(mask, first),
                        _mm256_maskz_loadu_epi16(mask, second)));
}

/** 32 items. */
BRDNN_AVX512_INLINE void brdnn_pair_two_vectors_bf16(
        const void *first, const void *second, uint32_t *to) {
    const __m512i halves = _mm512_set_epi64(7, 3, 6, 2, 5, 1, 4, 0);
    const __m512i a = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(first));
    const __m512i b = _mm512_permutexvar_epi64(halves, _mm512_loadu_si512(second));
    _mm512_storeu_si512(to, _mm512_unpacklo_epi16(a, b));
    _mm512_storeu_si512(to + brdnn_pair_lanes, _mm512_unpackhi_epi16(a, b));
}

/** Items of `count` neighbouring values each; NULL: zeros. */
BRDNN_AVX512_INLINE void brdnn_pair_neighbours(
        brdnn_type type, const void *first, const void *second, int64_t count, brdnn_planes to) {
    const int64_t first_step = first ? 1 : 0, second_step = second ? 1 : 0;
    uint32_t *const start = to.start;
    int64_t i = 0;
    if (!first) first = brdnn_zeros;
    if (!second) second = brdnn_zeros;
    for (; type == BRDNN_BF16 && i + brdnn_words <= count; i += brdnn_words)
        brdnn_pair_two_vectors_bf16(brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), start + i);
    for (; i + brdnn_pair_lanes <= count; i += brdnn_pair_lanes) {
        to.start = start + i;
        brdnn_pair_vector(type, brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), 0xffff, to);
    }
    to.start = start + i;
    if (i < count)
        brdnn_pair_vector(type, brdnn_at(type, first, i * first_step),
                brdnn_at(type, second, i * second_step), brdnn_first_lanes(count - i), to);
}

#endif
