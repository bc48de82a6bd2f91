/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/elements.h"

#include <immintrin.h>

#define AVX2 __attribute__((target("avx2")))
#define AVX512_BF16 __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

/* A loop that compilers vectorise. */
AVX2 static void round_row(const float *from, int64_t count, uint16_t *to) {
    for (int64_t i = 0; i < count; ++i)
        to[i] = brdnn_bf16_of_float(from[i]);
}

/* Stores the first `count` of eight elements. Masked stores of 16-bit lanes are slow on Zen 4. */
AVX512_BF16 static void store_some(uint16_t *to, __m128i v, int64_t count) {
    if (count & 4) {
        _mm_storel_epi64((__m128i *)to, v);
        v = _mm_unpackhi_epi64(v, v);
        to += 4;
    }
    if (count & 2) {
        _mm_storeu_si32(to, v);
        v = _mm_srli_epi64(v, 32);
        to += 2;
    }
    if (count & 1) _mm_storeu_si16(to, v);
}

AVX512_BF16 static void round_row_avx512(const float *from, int64_t count, uint16_t *to) {
    enum { lanes = 16, half = lanes / 2 };
    int64_t i = 0;
    for (; i + lanes <= count; i += lanes)
        _mm256_storeu_si256(
                (__m256i *)(to + i), (__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from + i)));
    if (i == count) return;
    const __mmask16 mask = (__mmask16)((1u << (count - i)) - 1);
    const __m256i rest = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from + i));
    __m128i v = _mm256_castsi256_si128(rest);
    if (count - i >= half) {
        _mm_storeu_si128((__m128i *)(to + i), v);
        v = _mm256_extracti128_si256(rest, 1);
        i += half;
    }
    store_some(to + i, v, count - i);
}

AVX512_BF16 static void round_rows_avx512(
        const float *from, int64_t rows, int64_t length, int64_t ld, uint16_t *to, int64_t pitch) {
    for (int64_t r = 0; r < rows; ++r)
        round_row_avx512(from + r * ld, length, to + r * pitch);
}

void brdnn_store_sums(brdnn_kernels kernels, brdnn_type type, const float *from, int64_t rows,
        int64_t length, int64_t ld, void *to, int64_t pitch) {
    if (ld == length && pitch == length) { /* one long row */
        length *= rows;
        rows = 1;
    }
    if (type == BRDNN_BF16 && brdnn_is_vnni(kernels)) {
        round_rows_avx512(from, rows, length, ld, to, pitch);
        return;
    }
    for (int64_t r = 0; r < rows; ++r) {
        void *row = brdnn_at_mutable(type, to, r * pitch);
        if (type == BRDNN_BF16) round_row(from + r * ld, length, row);
        else memcpy(row, from + r * ld, (size_t)length * sizeof(*from));
    }
}

AVX2 void brdnn_widen_row(const uint16_t *from, int64_t step, int64_t count, float *to) {
    enum { lanes = 8 };
    int64_t i = 0;
    if (step == 1)
        for (; i + lanes <= count; i += lanes) {
            const __m128i narrow = _mm_loadu_si128((const __m128i *)(from + i));
            const __m256i wide = _mm256_slli_epi32(_mm256_cvtepu16_epi32(narrow), 16);
            _mm256_storeu_ps(to + i, _mm256_castsi256_ps(wide));
        }
    for (; i < count; ++i)
        to[i] = brdnn_float_of_bf16(from[i * step]);
}
