/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/vnni.h
 * Copies of src, diff_dst and weights as pairs of bf16 (brgemm/kernels.h), from f32 or bf16 tensors: what
 * positions.h is for f32. */

#ifndef BRDNN_PACK_VNNI_H
#define BRDNN_PACK_VNNI_H

#include "brgemm/kernels.h"
#include "pack/positions.h"

/** Where packed pairs go: plane p of word i of row r to start + p * plane + r * pitch + i. */
typedef struct {
    uint32_t *start;
    int64_t pitch, plane;
    int64_t splits;
} brdnn_vnni_rows;

/** Terms of a sum that stand side by side: of each of `taps` taps all channels of an image; a tap
 * reads `apart` positions behind the one before it. Term t is channel t % channels of tap
 * t / channels. */
typedef struct {
    int64_t taps, apart;
} brdnn_fold;

/** Pairs of neighbouring terms, a row per pair, from NCW only: word i of row r pairs terms 2r and
 * 2r + 1 at position i of the progression. A last odd term is paired with zeros; further rows, up
 * to `row_count`, are zero. */
void brdnn_vnni_terms_by_term(const brdnn_image *image, brdnn_positions positions, brdnn_fold fold,
        int64_t row_count, const brdnn_vnni_rows *to);

/** The same with a row per position, from NWC only: word r of row i, for r below row_length. May
 * write into gaps between the rows of a plane, but not behind the last. */
void brdnn_vnni_terms_by_position(const brdnn_image *image, brdnn_positions positions,
        brdnn_fold fold, int64_t row_length, const brdnn_vnni_rows *to);

/** Pairs of positions, a row per position, from either layout: word c of row i pairs position i of
 * the progression with the one `apart` behind it, both of channel c. */
void brdnn_vnni_positions_by_position(const brdnn_image *image, brdnn_positions positions,
        int64_t apart, const brdnn_vnni_rows *to);

/** The same with a row per channel, from either layout: word i of row c. */
void brdnn_vnni_positions_by_channel(const brdnn_image *image, brdnn_positions positions,
        int64_t apart, const brdnn_vnni_rows *to);

/** Values at even distances: value i is `type` at start + i * step elements. start NULL: zeros. */
typedef struct {
    const void *start;
    brdnn_type type;
    int64_t step;
} brdnn_values;

/** to[p * plane + i] = plane p of first[i] in the lower half, of second[i] in the upper, for i below
 * count and p below splits. */
void brdnn_vnni_of_values(brdnn_values first, brdnn_values second, int64_t count, int64_t splits,
        int64_t plane, uint32_t *to);

#endif
