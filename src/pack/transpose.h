/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/transpose.h
 * Rows of words that become columns, 16 by 16 in registers. */

#ifndef BRDNN_PACK_TRANSPOSE_H
#define BRDNN_PACK_TRANSPOSE_H

#include "pack/vnni_vectors.h"

/** 16 rows of 16 words become columns. */
BRDNN_AVX512_INLINE void brdnn_transpose(__m512i r[brdnn_vnni_lanes]) {
    __m512i t[brdnn_vnni_lanes];
    for (int i = 0; i < brdnn_vnni_lanes; i += 2) {
        t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < brdnn_vnni_lanes; i += 4)
        for (int j = 0; j < 2; ++j) {
            r[i + 2 * j] = _mm512_unpacklo_epi64(t[i + j], t[i + j + 2]);
            r[i + 2 * j + 1] = _mm512_unpackhi_epi64(t[i + j], t[i + j + 2]);
        }
    for (int i = 0; i < brdnn_vnni_lanes / 4; ++i)
        for (int j = 0; j < brdnn_vnni_lanes; j += 8) {
            t[i + j] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0x88);
            t[i + j + 4] = _mm512_shuffle_i32x4(r[i + j], r[i + j + 4], 0xdd);
        }
    for (int i = 0; i < brdnn_vnni_lanes / 2; ++i) {
        r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    }
}

/** The first `length` words of each of `count` vectors, `pitch` apart. */
BRDNN_AVX512_INLINE void brdnn_store_rows(
        const __m512i *rows, int64_t count, int64_t length, uint32_t *to, int64_t pitch) {
    const __mmask16 mask = brdnn_first_lanes(length);
    if (count == brdnn_vnni_lanes && mask == 0xffff)
        for (int64_t i = 0; i < brdnn_vnni_lanes; ++i)
            _mm512_storeu_si512(to + i * pitch, rows[i]);
    else
        for (int64_t i = 0; i < count; ++i)
            _mm512_mask_storeu_epi32(to + i * pitch, mask, rows[i]);
}

#endif
