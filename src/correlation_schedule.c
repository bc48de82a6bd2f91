/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "correlation_schedule.h"

#include "interleave.h"
#include "wei_packing.h"

/* A thread's scratch above this would trade memory for speed in a way that no user expects. Only
 * problems with thousands of channels and very many taps at once come near. */
static const size_t most_scratch_bytes_per_thread = (size_t)64 * 1024 * 1024;

/* Batch entries and branches are counted and addressed through tables of this many elements at
 * most. */
static const int64_t most_entries = (int64_t)1 << 20;

int64_t brconv1d_batch_entries(const brconv1d_correlation_schedule *s) {
    return s->blocking.ic.blocks * s->correlation.kw;
}

int64_t brconv1d_src_step(const brconv1d_correlation_schedule *s, bool in_place) {
    const brconv1d_correlation *c = &s->correlation;
    if (c->layout == BRCONV1D_NCW) return in_place ? c->stride : 1;
    return in_place ? brconv1d_product(c->stride, c->src.pitch) : s->src_packing.pitch;
}

int64_t brconv1d_sums_ld(const brconv1d_correlation_schedule *s) {
    if (!s->sums_in_scratch) return s->correlation.dst.pitch;
    return s->correlation.layout == BRCONV1D_NCW
            ? s->blocking.outputs.block * s->correlation.branches
            : s->blocking.oc.block;
}

brconv1d_brgemm_shape brconv1d_kernel_shape(
        const brconv1d_correlation_schedule *s, bool in_place, bool outputs_tail, bool oc_tail) {
    const brconv1d_correlation *c = &s->correlation;
    const brconv1d_correlation_blocking *b = &s->blocking;
    const int64_t outputs = outputs_tail ? b->outputs.tail : b->outputs.block;
    const int64_t filters = oc_tail ? b->oc.tail : b->oc.block;
    brconv1d_brgemm_shape shape = {.isa = c->isa, .k = b->ic.block};
    if (c->layout == BRCONV1D_NCW) {
        shape.m = outputs;
        shape.n = filters;
        shape.lda = in_place ? c->src.pitch : s->src_packing.pitch;
        shape.ldb = b->oc.block;
        shape.ldc = s->interleaves ? b->outputs.block : brconv1d_sums_ld(s);
        shape.n_contiguous = true;
    } else {
        shape.m = filters;
        shape.n = outputs;
        shape.lda = b->oc.block;
        shape.ldb = brconv1d_src_step(s, in_place);
        shape.ldc = brconv1d_product(c->branches, brconv1d_sums_ld(s));
    }
    return shape;
}

static bool kernels_supported(const brconv1d_correlation_schedule *s, bool in_place) {
    for (int tails = 0; tails < 4; ++tails) {
        const brconv1d_brgemm_shape shape
                = brconv1d_kernel_shape(s, in_place, tails & 1, tails & 2);
        if (!brconv1d_brgemm_supported(&shape)) return false;
    }
    return true;
}

bool brconv1d_readable_in_place(const brconv1d_correlation_schedule *s, int64_t j, int64_t count) {
    return s->reads_in_place && brconv1d_reads_inside(&s->correlation, j, count);
}

/* Rows a multiple of a page apart compete for the few ways of one set of the first-level cache. */
static bool rows_compete(int64_t apart, int64_t rows) {
    const int64_t page = 4096 / sizeof(float), cache_ways = 8;
    return apart % page == 0 && rows > cache_ways;
}

/* Whether the rows of src that one batch entry reads, channels in ncw and positions in nwc, compete.
 * A packed copy costs less, measured on Zen 4 at up to 27 %, as soon as several filters use it. */
static bool src_rows_compete(const brconv1d_correlation_schedule *s) {
    const brconv1d_correlation *c = &s->correlation;
    const int64_t enough_filters = 16;
    const bool ncw = c->layout == BRCONV1D_NCW;
    return c->oc >= enough_filters
            && rows_compete(ncw ? c->src.pitch : brconv1d_src_step(s, true),
                    ncw ? c->ic : s->blocking.outputs.block);
}

/* Whether the rows of a tile in dst compete: adding bias to them there would fetch them again.
 * Doing it in scratch gained 2 to 4 % for widths of 4,096 and 8,192 (Zen 4), and cost as much for
 * others. */
static bool dst_rows_compete(const brconv1d_correlation_schedule *s) {
    const bool ncw = s->correlation.layout == BRCONV1D_NCW;
    return rows_compete(
            s->correlation.dst.pitch, ncw ? s->blocking.oc.block : s->blocking.outputs.block);
}

/* More rows of ncw than the hardware prefetchers follow, of a src beyond the second-level cache:
 * packing walks along one row at a time, which pays where each element is used often enough. Measured
 * on Zen 4: 64 -> 64 channels, 5 taps, width 60,000: 10 %; 288 -> 4, 17 taps, width 131,072: 45 %. */
static bool rows_outrun_prefetch(const brconv1d_correlation_schedule *s) {
    const brconv1d_correlation *c = &s->correlation;
    const int64_t rows_followed = 24, cached = 4 * INT64_C(1024) * 1024 / (int64_t)sizeof(float);
    const int64_t enough_uses = 48;
    return c->layout == BRCONV1D_NCW && c->ic > rows_followed
            && brconv1d_product(c->ic, c->iw) > cached
            && brconv1d_product(c->oc, c->kw) >= enough_uses;
}

/* Whether src may be read in place where there is no padding, as far as its layout goes. */
static bool addressable_in_place(const brconv1d_correlation_schedule *s) {
    const bool unit_step = s->correlation.layout == BRCONV1D_NWC || s->correlation.stride == 1;
    return unit_step && !src_rows_compete(s) && !rows_outrun_prefetch(s)
            && kernels_supported(s, true);
}

static bool any_tile_inside(const brconv1d_correlation_schedule *s) {
    const brconv1d_correlation *c = &s->correlation;
    const int64_t tile = s->blocking.outputs.block;
    /* The first tile that starts behind the left padding. */
    const int64_t first = c->first_offset >= 0 ? 0 : brconv1d_ceil_div(-c->first_offset, c->stride);
    const int64_t start = brconv1d_round_up(first, tile);
    return start < c->outputs
            && brconv1d_reads_inside(c, start, brconv1d_min(tile, c->outputs - start));
}

static void choose_src_access(brconv1d_correlation_schedule *s) {
    const brconv1d_correlation *c = &s->correlation;
    s->src_packing = brconv1d_src_packing_of(
            c, c->layout, s->blocking.chunk_tiles * s->blocking.outputs.block);
    s->reads_in_place = addressable_in_place(s) && any_tile_inside(s);
    s->packs_src = !s->reads_in_place || !brconv1d_reads_inside(c, 0, c->outputs);
}

static bool used_kernels_supported(const brconv1d_correlation_schedule *s) {
    return (!s->reads_in_place || kernels_supported(s, true))
            && (!s->packs_src || kernels_supported(s, false));
}

/* Sums go straight to dst unless a callback takes them, adding bias there would be slow, their rows
 * are out of the kernels' reach, or (in nwc) branches of different length make a tile ragged. */
static void choose_sums_place(brconv1d_correlation_schedule *s) {
    const brconv1d_correlation *c = &s->correlation;
    const bool ragged = c->layout == BRCONV1D_NWC && c->branches > 1;
    if (c->finish == BRCONV1D_CALLBACK || ragged) return;
    if (c->finish == BRCONV1D_ADD_BIAS && dst_rows_compete(s)) return;
    s->sums_in_scratch = false;
    s->sums_in_scratch = !used_kernels_supported(s);
}

static void measure_scratch(brconv1d_correlation_schedule *s) {
    const brconv1d_correlation_blocking *b = &s->blocking;
    const int64_t entries = brconv1d_batch_entries(s);
    const int64_t sums = brconv1d_product(b->outputs.block * b->oc.block, s->correlation.branches);
    s->packed_wei_bytes = s->correlation.wei.packed ? 0 : (s->wei.bytes + 63) / 64 * 64;
    s->packed_src_bytes = s->packs_src
            ? brconv1d_float_lines(brconv1d_product(s->src_packing.rows, s->src_packing.pitch))
            : 0;
    s->branch_sums_bytes
            = s->interleaves ? brconv1d_float_lines(sums + brconv1d_interleave_slack) : 0;
    s->sums_bytes = s->sums_in_scratch ? brconv1d_float_lines(sums) : 0;
    /* Only where taps are left out of several channel blocks does a tile need its own tables. */
    s->offsets_bytes = b->ic.blocks > 1 && s->packs_src
            ? 2 * brconv1d_float_lines(2 * entries) /* of 8 bytes each */
            : 0;
}

size_t brconv1d_correlation_scratch_per_thread(const brconv1d_correlation_schedule *s) {
    return s->packed_src_bytes + s->branch_sums_bytes + s->sums_bytes + s->offsets_bytes;
}

brconv1d_status brconv1d_schedule_correlation(
        const brconv1d_problem *p, brconv1d_correlation_schedule *s, const char **why) {
    *s = (brconv1d_correlation_schedule) {.correlation = brconv1d_correlation_of(p)};
    const brconv1d_correlation *c = &s->correlation;
    *why = "more taps and channel blocks than a batch holds";
    if (c->kw > most_entries) return BRCONV1D_UNSUPPORTED;
    *why = "the stride of backward data is too large";
    if (c->branches > most_entries) return BRCONV1D_UNSUPPORTED;
    s->blocking = brconv1d_block_correlation(c);
    *why = "more taps and channel blocks than a batch holds";
    if (brconv1d_batch_entries(s) > most_entries) return BRCONV1D_UNSUPPORTED;

    s->wei = brconv1d_packed_wei_of(c, s->blocking.oc.block);
    s->interleaves = c->branches > 1 && c->layout == BRCONV1D_NCW;
    s->sums_in_scratch = true;
    choose_src_access(s);
    choose_sums_place(s);
    *why = "src, weights or dst rows are too long for the generator's 32-bit displacements";
    if (!used_kernels_supported(s)) return BRCONV1D_UNSUPPORTED;
    measure_scratch(s);
    *why = "packed copies of src or tiles of sums would need more than 64 MiB a thread";
    if (brconv1d_correlation_scratch_per_thread(s) > most_scratch_bytes_per_thread)
        return BRCONV1D_UNSUPPORTED;
    *why = NULL;
    return BRCONV1D_SUCCESS;
}
