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
 */

#ifndef BRCONV1D_BACKWARD_WEIGHTS_BLOCKING_H
#define BRCONV1D_BACKWARD_WEIGHTS_BLOCKING_H

#include "brgemm.h"
#include "correlation.h"
#include "src_packing.h"
#include "tile.h"

typedef struct {
    bool filters_along_lanes; /**< else terms are */
    bool taps_side_by_side;
    /** Of all terms where taps stand side by side, else of the channels of each tap. */
    brconv1d_cut terms;
    brconv1d_cut oc;
    /** A chunk: so many positions of each of so many images. Where an image has several chunks, all
     * but the last are whole rounds. */
    int64_t positions, images;
    int64_t interval, k;
    int64_t parts; /**< partial sums of the weights; each takes some of the chunks */
    /** What src is packed by: the forward correlation, or that over the chunk's positions. */
    brconv1d_correlation window;
    brconv1d_src_packing src_packing; /**< of one image of a chunk */
    int64_t dst_pitch;                /**< elements from one packed row of diff_dst to the next */
    double lane_use;                  /**< useful share of the vector lanes, 0 to 1 */
} brconv1d_weights_blocking;

/** All block sizes for a complete problem (problem.h). */
brconv1d_weights_blocking brconv1d_block_weights(const brconv1d_problem *p);

/** Tiles of terms of one group. */
int64_t brconv1d_term_tiles(const brconv1d_problem *p, const brconv1d_weights_blocking *b);

/** Chunks along the width of an image, and in the whole problem. */
int64_t brconv1d_chunks_per_image(const brconv1d_problem *p, const brconv1d_weights_blocking *b);
int64_t brconv1d_chunks(const brconv1d_problem *p, const brconv1d_weights_blocking *b);

/** Positions of dst in the last chunk of an image; all others have b->positions. */
int64_t brconv1d_last_positions(const brconv1d_problem *p, const brconv1d_weights_blocking *b);

/** Of so many positions those in whole rounds. */
int64_t brconv1d_in_rounds(const brconv1d_weights_blocking *b, int64_t positions);

/** Elements of one partial sum of all weights. */
int64_t brconv1d_partial_elements(const brconv1d_problem *p);

/** What a kernel is for. */
typedef struct {
    bool is_first;            /**< it sets sums; all others add to them */
    bool single;              /**< entries of a single position; else those of rounds */
    bool terms_tail, oc_tail; /**< the tile is cut short in that dimension */
} brconv1d_weights_kernel;

brconv1d_brgemm_shape brconv1d_weights_kernel_shape(const brconv1d_problem *p,
        const brconv1d_weights_blocking *b, brconv1d_weights_kernel kernel);

#endif
