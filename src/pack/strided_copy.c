/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/strided_copy.h"

#include "brgemm/integers.h"
#include "pack/elements.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))

AVX512 static __mmask16 first_lanes(int64_t count) {
    return (__mmask16)((1u << brdnn_max(brdnn_min(count, 16), 0)) - 1);
}

static const void *row_of(const brdnn_strided_rows *from, int64_t row) {
    return brdnn_at(from->type, from->start, row * from->row_step);
}

/* Elements of a row that are copied by whole vectors, `taken` of two at a time, without reading or writing
 * beyond the last. */
static int64_t whole_part(const brdnn_strided_rows *from, int64_t lanes, int64_t taken) {
    const int64_t end = (from->count - 1) * from->step + 1;
    int64_t i = 0;
    while (i * from->step + 2 * lanes <= end && i + lanes <= from->count)
        i += taken;
    return i;
}

AVX512 static void copy_rows_f32(const brdnn_strided_rows *from, float *to, int64_t pitch) {
    const int64_t lanes = 16, step = from->step, count = from->count;
    const int64_t taken = brdnn_min(lanes, brdnn_ceil_div(2 * lanes, step));
    const int64_t whole = whole_part(from, lanes, taken);
    const __m512i lane = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    const __m512i picked = _mm512_mullo_epi32(lane, _mm512_set1_epi32((int)step));
    for (int64_t r = 0; r < from->rows && whole > 0; ++r) {
        const float *at = row_of(from, r);
        for (int64_t i = 0; i < whole; i += taken, at += taken * step)
            _mm512_storeu_ps(to + r * pitch + i,
                    _mm512_permutex2var_ps(
                            _mm512_loadu_ps(at), picked, _mm512_loadu_ps(at + lanes)));
    }
    for (int64_t i = whole; i < count; i += taken) {
        const int64_t left = (count - 1 - i) * step + 1;
        const __mmask16 low = first_lanes(left), high = first_lanes(left - lanes);
        const __mmask16 stored = first_lanes(brdnn_min(taken, count - i));
        for (int64_t r = 0; r < from->rows; ++r) {
            const float *at = (const float *)row_of(from, r) + i * step;
            _mm512_mask_storeu_ps(to + r * pitch + i, stored,
                    _mm512_permutex2var_ps(_mm512_maskz_loadu_ps(low, at), picked,
                            _mm512_maskz_loadu_ps(high, at + lanes)));
        }
    }
}

AVX512 static __mmask32 first_halves(int64_t count) {
    return (__mmask32)((UINT64_C(1) << brdnn_max(brdnn_min(count, 32), 0)) - 1);
}

AVX512 static void copy_rows_bf16(const brdnn_strided_rows *from, uint16_t *to, int64_t pitch) {
    const int64_t lanes = 32, step = from->step, count = from->count;
    const int64_t taken = brdnn_min(lanes, brdnn_ceil_div(2 * lanes, step));
    const int64_t whole = whole_part(from, lanes, taken);
    uint16_t order[32];
    for (int i = 0; i < 32; ++i)
        order[i] = (uint16_t)(i * step);
    const __m512i picked = _mm512_loadu_si512(order);
    for (int64_t r = 0; r < from->rows && whole > 0; ++r) {
        const uint16_t *at = row_of(from, r);
        for (int64_t i = 0; i < whole; i += taken, at += taken * step)
            _mm512_storeu_si512(to + r * pitch + i,
                    _mm512_permutex2var_epi16(
                            _mm512_loadu_si512(at), picked, _mm512_loadu_si512(at + lanes)));
    }
    for (int64_t i = whole; i < count; i += taken) {
        const int64_t left = (count - 1 - i) * step + 1;
        const __mmask32 low = first_halves(left), high = first_halves(left - lanes);
        const __mmask32 stored = first_halves(brdnn_min(taken, count - i));
        for (int64_t r = 0; r < from->rows; ++r) {
            const uint16_t *at = (const uint16_t *)row_of(from, r) + i * step;
            _mm512_mask_storeu_epi16(to + r * pitch + i, stored,
                    _mm512_permutex2var_epi16(_mm512_maskz_loadu_epi16(low, at), picked,
                            _mm512_maskz_loadu_epi16(high, at + lanes)));
        }
    }
}

static void copy_one_by_one(const brdnn_strided_rows *from, void *to, int64_t pitch) {
    const int64_t count = from->count, step = from->step;
    for (int64_t r = 0; r < from->rows; ++r) {
        const void *row = row_of(from, r);
        void *copy = brdnn_at_mutable(from->type, to, r * pitch);
        if (from->type == BRDNN_F32)
            for (int64_t i = 0; i < count; ++i)
                ((float *)copy)[i] = ((const float *)row)[i * step];
        else
            for (int64_t i = 0; i < count; ++i)
                ((uint16_t *)copy)[i] = ((const uint16_t *)row)[i * step];
    }
}

/* Two vectors must hold several of the elements, or taking these one by one is as fast. */
static bool is_worth_vectors(brdnn_kernels kernels, const brdnn_strided_rows *from) {
    const int64_t fewest = 4, in_two_vectors = 128 / (int64_t)brdnn_type_bytes(from->type);
    return brdnn_has_avx512(kernels) && from->step * fewest <= in_two_vectors;
}

void brdnn_strided_copy(
        brdnn_kernels kernels, const brdnn_strided_rows *from, void *to, int64_t pitch) {
    const size_t bytes = (size_t)from->count * brdnn_type_bytes(from->type);
    if (from->step == 1)
        for (int64_t r = 0; r < from->rows; ++r)
            memcpy(brdnn_at_mutable(from->type, to, r * pitch), row_of(from, r), bytes);
    else if (!is_worth_vectors(kernels, from)) copy_one_by_one(from, to, pitch);
    else if (from->type == BRDNN_F32) copy_rows_f32(from, to, pitch);
    else copy_rows_bf16(from, to, pitch);
}

void brdnn_strided_copy_f32(
        brdnn_kernels kernels, const brdnn_strided_rows *from, float *to, int64_t pitch) {
    if (from->type == BRDNN_F32) brdnn_strided_copy(kernels, from, to, pitch);
    else
        for (int64_t r = 0; r < from->rows; ++r)
            brdnn_widen_row(row_of(from, r), from->step, from->count, to + r * pitch);
}
