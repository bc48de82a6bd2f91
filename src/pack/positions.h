/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/positions.h
 * Copies of evenly spaced positions of one image, with zeros for those outside it, as f32 whatever
 * the type of the image. All packing of src and dst as f32 words is made of these. */

#ifndef BRDNN_PACK_POSITIONS_H
#define BRDNN_PACK_POSITIONS_H

#include "brdnn.h"
#include "brgemm/integers.h"
#include "brgemm/kernels.h"

/** Positions first + i * step for i in [0, count); step >= 1, first of any sign. */
typedef struct {
    int64_t first, step, count;
} brdnn_positions;

/** The image they are taken from: some neighbouring channels of one image of a tensor. */
typedef struct {
    brdnn_layout layout;
    brdnn_type type;
    const void *start; /**< first of the channels, position 0 */
    int64_t pitch, channels, width;
} brdnn_image;

/** Those i whose positions lie inside an image of that width. */
static inline brdnn_range brdnn_inside(brdnn_positions p, int64_t width) {
    brdnn_range r = {brdnn_ceil_div(-p.first, p.step), brdnn_ceil_div(width - p.first, p.step)};
    r.begin = brdnn_min(brdnn_max(r.begin, 0), p.count);
    r.end = brdnn_max(brdnn_min(r.end, p.count), r.begin);
    return r;
}

/** A row per channel: channel c of position i goes to to[c * to_pitch + i]. From NCW only.
 * @param kernels what may be used to copy with a step */
void brdnn_pack_by_channel(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, float *to, int64_t to_pitch);

/** A row per position: channel c of position i goes to to[i * to_pitch + c]. From either layout,
 * which in NCW is a transposition. */
void brdnn_pack_by_position(brdnn_kernels kernels, const brdnn_image *image,
        brdnn_positions positions, float *to, int64_t to_pitch);

/** Neighbouring positions of an NCW image, deinterleaved: channel c of position first + r * ways + w goes
 * to to[w * way_pitch + r * to_pitch + c], for r below rounds. The same as positions with step `ways`
 * for each way, but reads the image once. */
void brdnn_deinterleave_positions(brdnn_kernels kernels, const brdnn_image *image, int64_t first,
        int64_t ways, int64_t rounds, float *to, int64_t way_pitch, int64_t to_pitch);

#endif
