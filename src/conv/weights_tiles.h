/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_tiles.h
 * What backward weights runs, once blocks are chosen: tiles of terms, chunks, and the shapes of kernels. */

#ifndef BRDNN_CONV_WEIGHTS_TILES_H
#define BRDNN_CONV_WEIGHTS_TILES_H

#include "brgemm/brgemm.h"
#include "conv/weights_blocking.h"

/** A tile of terms of one group. */
typedef struct {
    int64_t tap_group, term; /**< where it starts: a term of a tap group */
    /** Which kernel it takes: on AMX the tile's blocks less one, else 1 where it is cut short. */
    int kind;
} brdnn_term_tile;

enum { brdnn_term_tile_kinds = 6 };

/** On AMX: blocks of terms in the longest row that tiles are cut from. */
int64_t brdnn_longest_row(const brdnn_weights_blocking *b);

/** How many tiles there are. */
int64_t brdnn_term_tiles(const brdnn_weights_blocking *b);

brdnn_term_tile brdnn_term_tile_at(const brdnn_weights_blocking *b, int64_t index);

/** Where it starts: words from the start of packed src, and terms from that of a filter's sums. */
int64_t brdnn_term_tile_word(const brdnn_weights_blocking *b, const brdnn_term_tile *tile);
int64_t brdnn_term_tile_sum(const brdnn_weights_blocking *b, const brdnn_term_tile *tile);

/** Chunks along the width of an image, and in the whole problem. */
int64_t brdnn_chunks_per_image(const brdnn_weights_blocking *b);
int64_t brdnn_chunks(const brdnn_conv_problem *p, const brdnn_weights_blocking *b);

/** Positions of dst in the last chunk of an image; all others have b->positions. */
int64_t brdnn_last_positions(const brdnn_weights_blocking *b);

/** Of so many positions those in whole rounds; on AMX all, and zeros that make the last one whole. */
int64_t brdnn_in_rounds(const brdnn_weights_blocking *b, int64_t positions);

/** Elements of one partial sum of all weights. */
int64_t brdnn_partial_elements(const brdnn_conv_problem *p, const brdnn_weights_blocking *b);

/** What a kernel is for. */
typedef struct {
    bool is_first; /**< it sets sums; all others add to them */
    bool single;   /**< entries of a single position; else those of rounds */
    int kind;      /**< of the term tile */
    bool oc_tail;  /**< the tile is cut short in that dimension */
} brdnn_weights_kernel;

brdnn_brgemm_shape brdnn_weights_kernel_shape(
        const brdnn_weights_blocking *b, brdnn_weights_kernel kernel);

#endif
