/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file interleave.h
 * Puts the outputs of several branches (correlation.h) in order. */

#ifndef BRCONV1D_INTERLEAVE_H
#define BRCONV1D_INTERLEAVE_H

#include "brconv1d.h"

/** Elements that may be read behind the last one named. */
enum { brconv1d_interleave_slack = 16 };

/** to[i] = from[i % branches * branch_stride + i / branches] for i in [0, count). */
void brconv1d_interleave(brconv1d_isa isa, const float *from, int64_t branch_stride,
        int64_t branches, float *to, int64_t count);

#endif
