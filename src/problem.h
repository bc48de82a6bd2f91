/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file problem.h
 * A problem with its defaults filled in, and the rules that make it valid. */

#ifndef BRCONV1D_PROBLEM_H
#define BRCONV1D_PROBLEM_H

#include "brconv1d.h"

/** Checks `given` against every rule of the public header and copies it to `out` with dense
 * strides filled in where they were 0.
 * @return NULL where it is valid, else a sentence that says what is wrong. */
const char *brconv1d_problem_complete(const brconv1d_problem *given, brconv1d_problem *out);

/** The items from begin up to, not including, end. */
typedef struct {
    int64_t begin, end;
} brconv1d_range;

/** The taps that outputs [ow, ow + count) can find inside src; all others read only padding. Empty
 * where end <= begin. */
brconv1d_range brconv1d_useful_taps(const brconv1d_problem *p, int64_t ow, int64_t count);

/** Channels of one group, of src and of dst. */
static inline int64_t brconv1d_group_ic(const brconv1d_problem *p) { return p->ic / p->groups; }
static inline int64_t brconv1d_group_oc(const brconv1d_problem *p) { return p->oc / p->groups; }

/** a / b rounded up; b > 0, a >= 0. */
static inline int64_t brconv1d_ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0); }

/** No size, stride, padding or number of elements is beyond this: more than any address space
 * holds, and far enough from INT64_MAX that adding up a few of them can't overflow. */
#define BRCONV1D_SIZE_LIMIT ((int64_t)1 << 46)

/** a * b for a, b >= 1, or a value beyond BRCONV1D_SIZE_LIMIT where the product is. */
static inline int64_t brconv1d_product(int64_t a, int64_t b) {
    return a > BRCONV1D_SIZE_LIMIT / b ? BRCONV1D_SIZE_LIMIT + 1 : a * b;
}

static inline int64_t brconv1d_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t brconv1d_max(int64_t a, int64_t b) { return a > b ? a : b; }

#endif
