/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

/** @file forward.c
 * The forward pass: runs a plan's tiles. */

#include "bias.h"
#include "plan.h"
#include "problem.h"
#include "wei_packing.h"

#include <string.h>

/* What one call of run works with. */
typedef struct {
    const brconv1d_plan *plan;
    const brconv1d_args *args;
    const float *wei;  /* packed */
    float *packed_src; /* the rest is this thread's scratch */
    float *sums;
    uint64_t *src_offsets, *wei_offsets;
} worker;

/* Outputs of one image and group that share one view of src. */
typedef struct {
    int64_t n, g;
    int64_t ow, ow_count;
    const brconv1d_kernel_set *kernels;
    bool in_place;    /* then no padding is near, and every tap of every tile is useful */
    const float *src; /* what output ow reads of channel 0 and tap 0 */
    int64_t src_step; /* elements from there to what the next output reads */
} chunk;

/* The items of `all` that thread ithr of nthr takes: contiguous, and at most one more than any
 * other thread's. */
static brconv1d_range share_of(int64_t all, int ithr, int nthr) {
    const int64_t each = all / nthr, rest = all % nthr;
    brconv1d_range s;
    s.begin = ithr * each + brconv1d_min(ithr, rest);
    s.end = s.begin + each + (ithr < rest);
    return s;
}

/* First element of an image and row of src or dst. */
static int64_t row_offset(const brconv1d_problem *p, const brconv1d_tensor *t, int64_t n,
        int64_t channel, int64_t position) {
    return n * t->mb_stride
            + (p->layout == BRCONV1D_NCW ? channel * t->pitch + position
                                         : position * t->pitch + channel);
}

static void open_chunk(const worker *w, chunk *c) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const brconv1d_problem *p = &s->problem;
    const float *image
            = w->args->src + row_offset(p, &p->src, c->n, c->g * brconv1d_group_ic(p), 0);
    c->in_place = brconv1d_readable_in_place(s, c->ow, c->ow_count);
    c->kernels = c->in_place ? &w->plan->in_place : &w->plan->packed;
    c->src_step = brconv1d_src_step(s, c->in_place);
    if (c->in_place) {
        const int64_t position = c->ow * p->stride - p->pad_l;
        c->src = image + row_offset(p, &p->src, 0, 0, position);
    } else {
        brconv1d_pack_src(p, &s->src_packing, image, c->ow, c->ow_count, w->packed_src);
        c->src = w->packed_src;
    }
}

/* Offset tables of a batch. */
typedef struct {
    uint64_t count;
    const uint64_t *src_offsets, *wei_offsets;
} batch;

static batch batch_of(const worker *w, const chunk *c, brconv1d_range taps) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const uint64_t *src_offsets = c->kernels->src_offsets, *wei_offsets = w->plan->wei_offsets;
    const int64_t kw = s->problem.kw, count = taps.end - taps.begin;
    const int64_t blocks = s->blocking.ic.blocks;
    if (blocks == 1 || count == kw)
        return (batch) {
                (uint64_t)(count * blocks), src_offsets + taps.begin, wei_offsets + taps.begin};
    const size_t bytes = (size_t)count * sizeof(uint64_t);
    for (int64_t b = 0; b < blocks; ++b) {
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): args_complete() saw scratch
        memcpy(w->src_offsets + b * count, src_offsets + b * kw + taps.begin, bytes);
        memcpy(w->wei_offsets + b * count, wei_offsets + b * kw + taps.begin, bytes);
    }
    return (batch) {(uint64_t)(count * blocks), w->src_offsets, w->wei_offsets};
}

/* Gives a tile of sums its bias and its place in dst, where it may already be. */
static void store_tile(const worker *w, const brconv1d_tile *t, float *sums) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const brconv1d_problem *p = &s->problem;
    const bool ncw = p->layout == BRCONV1D_NCW;
    const int64_t rows = ncw ? t->oc_count : t->ow_count, length = ncw ? t->ow_count : t->oc_count;
    const float *bias = w->args->bias;
    if (p->finish == BRCONV1D_ADD_BIAS && ncw)
        brconv1d_add_bias_to_rows(sums, rows, length, t->ld, bias + t->oc);
    else if (p->finish == BRCONV1D_ADD_BIAS)
        brconv1d_add_bias_along_rows(sums, rows, length, t->ld, bias + t->oc);
    if (!s->sums_in_scratch) return;
    float *dst = w->args->dst + row_offset(p, &p->dst, t->n, t->oc, t->ow);
    for (int64_t r = 0; r < rows; ++r)
        memcpy(dst + r * p->dst.pitch, sums + r * t->ld, (size_t)length * sizeof(*dst));
}

static void finish_tile(const worker *w, const brconv1d_tile *t, float *sums) {
    if (w->plan->schedule.problem.finish == BRCONV1D_CALLBACK)
        w->args->epilogue(w->args->epilogue_context, t);
    else store_tile(w, t, sums);
}

/* Where no tap reaches src the sums are zero. */
static void zero_tile(const brconv1d_problem *p, const brconv1d_tile *t, float *sums) {
    const bool ncw = p->layout == BRCONV1D_NCW;
    const int64_t rows = ncw ? t->oc_count : t->ow_count, length = ncw ? t->ow_count : t->oc_count;
    for (int64_t r = 0; r < rows; ++r)
        // NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): args_complete() saw it
        memset(sums + r * t->ld, 0, (size_t)length * sizeof(*sums));
}

/* One tile: the BRGEMM over taps and channel blocks, then its end. */
static void run_tile(const worker *w, const chunk *c, int64_t oc_block, int64_t ow_block) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const brconv1d_problem *p = &s->problem;
    const brconv1d_blocking *b = &s->blocking;
    const bool oc_tail = oc_block + 1 == b->oc.blocks && b->oc.tail != b->oc.block;
    const bool ow_tail = ow_block + 1 == b->ow.blocks && b->ow.tail != b->ow.block;
    brconv1d_tile t = {.ld = brconv1d_sums_ld(s), .n = c->n};
    t.oc = c->g * brconv1d_group_oc(p) + oc_block * b->oc.block;
    t.oc_count = oc_tail ? b->oc.tail : b->oc.block;
    t.ow = ow_block * b->ow.block;
    t.ow_count = ow_tail ? b->ow.tail : b->ow.block;
    float *sums
            = s->sums_in_scratch ? w->sums : w->args->dst + row_offset(p, &p->dst, t.n, t.oc, t.ow);
    t.acc = sums;

    const brconv1d_range taps
            = c->in_place ? (brconv1d_range) {0, p->kw} : brconv1d_useful_taps(p, t.ow, t.ow_count);
    if (taps.end <= taps.begin) {
        zero_tile(p, &t, sums);
    } else {
        const batch entries = batch_of(w, c, taps);
        const float *src = c->src + (t.ow - c->ow) * c->src_step;
        const float *wei = w->wei
                + (c->g * b->oc.blocks + oc_block) * brconv1d_wei_block_elements(p, b->oc.block);
        const brconv1d_brgemm kernel = c->kernels->kernels[ow_tail][oc_tail];
        if (p->layout == BRCONV1D_NCW)
            kernel(src, wei, sums, &entries.count, entries.src_offsets, entries.wei_offsets);
        else kernel(wei, src, sums, &entries.count, entries.wei_offsets, entries.src_offsets);
    }
    finish_tile(w, &t, sums);
}

/* Tiles of a chunk for this number of threads: no more than the plan packs at once, so few that
 * every thread gets several pieces of work, and chunks of like size. How tiles are grouped changes
 * nothing in their results. */
static int64_t chunk_tiles_for(const brconv1d_schedule *s, int nthr) {
    const int64_t pieces_per_thread = 16, tiles = s->blocking.ow.blocks;
    const int64_t rows = s->problem.mb * s->problem.groups * s->blocking.oc.blocks;
    const int64_t for_threads = brconv1d_ceil_div(nthr > 1 ? nthr * pieces_per_thread : 1, rows);
    const int64_t for_cache = brconv1d_ceil_div(tiles, s->blocking.chunk_tiles);
    return brconv1d_ceil_div(tiles, brconv1d_min(brconv1d_max(for_threads, for_cache), tiles));
}

static void convolve(const worker *w, int ithr, int nthr) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const brconv1d_problem *p = &s->problem;
    const brconv1d_blocking *b = &s->blocking;
    const int64_t tiles = chunk_tiles_for(s, nthr);
    const int64_t chunks = brconv1d_ceil_div(b->ow.blocks, tiles);
    const brconv1d_range items = share_of(p->mb * p->groups * chunks * b->oc.blocks, ithr, nthr);

    chunk c = {0};
    int64_t open = -1; /* the chunk whose src is at hand */
    for (int64_t item = items.begin; item < items.end; ++item) {
        const int64_t index = item / b->oc.blocks, first_tile = index % chunks * tiles;
        const int64_t last_tile = brconv1d_min(first_tile + tiles, b->ow.blocks);
        if (index != open) {
            c.n = index / chunks / p->groups;
            c.g = index / chunks % p->groups;
            c.ow = first_tile * b->ow.block;
            c.ow_count = brconv1d_min(last_tile * b->ow.block, p->ow) - c.ow;
            open_chunk(w, &c);
            open = index;
        }
        for (int64_t tile = first_tile; tile < last_tile; ++tile)
            run_tile(w, &c, item % b->oc.blocks, tile);
    }
}

static void pack_weights(const worker *w, int ithr, int nthr) {
    const brconv1d_schedule *s = &w->plan->schedule;
    const brconv1d_range blocks = share_of(s->problem.groups * s->wei.oc_blocks, ithr, nthr);
    brconv1d_pack_wei(&s->problem, &s->wei, w->args->wei, blocks.begin, blocks.end,
            (float *)w->args->scratch);
}

/* Scratch: packed weights for all threads, then each thread's packed src, sums and offsets. */
static worker make_worker(const brconv1d_plan *plan, const brconv1d_args *args, int ithr) {
    const brconv1d_schedule *s = &plan->schedule;
    worker w = {.plan = plan, .args = args};
    char *at = (char *)args->scratch;
    w.wei = s->problem.wei.packed ? args->wei : (const float *)args->scratch;
    at += s->packed_wei_bytes;
    at += (size_t)ithr * (s->packed_src_bytes + s->sums_bytes + s->offsets_bytes);
    w.packed_src = (float *)at;
    at += s->packed_src_bytes;
    w.sums = (float *)at;
    at += s->sums_bytes;
    w.src_offsets = (uint64_t *)at;
    w.wei_offsets = (uint64_t *)(at + s->offsets_bytes / 2);
    return w;
}

static bool args_complete(const brconv1d_schedule *s, const brconv1d_args *args) {
    const brconv1d_finish finish = s->problem.finish;
    const bool needs_scratch
            = s->packed_wei_bytes + s->packed_src_bytes + s->sums_bytes + s->offsets_bytes > 0;
    return args->src && args->wei && (args->dst || finish == BRCONV1D_CALLBACK)
            && (args->bias || finish != BRCONV1D_ADD_BIAS)
            && (args->epilogue || finish != BRCONV1D_CALLBACK) && (args->scratch || !needs_scratch)
            && (uintptr_t)args->scratch % 64 == 0;
}

brconv1d_status brconv1d_run(
        const brconv1d_plan *plan, int phase, const brconv1d_args *args, int ithr, int nthr) {
    if (!plan || !args || nthr < 1 || ithr < 0 || ithr >= nthr) return BRCONV1D_INVALID;
    const brconv1d_schedule *s = &plan->schedule;
    const int phases = s->problem.wei.packed ? 1 : 2;
    if (phase < 0 || phase >= phases || !args_complete(s, args)) return BRCONV1D_INVALID;
    const worker w = make_worker(plan, args, ithr);
    if (phase + 1 < phases) pack_weights(&w, ithr, nthr);
    else convolve(&w, ithr, nthr);
    return BRCONV1D_SUCCESS;
}
