/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file tile.h
 * The register tile of a BRGEMM kernel: what fits, and what it is expected to cost. */

#ifndef BRCONV1D_TILE_H
#define BRCONV1D_TILE_H

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

brconv1d_cut brconv1d_cut_into(int64_t extent, int64_t block);

/** The smallest block that cuts an extent into as few blocks as `most` does: all nearly alike. */
int64_t brconv1d_even_block(int64_t extent, int64_t most);

/** Items that a vector register holds. */
int64_t brconv1d_lanes(brconv1d_isa isa);

/** Largest n of a tile that spans `vectors` registers along m: accumulators, one register per
 * vector of A and one for the broadcast must fit the register file. */
int64_t brconv1d_largest_n(brconv1d_isa isa, int64_t vectors);

/** Most vectors of a tile along m. */
enum { brconv1d_most_vectors = 4 };

/** Vector instructions that cover m elements. */
int64_t brconv1d_vectors_of(brconv1d_isa isa, int64_t m);

/** Expected cost of one tile, in FMA instructions: `entries` batch entries of k terms each, the
 * call and the store of C. */
double brconv1d_tile_cost(brconv1d_isa isa, int64_t m, int64_t n, int64_t k, double entries);

/** Expected cost of all tiles of an area that is cut along m and n. */
double brconv1d_area_cost(
        brconv1d_isa isa, brconv1d_cut m, brconv1d_cut n, int64_t k, double entries);

#endif
