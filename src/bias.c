/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "bias.h"

/* The library is compiled for any x86-64, for which the compiler would vectorise these loops with the
 * 4 lanes of SSE. For a first layer of one channel bias is a sizeable part of the work: with 15
 * filters and 51 taps that would be a quarter of its time rather than a tenth. Every plan has AVX2;
 * AVX-512 was no faster, and its masked stores, for rows of 15 filters, slower (Zen 4). */
#define AVX2 __attribute__((target("avx2")))

AVX2 void brconv1d_add_one_bias(float *sums, float bias, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        sums[i] += bias;
}

AVX2 void brconv1d_add_biases(float *restrict sums, const float *restrict bias, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        sums[i] += bias[i];
}
