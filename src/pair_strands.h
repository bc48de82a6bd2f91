/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pair_strands.h
 * Pairs along the width of NCW images, with zeros for what lies outside. */

#ifndef BRCONV1D_PAIR_STRANDS_H
#define BRCONV1D_PAIR_STRANDS_H

#include "conversion.h"
#include "pairs.h"

/** Positions of one channel. Those of items in `valid` are inside the image. */
typedef struct {
    const void *row;
    brconv1d_progression positions;
    brconv1d_range valid;
} brconv1d_strand;

static inline brconv1d_strand brconv1d_strand_of(
        const brconv1d_image *image, int64_t channel, brconv1d_progression positions) {
    return (brconv1d_strand) {brconv1d_at(image->type, image->start, channel * image->pitch),
            positions, brconv1d_inside(positions, image->width)};
}

/** A row of items, as many as there are positions in the first strand. */
void brconv1d_pair_strands(brconv1d_type type, const brconv1d_strand *first,
        const brconv1d_strand *second, const brconv1d_pair_rows *to, int64_t row);

/** The positions `by` behind. */
static inline brconv1d_progression brconv1d_moved(brconv1d_progression positions, int64_t by) {
    positions.first += by;
    return positions;
}

/** Those i of which position i is inside the image, and also the one `apart` behind it; of either
 * layout. */
static inline brconv1d_range brconv1d_inside_both(
        const brconv1d_image *image, brconv1d_progression positions, int64_t apart) {
    const brconv1d_range first = brconv1d_inside(positions, image->width);
    const brconv1d_range second = brconv1d_inside(brconv1d_moved(positions, apart), image->width);
    const int64_t begin = brconv1d_max(first.begin, second.begin);
    return (brconv1d_range) {begin, brconv1d_max(begin, brconv1d_min(first.end, second.end))};
}

#endif
