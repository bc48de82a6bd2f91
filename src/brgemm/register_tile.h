/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file brgemm/register_tile.h
 * The register tile of a BRGEMM kernel: what fits, and what it is expected to cost. */

#ifndef BRDNN_BRGEMM_REGISTER_TILE_H
#define BRDNN_BRGEMM_REGISTER_TILE_H

#include "brgemm/kernels.h"

/** One register tile of C (brgemm.h): m runs along vector lanes, n is broadcast. */
typedef struct {
    int64_t m, n;
} brdnn_register_tile;

/** How one dimension is cut: `blocks` blocks of `block`, the last of which has `tail` (equal to
 * `block` where it divides). */
typedef struct {
    int64_t block, blocks, tail;
} brdnn_cut;

brdnn_cut brdnn_cut_into(int64_t extent, int64_t block);

/** The smallest block that cuts an extent into as few blocks as `most` does: all nearly alike. */
int64_t brdnn_even_block(int64_t extent, int64_t most);

/** Words that a vector register holds. */
int64_t brdnn_lanes(brdnn_kernels kernels);

/** Largest n of a tile that spans `vectors` registers along m: accumulators, one register per
 * vector of A and one for the broadcast must fit the register file. */
int64_t brdnn_largest_n(brdnn_kernels kernels, int64_t vectors);

/** Most vectors of a tile along m. */
enum { brdnn_most_vectors = 4 };

/** Vector instructions that cover m elements. */
int64_t brdnn_vectors_of(brdnn_kernels kernels, int64_t m);

/** Expected cost of one tile, in FMA instructions: `entries` batch entries of k terms each, the
 * call and the store of C. */
double brdnn_tile_cost(brdnn_kernels kernels, int64_t m, int64_t n, int64_t k, double entries);

/** Expected cost of all tiles of an area that is cut along m and n. */
double brdnn_area_cost(brdnn_kernels kernels, brdnn_cut m, brdnn_cut n, int64_t k, double entries);

#endif
