/* SPDX-FileCopyrightText: 2026 The brconv1d authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "backward_weights_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* As for correlations: more would trade memory for speed in a way that no user expects. */
static const size_t most_scratch_bytes_per_thread = (size_t)64 * 1024 * 1024;

enum { kernels = 2 * 2 * brconv1d_term_tile_kinds * 2 };

static brconv1d_weights_kernel kernel_at(int index) {
    return (brconv1d_weights_kernel) {
            .is_first = index & 1, .single = index & 2, .oc_tail = index & 4, .kind = index / 8};
}

static bool is_used(const brconv1d_weights_blocking *b, brconv1d_weights_kernel kernel) {
    if (brconv1d_uses_amx(b->window.isa, b->items))
        return !kernel.single && !kernel.oc_tail && kernel.kind < b->most_blocks;
    return kernel.kind <= (b->terms.tail != b->terms.block)
            && kernel.oc_tail <= (b->oc.tail != b->oc.block);
}

static bool kernels_supported(const brconv1d_weights_blocking *b) {
    for (int i = 0; i < kernels; ++i) {
        const brconv1d_brgemm_shape shape = brconv1d_weights_kernel_shape(b, kernel_at(i));
        if (is_used(b, kernel_at(i)) && !brconv1d_brgemm_supported(&shape)) return false;
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
    s->partial_bytes = brconv1d_item_lines(
            brconv1d_product(b->parts, brconv1d_partial_elements(&s->problem, b)));
    s->partial_bias_bytes = s->bias_channels
            ? brconv1d_item_lines(brconv1d_product(b->parts, s->bias_channels))
            : 0;
    s->packed_src_bytes
            = brconv1d_item_lines(brconv1d_product(b->src_packing.part, b->items.parts));
    s->packed_dst_bytes = brconv1d_item_lines(brconv1d_product(b->dst_part, b->items.parts));
}

/* Completes a schedule that has its problem and blocking. */
static brconv1d_status complete(brconv1d_weights_schedule *s, const char **why) {
    s->bias_channels = bias_channels(&s->problem);
    measure_scratch(s);
    *why = "packed rows are too long for the generator's 32-bit displacements";
    if (!kernels_supported(&s->blocking)) return BRCONV1D_UNSUPPORTED;
    *why = NULL;
    return BRCONV1D_SUCCESS;
}

brconv1d_status brconv1d_schedule_weights(
        const brconv1d_problem *p, brconv1d_weights_schedule *s, const char **why) {
    *s = (brconv1d_weights_schedule) {.problem = *p, .blocking = brconv1d_block_weights(p)};
    return complete(s, why);
}

/* Whether kernels for bf16 could give another result than f32 ones, beyond rounding: from any values in
 * parts; from infinities and NaN, which the zeros that fill up the last item or tile multiply. */
static bool needs_guard(const brconv1d_problem *p, const brconv1d_weights_blocking *b) {
    if (brconv1d_is_f32(b->items)) return false;
    const int64_t filled = brconv1d_max(b->ow, brconv1d_in_rounds(b, b->ow));
    return b->items.parts > 1 || filled * b->items.terms > p->ow;
}

static size_t packed_bytes(const brconv1d_weights_schedule *s) {
    return s->packed_src_bytes + s->packed_dst_bytes;
}

size_t brconv1d_guarded_weights_scratch(const brconv1d_guarded_weights_schedule *s) {
    return packed_bytes(&s->main) + (s->is_guarded ? packed_bytes(&s->fallback) : 0);
}

/* Schedules a problem with the items that are meant for it. */
static brconv1d_status schedule_as_meant(
        const brconv1d_problem *p, brconv1d_guarded_weights_schedule *s, const char **why) {
    brconv1d_status status = brconv1d_schedule_weights(p, &s->main, why);
    s->is_guarded = status == BRCONV1D_SUCCESS && needs_guard(p, &s->main.blocking);
    if (s->is_guarded) {
        s->fallback = (brconv1d_weights_schedule) {.problem = brconv1d_with_f32_items(p)};
        s->fallback.blocking
                = brconv1d_block_weights_within(&s->fallback.problem, &s->main.blocking);
        status = complete(&s->fallback, why);
    }
    if (status != BRCONV1D_SUCCESS) return status;
    *why = "packed rows of src and diff_dst would need more than 64 MiB a thread";
    if (brconv1d_guarded_weights_scratch(s) > most_scratch_bytes_per_thread)
        return BRCONV1D_UNSUPPORTED;
    *why = NULL;
    return BRCONV1D_SUCCESS;
}

brconv1d_status brconv1d_schedule_guarded_weights(
        const brconv1d_problem *p, brconv1d_guarded_weights_schedule *s, const char **why) {
    const brconv1d_status status = schedule_as_meant(p, s, why);
    if (status != BRCONV1D_UNSUPPORTED || brconv1d_is_f32(s->main.blocking.items)) return status;
    const brconv1d_problem f32 = brconv1d_with_f32_items(p);
    return schedule_as_meant(&f32, s, why);
}

static void describe_blocks(const brconv1d_weights_schedule *s, char *text, size_t size) {
    const brconv1d_weights_blocking *b = &s->blocking;
    snprintf(text, size,
            "%s %s, tile %" PRId64 " terms x %" PRId64
            " filters, lanes along %s, taps %s, by %" PRId64 ", %" PRId64 " x %" PRId64
            " positions at a time, every %" PRId64 ", %" PRId64 " a batch, %" PRId64 " parts",
            brconv1d_kernels_name(s->problem.isa, b->items),
            s->problem.layout == BRCONV1D_NCW ? "ncw" : "nwc", b->terms.block, b->oc.block,
            b->filters_along_lanes ? "filters" : "terms",
            b->taps_side_by_side ? "side by side" : "apart", b->bundle, b->images, b->positions,
            b->interval, b->k, b->parts);
}

void brconv1d_describe_weights(const brconv1d_guarded_weights_schedule *g, brconv1d_info *info) {
    const brconv1d_weights_schedule *s = &g->main;
    info->phases = 2;
    info->work_items = s->blocking.parts * s->problem.groups * s->blocking.oc.blocks;
    info->shared_scratch_bytes = s->partial_bytes + s->partial_bias_bytes;
    info->scratch_bytes_per_thread = brconv1d_guarded_weights_scratch(g);
    info->lane_use = s->blocking.lane_use;
    info->parts = brconv1d_is_f32(s->blocking.items) ? 0 : (int)s->blocking.items.parts;
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
        const int64_t dst_step = brconv1d_is_f32(b->items) ? b->dst_pitch : 1;
        table->src_offsets[i] = (uint64_t)(src * b->src_packing.pitch) * brconv1d_item_bytes;
        table->dst_offsets[i] = (uint64_t)(dst * dst_step) * brconv1d_item_bytes;
    }
    return true;
}

static bool fill_tables(brconv1d_weights_plan *plan) {
    const brconv1d_weights_blocking *b = &plan->schedule.blocking;
    const int64_t last = brconv1d_last_positions(b), in_rounds = brconv1d_in_rounds(b, last);
    const bool has_whole = brconv1d_chunks_per_image(b) > 1;
    const int64_t singles = brconv1d_max(last - in_rounds, 0);
    return fill_table(&plan->whole, b, has_whole ? b->positions / b->k : 0, false, 0)
            && fill_table(&plan->last, b, in_rounds / b->k, false, 0)
            && fill_table(&plan->single, b, singles, true, in_rounds);
}

static bool has_entries(const brconv1d_weights_plan *plan, brconv1d_weights_kernel kernel) {
    const bool has_rounds = plan->whole.per_image + plan->last.per_image > 0;
    return kernel.single ? plan->single.per_image > 0 : has_rounds;
}

/* Generates the kernels that are used, and before that counts them. */
static bool fill_kernels(brconv1d_weights_plan *plan) {
    const brconv1d_weights_blocking *b = &plan->schedule.blocking;
    brconv1d_weights_kernel used[kernels];
    int count = 0;
    for (int i = 0; i < kernels; ++i) {
        used[count] = kernel_at(i);
        if (is_used(b, used[count]) && has_entries(plan, used[count])) ++count;
    }
    const bool own = brconv1d_uses_amx(b->window.isa, b->items);
    plan->code = brconv1d_brgemm_code_create(own ? 0 : count);
    if (!plan->code) return false;
    for (int i = 0; i < count; ++i) {
        const brconv1d_weights_kernel k = used[i];
        const brconv1d_brgemm_shape shape = brconv1d_weights_kernel_shape(b, k);
        brconv1d_brgemm *kernel = &plan->kernels[k.is_first][k.single][k.kind][k.oc_tail];
        if (!brconv1d_brgemm_generate(kernel, plan->code, &shape)) return false;
    }
    return brconv1d_brgemm_code_seal(plan->code);
}

static bool fill_plan(brconv1d_weights_plan *plan, const brconv1d_weights_schedule *schedule) {
    plan->schedule = *schedule;
    return fill_tables(plan) && fill_kernels(plan);
}

bool brconv1d_plan_guarded_weights(
        brconv1d_guarded_weights_plan *plan, const brconv1d_guarded_weights_schedule *schedule) {
    plan->schedule = *schedule;
    return fill_plan(&plan->main, &schedule->main)
            && (!schedule->is_guarded || fill_plan(&plan->fallback, &schedule->fallback));
}

static void clear_table(brconv1d_entry_table *table) {
    free(table->src_offsets);
    free(table->dst_offsets);
}

static void clear_plan(brconv1d_weights_plan *plan) {
    brconv1d_brgemm_code_destroy(plan->code);
    clear_table(&plan->whole);
    clear_table(&plan->last);
    clear_table(&plan->single);
}

void brconv1d_guarded_weights_plan_clear(brconv1d_guarded_weights_plan *plan) {
    clear_plan(&plan->main);
    clear_plan(&plan->fallback);
}
