/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "backward_weights_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* As for correlations: more would trade memory for speed in a way that no user expects. */
static const size_t most_scratch_bytes_per_thread = (size_t)64 * 1024 * 1024;

enum { kernel_kinds = 16 };

static brconv1d_weights_kernel kernel_kind(int kind) {
    return (brconv1d_weights_kernel) {kind & 8, kind & 4, kind & 2, kind & 1};
}

static bool kernels_supported(const brconv1d_weights_schedule *s) {
    for (int kind = 0; kind < kernel_kinds; ++kind) {
        const brconv1d_brgemm_shape shape
                = brconv1d_weights_kernel_shape(&s->problem, &s->blocking, kernel_kind(kind));
        if (!brconv1d_brgemm_supported(&shape)) return false;
    }
    return true;
}

static int64_t bias_channels(const brconv1d_problem *p) {
    switch (p->finish) {
    case BRCONV1D_BIAS_OF_DST: return p->oc;
    case BRCONV1D_BIAS_OF_SRC: return p->ic;
    default: return 0;
    }
}

static void measure_scratch(brconv1d_weights_schedule *s) {
    const brconv1d_weights_blocking *b = &s->blocking;
    const int64_t src_rows = brconv1d_product(b->images, b->src_packing.rows);
    const int64_t dst_rows = brconv1d_product(b->images, b->positions);
    s->partial_bytes = brconv1d_float_lines(
            brconv1d_product(b->parts, brconv1d_partial_elements(&s->problem)));
    s->partial_bias_bytes = s->bias_channels
            ? brconv1d_float_lines(brconv1d_product(b->parts, s->bias_channels))
            : 0;
    s->packed_src_bytes = brconv1d_float_lines(brconv1d_product(src_rows, b->src_packing.pitch));
    s->packed_dst_bytes = brconv1d_float_lines(brconv1d_product(dst_rows, b->dst_pitch));
}

brconv1d_status brconv1d_schedule_weights(
        const brconv1d_problem *p, brconv1d_weights_schedule *s, const char **why) {
    *s = (brconv1d_weights_schedule) {.problem = *p, .bias_channels = bias_channels(p)};
    s->blocking = brconv1d_block_weights(p);
    measure_scratch(s);
    *why = "packed rows of src and diff_dst would need more than 64 MiB a thread";
    if (s->packed_src_bytes + s->packed_dst_bytes > most_scratch_bytes_per_thread)
        return BRCONV1D_UNSUPPORTED;
    *why = "packed rows are too long for the generator's 32-bit displacements";
    if (!kernels_supported(s)) return BRCONV1D_UNSUPPORTED;
    *why = NULL;
    return BRCONV1D_SUCCESS;
}

static void describe_blocks(const brconv1d_weights_schedule *s, char *text, size_t size) {
    const brconv1d_weights_blocking *b = &s->blocking;
    snprintf(text, size,
            "%s %s, tile %" PRId64 " terms x %" PRId64 " filters, lanes along %s, taps %s, %" PRId64
            " x %" PRId64 " positions at a time, every %" PRId64 ", %" PRId64 " a batch, %" PRId64
            " parts",
            s->problem.isa == BRCONV1D_ISA_AVX512_CORE ? "avx512_core" : "avx2",
            s->problem.layout == BRCONV1D_NCW ? "ncw" : "nwc", b->terms.block, b->oc.block,
            b->filters_along_lanes ? "filters" : "terms",
            b->taps_side_by_side ? "side by side" : "apart", b->images, b->positions, b->interval,
            b->k, b->parts);
}

void brconv1d_describe_weights(const brconv1d_weights_schedule *s, brconv1d_info *info) {
    info->phases = 2;
    info->work_items = s->blocking.parts * s->problem.groups * s->blocking.oc.blocks;
    info->shared_scratch_bytes = s->partial_bytes + s->partial_bias_bytes;
    info->scratch_bytes_per_thread = s->packed_src_bytes + s->packed_dst_bytes;
    info->lane_use = s->blocking.lane_use;
    describe_blocks(s, info->text, sizeof(info->text));
}

/* Packed row of src that the first term of a position reads. */
static int64_t src_row(const brconv1d_weights_blocking *b, int64_t position) {
    return b->taps_side_by_side ? brconv1d_packed_tap(&b->window, &b->src_packing, position)
                                : position;
}

/* The position that an entry of rounds starts at. */
static int64_t entry_position(const brconv1d_weights_blocking *b, int64_t entry) {
    return entry / b->interval * b->interval * b->k + entry % b->interval;
}

/* Fills a table for the entries of rounds, or for single positions from `first` on. */
static bool fill_table(brconv1d_entry_table *table, const brconv1d_weights_blocking *b,
        int64_t per_image, bool single, int64_t first) {
    const size_t bytes = (size_t)(b->images * per_image) * sizeof(uint64_t);
    table->per_image = per_image;
    if (per_image == 0) return true;
    table->src_offsets = malloc(bytes);
    table->dst_offsets = malloc(bytes);
    if (!table->src_offsets || !table->dst_offsets) return false;
    for (int64_t i = 0; i < b->images * per_image; ++i) {
        const int64_t image = i / per_image, entry = i % per_image;
        const int64_t position = single ? first + entry : entry_position(b, entry);
        const int64_t src = image * b->src_packing.rows + src_row(b, position);
        const int64_t dst = image * b->positions + position;
        table->src_offsets[i] = (uint64_t)(src * b->src_packing.pitch) * sizeof(float);
        table->dst_offsets[i] = (uint64_t)(dst * b->dst_pitch) * sizeof(float);
    }
    return true;
}

static bool fill_tables(brconv1d_weights_plan *plan) {
    const brconv1d_weights_blocking *b = &plan->schedule.blocking;
    const int64_t last = brconv1d_last_positions(&plan->schedule.problem, b);
    const int64_t in_rounds = brconv1d_in_rounds(b, last);
    const bool has_whole = brconv1d_chunks_per_image(&plan->schedule.problem, b) > 1;
    return fill_table(&plan->whole, b, has_whole ? b->positions / b->k : 0, false, 0)
            && fill_table(&plan->last, b, in_rounds / b->k, false, 0)
            && fill_table(&plan->single, b, last - in_rounds, true, in_rounds);
}

static bool is_used(const brconv1d_weights_plan *plan, brconv1d_weights_kernel kernel) {
    const brconv1d_weights_blocking *b = &plan->schedule.blocking;
    const bool has_rounds = plan->whole.per_image + plan->last.per_image > 0;
    return (kernel.single ? plan->single.per_image > 0 : has_rounds)
            && (!kernel.terms_tail || b->terms.tail != b->terms.block)
            && (!kernel.oc_tail || b->oc.tail != b->oc.block);
}

static bool fill_kernels(brconv1d_weights_plan *plan) {
    plan->code = brconv1d_brgemm_code_create(kernel_kinds);
    if (!plan->code) return false;
    for (int i = 0; i < kernel_kinds; ++i) {
        const brconv1d_weights_kernel kind = kernel_kind(i);
        if (!is_used(plan, kind)) continue;
        const brconv1d_brgemm_shape shape = brconv1d_weights_kernel_shape(
                &plan->schedule.problem, &plan->schedule.blocking, kind);
        const brconv1d_brgemm kernel = brconv1d_brgemm_generate(plan->code, &shape);
        if (!kernel) return false;
        plan->kernels[kind.is_first][kind.single][kind.terms_tail][kind.oc_tail] = kernel;
    }
    return brconv1d_brgemm_code_seal(plan->code);
}

bool brconv1d_plan_weights(brconv1d_weights_plan *plan, const brconv1d_weights_schedule *schedule) {
    plan->schedule = *schedule;
    return fill_tables(plan) && fill_kernels(plan);
}

static void clear_table(brconv1d_entry_table *table) {
    free(table->src_offsets);
    free(table->dst_offsets);
}

void brconv1d_weights_plan_clear(brconv1d_weights_plan *plan) {
    brconv1d_brgemm_code_destroy(plan->code);
    clear_table(&plan->whole);
    clear_table(&plan->last);
    clear_table(&plan->single);
}
