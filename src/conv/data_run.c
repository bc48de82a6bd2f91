/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file conv/data_run.c
 * Forward and backward data: runs the tiles of a plan. As in conv/geometry.h, src, dst, ic and oc are
 * the correlation's. */

#include "conv/data_plan.h"
#include "finish/bias.h"
#include "finish/merge_branches.h"
#include "pack/elements.h"
#include "pack/wei.h"

#include <stdatomic.h>
#include <string.h>

/* What a plan has to do with others: a fast one marks chunks that it can't carry, and leaves them to the
 * rescue. */
typedef enum { ALONE, MARKS, RESCUES } part_in_rescue;

/* Several threads that work on one chunk set it, to the same. */
typedef _Atomic unsigned char mark;

/* What one call of run works with. */
typedef struct {
    const brdnn_correlation_plan *plan;
    const brdnn_conv_args *args;
    const void *src, *wei; /* wei: packed */
    void *dst;
    part_in_rescue part;
    mark *marks;                      /* of each chunk, where there is a rescue */
    brdnn_exponent_range *wei_ranges; /* of each block of weights, where there is a rescue */
    void *packed_src;                 /* the rest is this thread's scratch */
    float *branch_sums, *sums;
    uint64_t *src_offsets, *wei_offsets;
} worker;

/* Outputs [j, j + count) of all branches of one image and group, which share one view of src. */
typedef struct {
    int64_t n, g;
    int64_t j, count;
    const brdnn_kernel_set *kernels;
    bool in_place;    /* then no padding is near, and every tap of every tile is useful */
    const void *src;  /* what the kernels' src_offsets count from, for output j */
    int64_t src_step; /* words from there to the same for the next output */
} chunk;

/* One tile of the result: outputs [j, j + count) of each branch for some filters. */
typedef struct {
    int64_t j, outputs;
    const void *wei;
    const brdnn_brgemm *kernel;
    brdnn_conv_tile sums; /* finished: where they stand, and what they are */
    float *acc;           /* the same place, to be written */
    /* Where a branch's sums stand until then, the elements from one branch's to the next one's, and
     * from row to row. */
    float *branch_acc;
    int64_t branch_stride, branch_ld;
} tile;

static bool is_ncw(const brdnn_correlation *c) { return c->layout == BRDNN_NCW; }

static const void *word_at(const void *base, int64_t words) {
    return (const uint32_t *)base + words;
}

static brdnn_image src_of(const worker *w, const chunk *k) {
    const brdnn_correlation *c = &w->plan->schedule.correlation;
    const int64_t first = brdnn_element(c->layout, &c->src, k->n, k->g * c->ic, 0);
    return (brdnn_image) {.layout = c->layout,
            .type = c->src.type,
            .start = brdnn_at(c->src.type, w->src, first),
            .pitch = c->src.pitch,
            .channels = c->ic,
            .width = c->iw};
}

/* The exponents of all that a chunk reads, also where a last tap group has no taps. */
static brdnn_exponent_range src_exponents(const worker *w, const chunk *k) {
    const brdnn_correlation *c = &w->plan->schedule.correlation;
    const brdnn_image src = src_of(w, k);
    brdnn_exponent_range range = brdnn_no_exponents();
    const int64_t reach = brdnn_window_last(&c->window) + (c->tap_group - 1) * c->dilation;
    const brdnn_range positions
            = {k->j * c->stride + c->first_offset, (k->j + k->count - 1) * c->stride + reach + 1};
    brdnn_exponents_of_positions(&src, positions, &range);
    return range;
}

static brdnn_exponent_range wei_exponents(const worker *w, int64_t g) {
    const int64_t blocks = w->plan->schedule.wei_packing.blocks;
    brdnn_exponent_range range = brdnn_no_exponents();
    for (int64_t i = g * blocks; i < (g + 1) * blocks; ++i)
        brdnn_join_exponents(&range, w->wei_ranges[i]);
    return range;
}

/* Whether a plan runs a chunk. */
static bool is_to_run(const worker *w, const chunk *k) {
    if (w->part == ALONE) return true;
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const int64_t outputs = s->blocking.chunk_tiles * s->blocking.outputs.block;
    const int64_t image = k->n * s->correlation.groups + k->g;
    mark *const marked = &w->marks[image * brdnn_marked_chunks(s) + k->j / outputs];
    if (w->part == RESCUES) return atomic_load_explicit(marked, memory_order_relaxed);
    if (brdnn_splits_carry(
                src_exponents(w, k), wei_exponents(w, k->g), s->correlation.kernels.splits))
        return true;
    atomic_store_explicit(marked, 1, memory_order_relaxed);
    return false;
}

static void open_chunk(const worker *w, chunk *k) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_image src = src_of(w, k);
    k->in_place = brdnn_readable_in_place(s, k->j, k->count);
    k->kernels = k->in_place ? &w->plan->in_place : &w->plan->packed;
    k->src_step = brdnn_src_step(s, k->in_place);
    k->src = k->in_place ? word_at(src.start, k->j * k->src_step) : w->packed_src;
    if (!k->in_place)
        brdnn_pack_src(
                &c->window, &s->src_packing, &src, k->j * c->stride, k->count, w->packed_src);
}

/* Offset tables of a batch. */
typedef struct {
    uint64_t count;
    const uint64_t *src_offsets, *wei_offsets;
} batch;

static batch batch_of(
        const worker *w, const chunk *k, const brdnn_branch *branch, brdnn_range tap_groups) {
    const int64_t blocks = w->plan->schedule.blocking.depth.blocks;
    const int64_t first = branch->tap_groups_before * blocks,
                  count = tap_groups.end - tap_groups.begin;
    const uint64_t *src_offsets = k->kernels->src_offsets + first;
    const uint64_t *wei_offsets = w->plan->wei_offsets + first;
    if (blocks == 1 || count == branch->tap_groups)
        return (batch) {(uint64_t)(count * blocks), src_offsets + tap_groups.begin,
                wei_offsets + tap_groups.begin};
    const size_t bytes = (size_t)count * sizeof(uint64_t);
    for (int64_t b = 0; b < blocks; ++b) {
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): args_complete() saw scratch
        memcpy(w->src_offsets + b * count, src_offsets + b * branch->tap_groups + tap_groups.begin,
                bytes);
        memcpy(w->wei_offsets + b * count, wei_offsets + b * branch->tap_groups + tap_groups.begin,
                bytes);
    }
    return (batch) {(uint64_t)(count * blocks), w->src_offsets, w->wei_offsets};
}

/* Where no tap reaches src the sums are zero. */
static void zero_rows(float *sums, int64_t rows, int64_t length, int64_t ld) {
    for (int64_t r = 0; r < rows; ++r)
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): args_complete() saw it
        memset(sums + r * ld, 0, (size_t)length * sizeof(*sums));
}

/* The BRGEMM of one branch over tap groups and blocks of their words. */
static void sum_branch(const worker *w, const chunk *k, const tile *t, int64_t b) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_branch *branch = &w->plan->branches[b];
    float *acc = t->branch_acc + b * t->branch_stride;
    const brdnn_range tap_groups = k->in_place
            ? (brdnn_range) {0, branch->tap_groups}
            : brdnn_useful_tap_groups(c, branch, t->j, t->outputs);
    if (tap_groups.end <= tap_groups.begin) {
        const int64_t filters = t->sums.channels;
        if (is_ncw(c)) zero_rows(acc, filters, t->outputs, t->branch_ld);
        else zero_rows(acc, t->outputs, filters, t->branch_ld);
        return;
    }
    const batch entries = batch_of(w, k, branch, tap_groups);
    const void *src = word_at(k->src, (t->j - k->j) * k->src_step);
    if (is_ncw(c))
        brdnn_brgemm_run(t->kernel, src, t->wei, acc, entries.count, entries.src_offsets,
                entries.wei_offsets);
    else
        brdnn_brgemm_run(t->kernel, t->wei, src, acc, entries.count, entries.wei_offsets,
                entries.src_offsets);
}

/* Gives a tile of sums its bias and its place in dst, where it may already be. */
static void store_tile(const worker *w, const tile *t) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_conv_tile *sums = &t->sums;
    const int64_t rows = is_ncw(c) ? sums->channels : sums->positions;
    const int64_t length = is_ncw(c) ? sums->positions : sums->channels;
    if (c->finish == BRDNN_ADD_BIAS) {
        const void *bias = brdnn_at(c->bias_type, w->args->bias, sums->channel);
        if (is_ncw(c)) brdnn_add_bias_to_rows(t->acc, rows, length, sums->ld, c->bias_type, bias);
        else brdnn_add_bias_along_rows(t->acc, rows, length, sums->ld, c->bias_type, bias);
    }
    if (!s->sums_in_scratch) return;
    const int64_t first = brdnn_element(c->layout, &c->dst, sums->n, sums->channel, sums->position);
    brdnn_store_sums(c->kernels, c->dst.type, t->acc, rows, length, sums->ld,
            brdnn_at_mutable(c->dst.type, w->dst, first), c->dst.pitch);
}

static void merge_branches(const worker *w, const tile *t) {
    const brdnn_correlation *c = &w->plan->schedule.correlation;
    for (int64_t r = 0; r < t->sums.channels; ++r)
        brdnn_merge_branches(c->kernels, t->branch_acc + r * t->branch_ld, t->branch_stride,
                c->branches, t->acc + r * t->sums.ld, t->sums.positions);
}

/* Where the packed weights of a block of filters begin. */
static const void *weights_of(const worker *w, int64_t g, int64_t oc_block) {
    const brdnn_correlation_plan *plan = w->plan;
    const int64_t tiles = plan->tiles_of_wei_block, first = g * plan->schedule.wei_packing.blocks;
    if (tiles == 1) return word_at(w->wei, (first + oc_block) * plan->wei_block_words);
    return word_at(w->wei,
            (first + oc_block / tiles) * plan->wei_block_words
                    + oc_block % tiles * plan->wei_tile_words);
}

static tile make_tile(const worker *w, const chunk *k, int64_t oc_block, int64_t outputs_block) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_cut *outputs = &s->blocking.outputs, *oc = &s->blocking.oc;
    const bool oc_tail = oc_block + 1 == oc->blocks && oc->tail != oc->block;
    const bool outputs_tail
            = outputs_block + 1 == outputs->blocks && outputs->tail != outputs->block;
    // NOLINTNEXTLINE(clang-analyzer-core.NullDereference): open_chunk() set it
    tile t = {.wei = weights_of(w, k->g, oc_block),
            .kernel = &k->kernels->kernels[outputs_tail][oc_tail]};
    t.j = outputs_block * outputs->block;
    t.outputs = outputs_tail ? outputs->tail : outputs->block;

    t.sums.n = k->n;
    t.sums.channel = k->g * c->oc + oc_block * oc->block;
    t.sums.channels = oc_tail ? oc->tail : oc->block;
    t.sums.position = t.j * c->branches;
    t.sums.positions = brdnn_min(t.outputs * c->branches, c->ow - t.sums.position);
    t.sums.ld = brdnn_sums_ld(s);
    t.acc = s->sums_in_scratch ? w->sums
                               : (float *)w->dst
                    + brdnn_element(c->layout, &c->dst, k->n, t.sums.channel, t.sums.position);
    t.sums.acc = t.acc;

    t.branch_acc = s->merges_branches ? w->branch_sums : t.acc;
    t.branch_stride = s->merges_branches ? outputs->block * oc->block : t.sums.ld;
    t.branch_ld = s->merges_branches ? outputs->block : c->branches * t.sums.ld;
    return t;
}

static void run_tile(const worker *w, const tile *t, const chunk *k) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    for (int64_t b = 0; b < s->correlation.branches; ++b)
        sum_branch(w, k, t, b);
    if (s->merges_branches) merge_branches(w, t);
    if (s->correlation.finish == BRDNN_CALLBACK)
        w->args->epilogue(w->args->epilogue_context, &t->sums);
    else store_tile(w, t);
}

/* Tiles of a chunk for this number of threads: no more than the plan packs at once, so few that
 * every thread gets several pieces of work, and chunks of like size. How tiles are grouped changes
 * nothing in their results, unless chunks are marked: then they are the plan's own, as those of the plan that
 * comes to the rescue must begin and end with them. */
static int64_t chunk_tiles_for(const worker *w, int nthr) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const int64_t pieces_per_thread = 16, tiles = s->blocking.outputs.blocks;
    const int64_t rows = s->correlation.mb * s->correlation.groups * s->blocking.oc.blocks;
    if (w->part != ALONE) return brdnn_min(s->blocking.chunk_tiles, tiles);
    const int64_t for_threads = nthr > 1 ? brdnn_ceil_div(nthr * pieces_per_thread, rows) : 1;
    const int64_t for_cache = brdnn_ceil_div(tiles, s->blocking.chunk_tiles);
    return brdnn_ceil_div(tiles, brdnn_min(brdnn_max(for_threads, for_cache), tiles));
}

/* Threads share the tiles, image by image, chunk by chunk, and in a chunk filter block by filter
 * block: all of a chunk's tiles together, as they share its src, and those of a filter block, as
 * they share its weights. Shares of equally many tiles may begin and end amid a chunk. */
static void run_tiles(const worker *w, int ithr, int nthr) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    const brdnn_correlation *c = &s->correlation;
    const brdnn_cut *outputs = &s->blocking.outputs;
    const int64_t oc_blocks = s->blocking.oc.blocks, most = chunk_tiles_for(w, nthr);
    const int64_t tiles_of_image = outputs->blocks * oc_blocks;
    const brdnn_range share = brdnn_share_of(c->mb * c->groups * tiles_of_image, ithr, nthr);

    for (int64_t at = share.begin; at < share.end;) {
        const int64_t image = at / tiles_of_image, in_image = at % tiles_of_image;
        const int64_t first = in_image / (most * oc_blocks) * most;
        const int64_t tiles = brdnn_min(most, outputs->blocks - first);
        chunk k = {.n = image / c->groups, .g = image % c->groups, .j = first * outputs->block};
        k.count = brdnn_min((first + tiles) * outputs->block, c->outputs) - k.j;
        const int64_t begin = in_image - first * oc_blocks;
        const int64_t end = brdnn_min(tiles * oc_blocks, begin + share.end - at);
        at += end - begin;
        if (!is_to_run(w, &k)) continue;
        open_chunk(w, &k);
        for (int64_t i = begin; i < end; ++i) {
            const tile t = make_tile(w, &k, i / tiles, first + i % tiles);
            run_tile(w, &t, &k);
        }
    }
}

static worker make_worker(
        const brdnn_data_plan *plan, bool is_rescue, const brdnn_conv_args *args, int ithr) {
    const brdnn_data_scratch *scratch = &plan->scratch;
    worker w = {.plan = is_rescue ? &plan->rescue : &plan->fast, .args = args};
    const brdnn_correlation_schedule *s = &w.plan->schedule;
    const bool is_forward = s->correlation.pass == BRDNN_FORWARD;
    char *const shared = args->scratch;
    w.src = is_forward ? args->src : args->diff_dst;
    w.dst = is_forward ? args->dst : args->diff_src;
    w.wei = s->correlation.wei.packed ? args->wei : shared + (is_rescue ? scratch->rescue_wei : 0);
    if (plan->schedule.has_rescue) {
        w.part = is_rescue ? RESCUES : MARKS;
        w.marks = (mark *)(shared + scratch->marks);
        w.wei_ranges = (brdnn_exponent_range *)(shared + scratch->wei_ranges);
    }
    char *at = shared + scratch->shared + (size_t)ithr * scratch->per_thread;
    w.packed_src = at;
    at += s->packed_src_bytes;
    w.branch_sums = (float *)at;
    at += s->branch_sums_bytes;
    w.sums = (float *)at;
    at += s->sums_bytes;
    w.src_offsets = (uint64_t *)at;
    w.wei_offsets = (uint64_t *)(at + s->offsets_bytes / 2);
    return w;
}

static int64_t marks_of(const brdnn_correlation_schedule *s) {
    return s->correlation.mb * s->correlation.groups * brdnn_marked_chunks(s);
}

static bool is_any_marked(const worker *w) {
    const int64_t marks = marks_of(&w->plan->schedule);
    for (int64_t i = 0; i < marks; ++i)
        if (atomic_load_explicit(&w->marks[i], memory_order_relaxed)) return true;
    return false;
}

/* Before others mark chunks. */
static void clear_marks(const worker *w, int ithr, int nthr) {
    const brdnn_range share = brdnn_share_of(marks_of(&w->plan->schedule), ithr, nthr);
    for (int64_t i = share.begin; i < share.end; ++i)
        atomic_store_explicit(&w->marks[i], 0, memory_order_relaxed);
}

static void pack_weights(const worker *w, int ithr, int nthr) {
    const brdnn_correlation_schedule *s = &w->plan->schedule;
    if (w->part == RESCUES && !is_any_marked(w)) return;
    if (w->part == MARKS) clear_marks(w, ithr, nthr);
    const brdnn_range blocks
            = brdnn_share_of(s->correlation.groups * s->wei_packing.blocks, ithr, nthr);
    const int64_t words = brdnn_wei_block_words(&s->wei_packing);
    brdnn_pack_wei(&s->wei_packing, w->plan->taps, w->args->wei, blocks,
            (uint32_t *)w->wei + blocks.begin * words,
            w->part == MARKS ? w->wei_ranges + blocks.begin : NULL);
}

static bool args_complete(const brdnn_data_plan *plan, const brdnn_conv_args *args) {
    const brdnn_correlation *c = &plan->schedule.fast.correlation;
    const bool is_forward = c->pass == BRDNN_FORWARD;
    const bool needs_scratch = plan->scratch.shared + plan->scratch.per_thread > 0;
    return (is_forward ? args->src : args->diff_dst) && args->wei
            && ((is_forward ? args->dst : args->diff_src) || c->finish == BRDNN_CALLBACK)
            && (args->bias || c->finish != BRDNN_ADD_BIAS)
            && (args->epilogue || c->finish != BRDNN_CALLBACK) && (args->scratch || !needs_scratch);
}

brdnn_status brdnn_run_data(
        const brdnn_data_plan *plan, int phase, const brdnn_conv_args *args, int ithr, int nthr) {
    const int phases = brdnn_data_phases(&plan->schedule);
    if (phase < 0 || phase >= phases || !args_complete(plan, args)) return BRDNN_INVALID;
    const bool is_rescue = plan->schedule.has_rescue && phase >= 2;
    const worker w = make_worker(plan, is_rescue, args, ithr);
    const bool packs = phase % 2 == 0 && phases > 1;
    if (packs) {
        pack_weights(&w, ithr, nthr);
        return BRDNN_SUCCESS;
    }
    const brdnn_brgemm_shape shape = brdnn_kernel_shape(&w.plan->schedule, false, false, false);
    brdnn_brgemm_enter(&shape);
    run_tiles(&w, ithr, nthr);
    brdnn_brgemm_leave(&shape);
    return BRDNN_SUCCESS;
}
