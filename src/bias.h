/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file bias.h
 * Adds bias to finished sums. */

#ifndef BRCONV1D_BIAS_H
#define BRCONV1D_BIAS_H

#include <stdint.h>

/** sums[i] += bias for `count` elements: a filter's row in ncw. */
void brconv1d_add_one_bias(float *sums, float bias, int64_t count);

/** sums[i] += bias[i] for `count` elements: a position's row in nwc. */
void brconv1d_add_biases(float *restrict sums, const float *restrict bias, int64_t count);

#endif
