/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/exponent_range.h
 * How large and how small values are: what decides whether products of their splits are exact enough. */

#ifndef BRDNN_PACK_EXPONENT_RANGE_H
#define BRDNN_PACK_EXPONENT_RANGE_H

#include "pack/positions.h"

/** Bit patterns of |x| as f32, of the largest value seen and of the smallest but zero: UINT32_MAX where
 * there is none. NaN is the largest of all, infinity next. */
typedef struct {
    uint32_t largest, smallest;
} brdnn_exponent_range;

/** Of no value at all. */
static inline brdnn_exponent_range brdnn_no_exponents(void) {
    return (brdnn_exponent_range) {0, UINT32_MAX};
}

/** Adds what others have seen. */
static inline void brdnn_join_exponents(brdnn_exponent_range *all, brdnn_exponent_range more) {
    if (more.largest > all->largest) all->largest = more.largest;
    if (more.smallest < all->smallest) all->smallest = more.smallest;
}

/** Adds `count` neighbouring elements. Needs AVX512BW. */
void brdnn_exponents_of_row(
        brdnn_type type, const void *row, int64_t count, brdnn_exponent_range *range);

/** Adds all channels of those of the positions that are inside the image. Needs AVX512BW. */
void brdnn_exponents_of_positions(
        const brdnn_image *image, brdnn_range positions, brdnn_exponent_range *range);

/** Whether products of values in these ranges come out of bf16 kernels, with factors of so many splits
 * (brgemm/kernels.h), as docs/numerics.md promises. */
bool brdnn_splits_carry(brdnn_exponent_range a, brdnn_exponent_range b, int64_t splits);

#endif
