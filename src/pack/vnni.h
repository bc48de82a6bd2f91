/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni.h
 * Copies of src, diff_dst and weights as pairs of bf16 (items.h), from f32 or bf16 tensors: what
 * progression.h is for f32. */

#ifndef BRDNN_PACK_VNNI_H
#define BRDNN_PACK_VNNI_H

#include "brgemm/kernels.h"
#include "pack/positions.h"

/** Where packed pairs go: part p of item i of row r to start + p * part + r * pitch + i. */
typedef struct {
    uint32_t *start;
    int64_t pitch, part;
    int64_t parts;
} brdnn_pair_rows;

/** Terms of a sum that stand side by side: of each of `taps` taps all channels of an image; a tap
 * reads `apart` positions behind the one before it. Term t is channel t % channels of tap
 * t / channels. */
typedef struct {
    int64_t taps, apart;
} brdnn_fold;

/** Pairs of neighbouring terms, a row per pair, from NCW only: item i of row r pairs terms 2r and
 * 2r + 1 at position i of the progression. A last odd term is paired with zeros; further rows, up
 * to `row_count`, are zero. */
void brdnn_pair_terms_by_term(const brdnn_image *image, brdnn_progression positions,
        brdnn_fold fold, int64_t row_count, const brdnn_pair_rows *to);

/** The same with a row per position, from NWC only: item r of row i, for r below row_length. May
 * write into gaps between the rows of a part, but not behind the last. */
void brdnn_pair_terms_by_position(const brdnn_image *image, brdnn_progression positions,
        brdnn_fold fold, int64_t row_length, const brdnn_pair_rows *to);

/** Pairs of positions, a row per position, from either layout: item c of row i pairs position i of
 * the progression with the one `apart` behind it, both of channel c. */
void brdnn_pair_positions_by_position(const brdnn_image *image, brdnn_progression positions,
        int64_t apart, const brdnn_pair_rows *to);

/** The same with a row per channel, from either layout: item i of row c. */
void brdnn_pair_positions_by_channel(const brdnn_image *image, brdnn_progression positions,
        int64_t apart, const brdnn_pair_rows *to);

/** Values at even distances: value i is `type` at start + i * step elements. start NULL: zeros. */
typedef struct {
    const void *start;
    brdnn_type type;
    int64_t step;
} brdnn_values;

/** to[p * part + i] = part p of first[i] in the lower half, of second[i] in the upper, for i below
 * count and p below parts. */
void brdnn_pair_up(brdnn_values first, brdnn_values second, int64_t count, int64_t parts,
        int64_t part, uint32_t *to);

#endif
