/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file backward_weights_blocking.h
 * How backward weights is cut into matrix products.
 *
 *     diff_wei[k, c, s] = sum over n, q of
 *                         diff_dst[n, k, q] * src[n, c, q * stride + s * dilation - pad_l]
 *
 * is a matrix product of filters x positions with positions x terms, a term being a tap and a
 * channel. Both are packed a chunk of positions at a time, with a row per position: rows of
 * diff_dst hold the filters side by side, rows of src the channels.
 *
 * To fill vectors where channels are few, taps stand side by side, too: packed so that tap s + 1 of
 * a position reads the row behind that of tap s, the row of a position and those behind it are one
 * row of all its terms (src_packing.h, of brconv1d_correlation_over_positions()). Such long rows
 * overlap from one position to the next, and a BRGEMM takes only rows that don't; but the sum may
 * take positions in any order. So a batch entry takes k positions `interval` apart, far enough for
 * their rows to stand clear of each other, and the next entry those one further on: interval
 * entries, a round, take interval * k neighbouring positions. What is left of a chunk after whole
 * rounds is taken by entries of a single position.
 *
 * With bf16 items (items.h) an item is two neighbouring positions, and here a position is one item. The
 * items of diff_dst must be contiguous along the sum: a row of its packed copy is a filter. So rows of
 * src can't overlap, and taps that are to stand side by side are a bundle (correlation.h), packed so.
 *
 * On AMX the terms of several bundles, or of one, are the blocks of one tile (brgemm.h). Sums then have
 * room for whole tiles, and what is left of a chunk is filled up with zeros.
 */

#ifndef BRCONV1D_BACKWARD_WEIGHTS_BLOCKING_H
#define BRCONV1D_BACKWARD_WEIGHTS_BLOCKING_H

#include "brgemm.h"
#include "correlation.h"
#include "src_packing.h"
#include "tile.h"

typedef struct {
    brconv1d_items items;
    bool filters_along_lanes; /**< else terms are */
    bool taps_side_by_side;   /**< all, in overlapping rows */
    int64_t bundle, bundles;  /**< else: taps of a bundle, and how many there are */
    /** Of all terms where taps stand side by side, else of those of each bundle. */
    brconv1d_cut terms;
    brconv1d_cut oc;
    int64_t most_blocks; /**< of terms in a tile: 1 but on AMX */
    /** A chunk: so many positions of each of so many images. Where an image has several chunks, all
     * but the last are whole rounds. */
    int64_t positions, images;
    int64_t ow; /**< positions of an image */
    int64_t interval, k;
    int64_t parts; /**< partial sums of the weights; each takes some of the chunks */
    /** What src is packed by: the forward correlation, or that over the chunk's positions. */
    brconv1d_correlation window;
    brconv1d_src_packing src_packing; /**< of one image of a chunk */
    int64_t dst_pitch;                /**< items from one packed row of diff_dst to the next */
    int64_t dst_part;                 /**< and from one part (items.h) to the next */
    int64_t bundle_terms;             /**< terms from one bundle to the next in partial sums */
    int64_t partial_terms;            /**< of one filter in partial sums */
    int64_t partial_oc;               /**< filters of one group in partial sums */
    double lane_use;                  /**< useful share of the vector lanes, 0 to 1 */
} brconv1d_weights_blocking;

/** All block sizes for a complete problem (problem.h). */
brconv1d_weights_blocking brconv1d_block_weights(const brconv1d_problem *p);

/** All block sizes for f32 kernels that can take over any block of filters of any chunk: theirs cut it
 * evenly, chunks are the same, and sums have the same places. The problem is that of f32 kernels. */
brconv1d_weights_blocking brconv1d_block_weights_within(
        const brconv1d_problem *p, const brconv1d_weights_blocking *of);

/** A tile of terms of one group. */
typedef struct {
    int64_t bundle, term; /**< where it starts: a term of a bundle */
    /** Which kernel it takes: on AMX the tile's blocks less one, else 1 where it is cut short. */
    int kind;
} brconv1d_term_tile;

enum { brconv1d_term_tile_kinds = 6 };

/** How many there are. */
int64_t brconv1d_term_tiles(const brconv1d_weights_blocking *b);

brconv1d_term_tile brconv1d_term_tile_at(const brconv1d_weights_blocking *b, int64_t index);

/** Where it starts: items from the start of packed src, and terms from that of a filter's sums. */
int64_t brconv1d_term_tile_item(const brconv1d_weights_blocking *b, const brconv1d_term_tile *tile);
int64_t brconv1d_term_tile_sum(const brconv1d_weights_blocking *b, const brconv1d_term_tile *tile);

/** Chunks along the width of an image, and in the whole problem. */
int64_t brconv1d_chunks_per_image(const brconv1d_weights_blocking *b);
int64_t brconv1d_chunks(const brconv1d_problem *p, const brconv1d_weights_blocking *b);

/** Positions of dst in the last chunk of an image; all others have b->positions. */
int64_t brconv1d_last_positions(const brconv1d_weights_blocking *b);

/** Of so many positions those in whole rounds; on AMX all, and zeros that make the last one whole. */
int64_t brconv1d_in_rounds(const brconv1d_weights_blocking *b, int64_t positions);

/** Elements of one partial sum of all weights. */
int64_t brconv1d_partial_elements(const brconv1d_problem *p, const brconv1d_weights_blocking *b);

/** What a kernel is for. */
typedef struct {
    bool is_first; /**< it sets sums; all others add to them */
    bool single;   /**< entries of a single position; else those of rounds */
    int kind;      /**< of the term tile */
    bool oc_tail;  /**< the tile is cut short in that dimension */
} brconv1d_weights_kernel;

brconv1d_brgemm_shape brconv1d_weights_kernel_shape(
        const brconv1d_weights_blocking *b, brconv1d_weights_kernel kernel);

#endif
