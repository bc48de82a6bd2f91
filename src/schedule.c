/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "schedule.h"

#include "problem.h"
#include "wei_packing.h"

/* A thread's scratch above this would trade memory for speed in a way that no user expects. Only
 * problems with thousands of channels and very many taps at once come near. */
static const int64_t most_scratch_bytes_per_thread = (int64_t)64 * 1024 * 1024;

/* Batch entries are counted and addressed through tables of this many elements at most. */
static const int64_t most_batch_entries = (int64_t)1 << 20;

int64_t brconv1d_batch_entries(const brconv1d_schedule *s) {
    return s->blocking.ic.blocks * s->problem.kw;
}

int64_t brconv1d_src_step(const brconv1d_schedule *s, bool in_place) {
    const brconv1d_problem *p = &s->problem;
    if (p->layout == BRCONV1D_NCW) return in_place ? p->stride : 1;
    return in_place ? brconv1d_product(p->stride, p->src.pitch) : s->src_packing.pitch;
}

int64_t brconv1d_sums_ld(const brconv1d_schedule *s) {
    if (!s->sums_in_scratch) return s->problem.dst.pitch;
    return s->problem.layout == BRCONV1D_NCW ? s->blocking.ow.block : s->blocking.oc.block;
}

brconv1d_brgemm_shape brconv1d_kernel_shape(
        const brconv1d_schedule *s, bool in_place, bool ow_tail, bool oc_tail) {
    const brconv1d_problem *p = &s->problem;
    const brconv1d_blocking *b = &s->blocking;
    const int64_t positions = ow_tail ? b->ow.tail : b->ow.block;
    const int64_t filters = oc_tail ? b->oc.tail : b->oc.block;
    brconv1d_brgemm_shape shape = {.isa = p->isa, .k = b->ic.block, .ldc = brconv1d_sums_ld(s)};
    if (p->layout == BRCONV1D_NCW) {
        shape.m = positions;
        shape.n = filters;
        shape.lda = in_place ? p->src.pitch : s->src_packing.pitch;
        shape.ldb = b->oc.block;
        shape.n_contiguous = true;
    } else {
        shape.m = filters;
        shape.n = positions;
        shape.lda = b->oc.block;
        shape.ldb = brconv1d_src_step(s, in_place);
    }
    return shape;
}

static bool kernels_supported(const brconv1d_schedule *s, bool in_place) {
    for (int tails = 0; tails < 4; ++tails) {
        const brconv1d_brgemm_shape shape
                = brconv1d_kernel_shape(s, in_place, tails & 1, tails & 2);
        if (!brconv1d_brgemm_supported(&shape)) return false;
    }
    return true;
}

/* The positions that outputs [ow, ow + count) read lie inside src. */
static bool inside_src(const brconv1d_problem *p, int64_t ow, int64_t count) {
    const int64_t first = ow * p->stride - p->pad_l;
    return first >= 0 && first + (count - 1) * p->stride + (p->kw - 1) * p->dilation < p->iw;
}

bool brconv1d_readable_in_place(const brconv1d_schedule *s, int64_t ow, int64_t count) {
    return s->reads_in_place && inside_src(&s->problem, ow, count);
}

/* Rows a multiple of a page apart compete for the few ways of one set of the first-level cache. */
static bool rows_compete(int64_t apart, int64_t rows) {
    const int64_t page = 4096 / sizeof(float), cache_ways = 8;
    return apart % page == 0 && rows > cache_ways;
}

/* Whether the rows of src that one batch entry reads, channels in ncw and positions in nwc, compete.
 * A packed copy costs less, measured on Zen 4 at up to 27 %, as soon as several filters use it. */
static bool src_rows_compete(const brconv1d_schedule *s) {
    const brconv1d_problem *p = &s->problem;
    const int64_t enough_filters = 16;
    const bool ncw = p->layout == BRCONV1D_NCW;
    return brconv1d_group_oc(p) >= enough_filters
            && rows_compete(ncw ? p->src.pitch : brconv1d_src_step(s, true),
                    ncw ? brconv1d_group_ic(p) : s->blocking.ow.block);
}

/* Whether the rows of a tile in dst compete: adding bias to them there would fetch them again.
 * Doing it in scratch gained 2 to 4 % for widths of 4,096 and 8,192 (Zen 4), and cost as much for
 * others. */
static bool dst_rows_compete(const brconv1d_schedule *s) {
    const bool ncw = s->problem.layout == BRCONV1D_NCW;
    return rows_compete(s->problem.dst.pitch, ncw ? s->blocking.oc.block : s->blocking.ow.block);
}

/* More rows of ncw than the hardware prefetchers follow, of a src beyond the second-level cache: packing
 * walks along one row at a time. Measured on Zen 4, 64 -> 64 channels, 5 taps, width 60,000: 10 %. */
static bool rows_outrun_prefetch(const brconv1d_schedule *s) {
    const brconv1d_problem *p = &s->problem;
    const int64_t rows_followed = 24, cached = 4 * INT64_C(1024) * 1024 / (int64_t)sizeof(float);
    const int64_t enough_filters = 16, ic = brconv1d_group_ic(p);
    return p->layout == BRCONV1D_NCW && ic > rows_followed && brconv1d_product(ic, p->iw) > cached
            && brconv1d_group_oc(p) >= enough_filters;
}

/* Whether src may be read in place where there is no padding, as far as its layout goes. */
static bool addressable_in_place(const brconv1d_schedule *s) {
    const brconv1d_problem *p = &s->problem;
    const bool unit_step = p->layout == BRCONV1D_NWC || p->stride == 1;
    return unit_step && !src_rows_compete(s) && !rows_outrun_prefetch(s)
            && kernels_supported(s, true);
}

static bool any_tile_inside(const brconv1d_schedule *s) {
    const brconv1d_problem *p = &s->problem;
    /* The first tile that starts behind the left padding. */
    const int64_t first = p->pad_l <= 0 ? 0 : brconv1d_ceil_div(p->pad_l, p->stride);
    const int64_t start = brconv1d_ceil_div(first, s->blocking.ow.block) * s->blocking.ow.block;
    return start < p->ow && inside_src(p, start, brconv1d_min(s->blocking.ow.block, p->ow - start));
}

static void choose_src_access(brconv1d_schedule *s) {
    const brconv1d_problem *p = &s->problem;
    s->src_packing = brconv1d_src_packing_of(p, s->blocking.chunk_tiles * s->blocking.ow.block);
    s->reads_in_place = addressable_in_place(s) && any_tile_inside(s);
    s->packs_src = !s->reads_in_place || !inside_src(p, 0, p->ow);
}

static bool used_kernels_supported(const brconv1d_schedule *s) {
    return (!s->reads_in_place || kernels_supported(s, true))
            && (!s->packs_src || kernels_supported(s, false));
}

/* Sums go straight to dst unless a callback takes them, adding bias there would be slow, or its rows
 * are out of the kernels' reach. */
static void choose_sums_place(brconv1d_schedule *s) {
    const brconv1d_finish finish = s->problem.finish;
    if (finish == BRCONV1D_CALLBACK || (finish == BRCONV1D_ADD_BIAS && dst_rows_compete(s))) return;
    s->sums_in_scratch = false;
    s->sums_in_scratch = !used_kernels_supported(s);
}

static size_t whole_lines(int64_t bytes) { return ((size_t)bytes + 63) / 64 * 64; }

static void measure_scratch(brconv1d_schedule *s) {
    const brconv1d_blocking *b = &s->blocking;
    const int64_t entries = brconv1d_batch_entries(s);
    s->packed_wei_bytes = s->problem.wei.packed ? 0 : whole_lines((int64_t)s->wei.bytes);
    s->packed_src_bytes
            = s->packs_src ? whole_lines(brconv1d_packed_src_bytes(&s->src_packing)) : 0;
    s->sums_bytes = s->sums_in_scratch
            ? whole_lines(b->ow.block * b->oc.block * (int64_t)sizeof(float))
            : 0;
    /* Only where taps are left out of several channel blocks does a tile need its own tables. */
    s->offsets_bytes = b->ic.blocks > 1 && s->packs_src
            ? 2 * whole_lines(entries * (int64_t)sizeof(uint64_t))
            : 0;
}

brconv1d_status brconv1d_schedule_problem(
        const brconv1d_problem *problem, brconv1d_schedule *s, const char **why) {
    *s = (brconv1d_schedule) {0};
    *why = brconv1d_problem_complete(problem, &s->problem);
    if (*why) return BRCONV1D_INVALID;

    const brconv1d_problem *p = &s->problem;
    *why = "more taps and channel blocks than a batch holds";
    if (p->kw > most_batch_entries) return BRCONV1D_UNSUPPORTED;
    s->blocking = brconv1d_choose_blocking(p);
    if (brconv1d_batch_entries(s) > most_batch_entries) return BRCONV1D_UNSUPPORTED;

    s->wei = brconv1d_packed_wei_of(p, s->blocking.oc.block);
    s->sums_in_scratch = true;
    choose_src_access(s);
    choose_sums_place(s);
    measure_scratch(s);
    *why = "src, weights or dst rows are too long for the generator's 32-bit displacements";
    if (!used_kernels_supported(s)) return BRCONV1D_UNSUPPORTED;
    *why = "packed copies of src would need more than 64 MiB a thread";
    if ((int64_t)s->packed_src_bytes > most_scratch_bytes_per_thread) return BRCONV1D_UNSUPPORTED;
    *why = NULL;
    return BRCONV1D_SUCCESS;
}
