/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/data_schedule.h"

#include "conv/cache.h"
#include "conv/kernels_of.h"
#include "finish/merge_branches.h"
#include "pack/elements.h"

/* A thread's scratch above this would trade memory for speed in a way that no user expects. Only
 * problems with thousands of channels and very many taps at once come near. */
static const size_t most_scratch_bytes_per_thread = (size_t)64 * 1024 * 1024;

/* Batch entries and branches are counted and addressed through tables of this many elements at
 * most. */
static const int64_t most_entries = (int64_t)1 << 20;

int64_t brdnn_batch_entries(const brdnn_correlation_schedule *s) {
    return s->blocking.depth.blocks * brdnn_most_tap_groups(&s->correlation);
}

/* Words from one row of src to the next, read where it is. */
static int64_t src_pitch(const brdnn_correlation *c) {
    return c->src.pitch / brdnn_terms_of(c->kernels);
}

int64_t brdnn_src_step(const brdnn_correlation_schedule *s, bool in_place) {
    const brdnn_correlation *c = &s->correlation;
    if (c->layout == BRDNN_NCW) return in_place ? c->stride : 1;
    return in_place ? brdnn_product(c->stride, src_pitch(c)) : s->src_packing.pitch;
}

int64_t brdnn_sums_ld(const brdnn_correlation_schedule *s) {
    if (!s->sums_in_scratch) return s->correlation.dst.pitch;
    return s->correlation.layout == BRDNN_NCW ? s->blocking.outputs.block * s->correlation.branches
                                              : s->blocking.oc.block;
}

brdnn_brgemm_shape brdnn_kernel_shape(
        const brdnn_correlation_schedule *s, bool in_place, bool outputs_tail, bool oc_tail) {
    const brdnn_correlation *c = &s->correlation;
    const brdnn_correlation_blocking *b = &s->blocking;
    /* AMX takes whole tiles: there is room for them wherever it reads and writes. */
    const bool whole = brdnn_uses_amx(c->kernels);
    const int64_t outputs = outputs_tail && !whole ? b->outputs.tail : b->outputs.block;
    const int64_t filters = oc_tail && !whole ? b->oc.tail : b->oc.block;
    brdnn_brgemm_shape shape = {.kernels = c->kernels, .k = b->depth.block};
    if (c->layout == BRDNN_NCW) {
        shape.m = outputs;
        shape.n = filters;
        shape.lda = in_place ? c->src.pitch : s->src_packing.pitch;
        shape.a_plane = s->src_packing.plane;
        shape.ldb = s->wei_packing.words_contiguous ? b->wei_entry : b->wei_block;
        shape.b_plane = brdnn_wei_plane(&s->wei_packing);
        shape.ldc = s->merges_branches ? b->outputs.block : brdnn_sums_ld(s);
        shape.n_contiguous = !s->wei_packing.words_contiguous;
    } else {
        shape.m = filters;
        shape.n = outputs;
        shape.lda = b->wei_block;
        shape.a_plane = brdnn_wei_plane(&s->wei_packing);
        shape.ldb = brdnn_src_step(s, in_place);
        shape.b_plane = s->src_packing.plane;
        shape.ldc = brdnn_product(c->branches, brdnn_sums_ld(s));
    }
    shape.m_block = shape.a_block = shape.c_block = brdnn_min(shape.m, brdnn_amx_edge);
    return shape;
}

static bool kernels_supported(const brdnn_correlation_schedule *s, bool in_place) {
    for (int tails = 0; tails < 4; ++tails) {
        const brdnn_brgemm_shape shape = brdnn_kernel_shape(s, in_place, tails & 1, tails & 2);
        if (!brdnn_brgemm_supported(&shape)) return false;
    }
    return true;
}

bool brdnn_readable_in_place(const brdnn_correlation_schedule *s, int64_t j, int64_t count) {
    return s->reads_in_place && brdnn_reads_inside(&s->correlation, j, count);
}

/* Rows a multiple of a page apart compete for the few ways of one set of the first-level cache. */
static bool rows_compete(int64_t apart, int64_t rows) {
    const int64_t page = 4096 / sizeof(float), cache_ways = 8;
    return apart % page == 0 && rows > cache_ways;
}

/* Whether the rows of src that one batch entry reads, channels in ncw and positions in nwc, compete.
 * A packed copy costs less, measured on Zen 4 at up to 27 %, as soon as several filters use it. */
static bool src_rows_compete(const brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    const int64_t enough_filters = 16;
    const bool ncw = c->layout == BRDNN_NCW;
    return c->oc >= enough_filters
            && rows_compete(ncw ? src_pitch(c) : brdnn_src_step(s, true),
                    ncw ? c->ic : s->blocking.outputs.block);
}

/* Whether the rows of a tile in dst compete: adding bias to them there would fetch them again.
 * Doing it in scratch gained 2 to 4 % for widths of 4,096 and 8,192 (Zen 4), and cost as much for
 * others. */
static bool dst_rows_compete(const brdnn_correlation_schedule *s) {
    const bool ncw = s->correlation.layout == BRDNN_NCW;
    return rows_compete(
            s->correlation.dst.pitch, ncw ? s->blocking.oc.block : s->blocking.outputs.block);
}

/* More rows of ncw than the hardware prefetchers follow, of a src far beyond the second-level cache:
 * packing walks along one row at a time, which pays where each element is used often enough. Measured
 * on Zen 4: 64 -> 64 channels, 5 taps, width 60,000: 10 %; 288 -> 4, 17 taps, width 131,072: 45 %. */
static bool rows_outrun_prefetch(const brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    const int64_t rows_followed = 24, enough_uses = 48;
    const int64_t cached = 4 * brdnn_core_cache(2) / (int64_t)sizeof(float);
    return c->layout == BRDNN_NCW && c->ic > rows_followed && brdnn_product(c->ic, c->iw) > cached
            && brdnn_product(c->oc, c->kw) >= enough_uses;
}

/* Whether src holds the words of its tap groups as it is: f32, or in nwc whole pairs of bf16. Not for AMX,
 * whose whole tiles would read behind the last position. */
static bool holds_words(const brdnn_correlation *c) {
    if (!brdnn_is_vnni(c->kernels)) return c->src.type == BRDNN_F32;
    const bool whole_pairs = c->ic % 2 == 0 && c->src.pitch % 2 == 0;
    return c->src.type == BRDNN_BF16 && c->layout == BRDNN_NWC && c->tap_group == 1 && whole_pairs
            && !brdnn_uses_amx(c->kernels);
}

/* Whether src may be read in place where there is no padding, as far as its layout goes. */
static bool addressable_in_place(const brdnn_correlation_schedule *s) {
    const bool unit_step = s->correlation.layout == BRDNN_NWC || s->correlation.stride == 1;
    return holds_words(&s->correlation) && unit_step && !src_rows_compete(s)
            && !rows_outrun_prefetch(s) && kernels_supported(s, true);
}

static bool any_tile_inside(const brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    const int64_t tile = s->blocking.outputs.block;
    /* The first tile that starts behind the left padding. */
    const int64_t first = c->first_offset >= 0 ? 0 : brdnn_ceil_div(-c->first_offset, c->stride);
    const int64_t start = brdnn_round_up(first, tile);
    return start < c->outputs && brdnn_reads_inside(c, start, brdnn_min(tile, c->outputs - start));
}

static void choose_src_access(brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    s->src_packing = brdnn_src_packing_of(
            &c->window, c->layout, s->blocking.chunk_tiles * s->blocking.outputs.block);
    s->reads_in_place = addressable_in_place(s) && any_tile_inside(s);
    s->packs_src = !s->reads_in_place || !brdnn_reads_inside(c, 0, c->outputs);
}

static bool used_kernels_supported(const brdnn_correlation_schedule *s) {
    return (!s->reads_in_place || kernels_supported(s, true))
            && (!s->packs_src || kernels_supported(s, false));
}

/* Sums go straight to dst where kernels can leave them there as they are to stay. Not where a callback
 * takes them or they are to be rounded; where bias would be slow to add; for whole tiles, and (in nwc)
 * branches of different length, there may be no room, and rows may be out of the kernels' reach. */
static void choose_sums_place(brdnn_correlation_schedule *s) {
    const brdnn_correlation *c = &s->correlation;
    const bool ragged = c->layout == BRDNN_NWC && c->branches > 1;
    if (c->finish == BRDNN_CALLBACK || ragged || c->dst.type != BRDNN_F32) return;
    if (brdnn_uses_amx(c->kernels)) return;
    if (c->finish == BRDNN_ADD_BIAS && dst_rows_compete(s)) return;
    s->sums_in_scratch = false;
    s->sums_in_scratch = !used_kernels_supported(s);
}

static int64_t packed_wei_words(const brdnn_correlation_schedule *s) {
    return brdnn_product(
            s->correlation.groups * s->wei_packing.blocks, brdnn_wei_block_words(&s->wei_packing));
}

static void measure_scratch(brdnn_correlation_schedule *s) {
    const brdnn_correlation_blocking *b = &s->blocking;
    const int64_t entries = brdnn_batch_entries(s);
    const int64_t sums = brdnn_product(b->outputs.block * b->oc.block, s->correlation.branches);
    s->packed_wei_bytes = s->correlation.wei.packed ? 0 : brdnn_word_lines(packed_wei_words(s));
    s->packed_src_bytes = s->packs_src
            ? (size_t)brdnn_packed_src_bytes(&s->correlation.window, &s->src_packing)
            : 0;
    s->branch_sums_bytes = s->merges_branches ? brdnn_word_lines(sums + brdnn_merge_slack) : 0;
    s->sums_bytes = s->sums_in_scratch ? brdnn_word_lines(sums) : 0;
    /* Only where taps are left out of several channel blocks does a tile need its own tables. */
    s->offsets_bytes = b->depth.blocks > 1 && s->packs_src
            ? 2 * brdnn_word_lines(2 * entries) /* of 8 bytes each */
            : 0;
}

size_t brdnn_correlation_scratch_per_thread(const brdnn_correlation_schedule *s) {
    return s->packed_src_bytes + s->branch_sums_bytes + s->sums_bytes + s->offsets_bytes;
}

/* Whether the problem is within the limits of tables, before anything is computed from it. */
static bool is_countable(const brdnn_correlation *c, const char **why) {
    *why = "more taps and channel blocks than a batch holds";
    if (c->kw > most_entries) return false;
    *why = "the stride of backward data is too large";
    return c->branches <= most_entries;
}

static brdnn_wei_packing wei_packing_of(
        const brdnn_correlation *c, const brdnn_correlation_blocking *b) {
    return (brdnn_wei_packing) {.kernels = c->kernels,
            .plain = c->wei,
            .oc = c->oc,
            .ic = c->ic,
            .tap_group = c->tap_group,
            .places = brdnn_most_tap_groups(c),
            .depth = c->depth,
            .entry = b->wei_entry,
            .block = b->wei_block,
            .blocks = brdnn_ceil_div(c->oc, b->wei_block),
            .words_contiguous = brdnn_has_contiguous_words(c)};
}

/* Completes a schedule that has its correlation and blocking. */
static brdnn_status complete(brdnn_correlation_schedule *s, const char **why) {
    const brdnn_correlation *c = &s->correlation;
    *why = "more taps and channel blocks than a batch holds";
    if (brdnn_batch_entries(s) > most_entries) return BRDNN_UNSUPPORTED;

    s->wei_packing = wei_packing_of(c, &s->blocking);
    *why = "there is no packed form of weights with kernels for another type, or with grouped taps";
    if (c->wei.packed && !brdnn_has_packed_wei(c)) return BRDNN_UNSUPPORTED;
    *why = "a copy of the weights is more than an address space holds";
    if (packed_wei_words(s) > BRDNN_SIZE_LIMIT / brdnn_word_bytes) return BRDNN_UNSUPPORTED;
    s->merges_branches = c->branches > 1 && c->layout == BRDNN_NCW;
    s->sums_in_scratch = true;
    choose_src_access(s);
    choose_sums_place(s);
    *why = "src, weights or dst rows are too long for the generator's 32-bit displacements";
    if (!used_kernels_supported(s)) return BRDNN_UNSUPPORTED;
    measure_scratch(s);
    *why = NULL;
    return BRDNN_SUCCESS;
}

brdnn_status brdnn_schedule_correlation(
        const brdnn_conv_problem *p, brdnn_correlation_schedule *s, const char **why) {
    *s = (brdnn_correlation_schedule) {.correlation = brdnn_correlation_of(p)};
    if (!is_countable(&s->correlation, why)) return BRDNN_UNSUPPORTED;
    s->blocking = brdnn_block_correlation(&s->correlation);
    return complete(s, why);
}

/* Schedules the f32 plan that rescues what another marks. */
static brdnn_status schedule_rescue(const brdnn_conv_problem *p,
        const brdnn_correlation_schedule *fast, brdnn_correlation_schedule *s, const char **why) {
    const brdnn_conv_problem f32 = brdnn_with_f32_kernels(p);
    *s = (brdnn_correlation_schedule) {.correlation = brdnn_correlation_of(&f32)};
    s->blocking = brdnn_block_for_chunks(&s->correlation, &fast->blocking);
    return complete(s, why);
}

/* Whether kernels for bf16 could give another result than f32 ones, beyond rounding: from any values that are
 * split; from infinities and NaN, which a last tap group multiplies by its zeros. */
static bool needs_rescue(const brdnn_correlation *c) {
    return brdnn_is_vnni(c->kernels) && (c->kernels.splits > 1 || c->tap_group > 1);
}

brdnn_status brdnn_schedule_data(
        const brdnn_conv_problem *p, brdnn_data_schedule *s, const char **why) {
    brdnn_status status = brdnn_schedule_correlation(p, &s->fast, why);
    s->has_rescue = status == BRDNN_SUCCESS && needs_rescue(&s->fast.correlation);
    if (s->has_rescue) status = schedule_rescue(p, &s->fast, &s->rescue, why);
    if (status != BRDNN_SUCCESS) return status;
    *why = "packed copies of src or tiles of sums would need more than 64 MiB a thread";
    if (brdnn_data_scratch_of(s).per_thread > most_scratch_bytes_per_thread)
        return BRDNN_UNSUPPORTED;
    *why = NULL;
    return BRDNN_SUCCESS;
}

int64_t brdnn_marked_chunks(const brdnn_correlation_schedule *s) {
    return brdnn_ceil_div(s->blocking.outputs.blocks, s->blocking.chunk_tiles);
}

brdnn_data_scratch brdnn_data_scratch_of(const brdnn_data_schedule *s) {
    const brdnn_correlation *c = &s->fast.correlation;
    const size_t own = brdnn_correlation_scratch_per_thread(&s->fast);
    brdnn_data_scratch at = {.wei_ranges = s->fast.packed_wei_bytes};
    at.marks = at.rescue_wei = at.shared = at.wei_ranges;
    at.per_thread = own;
    if (!s->has_rescue) return at;
    /* Each range takes two words, and each mark a byte. */
    const int64_t blocks = c->groups * s->fast.wei_packing.blocks;
    const int64_t chunks = brdnn_product(c->mb * c->groups, brdnn_marked_chunks(&s->fast));
    const size_t of_rescue = brdnn_correlation_scratch_per_thread(&s->rescue);
    at.marks += brdnn_word_lines(2 * blocks);
    at.rescue_wei = at.marks + brdnn_word_lines(brdnn_ceil_div(chunks, brdnn_word_bytes));
    at.shared = at.rescue_wei + s->rescue.packed_wei_bytes;
    at.per_thread = own > of_rescue ? own : of_rescue;
    return at;
}
