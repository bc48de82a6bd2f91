/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/src.h
 * Packed copies of a piece of src, as the taps of its outputs read it.
 *
 * Output q reads src at q * stride + offset, for the offset of each tap. Where src can't be read in place
 * (taps reach into the padding, stride > 1 in ncw, or a row pitch that the kernels can't address) the
 * positions that a piece of outputs needs are copied, with zeros for the padding, so that every tap finds
 * its inputs for consecutive outputs at consecutive packed positions.
 *
 * With stride 1 that is one segment, the outputs and their halo. With a larger one entries i and
 * i + segments of the window read the same positions modulo stride and share a segment:
 *
 *     segment i:  src positions offset(i) + 0, stride, 2 * stride, ...
 *
 * Where entries share so little that this is longer, each has a segment of its own. Segments stand one
 * after the other. As in src itself, a row is a channel of all packed positions in ncw, and in nwc a packed
 * position with the channels of one group. With VNNI pairs a row, or a word of it, is a pair instead of a
 * channel.
 */

#ifndef BRDNN_PACK_SRC_H
#define BRDNN_PACK_SRC_H

#include "brgemm/kernels.h"
#include "pack/positions.h"

/** What outputs read of src: entries, each of which is a tap, or a group of neighbouring ones packed side by
 * side as if they were further channels. */
typedef struct {
    brdnn_kernels kernels;
    int64_t entries;
    /** Entry i reads, for output 0, at ceil((origin + i * step) / per) first. */
    int64_t origin, step, per;
    int64_t stride;              /**< positions of src from one output to the next */
    int64_t tap_group, dilation; /**< taps of an entry, and positions from one to the next */
    int64_t depth; /**< words of an entry in a row: all its terms, and zeros behind them */
    /** VNNI pairs are of positions so far apart; 0: of neighbouring terms of an entry. */
    int64_t pair_distance;
} brdnn_window;

/** Where an entry reads first for output 0. */
static inline int64_t brdnn_window_offset(const brdnn_window *w, int64_t entry) {
    return brdnn_ceil_div(w->origin + entry * w->step, w->per);
}

/** The lowest and the highest such offset. */
static inline int64_t brdnn_window_first(const brdnn_window *w) {
    return brdnn_window_offset(w, w->step < 0 ? w->entries - 1 : 0);
}
static inline int64_t brdnn_window_last(const brdnn_window *w) {
    return brdnn_window_offset(w, w->step < 0 ? 0 : w->entries - 1);
}

typedef struct {
    brdnn_layout form; /**< what a row is */
    int64_t segments;
    int64_t segment; /**< packed positions from one segment to the next */
    int64_t halo;    /**< packed positions of a segment beyond the number of outputs */
    int64_t rows;    /**< words of an entry in ncw, packed positions in nwc */
    int64_t pitch;   /**< words from one row to the next */
    int64_t plane;   /**< words from one split to the next */
} brdnn_src_packing;

/** Layout of a packed piece for at most `outputs` outputs. */
brdnn_src_packing brdnn_src_packing_of(const brdnn_window *w, brdnn_layout form, int64_t outputs);

/** Bytes of a packed piece. */
int64_t brdnn_packed_src_bytes(const brdnn_window *w, const brdnn_src_packing *packing);

/** Packed position that an entry reads first for the first output. */
int64_t brdnn_packed_position(
        const brdnn_window *w, const brdnn_src_packing *packing, int64_t entry);

/** Packs what `count` outputs need.
 * @param image  the channels of one group
 * @param base   position that the first of the outputs reads with offset 0
 * @param packed brdnn_packed_src_bytes() bytes of words */
void brdnn_pack_src(const brdnn_window *w, const brdnn_src_packing *packing,
        const brdnn_image *image, int64_t base, int64_t count, void *packed);

/** Words from one row of so many to the next: rows long enough to need it start on cache lines, and not a
 * multiple of 1 KiB apart, where neighbouring rows would compete for few cache sets. */
int64_t brdnn_padded_row(int64_t length);

#endif
