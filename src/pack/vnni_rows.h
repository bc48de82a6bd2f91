/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni_rows.h
 * Pairs along the width of NCW images, with zeros for what lies outside. */

#ifndef BRDNN_PACK_VNNI_ROWS_H
#define BRDNN_PACK_VNNI_ROWS_H

#include "pack/elements.h"
#include "pack/vnni.h"

/** Positions of one channel. Those of items in `valid` are inside the image. */
typedef struct {
    const void *row;
    brdnn_progression positions;
    brdnn_range valid;
} brdnn_strand;

static inline brdnn_strand brdnn_strand_of(
        const brdnn_image *image, int64_t channel, brdnn_progression positions) {
    return (brdnn_strand) {brdnn_at(image->type, image->start, channel * image->pitch), positions,
            brdnn_inside(positions, image->width)};
}

/** A row of items, as many as there are positions in the first strand. */
void brdnn_pair_strands(brdnn_type type, const brdnn_strand *first, const brdnn_strand *second,
        const brdnn_pair_rows *to, int64_t row);

/** The positions `by` behind. */
static inline brdnn_progression brdnn_moved(brdnn_progression positions, int64_t by) {
    positions.first += by;
    return positions;
}

/** Those i of which position i is inside the image, and also the one `apart` behind it; of either
 * layout. */
static inline brdnn_range brdnn_inside_both(
        const brdnn_image *image, brdnn_progression positions, int64_t apart) {
    const brdnn_range first = brdnn_inside(positions, image->width);
    const brdnn_range second = brdnn_inside(brdnn_moved(positions, apart), image->width);
    const int64_t begin = brdnn_max(first.begin, second.begin);
    return (brdnn_range) {begin, brdnn_max(begin, brdnn_min(first.end, second.end))};
}

#endif
