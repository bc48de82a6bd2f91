/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_run.c
 * Backward weights: phase 0 computes partial sums, each over some of the positions, phase 1 adds
 * them up. Parts, and the order of adding, are the plan's, so the result does not depend on the
 * threads. */

#include "conv/problem.h"
#include "pack/exponent_range.h"
#include "conv/weights_plan.h"
#include "finish/bias.h"
#include "pack/elements.h"
#include "pack/positions.h"
#include "pack/vnni.h"

#include <string.h>

/* What one call of run works with. */
typedef struct {
    const brdnn_weights_plan *plan;
    const brdnn_conv_args *args;
    float *partial, *partial_bias;     /* of all partials */
    uint32_t *packed_src, *packed_dst; /* this thread's, words */
} worker;

/* Some blocks of filters of one group, in one partial. */
typedef struct {
    int64_t partial, g;
    brdnn_range oc_blocks;
    int64_t oc, oc_count; /* the filters in them, counted within the group */
} share;

static const brdnn_conv_problem *problem_of(const worker *w) { return &w->plan->schedule.problem; }

static const brdnn_weights_blocking *blocking_of(const worker *w) {
    return &w->plan->schedule.blocking;
}

static bool uses_amx(const worker *w) { return brdnn_uses_amx(blocking_of(w)->kernels); }

/* One partial's sums of a block of filters: filter k of the block and term t at k * oc_stride + t *
 * term_stride. They are contiguous, and what runs along lanes is innermost. */
typedef struct {
    float *start;
    int64_t oc, filters; /* the first, counted within the group, and how many */
    int64_t oc_stride, term_stride;
} sums;

static sums sums_of(const worker *w, int64_t partial, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_weights_blocking *b = blocking_of(w);
    sums s = {.oc = oc_block * b->oc.block};
    s.filters = brdnn_min(b->oc.block, brdnn_group_oc(p) - s.oc);
    s.start = w->partial + ((partial * p->groups + g) * b->partial_oc + s.oc) * b->partial_terms;
    s.oc_stride = b->filters_along_lanes ? 1 : b->partial_terms;
    s.term_stride = b->filters_along_lanes ? s.filters : 1;
    return s;
}

/* Where the sum of a channel and a tap stands among the terms. */
static int64_t term_of(const worker *w, int64_t channel, int64_t tap) {
    const brdnn_weights_blocking *b = blocking_of(w);
    const int64_t ic = brdnn_group_ic(problem_of(w));
    return tap / b->tap_group * b->tap_group_terms + tap % b->tap_group * ic + channel;
}

/* A chunk as sums see it: images [n, n + images), positions [q, q + count) of dst, a word each. */
typedef struct {
    int64_t n, images, q, count;
} chunk;

static chunk chunk_at(const worker *w, int64_t index) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_weights_blocking *b = blocking_of(w);
    const int64_t per_image = brdnn_chunks_per_image(b);
    chunk c = {.n = index / per_image * b->images, .q = index % per_image * b->positions};
    c.images = brdnn_min(b->images, p->mb - c.n);
    c.count = brdnn_min(b->positions, b->ow - c.q);
    return c;
}

static brdnn_image src_image(const worker *w, int64_t n, int64_t g) {
    const brdnn_conv_problem *p = problem_of(w);
    const int64_t ic = brdnn_group_ic(p);
    const int64_t first = brdnn_element(p->layout, &p->src, n, g * ic, 0);
    return (brdnn_image) {.layout = p->layout,
            .type = p->src.type,
            .start = brdnn_at(p->src.type, w->args->src, first),
            .pitch = p->src.pitch,
            .channels = ic,
            .width = p->iw};
}

static brdnn_image dst_image(const worker *w, int64_t n, const share *s) {
    const brdnn_conv_problem *p = problem_of(w);
    const int64_t channel = s->g * brdnn_group_oc(p) + s->oc;
    const int64_t first = brdnn_element(p->layout, &p->dst, n, channel, 0);
    return (brdnn_image) {.layout = p->layout,
            .type = p->dst.type,
            .start = brdnn_at(p->dst.type, w->args->diff_dst, first),
            .pitch = p->dst.pitch,
            .channels = s->oc_count,
            .width = p->ow};
}

/* A block at a time, because how channels are summed follows from how many there are. */
static void add_bias_of(const worker *w, const share *s, brdnn_image dst, const chunk *c) {
    const brdnn_conv_problem *p = problem_of(w);
    const int64_t end = s->oc + s->oc_count, block = blocking_of(w)->oc.block;
    const int64_t terms = brdnn_terms_of(blocking_of(w)->kernels), first = c->q * terms;
    const int64_t count = brdnn_min(c->count * terms, p->ow - first);
    float *sums = w->partial_bias + s->partial * p->oc + s->g * brdnn_group_oc(p);
    for (int64_t k = s->oc; k < end; k += block) {
        dst.channels = brdnn_min(block, end - k);
        brdnn_sum_positions(&dst, first, count, sums + k);
        dst.start = brdnn_at(dst.type, dst.start, block * (p->layout == BRDNN_NCW ? dst.pitch : 1));
    }
}

/* Adds up a chunk's partial of the bias. */
static void add_bias(const worker *w, const share *s, const chunk *c) {
    for (int64_t i = 0; i < c->images; ++i)
        add_bias_of(w, s, dst_image(w, c->n + i, s), c);
}

/* Packs a chunk of one image's diff_dst; `place` counts packed positions. */
static void pack_dst_of(
        const worker *w, const share *s, const brdnn_image *dst, const chunk *c, int64_t place) {
    const brdnn_weights_blocking *b = blocking_of(w);
    if (!brdnn_is_vnni(b->kernels)) {
        brdnn_pack_by_position(blocking_of(w)->kernels, dst, (brdnn_positions) {c->q, 1, c->count},
                (float *)w->packed_dst + place * b->dst_pitch + s->oc, b->dst_pitch);
        return;
    }
    const brdnn_vnni_rows to = {.start = w->packed_dst + s->oc * b->dst_pitch + place,
            .pitch = b->dst_pitch,
            .plane = b->dst_plane,
            .splits = b->kernels.splits};
    const int64_t filled = brdnn_max(c->count, brdnn_in_rounds(b, c->count));
    brdnn_vnni_positions_by_channel(dst, (brdnn_positions) {2 * c->q, 2, filled}, 1, &to);
}

static void pack_dst(const worker *w, const share *s, const chunk *c) {
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image dst = dst_image(w, c->n + i, s);
        pack_dst_of(w, s, &dst, c, i * blocking_of(w)->positions);
    }
}

static void pack_src(const worker *w, const share *s, const chunk *c) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_weights_blocking *b = blocking_of(w);
    const int64_t outputs = b->taps_side_by_side ? p->kw : b->positions;
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image src = src_image(w, c->n + i, s->g);
        brdnn_pack_src(&b->window, &b->src_packing, &src,
                c->q * brdnn_terms_of(b->kernels) * p->stride, outputs,
                w->packed_src + i * b->src_packing.rows * b->src_packing.pitch);
    }
}

/* Adds the products of some batch entries of a packed chunk to the sums of a block of filters. */
static void add_products(const worker *w, const share *s, int64_t oc_block,
        const brdnn_entry_table *entries, int64_t images, const brdnn_brgemm (*kernels)[2]) {
    const brdnn_weights_blocking *b = blocking_of(w);
    const uint64_t count = (uint64_t)(images * entries->per_image);
    const int64_t term_tiles = brdnn_term_tiles(b);
    const int64_t dst_step = b->oc.block * (!brdnn_is_vnni(b->kernels) ? 1 : b->dst_pitch);
    const bool oc_tail = oc_block + 1 == b->oc.blocks && b->oc.tail != b->oc.block && !uses_amx(w);
    const uint32_t *dst = w->packed_dst + oc_block * dst_step;
    const sums to = sums_of(w, s->partial, s->g, oc_block);
    for (int64_t i = 0; i < term_tiles; ++i) {
        const brdnn_term_tile t = brdnn_term_tile_at(b, i);
        const uint32_t *src = w->packed_src + brdnn_term_tile_word(b, &t);
        float *acc = to.start + brdnn_term_tile_sum(b, &t) * to.term_stride;
        const brdnn_brgemm *kernel = &kernels[t.kind][oc_tail];
        if (b->filters_along_lanes)
            brdnn_brgemm_run(
                    kernel, dst, src, acc, count, entries->dst_offsets, entries->src_offsets);
        else
            brdnn_brgemm_run(
                    kernel, src, dst, acc, count, entries->src_offsets, entries->dst_offsets);
    }
}

/* Adds all of a packed chunk to the sums of a block of filters. The first chunk of a partial sets them; they
 * needn't be zeroed then. */
static void add_chunk(
        const worker *w, const share *s, const chunk *c, int64_t oc_block, bool is_first) {
    const brdnn_weights_plan *plan = w->plan;
    const bool is_last = c->q + c->count == blocking_of(w)->ow;
    const brdnn_entry_table *rounds = is_last ? &plan->last : &plan->whole;
    if (rounds->per_image > 0) {
        add_products(w, s, oc_block, rounds, c->images, plan->kernels[is_first][0]);
        is_first = false;
    }
    if (is_last && plan->single.per_image > 0)
        add_products(w, s, oc_block, &plan->single, c->images, plan->kernels[is_first][1]);
}

/* Some neighbouring blocks of filters of a share. */
static share blocks_of(const worker *w, const share *s, brdnn_range oc_blocks) {
    const brdnn_weights_blocking *b = blocking_of(w);
    share some = {.partial = s->partial, .g = s->g, .oc_blocks = oc_blocks};
    some.oc = oc_blocks.begin * b->oc.block;
    some.oc_count = brdnn_min(oc_blocks.end * b->oc.block, brdnn_group_oc(problem_of(w))) - some.oc;
    return some;
}

/* Magnitudes of what a chunk reads of src, and of some filters' diff_dst. */
typedef struct {
    brdnn_exponent_range src, dst;
} seen;

static void see_src(const worker *w, const share *s, const chunk *c, seen *seen) {
    const brdnn_weights_blocking *b = blocking_of(w);
    const brdnn_window *k = &b->window;
    const int64_t filled = brdnn_max(c->count, brdnn_in_rounds(b, c->count));
    const brdnn_range positions = {c->q * k->stride + brdnn_window_first(k),
            (c->q + filled) * k->stride + brdnn_window_last(k) + (k->tap_group - 1) * k->dilation};
    seen->src = brdnn_no_exponents();
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image src = src_image(w, c->n + i, s->g);
        brdnn_exponents_of_positions(&src, positions, &seen->src);
    }
}

static void see_dst(const worker *w, const share *s, const chunk *c, seen *seen) {
    const int64_t terms = brdnn_terms_of(blocking_of(w)->kernels);
    seen->dst = brdnn_no_exponents();
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image dst = dst_image(w, c->n + i, s);
        brdnn_exponents_of_positions(
                &dst, (brdnn_range) {c->q * terms, (c->q + c->count) * terms}, &seen->dst);
    }
}

/* Adds all of a chunk to the sums of a block of filters by f32 kernels.
 * @param packs_src  the chunk is the first of its blocks to be taken over */
static void take_over(const worker *fallback, const worker *w, const share *s, const chunk *c,
        int64_t oc_block, bool is_first, bool packs_src) {
    const brdnn_weights_blocking *of = blocking_of(w), *by = blocking_of(fallback);
    const int64_t filters = of->oc.block / by->oc.block, terms = brdnn_terms_of(of->kernels);
    const brdnn_range oc_blocks
            = {oc_block * filters, brdnn_min((oc_block + 1) * filters, by->oc.blocks)};
    const share some = blocks_of(fallback, s, oc_blocks);
    chunk by_positions = {.n = c->n, .images = c->images, .q = c->q * terms};
    by_positions.count = brdnn_min(c->count * terms, by->ow - by_positions.q);
    if (packs_src) pack_src(fallback, &some, &by_positions);
    pack_dst(fallback, &some, &by_positions);
    for (int64_t k = oc_blocks.begin; k < oc_blocks.end; ++k)
        add_chunk(fallback, &some, &by_positions, k, is_first);
}

/* The same for each block of a share, by f32 kernels where others can't carry it. */
static void add_guarded_chunk(
        const worker *w, const worker *fallback, const share *s, const chunk *c, bool is_first) {
    bool has_src = false;
    seen seen;
    see_src(w, s, c, &seen);
    for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k) {
        const share block = blocks_of(w, s, (brdnn_range) {k, k + 1});
        see_dst(w, &block, c, &seen);
        if (brdnn_splits_carry(seen.src, seen.dst, blocking_of(w)->kernels.splits)) {
            add_chunk(w, s, c, k, is_first);
            continue;
        }
        take_over(fallback, w, s, c, k, is_first, !has_src);
        has_src = true;
    }
}

static void zero(float *to, int64_t count) { memset(to, 0, (size_t)count * sizeof(*to)); }

/* Sums up a share over all chunks of its partial, guarded unless `fallback` is NULL. */
static void run_share(const worker *w, const worker *fallback, const share *s) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_weights_blocking *b = blocking_of(w);
    if (p->finish == BRDNN_BIAS_OF_DST)
        zero(w->partial_bias + s->partial * p->oc + s->g * brdnn_group_oc(p) + s->oc, s->oc_count);
    const brdnn_range chunks
            = brdnn_share_of(brdnn_chunks(p, b), (int)s->partial, (int)b->partials);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const chunk c = chunk_at(w, i);
        const bool is_first = i == chunks.begin;
        pack_src(w, s, &c);
        pack_dst(w, s, &c);
        if (p->finish == BRDNN_BIAS_OF_DST) add_bias(w, s, &c);
        if (fallback) {
            add_guarded_chunk(w, fallback, s, &c, is_first);
            continue;
        }
        for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k)
            add_chunk(w, s, &c, k, is_first);
    }
}

/* One partial's sums of src itself, over its share of all positions. */
static void sum_src(const worker *w, int64_t partial) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_range all
            = brdnn_share_of(p->mb * p->iw, (int)partial, (int)blocking_of(w)->partials);
    float *bias = w->partial_bias + partial * p->ic;
    zero(bias, p->ic);
    for (int64_t at = all.begin; at < all.end;) {
        const int64_t n = at / p->iw, position = at % p->iw;
        const int64_t count = brdnn_min(p->iw - position, all.end - at);
        for (int64_t g = 0; g < p->groups; ++g) {
            const brdnn_image src = src_image(w, n, g);
            brdnn_sum_positions(&src, position, count, bias + g * brdnn_group_ic(p));
        }
        at += count;
    }
}

/* Work of phase 0: blocks of filters of each group and partial, and partials of a bias taken from src.
 * Neighbouring blocks of one group and partial share packed rows of src. */
static void sum_partials(const worker *w, const worker *fallback, int ithr, int nthr) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_weights_blocking *b = blocking_of(w);
    const int64_t oc_blocks = b->oc.blocks, products = b->partials * p->groups * oc_blocks;
    const int64_t src_sums = p->finish == BRDNN_BIAS_OF_SRC ? b->partials : 0;
    const brdnn_range items = brdnn_share_of(products + src_sums, ithr, nthr);
    for (int64_t item = items.begin; item < items.end;) {
        if (item >= products) {
            sum_src(w, item++ - products);
            continue;
        }
        const int64_t row = item / oc_blocks;
        const int64_t end = brdnn_min((row + 1) * oc_blocks, items.end);
        const share at = {.partial = row / p->groups, .g = row % p->groups};
        const share s = blocks_of(w, &at, (brdnn_range) {item % oc_blocks, end - row * oc_blocks});
        run_share(w, fallback, &s);
        item = end;
    }
}

/* Adds all partials' sums of a block of filters to those of partial 0. */
static void reduce_block(const worker *w, int64_t g, int64_t oc_block) {
    const sums to = sums_of(w, 0, g, oc_block);
    for (int64_t partial = 1; partial < blocking_of(w)->partials; ++partial)
        brdnn_add_row(to.start, sums_of(w, partial, g, oc_block).start,
                to.filters * blocking_of(w)->partial_terms);
}

/* Writes a block of filters wherever its elements belong. */
static void store_block(const worker *w, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const sums from = sums_of(w, 0, g, oc_block);
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
static bool has_contiguous_taps(const worker *w) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const bool is_image = wei->kw_stride == 1 && blocking_of(w)->tap_group == 1;
    return is_image
            && (wei->type == BRDNN_F32
                    || (p->kw <= most_buffered && !blocking_of(w)->filters_along_lanes
                            && wei->ic_stride == p->kw));
}

/* One row of the transposition: all taps of `length` channels or filters, `pitch` elements apart. */
static void store_row_of_taps(const worker *w, const brdnn_image *taps, void *to, int64_t pitch) {
    const brdnn_conv_problem *p = problem_of(w);
    if (p->wei.type == BRDNN_F32) {
        brdnn_pack_by_position(
                blocking_of(w)->kernels, taps, (brdnn_positions) {0, 1, taps->width}, to, pitch);
        return;
    }
    float buffer[most_buffered];
    const int64_t most = most_buffered / p->kw;
    for (int64_t first = 0; first < taps->width; first += most) {
        const int64_t some = brdnn_min(most, taps->width - first), count = some * p->kw;
        brdnn_pack_by_position(
                blocking_of(w)->kernels, taps, (brdnn_positions) {first, 1, some}, buffer, p->kw);
        brdnn_store_sums(blocking_of(w)->kernels, p->wei.type, buffer, 1, count, count,
                brdnn_at_mutable(p->wei.type, to, first * pitch), count);
    }
}

static void store_contiguous_taps(const worker *w, int64_t g, int64_t oc_block) {
    const brdnn_conv_problem *p = problem_of(w);
    const brdnn_conv_weights *wei = &p->wei;
    const sums from = sums_of(w, 0, g, oc_block);
    const int64_t ic = brdnn_group_ic(p);
    const bool filters_contiguous = blocking_of(w)->filters_along_lanes;
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

static void reduce_bias(const worker *w) {
    const brdnn_conv_problem *p = problem_of(w);
    const int64_t channels = w->plan->schedule.bias_channels;
    for (int64_t partial = 1; partial < blocking_of(w)->partials; ++partial)
        brdnn_add_row(w->partial_bias, w->partial_bias + partial * channels, channels);
    brdnn_store_sums(blocking_of(w)->kernels, p->bias_type, w->partial_bias, 1, channels, channels,
            w->args->diff_bias, channels);
}

/* Work of phase 1: blocks of filters of each group, and the bias. */
static void add_partials(const worker *w, int ithr, int nthr) {
    const brdnn_conv_problem *p = problem_of(w);
    const int64_t oc_blocks = blocking_of(w)->oc.blocks;
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

/* Scratch: sums for all threads, then for each what the kernels need, and what those need that guard
 * them. */
static worker make_worker(
        const brdnn_guarded_weights_plan *plan, const brdnn_conv_args *args, int ithr) {
    const brdnn_weights_schedule *s = &plan->schedule.main;
    worker w = {.plan = &plan->main, .args = args};
    char *at = (char *)args->scratch;
    w.partial = (float *)at;
    at += s->partial_bytes;
    w.partial_bias = (float *)at;
    at += s->partial_bias_bytes + (size_t)ithr * brdnn_guarded_weights_scratch(&plan->schedule);
    w.packed_src = (uint32_t *)at;
    w.packed_dst = (uint32_t *)(at + s->packed_src_bytes);
    return w;
}

/* The worker with f32 kernels that guards `w`, behind it in scratch. */
static worker make_fallback(const brdnn_guarded_weights_plan *plan, const worker *w) {
    worker by = *w;
    by.plan = &plan->fallback;
    by.packed_src = w->packed_dst + plan->schedule.main.packed_dst_bytes / brdnn_word_bytes;
    by.packed_dst = by.packed_src + plan->schedule.fallback.packed_src_bytes / brdnn_word_bytes;
    return by;
}

brdnn_status brdnn_backward_weights(const brdnn_guarded_weights_plan *plan, int phase,
        const brdnn_conv_args *args, int ithr, int nthr) {
    const bool complete = args->src && args->diff_dst && args->diff_wei && args->scratch
            && (args->diff_bias || plan->schedule.main.bias_channels == 0);
    if (phase < 0 || phase > 1 || !complete) return BRDNN_INVALID;
    const worker w = make_worker(plan, args, ithr);
    if (phase == 1) {
        add_partials(&w, ithr, nthr);
        return BRDNN_SUCCESS;
    }
    const worker fallback = make_fallback(plan, &w);
    const brdnn_brgemm_shape shape
            = brdnn_weights_kernel_shape(&plan->schedule.main.blocking, (brdnn_weights_kernel) {0});
    brdnn_brgemm_enter(&shape);
    sum_partials(&w, plan->schedule.is_guarded ? &fallback : NULL, ithr, nthr);
    brdnn_brgemm_leave(&shape);
    return BRDNN_SUCCESS;
}
