/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file blocking.h
 * Block sizes as pure functions of the shape, the cache and the register file. */

#ifndef BRCONV1D_BLOCKING_H
#define BRCONV1D_BLOCKING_H

#include "brconv1d.h"

/** One register tile of C (brgemm.h): m runs along vector lanes, n is broadcast. */
typedef struct {
    int64_t m, n;
} brconv1d_register_tile;

/** How one dimension is cut: `blocks` blocks of `block`, the last of which has `tail` (equal to
 * `block` where it divides). */
typedef struct {
    int64_t block, blocks, tail;
} brconv1d_cut;

/** How a problem is cut. Extents are those of one image and one group. */
typedef struct {
    brconv1d_cut oc; /**< filters of a tile */
    brconv1d_cut ow; /**< positions of a tile */
    brconv1d_cut ic; /**< channels of one batch entry; block divides ic */
    /** Most tiles along the width that share one packed piece of src. */
    int64_t chunk_tiles;
    /** Useful share of the vector lanes, 0 to 1. */
    double lane_use;
} brconv1d_blocking;

/** f32 lanes of a vector register. */
int64_t brconv1d_lanes(brconv1d_isa isa);

/** Largest n of a tile that spans `vectors` registers along m: accumulators, one register per
 * vector of A and one for the broadcast must fit the register file. */
int64_t brconv1d_largest_n(brconv1d_isa isa, int64_t vectors);

brconv1d_cut brconv1d_cut_into(int64_t extent, int64_t block);

/** The tile with the lowest expected cost for one image and group of a complete problem
 * (problem.h). */
brconv1d_register_tile brconv1d_choose_tile(const brconv1d_problem *p);

/** All block sizes of a complete problem (problem.h). */
brconv1d_blocking brconv1d_choose_blocking(const brconv1d_problem *p);

#endif
