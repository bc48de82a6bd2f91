/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/wei.h
 * Packed weights: those of a block of filters (in backward data, channels of diff_src) stand together, so
 * that a tile reads its weights as one stream.
 *
 * A block has a place for each group of taps, one after the other; a place has `depth` words for each filter:
 * the terms of all its taps, and zeros behind them. Some of these words, for all filters of the block, are an
 * entry, with its planes (brgemm/kernels.h) one after the other. Without tap groups places are taps in the
 * order of the weights, which makes this the layout that brdnn_conv_packed_wei in the public header
 * describes.
 */

#ifndef BRDNN_PACK_WEI_H
#define BRDNN_PACK_WEI_H

#include "brgemm/kernels.h"
#include "pack/exponent_range.h"

typedef struct {
    brdnn_kernels kernels;
    brdnn_conv_weights plain; /**< where filter k, channel c, tap s stand before */
    int64_t oc, ic;           /**< filters, and channels that are summed over, of a group */
    int64_t tap_group;        /**< taps of a place */
    int64_t places;
    int64_t depth;         /**< words of a filter in a place */
    int64_t entry;         /**< of these in an entry; divides depth */
    int64_t block, blocks; /**< filters of a block, and blocks of a group */
    bool words_contiguous; /**< in an entry those of a filter stand together; else those of all filters */
} brdnn_wei_packing;

/** Words from one plane of an entry to the next. */
static inline int64_t brdnn_wei_plane(const brdnn_wei_packing *p) { return p->block * p->entry; }

/** Words of one block of filters, with all planes; beyond the size limit (brgemm/integers.h) where there are
 * too many. */
int64_t brdnn_wei_block_words(const brdnn_wei_packing *p);

/** Words from the start of a block to word `word` of filter `filter` in a place. */
int64_t brdnn_wei_word(const brdnn_wei_packing *p, int64_t place, int64_t word, int64_t filter);

/** Packs some of the groups * blocks blocks from plain weights.
 * @param taps   the tap_group taps of each place; -1: none
 * @param packed where the first of the blocks goes
 * @param ranges NULL, or where an exponent range for each block goes, of which only all together count: with
 *               VNNI pairs only */
void brdnn_pack_wei(const brdnn_wei_packing *p, const int64_t *taps, const void *wei,
        brdnn_range some, void *packed, brdnn_exponent_range *ranges);

#endif
