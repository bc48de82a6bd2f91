/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_blocking.h
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
 * row of all its terms (pack/src.h). Such long rows
 * overlap from one position to the next, and a BRGEMM takes only rows that don't; but the sum may
 * take positions in any order. So a batch entry takes k positions `interval` apart, far enough for
 * their rows to stand clear of each other, and the next entry those one further on: interval
 * entries, a round, take interval * k neighbouring positions. What is left of a chunk after whole
 * rounds is taken by entries of a single position.
 *
 * With VNNI pairs (brgemm/kernels.h) a word is two neighbouring positions, and here a position is one word. The
 * words of diff_dst must be contiguous along the sum: a row of its packed copy is a filter. So rows of
 * src can't overlap, and taps that are to stand side by side are a tap group (pack/src.h), packed so.
 *
 * On AMX the terms of several tap groups, or of one, are the blocks of one tile (brgemm.h). Sums then have
 * room for whole tiles, and what is left of a chunk is filled up with zeros.
 */

#ifndef BRDNN_CONV_WEIGHTS_BLOCKING_H
#define BRDNN_CONV_WEIGHTS_BLOCKING_H

#include "brgemm/brgemm.h"
#include "brgemm/register_tile.h"
#include "pack/src.h"

typedef struct {
    brdnn_kernels kernels;
    bool filters_along_lanes;      /**< else terms are */
    bool taps_side_by_side;        /**< all, in overlapping rows */
    int64_t tap_group, tap_groups; /**< else: taps of a tap group, and how many there are */
    /** Of all terms where taps stand side by side, else of those of each tap group. */
    brdnn_cut terms;
    brdnn_cut oc;
    int64_t most_blocks; /**< of terms in a tile: 1 but on AMX */
    /** A chunk: so many positions of each of so many images. Where an image has several chunks, all
     * but the last are whole rounds. */
    int64_t positions, images;
    int64_t ow; /**< positions of an image */
    int64_t interval, k;
    int64_t partials; /**< partial sums of the weights; each takes some of the chunks */
    /** What src is packed by: the forward correlation, or that over the chunk's positions. */
    brdnn_window window;
    brdnn_src_packing src_packing; /**< of one image of a chunk */
    int64_t dst_pitch;             /**< words from one packed row of diff_dst to the next */
    int64_t dst_plane;             /**< and from one plane (brgemm/kernels.h) to the next */
    int64_t tap_group_terms;       /**< terms from one tap group to the next in partial sums */
    int64_t partial_terms;         /**< of one filter in partial sums */
    int64_t partial_oc;            /**< filters of one group in partial sums */
    double lane_use;               /**< useful share of the vector lanes, 0 to 1 */
} brdnn_weights_blocking;

/** All block sizes for a complete problem (problem.h). */
brdnn_weights_blocking brdnn_block_weights(const brdnn_conv_problem *p);

/** All block sizes for f32 kernels that can come to the rescue of any block of filters of any chunk: theirs cut it
 * evenly, chunks are the same, and sums have the same places. The problem is that of f32 kernels. */
brdnn_weights_blocking brdnn_block_weights_within(
        const brdnn_conv_problem *p, const brdnn_weights_blocking *of);

#endif
