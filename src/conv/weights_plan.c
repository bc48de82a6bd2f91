/* SPDX-FileCopyrightText: 2026 The brdnn authors
 * SPDX-License-Identifier: Apache-2.0 */

#include "conv/weights_plan.h"

#include "conv/kernels_of.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* As for correlations: more would trade memory for speed in a way that no user expects. */
static const size_t most_scratch_bytes_per_thread = (size_t)64 * 1024 * 1024;

enum { kernels = 2 * 2 * brdnn_term_tile_kinds * 2 };

static brdnn_weights_kernel kernel_at(int index) {
    return (brdnn_weights_kernel) {
            .is_first = index & 1, .single = index & 2, .oc_tail = index & 4, .kind = index / 8};
}

static bool is_used(const brdnn_weights_blocking *b, brdnn_weights_kernel kernel) {
    if (brdnn_uses_amx(b->kernels))
        return !kernel.single && !kernel.oc_tail && kernel.kind < b->most_blocks;
    return kernel.kind <= (b->terms.tail != b->terms.block)
            && kernel.oc_tail <= (b->oc.tail != b->oc.block);
}

static bool kernels_supported(const brdnn_weights_blocking *b) {
    for (int i = 0; i < kernels; ++i) {
        const brdnn_brgemm_shape shape = brdnn_weights_kernel_shape(b, kernel_at(i));
        if (is_used(b, kernel_at(i)) && !brdnn_brgemm_supported(&shape)) return false;
    }
    return true;
}

static int64_t bias_channels(const brdnn_conv_problem *p) {
    switch (p->finish) {
    case BRDNN_BIAS_OF_DST: return p->oc;
    case BRDNN_BIAS_OF_SRC: return p->ic;
    default: return 0;
    }
}

static void measure_scratch(brdnn_gradient_schedule *s) {
    const brdnn_weights_blocking *b = &s->blocking;
    s->partial_bytes
            = brdnn_word_lines(brdnn_product(b->partials, brdnn_partial_elements(&s->problem, b)));
    s->partial_bias_bytes
            = s->bias_channels ? brdnn_word_lines(brdnn_product(b->partials, s->bias_channels)) : 0;
    s->packed_src_bytes = brdnn_word_lines(brdnn_product(b->src_packing.plane, b->kernels.splits));
    s->packed_dst_bytes = brdnn_word_lines(brdnn_product(b->dst_plane, b->kernels.splits));
}

/* Completes a schedule that has its problem and blocking. */
static brdnn_status complete(brdnn_gradient_schedule *s, const char **why) {
    s->bias_channels = bias_channels(&s->problem);
    measure_scratch(s);
    *why = "packed rows are too long for the generator's 32-bit displacements";
    if (!kernels_supported(&s->blocking)) return BRDNN_UNSUPPORTED;
    *why = NULL;
    return BRDNN_SUCCESS;
}

brdnn_status brdnn_schedule_gradient(
        const brdnn_conv_problem *p, brdnn_gradient_schedule *s, const char **why) {
    *s = (brdnn_gradient_schedule) {.problem = *p, .blocking = brdnn_block_weights(p)};
    return complete(s, why);
}

/* Whether kernels for bf16 could give another result than f32 ones, beyond rounding: from any values that are
 * split; from infinities and NaN, which the zeros that fill up the last word or tile multiply. */
static bool needs_rescue(const brdnn_conv_problem *p, const brdnn_weights_blocking *b) {
    if (!brdnn_is_vnni(b->kernels)) return false;
    const int64_t filled = brdnn_max(b->ow, brdnn_in_rounds(b, b->ow));
    return b->kernels.splits > 1 || filled * brdnn_terms_of(b->kernels) > p->ow;
}

static size_t packed_bytes(const brdnn_gradient_schedule *s) {
    return s->packed_src_bytes + s->packed_dst_bytes;
}

brdnn_weights_scratch brdnn_weights_scratch_of(const brdnn_weights_schedule *s) {
    const brdnn_gradient_schedule *fast = &s->fast;
    brdnn_weights_scratch at = {.bias = fast->partial_bytes};
    at.marks = at.shared = at.bias + fast->partial_bias_bytes;
    at.per_thread = packed_bytes(fast);
    if (!s->has_rescue) return at;
    const int64_t blocks = fast->problem.groups * fast->blocking.oc.blocks;
    const int64_t marks = brdnn_product(brdnn_chunks(&fast->problem, &fast->blocking), blocks);
    at.shared += brdnn_word_lines(brdnn_ceil_div(marks, brdnn_word_bytes));
    if (packed_bytes(&s->rescue) > at.per_thread) at.per_thread = packed_bytes(&s->rescue);
    return at;
}

int brdnn_weights_phases(const brdnn_weights_schedule *s) { return s->has_rescue ? 3 : 2; }

brdnn_status brdnn_schedule_weights(
        const brdnn_conv_problem *p, brdnn_weights_schedule *s, const char **why) {
    brdnn_status status = brdnn_schedule_gradient(p, &s->fast, why);
    s->has_rescue = status == BRDNN_SUCCESS && needs_rescue(p, &s->fast.blocking);
    if (s->has_rescue) {
        s->rescue = (brdnn_gradient_schedule) {.problem = brdnn_with_f32_kernels(p)};
        s->rescue.blocking = brdnn_block_weights_within(&s->rescue.problem, &s->fast.blocking);
        status = complete(&s->rescue, why);
    }
    if (status != BRDNN_SUCCESS) return status;
    *why = "packed rows of src and diff_dst would need more than 64 MiB a thread";
    if (brdnn_weights_scratch_of(s).per_thread > most_scratch_bytes_per_thread)
        return BRDNN_UNSUPPORTED;
    *why = NULL;
    return BRDNN_SUCCESS;
}

static void describe_blocks(const brdnn_gradient_schedule *s, char *text, size_t size) {
    const brdnn_weights_blocking *b = &s->blocking;
    snprintf(text, size,
            "%s %s, tile %" PRId64 " terms x %" PRId64
            " filters, lanes along %s, taps %s, by %" PRId64 ", %" PRId64 " x %" PRId64
            " positions at a time, every %" PRId64 ", %" PRId64 " a batch, %" PRId64 " partials",
            brdnn_kernels_name(b->kernels), s->problem.layout == BRDNN_NCW ? "ncw" : "nwc",
            b->terms.block, b->oc.block, b->filters_along_lanes ? "filters" : "terms",
            b->taps_side_by_side ? "side by side" : "apart", b->tap_group, b->images, b->positions,
            b->interval, b->k, b->partials);
}

void brdnn_describe_weights(const brdnn_weights_schedule *of, brdnn_conv_info *info) {
    const brdnn_gradient_schedule *s = &of->fast;
    const brdnn_weights_scratch scratch = brdnn_weights_scratch_of(of);
    info->phases = brdnn_weights_phases(of);
    info->work_items = s->blocking.partials * s->problem.groups * s->blocking.oc.blocks;
    info->shared_scratch_bytes = scratch.shared;
    info->scratch_bytes_per_thread = scratch.per_thread;
    info->lane_use = s->blocking.lane_use;
    info->splits = !brdnn_is_vnni(s->blocking.kernels) ? 0 : (int)s->blocking.kernels.splits;
    describe_blocks(s, info->text, sizeof(info->text));
}

/* Packed row of src that the first term of a position reads. */
static int64_t src_row(const brdnn_weights_blocking *b, int64_t position) {
    return b->taps_side_by_side ? brdnn_packed_position(&b->window, &b->src_packing, position)
                                : position;
}

/* The position that an entry of rounds starts at. */
static int64_t entry_position(const brdnn_weights_blocking *b, int64_t entry) {
    return entry / b->interval * b->interval * b->k + entry % b->interval;
}

/* Fills a table for the entries of rounds, or for single positions from `first` on. */
static bool fill_table(brdnn_entry_table *table, const brdnn_weights_blocking *b, int64_t per_image,
        bool single, int64_t first) {
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
        const int64_t dst_step = !brdnn_is_vnni(b->kernels) ? b->dst_pitch : 1;
        table->src_offsets[i] = (uint64_t)(src * b->src_packing.pitch) * brdnn_word_bytes;
        table->dst_offsets[i] = (uint64_t)(dst * dst_step) * brdnn_word_bytes;
    }
    return true;
}

static bool fill_tables(brdnn_gradient_plan *plan) {
    const brdnn_weights_blocking *b = &plan->schedule.blocking;
    const int64_t last = brdnn_last_positions(b), in_rounds = brdnn_in_rounds(b, last);
    const bool has_whole = brdnn_chunks_per_image(b) > 1;
    const int64_t singles = brdnn_max(last - in_rounds, 0);
    return fill_table(&plan->whole, b, has_whole ? b->positions / b->k : 0, false, 0)
            && fill_table(&plan->last, b, in_rounds / b->k, false, 0)
            && fill_table(&plan->single, b, singles, true, in_rounds);
}

static bool has_entries(const brdnn_gradient_plan *plan, brdnn_weights_kernel kernel) {
    const bool has_rounds = plan->whole.per_image + plan->last.per_image > 0;
    return kernel.single ? plan->single.per_image > 0 : has_rounds;
}

/* Generates the kernels that are used, and before that counts them. */
static bool fill_kernels(brdnn_gradient_plan *plan) {
    const brdnn_weights_blocking *b = &plan->schedule.blocking;
    brdnn_weights_kernel used[kernels];
    int count = 0;
    for (int i = 0; i < kernels; ++i) {
        used[count] = kernel_at(i);
        if (is_used(b, used[count]) && has_entries(plan, used[count])) ++count;
    }
    const bool own = brdnn_uses_amx(b->kernels);
    plan->code = brdnn_brgemm_code_create(own ? 0 : count);
    if (!plan->code) return false;
    for (int i = 0; i < count; ++i) {
        const brdnn_weights_kernel k = used[i];
        const brdnn_brgemm_shape shape = brdnn_weights_kernel_shape(b, k);
        brdnn_brgemm *kernel = &plan->kernels[k.is_first][k.single][k.kind][k.oc_tail];
        if (!brdnn_brgemm_generate(kernel, plan->code, &shape)) return false;
    }
    return brdnn_brgemm_code_seal(plan->code);
}

static bool fill_plan(brdnn_gradient_plan *plan, const brdnn_gradient_schedule *schedule) {
    plan->schedule = *schedule;
    return fill_tables(plan) && fill_kernels(plan);
}

bool brdnn_plan_weights(brdnn_weights_plan *plan, const brdnn_weights_schedule *schedule) {
    plan->schedule = *schedule;
    plan->scratch = brdnn_weights_scratch_of(schedule);
    return fill_plan(&plan->fast, &schedule->fast)
            && (!schedule->has_rescue || fill_plan(&plan->rescue, &schedule->rescue));
}

static void clear_table(brdnn_entry_table *table) {
    free(table->src_offsets);
    free(table->dst_offsets);
}

static void clear_plan(brdnn_gradient_plan *plan) {
    brdnn_brgemm_code_destroy(plan->code);
    clear_table(&plan->whole);
    clear_table(&plan->last);
    clear_table(&plan->single);
}

void brdnn_weights_plan_clear(brdnn_weights_plan *plan) {
    clear_plan(&plan->fast);
    clear_plan(&plan->rescue);
}
