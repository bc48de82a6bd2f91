/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/src.h
 * Packed copies of a piece of a correlation's src.
 *
 * Outputs [j, j + count) of a correlation read src at q * stride + offset(s). Where src can't be
 * read in place (they reach into the padding, stride > 1 in ncw, or a row pitch that the kernels
 * can't address) the positions that they need are copied, with zeros for the padding, so that every
 * tap finds its inputs for consecutive outputs at consecutive packed positions.
 *
 * With stride 1 that is one segment, the outputs and their halo. With a larger one (forward only)
 * taps, or tap groups of them, s and s + segments read the same positions modulo stride and share a segment:
 *
 *     segment i = s % segments:  src positions j * stride + offset(i) + 0, stride, 2 * stride, ...
 *
 * Where taps share so little that this is longer, each tap has a segment of its own. Segments stand
 * one after the other. As in src itself, a row is a channel of all packed positions in ncw, and in
 * nwc a packed position with the channels of one group; backward weights has the latter for both.
 * With VNNI pairs a row, or an element of it, is a pair of terms of a tap group instead of a channel.
 */

#ifndef BRDNN_PACK_SRC_H
#define BRDNN_PACK_SRC_H

#include "conv/geometry.h"
#include "pack/positions.h"

typedef struct {
    brdnn_layout form; /**< what a row is */
    int64_t segments;
    int64_t segment; /**< packed positions from one segment to the next */
    int64_t halo;    /**< packed positions of a segment beyond the number of outputs */
    int64_t rows;  /**< words of a tap group in ncw (with f32: channels), packed positions in nwc */
    int64_t pitch; /**< words from one row to the next */
    int64_t splits, plane; /**< planes (brgemm/kernels.h), and words from one to the next */
} brdnn_src_packing;

/** Layout of a packed piece for at most `outputs` outputs of each branch. */
brdnn_src_packing brdnn_src_packing_of(
        const brdnn_correlation *c, brdnn_layout form, int64_t outputs);

/** Bytes of a packed piece. */
int64_t brdnn_packed_src_bytes(const brdnn_src_packing *packing);

/** Packed position that tap s reads for the first output. */
int64_t brdnn_packed_tap(const brdnn_correlation *c, const brdnn_src_packing *packing, int64_t s);

/** Packs what `count` outputs need.
 * @param image  the channels of one group
 * @param base   position that the first of the outputs reads with offset 0
 * @param packed brdnn_packed_src_bytes() bytes of words */
void brdnn_pack_src(const brdnn_correlation *c, const brdnn_src_packing *packing,
        const brdnn_image *image, int64_t base, int64_t count, void *packed);

/** Words from one row of so many to the next: rows long enough to need it start on cache lines,
 * and not a multiple of 1 KiB apart, where neighbouring rows would compete for few cache sets. */
int64_t brdnn_padded_row(int64_t length);

#endif
