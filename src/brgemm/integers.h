/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/integers.h
 * Integer arithmetic on sizes and positions. */

#ifndef BRDNN_BRGEMM_INTEGERS_H
#define BRDNN_BRGEMM_INTEGERS_H

#include <stddef.h>
#include <stdint.h>

/** No size, stride, padding or number of elements is beyond this: more than any address space
 * holds, and far enough from INT64_MAX that adding up a few of them can't overflow. */
#define BRDNN_SIZE_LIMIT ((int64_t)1 << 46)

/** The numbers from begin up to, not including, end; none where end <= begin. */
typedef struct {
    int64_t begin, end;
} brdnn_range;

static inline int64_t brdnn_min(int64_t a, int64_t b) { return a < b ? a : b; }
static inline int64_t brdnn_max(int64_t a, int64_t b) { return a > b ? a : b; }

/** a / b rounded up; b > 0, a of any sign. */
static inline int64_t brdnn_ceil_div(int64_t a, int64_t b) { return a / b + (a % b > 0); }

/** a rounded up to a multiple of b; a >= 0, b > 0. */
static inline int64_t brdnn_round_up(int64_t a, int64_t b) { return brdnn_ceil_div(a, b) * b; }

/** a * b for a, b >= 1, or a value beyond BRDNN_SIZE_LIMIT where the product is. */
static inline int64_t brdnn_product(int64_t a, int64_t b) {
    return a > BRDNN_SIZE_LIMIT / b ? BRDNN_SIZE_LIMIT + 1 : a * b;
}

/** Greatest common divisor of a, b >= 1. */
static inline int64_t brdnn_gcd(int64_t a, int64_t b) {
    while (b) {
        const int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/** The largest number up to `most` that divides a; both >= 1. */
static inline int64_t brdnn_largest_divisor(int64_t a, int64_t most) {
    int64_t divisor = brdnn_min(a, most);
    while (a % divisor)
        --divisor;
    return divisor;
}

/** Bytes of so many floats, or other words of 4 bytes, in whole cache lines. */
static inline size_t brdnn_word_lines(int64_t words) {
    const int64_t word = 4, line = 64 / word;
    return (size_t)brdnn_product(brdnn_round_up(words, line), word);
}

/** Of `all` pieces those that thread ithr of nthr takes: contiguous, and at most one more than any
 * other thread's. */
static inline brdnn_range brdnn_share_of(int64_t all, int ithr, int nthr) {
    const int64_t each = all / nthr, rest = all % nthr;
    const int64_t begin = ithr * each + brdnn_min(ithr, rest);
    const brdnn_range share = {begin, begin + each + (ithr < rest)};
    return share;
}

#endif
