/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pairs.h
 * Copies of src, diff_dst and weights as pairs of bf16 (items.h), from f32 or bf16 tensors: what
 * progression.h is for f32. */

#ifndef BRCONV1D_PAIRS_H
#define BRCONV1D_PAIRS_H

#include "items.h"
#include "progression.h"

/** Where packed pairs go: part p of item i of row r to start + p * part + r * pitch + i. */
typedef struct {
    uint32_t *start;
    int64_t pitch, part;
    int64_t parts;
} brconv1d_pair_rows;

/** Terms of a sum that stand side by side: of each of `taps` taps all channels of an image; a tap
 * reads `apart` positions behind the one before it. Term t is channel t % channels of tap
 * t / channels. */
typedef struct {
    int64_t taps, apart;
} brconv1d_fold;

/** Pairs of neighbouring terms, a row per pair, from NCW only: item i of row r pairs terms 2r and
 * 2r + 1 at position i of the progression. A last odd term is paired with zeros; further rows, up
 * to `row_count`, are zero. */
void brconv1d_pair_terms_by_term(const brconv1d_image *image, brconv1d_progression positions,
        brconv1d_fold fold, int64_t row_count, const brconv1d_pair_rows *to);

/** The same with a row per position, from NWC only: item r of row i, for r below row_length. May
 * write into gaps between the rows of a part, but not behind the last. */
void brconv1d_pair_terms_by_position(const brconv1d_image *image, brconv1d_progression positions,
        brconv1d_fold fold, int64_t row_length, const brconv1d_pair_rows *to);

/** Pairs of positions, a row per position, from either layout: item c of row i pairs position i of
 * the progression with the one `apart` behind it, both of channel c. */
void brconv1d_pair_positions_by_position(const brconv1d_image *image,
        brconv1d_progression positions, int64_t apart, const brconv1d_pair_rows *to);

/** The same with a row per channel, from either layout: item i of row c. */
void brconv1d_pair_positions_by_channel(const brconv1d_image *image, brconv1d_progression positions,
        int64_t apart, const brconv1d_pair_rows *to);

/** Values at even distances: value i is `type` at start + i * step elements. start NULL: zeros. */
typedef struct {
    const void *start;
    brconv1d_type type;
    int64_t step;
} brconv1d_values;

/** to[p * part + i] = part p of first[i] in the lower half, of second[i] in the upper, for i below
 * count and p below parts. */
void brconv1d_pair_up(brconv1d_values first, brconv1d_values second, int64_t count, int64_t parts,
        int64_t part, uint32_t *to);

#endif
