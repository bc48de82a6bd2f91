/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file backward_weights_run.c
 * Backward weights: phase 0 computes partial sums, each over some of the positions, phase 1 adds
 * them up. Parts, and the order of adding, are the plan's, so the result does not depend on the
 * threads. */

#include "backward_weights_plan.h"
#include "bias.h"
#include "problem.h"
#include "progression.h"

#include <string.h>

/* What one call of run works with. */
typedef struct {
    const brconv1d_weights_plan *plan;
    const brconv1d_args *args;
    float *partial, *partial_bias;  /* of all parts */
    float *packed_src, *packed_dst; /* this thread's */
} worker;

/* Some blocks of filters of one group, in one part. */
typedef struct {
    int64_t part, g;
    brconv1d_range oc_blocks;
    int64_t oc, oc_count; /* the filters in them, counted within the group */
} share;

static const brconv1d_problem *problem_of(const worker *w) { return &w->plan->schedule.problem; }

/* Terms of one group: a tap and a channel each. */
static int64_t group_terms(const brconv1d_problem *p) { return brconv1d_group_ic(p) * p->kw; }

/* One part's sums of a block of filters: filter k of the block, channel c and tap s at k * oc_stride +
 * (s * ic + c) * term_stride. They are contiguous, and what runs along lanes is innermost. */
typedef struct {
    float *start;
    int64_t oc, filters; /* the first, counted within the group, and how many */
    int64_t oc_stride, term_stride;
} sums;

static sums sums_of(const worker *w, int64_t part, int64_t g, int64_t oc_block) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const int64_t oc = brconv1d_group_oc(p), terms = group_terms(p);
    sums s = {.oc = oc_block * b->oc.block};
    s.filters = brconv1d_min(b->oc.block, oc - s.oc);
    s.start = w->partial + ((part * p->groups + g) * oc + s.oc) * terms;
    s.oc_stride = b->filters_along_lanes ? 1 : terms;
    s.term_stride = b->filters_along_lanes ? s.filters : 1;
    return s;
}

/* A chunk as sums see it: images [n, n + images), positions [q, q + count) of dst. */
typedef struct {
    int64_t n, images, q, count;
} chunk;

static chunk chunk_at(const worker *w, int64_t index) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const int64_t per_image = brconv1d_chunks_per_image(p, b);
    chunk c = {.n = index / per_image * b->images, .q = index % per_image * b->positions};
    c.images = brconv1d_min(b->images, p->mb - c.n);
    c.count = brconv1d_min(b->positions, p->ow - c.q);
    return c;
}

static brconv1d_image src_image(const worker *w, int64_t n, int64_t g) {
    const brconv1d_problem *p = problem_of(w);
    const float *start
            = w->args->src + brconv1d_element(p->layout, &p->src, n, g * brconv1d_group_ic(p), 0);
    return (brconv1d_image) {p->layout, start, p->src.pitch, brconv1d_group_ic(p), p->iw};
}

static brconv1d_image dst_image(const worker *w, int64_t n, const share *s) {
    const brconv1d_problem *p = problem_of(w);
    const float *start = w->args->diff_dst
            + brconv1d_element(p->layout, &p->dst, n, s->g * brconv1d_group_oc(p) + s->oc, 0);
    return (brconv1d_image) {p->layout, start, p->dst.pitch, s->oc_count, p->ow};
}

/* A block at a time, because how channels are summed follows from how many there are. */
static void add_bias(const worker *w, const share *s, brconv1d_image dst, const chunk *c) {
    const brconv1d_problem *p = problem_of(w);
    const int64_t end = s->oc + s->oc_count, block = w->plan->schedule.blocking.oc.block;
    float *sums = w->partial_bias + s->part * p->oc + s->g * brconv1d_group_oc(p);
    for (int64_t k = s->oc; k < end; k += block) {
        dst.channels = brconv1d_min(block, end - k);
        brconv1d_sum_positions(&dst, c->q, c->count, sums + k);
        dst.start += block * (p->layout == BRCONV1D_NCW ? dst.pitch : 1);
    }
}

/* Packs a chunk, and adds up its part of the bias while it is in the cache. */
static void pack_chunk(const worker *w, const share *s, const chunk *c) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const int64_t outputs = b->taps_side_by_side ? p->kw : b->positions;
    for (int64_t i = 0; i < c->images; ++i) {
        const brconv1d_image src = src_image(w, c->n + i, s->g), dst = dst_image(w, c->n + i, s);
        brconv1d_pack_src(&b->window, &b->src_packing, &src, c->q * p->stride, outputs,
                w->packed_src + i * b->src_packing.rows * b->src_packing.pitch);
        brconv1d_pack_by_position(p->isa, &dst, (brconv1d_progression) {c->q, 1, c->count},
                w->packed_dst + i * b->positions * b->dst_pitch + s->oc, b->dst_pitch);
        if (p->finish == BRCONV1D_BIAS_OF_DST) add_bias(w, s, dst, c);
    }
}

/* First term of a tile, as an element of its part's sums and of a packed row of src. */
typedef struct {
    int64_t term, element;
    bool is_tail;
} term_tile;

static term_tile term_tile_at(const worker *w, int64_t index) {
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const int64_t tap = index / b->terms.blocks, in_tap = index % b->terms.blocks;
    const int64_t first = in_tap * b->terms.block;
    term_tile t = {.term = first, .element = first};
    t.is_tail = in_tap + 1 == b->terms.blocks && b->terms.tail != b->terms.block;
    if (!b->taps_side_by_side) {
        t.term += tap * brconv1d_group_ic(problem_of(w));
        t.element += brconv1d_packed_tap(&b->window, &b->src_packing, tap) * b->src_packing.pitch;
    }
    return t;
}

/* Adds the products of some batch entries of a packed chunk to the sums of a share. */
static void add_products(const worker *w, const share *s, const brconv1d_entry_table *entries,
        int64_t images, const brconv1d_brgemm (*kernels)[2]) {
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const uint64_t count = (uint64_t)(images * entries->per_image);
    const int64_t term_tiles = brconv1d_term_tiles(problem_of(w), b);
    for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k) {
        const bool oc_tail = k + 1 == b->oc.blocks && b->oc.tail != b->oc.block;
        const float *dst = w->packed_dst + k * b->oc.block;
        const sums to = sums_of(w, s->part, s->g, k);
        for (int64_t i = 0; i < term_tiles; ++i) {
            const term_tile t = term_tile_at(w, i);
            const float *src = w->packed_src + t.element;
            float *acc = to.start + t.term * to.term_stride;
            const brconv1d_brgemm kernel = kernels[t.is_tail][oc_tail];
            if (b->filters_along_lanes)
                kernel(dst, src, acc, &count, entries->dst_offsets, entries->src_offsets);
            else kernel(src, dst, acc, &count, entries->src_offsets, entries->dst_offsets);
        }
    }
}

/* The first chunk of a part sets the sums, which needn't be zeroed then. */
static void add_chunk(const worker *w, const share *s, const chunk *c, bool is_first) {
    const brconv1d_weights_plan *plan = w->plan;
    const bool is_last = c->q + c->count == problem_of(w)->ow;
    const brconv1d_entry_table *rounds = is_last ? &plan->last : &plan->whole;
    if (rounds->per_image > 0) {
        add_products(w, s, rounds, c->images, plan->kernels[is_first][0]);
        is_first = false;
    }
    if (is_last && plan->single.per_image > 0)
        add_products(w, s, &plan->single, c->images, plan->kernels[is_first][1]);
}

static void zero(float *to, int64_t count) { memset(to, 0, (size_t)count * sizeof(*to)); }

/* Sums up a share over all chunks of its part. */
static void run_share(const worker *w, const share *s) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    if (p->finish == BRCONV1D_BIAS_OF_DST)
        zero(w->partial_bias + s->part * p->oc + s->g * brconv1d_group_oc(p) + s->oc, s->oc_count);
    const brconv1d_range chunks
            = brconv1d_share_of(brconv1d_chunks(p, b), (int)s->part, (int)b->parts);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const chunk c = chunk_at(w, i);
        pack_chunk(w, s, &c);
        add_chunk(w, s, &c, i == chunks.begin);
    }
}

/* One part's sums of src itself, over its share of all positions. */
static void sum_src(const worker *w, int64_t part) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_range all
            = brconv1d_share_of(p->mb * p->iw, (int)part, (int)w->plan->schedule.blocking.parts);
    float *bias = w->partial_bias + part * p->ic;
    zero(bias, p->ic);
    for (int64_t at = all.begin; at < all.end;) {
        const int64_t n = at / p->iw, position = at % p->iw;
        const int64_t count = brconv1d_min(p->iw - position, all.end - at);
        for (int64_t g = 0; g < p->groups; ++g) {
            const brconv1d_image src = src_image(w, n, g);
            brconv1d_sum_positions(&src, position, count, bias + g * brconv1d_group_ic(p));
        }
        at += count;
    }
}

/* Items of phase 0: blocks of filters of each group and part, and parts of a bias taken from src.
 * Neighbouring blocks of one group and part share packed rows of src. */
static void sum_parts(const worker *w, int ithr, int nthr) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights_blocking *b = &w->plan->schedule.blocking;
    const int64_t oc_blocks = b->oc.blocks, products = b->parts * p->groups * oc_blocks;
    const int64_t src_sums = p->finish == BRCONV1D_BIAS_OF_SRC ? b->parts : 0;
    const brconv1d_range items = brconv1d_share_of(products + src_sums, ithr, nthr);
    for (int64_t item = items.begin; item < items.end;) {
        if (item >= products) {
            sum_src(w, item++ - products);
            continue;
        }
        const int64_t row = item / oc_blocks;
        const int64_t end = brconv1d_min((row + 1) * oc_blocks, items.end);
        share s = {.part = row / p->groups, .g = row % p->groups};
        s.oc_blocks = (brconv1d_range) {item % oc_blocks, end - row * oc_blocks};
        s.oc = s.oc_blocks.begin * b->oc.block;
        s.oc_count = brconv1d_min(s.oc_blocks.end * b->oc.block, brconv1d_group_oc(p)) - s.oc;
        run_share(w, &s);
        item = end;
    }
}

/* Adds all parts' sums of a block of filters to those of part 0. */
static void reduce_block(const worker *w, int64_t g, int64_t oc_block) {
    const sums to = sums_of(w, 0, g, oc_block);
    for (int64_t part = 1; part < w->plan->schedule.blocking.parts; ++part)
        brconv1d_add_row(to.start, sums_of(w, part, g, oc_block).start,
                to.filters * group_terms(problem_of(w)));
}

/* Writes a block of filters wherever its elements belong. */
static void store_block(const worker *w, int64_t g, int64_t oc_block) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights *wei = &p->wei;
    const sums from = sums_of(w, 0, g, oc_block);
    const int64_t ic = brconv1d_group_ic(p);
    float *to = w->args->diff_wei + g * wei->g_stride + from.oc * wei->oc_stride;
    for (int64_t k = 0; k < from.filters; ++k)
        for (int64_t c = 0; c < ic; ++c)
            for (int64_t s = 0; s < p->kw; ++s)
                to[k * wei->oc_stride + c * wei->ic_stride + s * wei->kw_stride]
                        = from.start[k * from.oc_stride + (s * ic + c) * from.term_stride];
}

/* The same where taps are to be contiguous, which is a transposition of taps with what is contiguous
 * in the sums: channels or filters. */
static void store_contiguous_taps(const worker *w, int64_t g, int64_t oc_block) {
    const brconv1d_problem *p = problem_of(w);
    const brconv1d_weights *wei = &p->wei;
    const sums from = sums_of(w, 0, g, oc_block);
    const int64_t ic = brconv1d_group_ic(p);
    const bool filters_contiguous = w->plan->schedule.blocking.filters_along_lanes;
    const int64_t rows = filters_contiguous ? ic : from.filters;
    const int64_t length = filters_contiguous ? from.filters : ic;
    const int64_t from_stride = filters_contiguous ? from.term_stride : from.oc_stride;
    const int64_t row_stride = filters_contiguous ? wei->ic_stride : wei->oc_stride;
    const int64_t in_row_stride = filters_contiguous ? wei->oc_stride : wei->ic_stride;
    float *to = w->args->diff_wei + g * wei->g_stride + from.oc * wei->oc_stride;
    for (int64_t r = 0; r < rows; ++r) {
        const brconv1d_image taps = {
                BRCONV1D_NCW, from.start + r * from_stride, ic * from.term_stride, p->kw, length};
        brconv1d_pack_by_position(p->isa, &taps, (brconv1d_progression) {0, 1, length},
                to + r * row_stride, in_row_stride);
    }
}

static void reduce_bias(const worker *w) {
    const int64_t channels = w->plan->schedule.bias_channels;
    // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): brconv1d_backward_weights() saw it
    memcpy(w->args->diff_bias, w->partial_bias, (size_t)channels * sizeof(float));
    for (int64_t part = 1; part < w->plan->schedule.blocking.parts; ++part)
        brconv1d_add_row(w->args->diff_bias, w->partial_bias + part * channels, channels);
}

/* Items of phase 1: blocks of filters of each group, and the bias. */
static void add_parts(const worker *w, int ithr, int nthr) {
    const brconv1d_problem *p = problem_of(w);
    const int64_t oc_blocks = w->plan->schedule.blocking.oc.blocks;
    const int64_t blocks = p->groups * oc_blocks;
    const brconv1d_range items
            = brconv1d_share_of(blocks + (w->plan->schedule.bias_channels > 0), ithr, nthr);
    for (int64_t item = items.begin; item < items.end; ++item) {
        const int64_t g = item / oc_blocks, oc_block = item % oc_blocks;
        if (item == blocks) {
            reduce_bias(w);
            continue;
        }
        reduce_block(w, g, oc_block);
        if (p->wei.kw_stride == 1) store_contiguous_taps(w, g, oc_block);
        else store_block(w, g, oc_block);
    }
}

static worker make_worker(const brconv1d_weights_plan *plan, const brconv1d_args *args, int ithr) {
    const brconv1d_weights_schedule *s = &plan->schedule;
    worker w = {.plan = plan, .args = args};
    char *at = (char *)args->scratch;
    w.partial = (float *)at;
    at += s->partial_bytes;
    w.partial_bias = (float *)at;
    at += s->partial_bias_bytes + (size_t)ithr * (s->packed_src_bytes + s->packed_dst_bytes);
    w.packed_src = (float *)at;
    w.packed_dst = (float *)(at + s->packed_src_bytes);
    return w;
}

brconv1d_status brconv1d_backward_weights(const brconv1d_weights_plan *plan, int phase,
        const brconv1d_args *args, int ithr, int nthr) {
    const bool complete = args->src && args->diff_dst && args->diff_wei && args->scratch
            && (args->diff_bias || plan->schedule.bias_channels == 0);
    if (phase < 0 || phase > 1 || !complete) return BRCONV1D_INVALID;
    const worker w = make_worker(plan, args, ithr);
    if (phase == 0) sum_parts(&w, ithr, nthr);
    else add_parts(&w, ithr, nthr);
    return BRCONV1D_SUCCESS;
}
