/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "pack/transpose.h"

__attribute__((target("avx512f"))) static void transpose_by_16(const uint32_t *from,
        int64_t from_pitch, int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch) {
    for (int64_t first = 0; first < columns; first += 16) {
        __m512i r[16];
        for (int64_t i = 0; i < 16; ++i)
            r[i] = i < rows ? _mm512_loadu_si512(from + i * from_pitch + first)
                            : _mm512_setzero_si512();
        brdnn_transpose_16(r);
        brdnn_store_rows(r, brdnn_min(16, columns - first), rows, to + first * to_pitch, to_pitch);
    }
}

__attribute__((target("avx2"))) static void transpose_by_8(const float *from, int64_t from_pitch,
        int64_t rows, int64_t columns, float *to, int64_t to_pitch) {
    for (int64_t row = 0; row < rows; row += 8)
        for (int64_t first = 0; first < columns; first += 8) {
            __m256 column[8];
            const int64_t count = brdnn_min(8, rows - row);
            brdnn_transpose_8(from + row * from_pitch + first, from_pitch, count, column);
            for (int64_t i = 0; i < brdnn_min(8, columns - first); ++i)
                brdnn_store_lanes(to + (first + i) * to_pitch + row, column[i], count);
        }
}

void brdnn_transpose_words(brdnn_kernels kernels, const uint32_t *from, int64_t from_pitch,
        int64_t rows, int64_t columns, uint32_t *to, int64_t to_pitch) {
    if (brdnn_has_avx512(kernels)) transpose_by_16(from, from_pitch, rows, columns, to, to_pitch);
    else transpose_by_8((const float *)from, from_pitch, rows, columns, (float *)to, to_pitch);
}
