/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni_rows.h
 * Pairs along the width of NCW images, with zeros for what lies outside. */

#ifndef BRDNN_PACK_VNNI_ROWS_H
#define BRDNN_PACK_VNNI_ROWS_H

#include "pack/elements.h"
#include "pack/vnni.h"

/** Positions of one channel. Those of words in `valid` are inside the image. */
typedef struct {
    const void *row;
    brdnn_positions positions;
    brdnn_range valid;
} brdnn_strided_row;

static inline brdnn_strided_row brdnn_strided_row_of(
        const brdnn_image *image, int64_t channel, brdnn_positions positions) {
    return (brdnn_strided_row) {brdnn_at(image->type, image->start, channel * image->pitch),
            positions, brdnn_inside(positions, image->width)};
}

/** A row of words, as many as there are positions in the first row. */
void brdnn_vnni_of_rows(brdnn_type type, const brdnn_strided_row *first,
        const brdnn_strided_row *second, const brdnn_vnni_rows *to, int64_t row);

/** The positions `by` behind. */
static inline brdnn_positions brdnn_moved(brdnn_positions positions, int64_t by) {
    positions.first += by;
    return positions;
}

/** Those i of which position i is inside the image, and also the one `apart` behind it; of either
 * layout. */
static inline brdnn_range brdnn_inside_both(
        const brdnn_image *image, brdnn_positions positions, int64_t apart) {
    const brdnn_range first = brdnn_inside(positions, image->width);
    const brdnn_range second = brdnn_inside(brdnn_moved(positions, apart), image->width);
    const int64_t begin = brdnn_max(first.begin, second.begin);
    return (brdnn_range) {begin, brdnn_max(begin, brdnn_min(first.end, second.end))};
}

#endif
