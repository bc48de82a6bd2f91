/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_store.c
 * The last phase of backward weights: partial sums become gradients. */

#include "conv/weights_worker.h"
#include "finish/bias.h"
#include "pack/elements.h"
#include "pack/positions.h"

brdnn_weights_sums brdnn_sums_of(
        const brdnn_weights_worker *w, int64_t partial, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    brdnn_weights_sums s = {.oc = oc_block * b->oc.block};
    s.filters = brdnn_min(b->oc.block, brdnn_group_oc(p) - s.oc);
    s.start = w->partial + ((partial * p->groups + g) * b->partial_oc + s.oc) * b->partial_terms;
    s.oc_stride = b->filters_along_lanes ? 1 : b->partial_terms;
    s.term_stride = b->filters_along_lanes ? s.filters : 1;
    return s;
}

/* Where the sum of a channel and a tap stands among the terms. */
static int64_t term_of(const brdnn_weights_worker *w, int64_t channel, int64_t tap) {
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    const int64_t ic = brdnn_group_ic(brdnn_problem_of(w));
    return tap / b->tap_group * b->tap_group_terms + tap % b->tap_group * ic + channel;
}

/* Adds all partials' sums of a block of filters to those of partial 0. */
static void reduce_block(const brdnn_weights_worker *w, int64_t g, int64_t oc_block) {
    const brdnn_weights_sums to = brdnn_sums_of(w, 0, g, oc_block);
    for (int64_t partial = 1; partial < brdnn_blocking_of(w)->partials; ++partial)
        brdnn_add_row(to.start, brdnn_sums_of(w, partial, g, oc_block).start,
                to.filters * brdnn_blocking_of(w)->partial_terms);
}

/* Writes a block of filters wherever its elements belong. */
static void store_block(const brdnn_weights_worker *w, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const brdnn_weights_sums from = brdnn_sums_of(w, 0, g, oc_block);
    const int64_t ic = brdnn_group_ic(p);
    void *to = brdnn_at_mutable(
            wei->type, w->args->diff_wei, g * wei->g_stride + from.oc * wei->oc_stride);
    for (int64_t k = 0; k < from.filters; ++k)
        for (int64_t c = 0; c < ic; ++c)
            for (int64_t s = 0; s < p->kw; ++s)
                brdnn_store(wei->type, to,
                        k * wei->oc_stride + c * wei->ic_stride + s * wei->kw_stride,
                        from.start[k * from.oc_stride + term_of(w, c, s) * from.term_stride]);
}

enum { most_buffered = 2048 }; /* elements of a bf16 gradient that are rounded at a time */

/* Whether taps are to be contiguous and are evenly spaced in the sums: a transposition of taps with what
 * is contiguous in these, channels or filters. Unless they are f32 their rows must follow each other. */
static bool has_contiguous_taps(const brdnn_weights_worker *w) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const bool is_image = wei->kw_stride == 1 && brdnn_blocking_of(w)->tap_group == 1;
    return is_image
            && (wei->type == BRDNN_F32
                    || (p->kw <= most_buffered && !brdnn_blocking_of(w)->filters_along_lanes
                            && wei->ic_stride == p->kw));
}

/* One row of the transposition: all taps of `length` channels or filters, `pitch` elements apart. */
static void store_row_of_taps(
        const brdnn_weights_worker *w, const brdnn_image *taps, void *to, int64_t pitch) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    if (p->wei.type == BRDNN_F32) {
        brdnn_pack_by_position(brdnn_blocking_of(w)->kernels, taps,
                (brdnn_positions) {0, 1, taps->width}, to, pitch);
        return;
    }
    float buffer[most_buffered];
    const int64_t most = most_buffered / p->kw;
    for (int64_t first = 0; first < taps->width; first += most) {
        const int64_t some = brdnn_min(most, taps->width - first), count = some * p->kw;
        brdnn_pack_by_position(brdnn_blocking_of(w)->kernels, taps,
                (brdnn_positions) {first, 1, some}, buffer, p->kw);
        brdnn_store_sums(brdnn_blocking_of(w)->kernels, p->wei.type, buffer, 1, count, count,
                brdnn_at_mutable(p->wei.type, to, first * pitch), count);
    }
}

static void store_contiguous_taps(const brdnn_weights_worker *w, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const brdnn_weights_sums from = brdnn_sums_of(w, 0, g, oc_block);
    const int64_t ic = brdnn_group_ic(p);
    const bool filters_contiguous = brdnn_blocking_of(w)->filters_along_lanes;
    const int64_t rows = filters_contiguous ? ic : from.filters;
    const int64_t from_stride = filters_contiguous ? from.term_stride : from.oc_stride;
    const int64_t row_stride = filters_contiguous ? wei->ic_stride : wei->oc_stride;
    const int64_t in_row_stride = filters_contiguous ? wei->oc_stride : wei->ic_stride;
    const int64_t first = g * wei->g_stride + from.oc * wei->oc_stride;
    for (int64_t r = 0; r < rows; ++r) {
        const brdnn_image taps = {.layout = BRDNN_NCW,
                .start = from.start + r * from_stride,
                .pitch = term_of(w, 0, 1) * from.term_stride,
                .channels = p->kw,
                .width = filters_contiguous ? from.filters : ic};
        store_row_of_taps(w, &taps,
                brdnn_at_mutable(wei->type, w->args->diff_wei, first + r * row_stride),
                in_row_stride);
    }
}

static void reduce_bias(const brdnn_weights_worker *w) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const int64_t channels = w->plan->schedule.bias_channels;
    for (int64_t partial = 1; partial < brdnn_blocking_of(w)->partials; ++partial)
        brdnn_add_row(w->partial_bias, w->partial_bias + partial * channels, channels);
    brdnn_store_sums(brdnn_blocking_of(w)->kernels, p->bias_type, w->partial_bias, 1, channels,
            channels, w->args->diff_bias, channels);
}

/* Work is blocks of filters of each group, and the bias. */
void brdnn_store_gradient(const brdnn_weights_worker *w, int ithr, int nthr) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const int64_t oc_blocks = brdnn_blocking_of(w)->oc.blocks;
    const int64_t blocks = p->groups * oc_blocks;
    const brdnn_range items
            = brdnn_share_of(blocks + (w->plan->schedule.bias_channels > 0), ithr, nthr);
    for (int64_t item = items.begin; item < items.end; ++item) {
        const int64_t g = item / oc_blocks, oc_block = item % oc_blocks;
        if (item == blocks) {
            reduce_bias(w);
            continue;
        }
        reduce_block(w, g, oc_block);
        if (has_contiguous_taps(w)) store_contiguous_taps(w, g, oc_block);
        else store_block(w, g, oc_block);
    }
}
