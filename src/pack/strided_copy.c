/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/strided_copy.h"

#include "brgemm/integers.h"
#include "pack/elements.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))

/* Beyond this two vectors hold so few of the elements that taking them one by one is as fast. */
static const int64_t worth_a_vector = 8;

AVX512 static __mmask16 first_lanes(int64_t count) {
    return (__mmask16)((1u << brdnn_max(brdnn_min(count, 16), 0)) - 1);
}

/* Takes as many as lie in two vectors, without reading or writing beyond the last. */
AVX512 static void copy_f32(const float *from, int64_t step, int64_t count, float *to) {
    const int64_t lanes = 16, taken = brdnn_min(lanes, brdnn_ceil_div(2 * lanes, step));
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i picked = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)step));
    int64_t i = 0, left = (count - 1) * step + 1;
    for (; left >= 2 * lanes && i + lanes <= count; i += taken, left -= taken * step) {
        const float *at = from + i * step;
        _mm512_storeu_ps(to + i,
                _mm512_permutex2var_ps(_mm512_loadu_ps(at), picked, _mm512_loadu_ps(at + lanes)));
    }
    for (; i < count; i += taken, left -= taken * step) {
        const float *at = from + i * step;
        const __m512 low = _mm512_maskz_loadu_ps(first_lanes(left), at);
        const __m512 high = _mm512_maskz_loadu_ps(first_lanes(left - lanes), at + lanes);
        _mm512_mask_storeu_ps(to + i, first_lanes(brdnn_min(taken, count - i)),
                _mm512_permutex2var_ps(low, picked, high));
    }
}

AVX512 static __mmask32 first_halves(int64_t count) {
    return (__mmask32)((UINT64_C(1) << brdnn_max(brdnn_min(count, 32), 0)) - 1);
}

AVX512 static void copy_bf16(const uint16_t *from, int64_t step, int64_t count, uint16_t *to) {
    const int64_t lanes = 32, taken = brdnn_min(lanes, brdnn_ceil_div(2 * lanes, step));
    uint16_t order[32];
    for (int i = 0; i < 32; ++i)
        order[i] = (uint16_t)(i * step);
    const __m512i picked = _mm512_loadu_si512(order);
    int64_t i = 0, left = (count - 1) * step + 1;
    for (; left >= 2 * lanes && i + lanes <= count; i += taken, left -= taken * step) {
        const uint16_t *at = from + i * step;
        _mm512_storeu_si512(to + i,
                _mm512_permutex2var_epi16(
                        _mm512_loadu_si512(at), picked, _mm512_loadu_si512(at + lanes)));
    }
    for (; i < count; i += taken, left -= taken * step) {
        const uint16_t *at = from + i * step;
        const __m512i low = _mm512_maskz_loadu_epi16(first_halves(left), at);
        const __m512i high = _mm512_maskz_loadu_epi16(first_halves(left - lanes), at + lanes);
        _mm512_mask_storeu_epi16(to + i, first_halves(brdnn_min(taken, count - i)),
                _mm512_permutex2var_epi16(low, picked, high));
    }
}

void brdnn_strided_copy(brdnn_kernels kernels, brdnn_type type, const void *from, int64_t step,
        int64_t count, void *to) {
    const bool by_vectors = brdnn_has_avx512(kernels) && step <= worth_a_vector;
    if (step == 1) memcpy(to, from, (size_t)count * brdnn_type_bytes(type));
    else if (type == BRDNN_F32 && by_vectors) copy_f32(from, step, count, to);
    else if (type == BRDNN_F32)
        for (int64_t i = 0; i < count; ++i)
            ((float *)to)[i] = ((const float *)from)[i * step];
    else if (by_vectors) copy_bf16(from, step, count, to);
    else
        for (int64_t i = 0; i < count; ++i)
            ((uint16_t *)to)[i] = ((const uint16_t *)from)[i * step];
}

void brdnn_strided_copy_f32(brdnn_kernels kernels, brdnn_type type, const void *from, int64_t step,
        int64_t count, float *to) {
    if (type == BRDNN_F32) brdnn_strided_copy(kernels, type, from, step, count, to);
    else brdnn_widen_row(from, step, count, to);
}
