/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "finish/merge_branches.h"

#include <immintrin.h>

/* Spreads a piece of each branch over the lanes of a vector. Returns how many elements were
 * written: all whole vectors. */
__attribute__((target("avx512f"))) static int64_t interleave_avx512(
        const float *from, int64_t branch_stride, int64_t branches, float *to, int64_t count) {
    const int64_t lanes = 16;
    uint32_t comb = 0;
    for (int64_t lane = 0; lane < lanes; lane += branches)
        comb |= 1u << lane;
    /* Element i is output i / branches of branch i % branches. */
    int64_t i = 0, output = 0, branch = 0;
    for (; i + lanes <= count; i += lanes) {
        __m512 v = _mm512_setzero_ps();
        for (int64_t b = 0; b < branches; ++b) {
            const bool is_next_output = b < branch;
            const int64_t lane = b - branch + (is_next_output ? branches : 0);
            const __m512 piece
                    = _mm512_loadu_ps(from + b * branch_stride + output + is_next_output);
            v = _mm512_mask_expand_ps(v, (__mmask16)(comb << lane), piece);
        }
        _mm512_storeu_ps(to + i, v);
        output += lanes / branches;
        branch += lanes % branches;
        if (branch >= branches) {
            branch -= branches;
            ++output;
        }
    }
    return i;
}

void brdnn_merge_branches(brdnn_kernels kernels, const float *from, int64_t branch_stride,
        int64_t branches, float *to, int64_t count) {
    const int64_t worth_a_vector = 8;
    int64_t done = 0;
    if (brdnn_has_avx512(kernels) && branches <= worth_a_vector)
        done = interleave_avx512(from, branch_stride, branches, to, count);
    int64_t output = done / branches, branch = done % branches;
    for (int64_t i = done; i < count; ++i) {
        to[i] = from[branch * branch_stride + output];
        if (++branch < branches) continue;
        branch = 0;
        ++output;
    }
}
