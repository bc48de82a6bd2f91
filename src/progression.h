/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file progression.h
 * Copies of evenly spaced positions of one image, with zeros for those outside it, as f32 whatever
 * the type of the image. All packing of src and dst as f32 items is made of these. */

#ifndef BRCONV1D_PROGRESSION_H
#define BRCONV1D_PROGRESSION_H

#include "brconv1d.h"
#include "integers.h"

/** Positions first + i * step for i in [0, count); step >= 1, first of any sign. */
typedef struct {
    int64_t first, step, count;
} brconv1d_progression;

/** The image they are taken from: some neighbouring channels of one image of a tensor. */
typedef struct {
    brconv1d_layout layout;
    brconv1d_type type;
    const void *start; /**< first of the channels, position 0 */
    int64_t pitch, channels, width;
} brconv1d_image;

/** Those i whose positions lie inside an image of that width. */
static inline brconv1d_range brconv1d_inside(brconv1d_progression p, int64_t width) {
    brconv1d_range r
            = {brconv1d_ceil_div(-p.first, p.step), brconv1d_ceil_div(width - p.first, p.step)};
    r.begin = brconv1d_min(brconv1d_max(r.begin, 0), p.count);
    r.end = brconv1d_max(brconv1d_min(r.end, p.count), r.begin);
    return r;
}

/** A row per channel: channel c of position i goes to to[c * to_pitch + i]. From NCW only.
 * @param isa what may be used to copy with a step */
void brconv1d_pack_by_channel(brconv1d_isa isa, const brconv1d_image *image,
        brconv1d_progression positions, float *to, int64_t to_pitch);

/** A row per position: channel c of position i goes to to[i * to_pitch + c]. From either layout,
 * which in NCW is a transposition. */
void brconv1d_pack_by_position(brconv1d_isa isa, const brconv1d_image *image,
        brconv1d_progression positions, float *to, int64_t to_pitch);

/** Neighbouring positions of an NCW image, dealt out like cards: channel c of position
 * first + r * hands + h goes to to[h * hand_pitch + r * to_pitch + c], for r below rounds. The same as
 * a progression with step `hands` for each hand, but reads the image once. */
void brconv1d_deal_positions(brconv1d_isa isa, const brconv1d_image *image, int64_t first,
        int64_t hands, int64_t rounds, float *to, int64_t hand_pitch, int64_t to_pitch);

#endif
