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
    brconv1d_cut ic;      /**< channels of one batch entry; block divides ic */
    /** Most tiles along the width that share one packed piece of src. */
    int64_t chunk_tiles;
    /** Useful share of the vector lanes, 0 to 1. */
    double lane_use;
} brconv1d_correlation_blocking;

/** The tile with the lowest expected cost for one image and group. */
brconv1d_register_tile brconv1d_choose_tile(const brconv1d_correlation *c);

/** All block sizes. */
brconv1d_correlation_blocking brconv1d_block_correlation(const brconv1d_correlation *c);

#endif
