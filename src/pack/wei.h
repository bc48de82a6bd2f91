/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file pack/wei.h
 * Packed weights: those of one tile's filters (in backward data, the channels of diff_src) stand
 * together, so that a tile reads its weights as one stream.
 *
 * An entry is what one batch entry reads: some words of a tap group for the filters of a block, zero where
 * there are no more channels, taps or filters. The entries of a block follow each other tap group by
 * tap group, each with its splits (brgemm/kernels.h) one after the other. With f32 words tap groups are taps in the order
 * of the weights, and all this is the layout that brdnn_conv_packed_wei in the public header describes. */

#ifndef BRDNN_PACK_WEI_H
#define BRDNN_PACK_WEI_H

#include "conv/geometry.h"
#include "finish/exponent_range.h"

typedef struct {
    int64_t block, blocks; /**< filters of a block, and blocks of a group */
    int64_t depth;         /**< words of an entry */
    int64_t entries;       /**< of a block */
    int64_t plane;         /**< words of an entry's plane: block * depth */
    /** Item r of filter k stands at k * depth + r of its plane; else at r * block + k. */
    bool words_contiguous;
} brdnn_wei_packing;

/** Whether this layout is one that weights can come in. */
static inline bool brdnn_has_packed_wei(const brdnn_correlation *c) {
    return !brdnn_is_vnni(c->kernels) && c->wei.type == BRDNN_F32;
}

/** The layout for blocks of so many filters and entries of so many words. */
brdnn_wei_packing brdnn_wei_packing_of(const brdnn_correlation *c, int64_t block, int64_t depth);

/** Words of one block of filters, with all splits; beyond the size limit (integers.h) where there are
 * too many. */
int64_t brdnn_wei_block_words(const brdnn_correlation *c, const brdnn_wei_packing *packing);

/** Bytes of all blocks of all groups; beyond the size limit where there are too many. */
int64_t brdnn_packed_wei_bytes(const brdnn_correlation *c, const brdnn_wei_packing *packing);

/** Words from the start of a block to an entry: from word `first` on, tap group `tap group` of a branch. */
int64_t brdnn_wei_entry(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branch, int64_t tap_group, int64_t first);

/** Packs some of the groups * blocks blocks from plain weights.
 * @param packed where the first of them goes
 * @param seen NULL, or where their magnitudes go: those of VNNI pairs only */
void brdnn_pack_wei(const brdnn_correlation *c, const brdnn_wei_packing *packing,
        const brdnn_branch *branches, const void *wei, brdnn_range some, void *packed,
        brdnn_exponent_range *seen);

#endif
