/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file magnitudes.h
 * How large and how small values are: what decides whether products of their parts are exact enough. */

#ifndef BRCONV1D_MAGNITUDES_H
#define BRCONV1D_MAGNITUDES_H

#include "progression.h"

/** Bit patterns of |x| as f32, of the largest value seen and of the smallest but zero: UINT32_MAX where
 * there is none. NaN is the largest of all, infinity next. */
typedef struct {
    uint32_t largest, smallest;
} brconv1d_magnitudes;

/** Of no value at all. */
static inline brconv1d_magnitudes brconv1d_nothing_seen(void) {
    return (brconv1d_magnitudes) {0, UINT32_MAX};
}

/** Adds what others have seen. */
static inline void brconv1d_see(brconv1d_magnitudes *all, brconv1d_magnitudes more) {
    if (more.largest > all->largest) all->largest = more.largest;
    if (more.smallest < all->smallest) all->smallest = more.smallest;
}

/** Adds `count` neighbouring elements. Needs AVX512BW. */
void brconv1d_see_row(
        brconv1d_type type, const void *row, int64_t count, brconv1d_magnitudes *seen);

/** Adds all channels of those of the positions that are inside the image. Needs AVX512BW. */
void brconv1d_see_positions(
        const brconv1d_image *image, brconv1d_range positions, brconv1d_magnitudes *seen);

#endif
