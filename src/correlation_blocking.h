/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file correlation_blocking.h
 * Block sizes of a correlation as pure functions of its shape, the cache and the register file. */

#ifndef BRCONV1D_CORRELATION_BLOCKING_H
#define BRCONV1D_CORRELATION_BLOCKING_H

#include "correlation.h"
#include "tile.h"

/** How a correlation is cut. Extents are those of one image and one group. */
typedef struct {
    brconv1d_cut oc;      /**< filters of a tile */
    brconv1d_cut outputs; /**< outputs of each branch in a tile */
    brconv1d_cut depth;   /**< items of one batch entry, of a bundle's; block divides depth */
    /** Most tiles along the width that share one packed piece of src. */
    int64_t chunk_tiles;
    /** Useful share of the vector lanes, 0 to 1. */
    double lane_use;
} brconv1d_correlation_blocking;

/** The tile with the lowest expected cost for one image and group. With AMX it is a row of whole
 * 16 x 16 blocks, and may reach beyond the last output or filter. */
brconv1d_register_tile brconv1d_choose_tile(const brconv1d_correlation *c);

/** All block sizes. */
brconv1d_correlation_blocking brconv1d_block_correlation(const brconv1d_correlation *c);

/** All block sizes for f32 kernels that can take over any tile of others: theirs cut `tile` evenly, and
 * chunks are the same. Sums are added up in the order in which they are without others. */
brconv1d_correlation_blocking brconv1d_block_within(
        const brconv1d_correlation *c, const brconv1d_correlation_blocking *tile);

#endif
