/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/strided_copy.h"

#include "brgemm/integers.h"
#include "pack/elements.h"

#include <immintrin.h>

#define AVX512 __attribute__((target("avx512f,avx512bw")))
#define AVX512_INLINE AVX512 static inline __attribute__((always_inline))

/* The first of a vector's elements: of all, where there are more, and of none for a negative number. */
AVX512_INLINE __mmask32 first(int64_t count, int64_t lanes) {
    return (__mmask32)((UINT64_C(1) << brdnn_max(brdnn_min(count, lanes), 0)) - 1);
}

AVX512_INLINE __m512i load(brdnn_type type, __mmask32 mask, const void *from) {
    return type == BRDNN_BF16 ? _mm512_maskz_loadu_epi16(mask, from)
                              : _mm512_maskz_loadu_epi32((__mmask16)mask, from);
}

AVX512_INLINE void store(brdnn_type type, __mmask32 mask, void *to, __m512i v) {
    if (type == BRDNN_BF16) _mm512_mask_storeu_epi16(to, mask, v);
    else _mm512_mask_storeu_epi32(to, (__mmask16)mask, v);
}

/* Every step-th element of two vectors. */
AVX512_INLINE __m512i pick(brdnn_type type, __m512i low, __m512i order, __m512i high) {
    return type == BRDNN_BF16 ? _mm512_permutex2var_epi16(low, order, high)
                              : _mm512_permutex2var_epi32(low, order, high);
}

AVX512_INLINE __m512i order_of(brdnn_type type, int64_t step) {
    uint16_t halves[32];
    uint32_t words[16];
    for (int i = 0; i < 32; ++i)
        halves[i] = (uint16_t)(i * step);
    for (int i = 0; i < 16; ++i)
        words[i] = (uint32_t)(i * step);
    return _mm512_loadu_si512(type == BRDNN_BF16 ? (const void *)halves : words);
}

static const void *row_of(const brdnn_strided_rows *from, int64_t row) {
    return brdnn_at(from->type, from->start, row * from->row_step);
}

/* Takes from two vectors at a time what is in them, without reading or writing beyond the last element: first
 * whole ones, row by row; then of each row what is left, with masks that all rows share. */
AVX512_INLINE void copy_rows(
        brdnn_type type, const brdnn_strided_rows *from, void *to, int64_t pitch) {
    const int64_t lanes = type == BRDNN_BF16 ? 32 : 16, step = from->step, count = from->count;
    const int64_t taken = brdnn_min(lanes, brdnn_ceil_div(2 * lanes, step));
    const int64_t end = (count - 1) * step + 1;
    const __m512i order = order_of(type, step);
    int64_t whole = 0;
    while (whole * step + 2 * lanes <= end && whole + lanes <= count)
        whole += taken;
    for (int64_t r = 0; r < from->rows && whole > 0; ++r)
        for (int64_t i = 0; i < whole; i += taken) {
            const void *at = brdnn_at(type, row_of(from, r), i * step);
            _mm512_storeu_si512(brdnn_at_mutable(type, to, r * pitch + i),
                    pick(type, _mm512_loadu_si512(at), order,
                            _mm512_loadu_si512(brdnn_at(type, at, lanes))));
        }
    for (int64_t i = whole; i < count; i += taken) {
        const __mmask32 low = first(end - i * step, lanes);
        const __mmask32 high = first(end - i * step - lanes, lanes);
        const __mmask32 stored = first(brdnn_min(taken, count - i), lanes);
        for (int64_t r = 0; r < from->rows; ++r) {
            const void *at = brdnn_at(type, row_of(from, r), i * step);
            store(type, stored, brdnn_at_mutable(type, to, r * pitch + i),
                    pick(type, load(type, low, at), order,
                            load(type, high, brdnn_at(type, at, lanes))));
        }
    }
}

AVX512 static void copy_by_vectors(const brdnn_strided_rows *from, void *to, int64_t pitch) {
    if (from->type == BRDNN_BF16) copy_rows(BRDNN_BF16, from, to, pitch);
    else copy_rows(BRDNN_F32, from, to, pitch);
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
    else copy_by_vectors(from, to, pitch);
}

void brdnn_strided_copy_f32(
        brdnn_kernels kernels, const brdnn_strided_rows *from, float *to, int64_t pitch) {
    if (from->type == BRDNN_F32) brdnn_strided_copy(kernels, from, to, pitch);
    else
        for (int64_t r = 0; r < from->rows; ++r)
            brdnn_widen_row(row_of(from, r), from->step, from->count, to + r * pitch);
}
