/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/transpose.h
 * Rows of words that become columns, in registers: 8 by 8 with AVX2, 16 by 16 with AVX-512. */

#ifndef BRDNN_PACK_TRANSPOSE_H
#define BRDNN_PACK_TRANSPOSE_H

#include "brgemm/integers.h"
#include "brgemm/kernels.h"

#include <immintrin.h>

/** to[i * to_pitch + r] = from[r * from_pitch + i] for up to 16 rows and `columns` columns. Whole vectors of
 * 16 words are read of each row. */
void brdnn_transpose_words(brdnn_kernels kernels, const uint32_t *from, int64_t from_pitch,
        int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch);

#define BRDNN_AVX2_INLINE \
    __attribute__((target("avx2"))) static inline __attribute__((always_inline))
#define BRDNN_AVX512F_INLINE \
    __attribute__((target("avx512f"))) static inline __attribute__((always_inline))

/** Columns of up to 8 rows of 8. */
BRDNN_AVX2_INLINE void brdnn_transpose_8(
        const float *from, int64_t pitch, int64_t rows, __m256 columns[8]) {
    __m256 r[8], pair[8], quad[8];
    for (int64_t i = 0; i < 8; ++i)
        r[i] = i < rows ? _mm256_loadu_ps(from + i * pitch) : _mm256_setzero_ps();
    for (int i = 0; i < 8; i += 2) {
        pair[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        pair[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; ++j) {
            quad[i + 2 * j] = _mm256_shuffle_ps(pair[i + j], pair[i + 2 + j], 0x44);
            quad[i + 2 * j + 1] = _mm256_shuffle_ps(pair[i + j], pair[i + 2 + j], 0xee);
        }
    for (int i = 0; i < 4; ++i) {
        columns[i] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x20);
        columns[i + 4] = _mm256_permute2f128_ps(quad[i], quad[i + 4], 0x31);
    }
}

/** The first `count` lanes of a vector; masked stores are slow on Zen 4. */
BRDNN_AVX2_INLINE void brdnn_store_lanes(float *to, __m256 v, int64_t count) {
    if (count == 8) {
        _mm256_storeu_ps(to, v);
        return;
    }
    __m128 low = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(to, low);
        low = _mm256_extractf128_ps(v, 1);
        to += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)to, low);
        low = _mm_movehl_ps(low, low);
        to += 2;
    }
    if (count & 1) _mm_store_ss(to, low);
}

/** 16 rows of 16 words become columns. */
BRDNN_AVX512F_INLINE void brdnn_transpose_16(__m512i r[16]) {
    __m512i t[16];
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < 16; i += 4)
        for (int j = 0; j < 2; ++j) {
            r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
            r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
        }
    for (int i = 0; i < 4; ++i)
        for (int j = 0; j < 16; j += 8) {
            t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
            t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xdd);
        }
    for (int i = 0; i < 8; ++i) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

/** The first `length` words of each of `count` vectors, `pitch` apart. */
BRDNN_AVX512F_INLINE void brdnn_store_rows(
        const __m512i *rows, int64_t count, int64_t length, uint32_t *to, int64_t pitch) {
    const __mmask16 mask = (__mmask16)((1u << length) - 1);
    if (count == 16 && length == 16)
        for (int64_t i = 0; i < 16; ++i)
            _mm512_storeu_si512(to + i * pitch, rows[i]);
    else
        for (int64_t i = 0; i < count; ++i)
            _mm512_mask_storeu_epi32(to + i * pitch, mask, rows[i]);
}

#endif
