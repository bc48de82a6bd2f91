/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/data_blocking.h
 * Block sizes of a correlation as pure functions of its shape, the cache and the register file. */

#ifndef BRDNN_CONV_DATA_BLOCKING_H
#define BRDNN_CONV_DATA_BLOCKING_H

#include "brgemm/register_tile.h"
#include "conv/geometry.h"

/** How a correlation is cut. Extents are those of one image and one group. */
typedef struct {
    brdnn_cut oc;      /**< filters of a tile */
    brdnn_cut outputs; /**< outputs of each branch in a tile */
    brdnn_cut depth;   /**< words of one batch entry, of a tap group's; block divides depth */
    /** Packed weights: filters of a block, a multiple of a tile's, and words of an entry, of a batch
     * entry's (pack/wei.h). */
    int64_t wei_block, wei_entry;
    /** Most tiles along the width that share one packed piece of src. */
    int64_t chunk_tiles;
    /** Useful share of the vector lanes, 0 to 1. */
    double lane_use;
} brdnn_correlation_blocking;

/** Block and entry of weights that come packed. They don't depend on the width, so that one copy serves all:
 * they are those of the tile that a long row would have. */
typedef struct {
    int64_t block, entry;
} brdnn_wei_blocks;

brdnn_wei_blocks brdnn_packed_wei_blocks(const brdnn_correlation *c);

/** Whether a filter's words stand together in packed weights: kernels for VNNI pairs read them so in ncw. */
bool brdnn_has_contiguous_words(const brdnn_correlation *c);

/** Whether there is a layout that the weights can come packed in: there is none where taps are grouped, nor
 * where the words are of another type than the weights. */
bool brdnn_has_packed_wei(const brdnn_correlation *c);

/** The tile with the lowest expected cost for one image and group. With AMX it is a row of whole
 * 16 x 16 blocks, and may reach beyond the last output or filter. */
brdnn_register_tile brdnn_choose_tile(const brdnn_correlation *c);

/** All block sizes. */
brdnn_correlation_blocking brdnn_block_correlation(const brdnn_correlation *c);

/** All block sizes for f32 kernels whose chunks are those of others. Sums are added up in the order in which
 * they are without others. */
brdnn_correlation_blocking brdnn_block_for_chunks(
        const brdnn_correlation *c, const brdnn_correlation_blocking *others);

#endif
