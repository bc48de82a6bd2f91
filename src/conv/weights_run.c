/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/weights_run.c
 * Backward weights: the first phase computes partial sums, each over some of the positions, and the last
 * adds them up. Between them, kernels for f32 add what those for bf16 could not carry. Partial sums, and
 * the order of adding, are the plan's, so the result does not depend on the threads. */

#include "conv/weights_worker.h"
#include "finish/bias.h"
#include "pack/elements.h"
#include "pack/exponent_range.h"
#include "pack/positions.h"
#include "pack/vnni.h"

#include <string.h>

/* Some blocks of filters of one group, in one partial. */
typedef struct {
    int64_t partial, g;
    brdnn_range oc_blocks;
    int64_t oc, oc_count; /* the filters in them, counted within the group */
} share;

typedef brdnn_weights_worker worker;

static bool uses_amx(const worker *w) { return brdnn_uses_amx(brdnn_blocking_of(w)->kernels); }

/* A chunk as sums see it: images [n, n + images), positions [q, q + count) of dst, a word each. */
typedef struct {
    int64_t n, images, q, count;
} chunk;

static chunk chunk_at(const worker *w, int64_t index) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    const int64_t per_image = brdnn_chunks_per_image(b);
    chunk c = {.n = index / per_image * b->images, .q = index % per_image * b->positions};
    c.images = brdnn_min(b->images, p->mb - c.n);
    c.count = brdnn_min(b->positions, b->ow - c.q);
    return c;
}

static brdnn_image src_image(const worker *w, int64_t n, int64_t g) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
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
    const brdnn_conv_problem *p = brdnn_problem_of(w);
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
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const int64_t end = s->oc + s->oc_count, block = brdnn_blocking_of(w)->oc.block;
    const int64_t terms = brdnn_terms_of(brdnn_blocking_of(w)->kernels), first = c->q * terms;
    const int64_t count = brdnn_min(c->count * terms, p->ow - first);
    float *sums = w->partial_bias + s->partial * p->oc + s->g * brdnn_group_oc(p);
    for (int64_t k = s->oc; k < end; k += block) {
        dst.channels = brdnn_min(block, end - k);
        brdnn_sum_positions(&dst, first, count, sums + k);
        dst.start = brdnn_at(dst.type, dst.start, block * (p->layout == BRDNN_NCW ? dst.pitch : 1));
    }
}

/* Adds up a chunk's share of the bias. */
static void add_bias(const worker *w, const share *s, const chunk *c) {
    for (int64_t i = 0; i < c->images; ++i)
        add_bias_of(w, s, dst_image(w, c->n + i, s), c);
}

/* Packs a chunk of one image's diff_dst; `place` counts packed positions. */
static void pack_dst_of(
        const worker *w, const share *s, const brdnn_image *dst, const chunk *c, int64_t place) {
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    if (!brdnn_is_vnni(b->kernels)) {
        brdnn_pack_by_position(brdnn_blocking_of(w)->kernels, dst,
                (brdnn_positions) {c->q, 1, c->count},
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
        pack_dst_of(w, s, &dst, c, i * brdnn_blocking_of(w)->positions);
    }
}

static void pack_src(const worker *w, const share *s, const chunk *c) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
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
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    const uint64_t count = (uint64_t)(images * entries->per_image);
    const int64_t term_tiles = brdnn_term_tiles(b);
    const int64_t dst_step = b->oc.block * (!brdnn_is_vnni(b->kernels) ? 1 : b->dst_pitch);
    const bool oc_tail = oc_block + 1 == b->oc.blocks && b->oc.tail != b->oc.block && !uses_amx(w);
    const uint32_t *dst = w->packed_dst + oc_block * dst_step;
    const brdnn_weights_sums to = brdnn_sums_of(w, s->partial, s->g, oc_block);
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
    const brdnn_gradient_plan *plan = w->plan;
    const bool is_last = c->q + c->count == brdnn_blocking_of(w)->ow;
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
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    share some = {.partial = s->partial, .g = s->g, .oc_blocks = oc_blocks};
    some.oc = oc_blocks.begin * b->oc.block;
    some.oc_count
            = brdnn_min(oc_blocks.end * b->oc.block, brdnn_group_oc(brdnn_problem_of(w))) - some.oc;
    return some;
}

static brdnn_exponent_range src_exponents(const worker *w, const share *s, const chunk *c) {
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    const brdnn_window *k = &b->window;
    const int64_t filled = brdnn_max(c->count, brdnn_in_rounds(b, c->count));
    const brdnn_range positions = {c->q * k->stride + brdnn_window_first(k),
            (c->q + filled) * k->stride + brdnn_window_last(k) + (k->tap_group - 1) * k->dilation};
    brdnn_exponent_range range = brdnn_no_exponents();
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image src = src_image(w, c->n + i, s->g);
        brdnn_exponents_of_positions(&src, positions, &range);
    }
    return range;
}

static brdnn_exponent_range dst_exponents(const worker *w, const share *s, const chunk *c) {
    const int64_t terms = brdnn_terms_of(brdnn_blocking_of(w)->kernels);
    const brdnn_range positions = {c->q * terms, (c->q + c->count) * terms};
    brdnn_exponent_range range = brdnn_no_exponents();
    for (int64_t i = 0; i < c->images; ++i) {
        const brdnn_image dst = dst_image(w, c->n + i, s);
        brdnn_exponents_of_positions(&dst, positions, &range);
    }
    return range;
}

static void zero(float *to, int64_t count) { memset(to, 0, (size_t)count * sizeof(*to)); }

static unsigned char *mark_of(const worker *w, int64_t chunk, int64_t g, int64_t oc_block) {
    const int64_t groups = brdnn_problem_of(w)->groups, blocks = brdnn_blocking_of(w)->oc.blocks;
    return &w->marks[(chunk * groups + g) * blocks + oc_block];
}

/* Adds what the kernels can carry of a chunk, and marks what is left for the rescue. Sums that the first
 * chunk doesn't set are zero. */
static void add_or_mark_chunk(
        const worker *w, const share *s, const chunk *c, int64_t index, bool is_first) {
    const brdnn_exponent_range src = src_exponents(w, s, c);
    const int64_t splits = brdnn_blocking_of(w)->kernels.splits;
    for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k) {
        const share block = blocks_of(w, s, (brdnn_range) {k, k + 1});
        const bool carries = brdnn_splits_carry(src, dst_exponents(w, &block, c), splits);
        *mark_of(w, index, s->g, k) = !carries;
        if (carries) {
            add_chunk(w, s, c, k, is_first);
        } else if (is_first) {
            const brdnn_weights_sums sums = brdnn_sums_of(w, s->partial, s->g, k);
            zero(sums.start, sums.filters * brdnn_blocking_of(w)->partial_terms);
        }
    }
}

static brdnn_range chunks_of(const worker *w, int64_t partial) {
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    return brdnn_share_of(brdnn_chunks(brdnn_problem_of(w), b), (int)partial, (int)b->partials);
}

/* Sums up a share over all chunks of its partial. */
static void run_share(const worker *w, const share *s) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    if (p->finish == BRDNN_BIAS_OF_DST)
        zero(w->partial_bias + s->partial * p->oc + s->g * brdnn_group_oc(p) + s->oc, s->oc_count);
    const brdnn_range chunks = chunks_of(w, s->partial);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const chunk c = chunk_at(w, i);
        const bool is_first = i == chunks.begin;
        pack_src(w, s, &c);
        pack_dst(w, s, &c);
        if (p->finish == BRDNN_BIAS_OF_DST) add_bias(w, s, &c);
        if (w->marks) {
            add_or_mark_chunk(w, s, &c, i, is_first);
            continue;
        }
        for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k)
            add_chunk(w, s, &c, k, is_first);
    }
}

/* Adds a block of filters of a chunk by the f32 plan, whose blocks cut those of the fast one evenly. */
static void rescue_block(const worker *w, const worker *rescue, const share *s, const chunk *c,
        int64_t oc_block, bool packs_src) {
    const brdnn_weights_blocking *of = brdnn_blocking_of(w), *by = brdnn_blocking_of(rescue);
    const int64_t blocks = of->oc.block / by->oc.block, terms = brdnn_terms_of(of->kernels);
    const brdnn_range oc_blocks
            = {oc_block * blocks, brdnn_min((oc_block + 1) * blocks, by->oc.blocks)};
    const share some = blocks_of(rescue, s, oc_blocks);
    chunk by_positions = {.n = c->n, .images = c->images, .q = c->q * terms};
    by_positions.count = brdnn_min(c->count * terms, by->ow - by_positions.q);
    if (packs_src) pack_src(rescue, &some, &by_positions);
    pack_dst(rescue, &some, &by_positions);
    for (int64_t k = oc_blocks.begin; k < oc_blocks.end; ++k)
        add_chunk(rescue, &some, &by_positions, k, false);
}

/* Adds what is marked of a share. */
static void rescue_share(const worker *w, const worker *rescue, const share *s) {
    const brdnn_range chunks = chunks_of(w, s->partial);
    for (int64_t i = chunks.begin; i < chunks.end; ++i) {
        const chunk c = chunk_at(w, i);
        bool has_src = false;
        for (int64_t k = s->oc_blocks.begin; k < s->oc_blocks.end; ++k) {
            if (!*mark_of(w, i, s->g, k)) continue;
            rescue_block(w, rescue, s, &c, k, !has_src);
            has_src = true;
        }
    }
}

/* One partial's sums of src itself, over its share of all positions. */
static void sum_src(const worker *w, int64_t partial) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_range all
            = brdnn_share_of(p->mb * p->iw, (int)partial, (int)brdnn_blocking_of(w)->partials);
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

/* Work is blocks of filters of each group and partial, and partials of a bias taken from src.
 * Neighbouring blocks of one group and partial share packed rows of src.
 * @param rescue NULL: runs the plan itself; else that which adds what is marked */
static void sum_partials(const worker *w, const worker *rescue, int ithr, int nthr) {
    const brdnn_conv_problem *p = brdnn_problem_of(w);
    const brdnn_weights_blocking *b = brdnn_blocking_of(w);
    const int64_t oc_blocks = b->oc.blocks, products = b->partials * p->groups * oc_blocks;
    const int64_t src_sums = p->finish == BRDNN_BIAS_OF_SRC && !rescue ? b->partials : 0;
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
        if (rescue) rescue_share(w, rescue, &s);
        else run_share(w, &s);
        item = end;
    }
}

static worker make_worker(const brdnn_weights_plan *of, const brdnn_gradient_plan *plan,
        const brdnn_conv_args *args, int ithr) {
    char *const shared = args->scratch;
    char *const own = shared + of->scratch.shared + (size_t)ithr * of->scratch.per_thread;
    worker w = {.plan = plan, .args = args};
    w.partial = (float *)shared;
    w.partial_bias = (float *)(shared + of->scratch.bias);
    if (of->schedule.has_rescue) w.marks = (unsigned char *)(shared + of->scratch.marks);
    w.packed_src = (uint32_t *)own;
    w.packed_dst = (uint32_t *)(own + plan->schedule.packed_src_bytes);
    return w;
}

brdnn_status brdnn_run_weights(const brdnn_weights_plan *plan, int phase,
        const brdnn_conv_args *args, int ithr, int nthr) {
    const bool complete = args->src && args->diff_dst && args->diff_wei && args->scratch
            && (args->diff_bias || plan->schedule.fast.bias_channels == 0);
    const int phases = brdnn_weights_phases(&plan->schedule);
    if (phase < 0 || phase >= phases || !complete) return BRDNN_INVALID;
    const worker w = make_worker(plan, &plan->fast, args, ithr);
    if (phase + 1 == phases) {
        brdnn_store_gradient(&w, ithr, nthr);
        return BRDNN_SUCCESS;
    }
    if (phase == 1) {
        const worker rescue = make_worker(plan, &plan->rescue, args, ithr);
        sum_partials(&w, &rescue, ithr, nthr);
        return BRDNN_SUCCESS;
    }
    const brdnn_brgemm_shape shape
            = brdnn_weights_kernel_shape(&plan->schedule.fast.blocking, (brdnn_weights_kernel) {0});
    brdnn_brgemm_enter(&shape);
    sum_partials(&w, NULL, ithr, nthr);
    brdnn_brgemm_leave(&shape);
    return BRDNN_SUCCESS;
}
